"""One dashboard on the samples and one on hostile corpora, and a browser that looks at them."""

from __future__ import annotations

import shutil
import subprocess
import sys
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

    from playwright.sync_api import Browser

    from saedata.frame import Embeddings

WIDE, PHONE = (1440, 1000), (390, 844)

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


@pytest.fixture(scope="session")
def served(samples: list[Embeddings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard on the samples; a corpus with a label lies in a folder of it."""
    folder = tmp_path_factory.mktemp("corpora")
    subprocess.run([sys.executable, ROOT / "samples" / "both.py", folder / "both.jsonl"], check=True)
    log = tmp_path_factory.mktemp("log") / "dashboard.log"
    cache = tmp_path_factory.mktemp("cache")
    paths = [Path(str(frame.path)) for frame in samples]
    with dashboard(paths, corpora=[folder], log=log, SAEDATA_CACHE=str(cache)) as address:
        yield address


@pytest.fixture(scope="session")
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
        on = made.features.filter(pl.col("documents") > 0)
        labels = on.select(
            "feature",
            label=pl.Series([f"{PAYLOADS[n % len(PAYLOADS)]} {n}" for n in range(on.height)]),
            kind=pl.lit(PAYLOADS[0]),
        )
        relabel_frame(made.path, labels)
        frames.append(Path(str(made.path)))
    log = tmp_path_factory.mktemp("log") / "hostile.log"
    with dashboard(frames, log=log, SAEDATA_CACHE=str(tmp_path_factory.mktemp("cache"))) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Look at a dashboard; in the end nothing may have gone wrong."""
    visitors: list[Visitor] = []
    contexts: list[Any] = []

    def start(address: str, *, size: tuple[int, int] = WIDE, scheme: str = "light") -> Visitor:
        width, height = size
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        visitors.append(Visitor(context.new_page(), address))
        return visitors[-1]

    yield start
    for context in contexts:
        context.close()
    assert [one for visitor in visitors for one in visitor.wrong] == []
    assert max((visitor.largest for visitor in visitors), default=0) < 10_000_000
