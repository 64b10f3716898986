"""One dashboard on the samples and one on hostile corpora, and a browser that looks at them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import saedata
from saedata.frame.relabel import relabel_frame
from tests_browser import chromium
from tests_browser.server import ROOT, dashboard
from tests_browser.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext

    from saedata.frame import Embeddings

WIDE, PHONE = (1440, 1000), (390, 844)

PATIENCE = 300_000
"""Milliseconds that anything may take on a machine that is busy with other things."""

ALONE = {"OMP_NUM_THREADS": "1"}
"""Of the servers: threads that wait for each other are slow where browser and tests run beside them."""

PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "**bold** [link](javascript:alert(3)) ![image](https://example.org/i.png)",
    "$\\frac{1}{2}$ :red[red] :material/home: `code`",
    "\u202eright to left\u2066",
    "\u001b[31mred\u001b[0m",
    "{{7*7}} ${7*7} <%= 7*7 %>",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    program = chromium.installed()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(program),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            env=dict(chromium.environment()),
            timeout=PATIENCE,
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Embeddings]:
    """Frames of the two samples: copies, as a test edits one."""
    folder = tmp_path_factory.mktemp("samples")
    frames = []
    for name in ("willow", "flint"):
        made = saedata.embed(ROOT / "samples" / f"{name}.jsonl")
        shutil.copytree(str(made.path), folder / f"{name}.sae")
        frames.append(saedata.open(folder / f"{name}.sae"))
    return frames


@pytest.fixture(scope="module")
def served(samples: list[Embeddings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard on the samples; the beginnings of some answers, with a label, lie in a folder of it."""
    folder = tmp_path_factory.mktemp("corpora")
    beginnings(samples).write_ndjson(folder / "both.jsonl")
    log = tmp_path_factory.mktemp("log") / "dashboard.log"
    cache = tmp_path_factory.mktemp("cache")
    paths = [Path(str(frame.path)) for frame in samples]
    with dashboard(paths, corpora=[folder], log=log, SAEDATA_CACHE=str(cache), **ALONE) as address:
        yield address


@pytest.fixture(scope="session")
def columned(samples: list[Embeddings], tmp_path_factory: pytest.TempPathFactory) -> Embeddings:
    """The beginnings of some answers, with columns: whose they are, and one that is called like one of languages."""
    table = beginnings(samples).with_columns(language=pl.Series(["en", "en", "en", "de"] * 20))
    return saedata.embed(table, text="text", out=tmp_path_factory.mktemp("columned") / "columned.sae")


def beginnings(samples: list[Embeddings]) -> pl.DataFrame:
    """How 40 answers of either assistant begin, and whose they are."""
    texts = [frame.documents["text"].head(40).str.slice(0, 300) for frame in samples]
    return pl.DataFrame({"text": pl.concat(texts), "assistant": ["willow"] * 40 + ["flint"] * 40})


@pytest.fixture(scope="module")
def served_columned(columned: Embeddings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard on one corpus with columns."""
    log = tmp_path_factory.mktemp("log") / "columned.log"
    cache = str(tmp_path_factory.mktemp("cache"))
    with dashboard([Path(str(columned.path))], log=log, SAEDATA_CACHE=cache, **ALONE) as address:
        yield address


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard whose texts, labels, columns, values and names all try to be something else than text."""
    folder = tmp_path_factory.mktemp("hostile")
    names = ["<b>one<b> $x$ **y**", "two :red[z]"]
    frames = []
    for place, name in enumerate(names):
        texts = [f"{PAYLOADS[n % len(PAYLOADS)]} answer number {n} about tea and rain" for n in range(30)]
        columns = {PAYLOADS[0]: [PAYLOADS[n % 2] for n in range(30)], PAYLOADS[2]: texts}
        table = pl.DataFrame({"text": texts[place:] + texts[:place], **columns})
        made = saedata.embed(table, out=folder / f"{name.replace('/', '-')}.sae")
        on = made.features.sort("documents", descending=True).head(200)  # a vector is made for every new label
        labels = on.select(
            "feature",
            label=pl.Series([f"{PAYLOADS[n % len(PAYLOADS)]} {n}" for n in range(on.height)]),
            kind=pl.lit(PAYLOADS[0]),
        )
        relabel_frame(made.path, labels)
        frames.append(Path(str(made.path)))
    log = tmp_path_factory.mktemp("log") / "hostile.log"
    with dashboard(frames, log=log, SAEDATA_CACHE=str(tmp_path_factory.mktemp("cache")), **ALONE) as address:
        yield address


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """A browser's profile for each colour scheme: what it has fetched once it need not fetch again."""
    made: dict[str, BrowserContext] = {}

    def of(scheme: Any) -> BrowserContext:
        if scheme not in made:
            made[scheme] = browser.new_context(color_scheme=scheme)
            made[scheme].set_default_timeout(PATIENCE)
            made[scheme].set_default_navigation_timeout(PATIENCE)
        return made[scheme]

    yield of
    for context in made.values():
        context.close()


@pytest.fixture
def visit(contexts: Callable[[str], BrowserContext]) -> Iterator[Callable[..., Visitor]]:
    """Look at a dashboard; in the end nothing may have gone wrong."""
    visitors: list[Visitor] = []

    def start(address: str, *, size: tuple[int, int] = WIDE, scheme: str = "light") -> Visitor:
        page = contexts(scheme).new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        visitors.append(Visitor(page, address))
        return visitors[-1]

    yield start
    for visitor in visitors:
        visitor.page.close()
    assert [one for visitor in visitors for one in visitor.wrong] == []
    assert max((visitor.largest for visitor in visitors), default=0) < 10_000_000
