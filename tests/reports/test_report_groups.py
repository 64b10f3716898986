"""The section on groups of documents: the numbers of `cluster`, on a map that stays small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from bs4 import BeautifulSoup
from dataset_frames import frame_of
from frame_parts import FrameParts
from report_pages import MakeFrame, only, page, rows, words_of, written

from saedata.analysis.cluster import Clustering, cluster
from saedata.errors import InputError
from saedata.frame import Embeddings
from saedata.plots.saving import inline_svg
from saedata.reports import groups, report
from saedata.reports.asked import Answer
from saedata.reports.pictures import _maps

if TYPE_CHECKING:
    Sides = tuple[Embeddings, Embeddings]


def planted(each: int, *, seed: int) -> Any:
    """Two groups with 8 features each; 16 to 19 are noise."""
    chances = np.full((2, 20), 0.04)
    chances[0, :8], chances[1, 8:16], chances[:, 16:] = 0.75, 0.75, 0.3
    return np.random.default_rng(seed).random((2 * each, 20)) < np.repeat(chances, each, axis=0)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    folder = tmp_path_factory.mktemp("frames")

    def write(name: str, each: int, seed: int) -> Embeddings:
        def make(file: str, rows: Any, **settings: Any) -> Embeddings:
            return FrameParts(rows, **settings).write(folder / file)

        return frame_of(make, planted(each, seed=seed), name=name, texts=[f"{name} {i}" for i in range(2 * each)])

    return write("willow", 40, 1), write("flint", 30, 2)


@pytest.fixture(scope="module")
def found(sides: Sides) -> Clustering:
    return cluster(Embeddings.concat(sides), stability=5)


@pytest.fixture(scope="module")
def soup(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    return page(report(*sides, out=tmp_path_factory.mktemp("page") / "r.html", pairs=0, examples=2))


def test_the_groups_are_those_of_cluster(soup: BeautifulSoup, found: Clustering):
    clusters = found.clusters.filter(pl.col("cluster") >= 0)
    assert clusters.height == 2
    shown = soup.select("table.groups tr[data-group]")
    assert [int(row["data-group"]) for row in shown] == clusters["cluster"].to_list()
    for row, group in zip(shown, clusters.iter_rows(named=True), strict=True):
        assert only(row, "[data-column=documents]")["data-value"] == str(group["documents"])
        assert group["name"] in row.th.get_text()
        told = [words_of(one) for one in row.find_next_sibling("tr").select("dl.apart dd")]
        best = found.descriptions.filter(pl.col("cluster") == group["cluster"], pl.col("difference") > 0)
        assert len(told) == groups.DESCRIBED
        assert told[0].startswith(f"{100 * best['inside'][0]:.1f}% inside, {100 * best['outside'][0]:.1f}% outside")
    said = words_of(only(soup, "#groups .said"))
    assert said.startswith("The 140 documents form 2 groups by the 20 features that vary;")
    assert f"an adjusted Rand index of {found.summary['ari'][0]:.2f}" in words_of(only(soup, "#groups"))


def test_who_is_in_a_group(soup: BeautifulSoup, found: Clustering):
    member = found.documents["cluster"].to_numpy()
    first = soup.select_one("table.groups tr[data-group='0']")
    for name, own in (("willow", member[:80]), ("flint", member[80:])):
        assert float(only(first, f'[data-corpus="{name}"]')["data-value"]) == pytest.approx((own == 0).mean())


def test_typical_documents_are_named_with_their_corpus(soup: BeautifulSoup, found: Clustering):
    typical = found.clusters.filter(pl.col("cluster") == 0)["typical"][0][:2].to_list()
    expected = [f"document {doc} of willow" if doc < 80 else f"document {doc - 80} of flint" for doc in typical]
    row = soup.select_one("table.groups tr[data-group='0']").find_next_sibling("tr")
    assert [words_of(one) for one in row.select(".fields")] == expected
    texts = [f"willow {doc}" if doc < 80 else f"flint {doc - 80}" for doc in typical]
    assert [words_of(one) for one in row.select("blockquote")] == texts
    assert not row.select("mark")


def test_both_maps_are_drawn_for_wide_and_narrow_pages(soup: BeautifulSoup):
    assert len(soup.select("#groups .chart")) == 4
    wide = soup.select_one("#groups .chart.wide svg")
    assert len(wide.select("path")) >= 140
    assert "0:" in wide.get_text()


def test_one_corpus_and_a_sample(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(groups, "DOCUMENTS", 60)
    soup = written(sides[0], out=tmp_path / "r.html", groups=True)
    assert "The 60 of 80 documents, chosen at random, form" in words_of(only(soup, "#groups .said"))
    assert not soup.select("table.groups td[data-corpus]")
    assert len(soup.select("#groups .chart")) == 2


def test_what_cannot_be_grouped_is_said(make_frame: MakeFrame, tmp_path: Path):
    alike = make_frame("a.sae", [(f"text {i}", {0: 1.0, 1: 2.0} if i else {0: 1.0}) for i in range(3)])
    soup = written(alike, out=tmp_path / "r.html", groups=True)
    told = words_of(only(soup, "#groups .note"))
    assert told.startswith("Nothing can be said here:")
    assert not soup.select("#groups .chart, #groups table")
    broken = alike.path / "by_feature"
    assert broken.is_dir()


def test_a_broken_frame_is_no_sentence_of_a_section(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from saedata.errors import FrameError

    def broken(*_: Any, **__: Any) -> Clustering:
        msg = "part-00000.parquet is damaged"
        raise FrameError(msg)

    monkeypatch.setattr(groups, "cluster", broken)
    with pytest.raises(FrameError, match="damaged"):
        report(*sides, out=tmp_path / "r.html", pairs=0, groups=True)
    assert not (tmp_path / "r.html").exists()


def test_few_documents_are_grouped_only_if_asked(make_frame: MakeFrame, sides: Sides, tmp_path: Path):
    few = make_frame("few.sae", rows(30, {0: 10, 1: 20}, name="a"), shard=64)
    assert groups.wanted(sides)
    assert not groups.wanted([few])
    soup = page(report(few, out=tmp_path / "r.html"))
    assert not soup.select("#groups")
    assert "groups" not in soup.select_one("#origin pre").get_text()
    told = written(*sides, out=tmp_path / "r.html", groups=False)
    assert "--no-groups" in told.select_one("#origin pre").get_text()
    assert "groups=False" in told.select("#origin pre")[1].get_text()


def test_a_map_of_many_documents_stays_small():
    rng = np.random.default_rng(0)
    n = 10_000
    spots = pl.DataFrame(
        {
            "doc": np.arange(n, dtype=np.uint32),
            "cluster": rng.integers(-1, 30, n).astype(np.int32),
            "x": rng.normal(size=n).astype(np.float32),
            "y": rng.normal(size=n).astype(np.float32),
            "strength": rng.random(n),
        }
    )
    clusters = pl.DataFrame({"cluster": np.arange(-1, 30, dtype=np.int32), "name": [f"group {i}" for i in range(31)]})
    corpora = pl.DataFrame({"doc": spots["doc"], "value": ["a", "b"] * (n // 2)})
    made = Clustering(spots, clusters, *[pl.DataFrame()] * 6)
    one = groups.Groups(n, n, 30, 0.1, None, 5, same_features=True, listed=(), clustering=made, corpora=corpora)
    drawn = _maps(Answer("both", one), ["b", "a"])
    assert set(drawn) == {"map", "corpora_map"}
    total = sum(len(inline_svg(draw(width=width), "m")) for draw in drawn.values() for width in (760, 260))
    assert total < 1_500_000
    legend = [one["colour"] for one in _rows(drawn["corpora_map"](width=760))]
    assert set(legend) == {"a", "b"}


def _rows(chart: Any) -> list[dict[str, Any]]:
    spec = chart.to_dict()
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["b", "a"]  # the corpora's own order, whose colours the page uses
    return next(iter(spec["datasets"].values()))


def test_wrong_columns_are_refused_before_any_work(sides: Sides, tmp_path: Path):
    with pytest.raises(InputError, match="label is 'topic', but no corpus has such a column; their columns are: none"):
        report(*sides, out=tmp_path / "r.html", label="topic")
    with pytest.raises(InputError, match="language is 'doc'"):
        report(*sides, out=tmp_path / "r.html", language="doc")
    assert not (tmp_path / "r.html").exists()
