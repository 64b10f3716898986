from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from report_pages import Pair, only, page, words_of, written

from saedata.analysis.correlate import concept_groups, correlate
from saedata.errors import InputError
from saedata.frame import Embeddings
from saedata.plots.text import brief
from saedata.reports import report, together

HOSTILE = "<script>alert(1)</script>\"' {{7*7}} \u202egnp.\x00"
LABELS = ["tea", "sailing ships", HOSTILE, "arithmetic", "gardens", "opera"]


def corpus(make_frame: Callable[..., Embeddings], name: str, *, seed: int) -> Embeddings:
    """Features 0 and 2 go together, and 4 and 6; there is a word between those where they are on."""
    on = np.random.default_rng(seed).random((120, 6)) < 0.25
    on[:, 1], on[:, 3] = on[:, 0], on[:, 2]
    texts = [" ".join([f"{i}", *(f"word{j} gap" for j in range(6))]) for i in range(120)]
    labels = pl.DataFrame(
        {"feature": range(0, 12, 2), "label": LABELS, "kind": ["topic"] * 6}, schema_overrides={"feature": pl.UInt32}
    )
    rows = [(text, {2 * int(f): 1.0 + f for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
    return make_frame(f"{name}.sae", rows, features=12, shard=50, labels=labels)


@pytest.fixture
def corpora(make_frame: Callable[..., Embeddings]):
    return corpus(make_frame, "willow", seed=1), corpus(make_frame, "flint", seed=2)


def test_pairs_are_those_of_correlate(corpora: Pair, tmp_path: Path):
    soup = written(*corpora, out=tmp_path / "r.html", pairs=5)
    section = only(soup, "#together")
    for frame in corpora:
        found = correlate(frame, direction="together", limit=together.ROWS, coupled_features=0, evidence=2)
        told = only(section, f'p[data-corpus="{frame.name}"]')
        assert int(told["data-value"]) == found["tested"][0] == 15
        assert words_of(told).startswith("15 pairs tested; 2 go together more than chance explains")
        shown = section.select(f'table[data-corpus="{frame.name}"] tr[data-first]')
        assert len(shown) == 2
        for row, numbers in zip(shown, found.iter_rows(named=True), strict=False):
            assert (int(row["data-first"]), int(row["data-second"])) == (numbers["feature_a"], numbers["feature_b"])
            for column in ("npmi", "documents", "expected", "label_similarity", "q"):
                assert float(only(row, f'[data-column="{column}"]')["data-value"]) == pytest.approx(
                    numbers[column], abs=1e-6
                )
    assert len(section.select(".chart")) == 4


def test_evidence_comes_from_both_spans(corpora: Pair, tmp_path: Path):
    soup = written(corpora[0], out=tmp_path / "r.html", pairs=1)
    found = correlate(corpora[0], direction="together", limit=together.ROWS, coupled_features=0, evidence=2)
    examples = soup.select("#together .example")
    assert len(examples) == 2
    texts = dict(corpora[0].documents.select("doc", "text").iter_rows())
    for example, one in zip(examples, found["evidence"][0].to_list(), strict=True):
        marks = [mark.get_text() for mark in example.select("mark")]
        text = texts[one["doc_a"]]
        assert marks == [text[one[f"start_{side}"] : one[f"stop_{side}"]] for side in "ab"]
        assert f"document {one['doc_a']}:" in words_of(example)


def test_concept_groups_of_three_and_more_are_listed(make_frame: Callable[..., Embeddings], tmp_path: Path):
    on = np.random.default_rng(3).random((120, 6)) < 0.25
    on[:, 1] = on[:, 2] = on[:, 0]
    texts = [" ".join([f"{i}", *(f"word{j} gap" for j in range(6))]) for i in range(120)]
    rows = [(text, {2 * int(f): 1.0 for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
    frame = make_frame("a.sae", rows, features=12, shard=50)
    soup = written(frame, out=tmp_path / "r.html", pairs=2)
    table = correlate(frame, direction="together", limit=together.ROWS, coupled_features=0, evidence=2)
    groups = concept_groups(table)
    assert {0, 2, 4} <= set(groups.filter(pl.col("size") >= 3)["feature"])
    listed = only(soup, "#together .concepts li")
    first = groups.filter(pl.col("group") == 0)
    assert [chip.get_text() for chip in listed.select(".chip")] == [brief(name) for name in first["label"]]
    assert len(soup.select('#together .chart[aria-label^="Features as points"]')) == 2


def test_labels_are_escaped(corpora: Pair, tmp_path: Path):
    path = report(corpora[0], out=tmp_path / "r.html", pairs=5, groups=False)
    soup = page(path)
    assert not soup.select("script")
    section = only(soup, "#together")
    assert section.get_text().count("<script>alert(1)</script>") >= 1
    assert "{{7*7}}" in section.get_text()
    source = path.read_text("utf-8")
    assert "\u202e" not in source
    assert "\x00" not in source


def test_a_small_corpus_has_no_such_section_unless_asked(
    corpora: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert not page(report(corpora[0], out=tmp_path / "r.html", groups=False)).select("#together")
    monkeypatch.setattr("saedata.reports.FEWEST_FOR_PAIRS", 1)
    assert page(report(corpora[0], out=tmp_path / "r.html", groups=False)).select("#together")


def test_the_section_can_be_left_out_and_stays_silent_without_pairs(
    corpora: Pair, make_frame: Callable[..., Embeddings], tmp_path: Path
):
    assert not written(corpora[0], out=tmp_path / "r.html", pairs=0).select("#together")
    few = make_frame("few.sae", [("a b", {0: 1.0, 1: 1.0}), ("c", {0: 1.0})])
    section = only(written(few, out=tmp_path / "r.html", pairs=5), "#together")
    assert "No two features are on in enough documents of few to be tested." in words_of(section)
    assert not section.select("table, .chart")
    with pytest.raises(InputError, match="pairs is -1; it must be 0 or more"):
        report(corpora[0], out=tmp_path / "x.html", pairs=-1)


def test_a_large_corpus_is_limited_to_its_most_frequent_features(
    corpora: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(together, "MOST_FEATURES", 3)
    soup = written(corpora[0], out=tmp_path / "r.html", pairs=5)
    told = words_of(only(soup, "#together p[data-corpus]"))
    assert told.startswith("3 pairs of its 3 most frequent features tested")
    densest = corpora[0].documents_on().argsort(kind="stable")[::-1][:3]
    shown = [
        int(row[f"data-{side}"]) for row in soup.select("#together tr[data-first]") for side in ("first", "second")
    ]
    assert set(shown) <= set(densest.tolist()) | set((-corpora[0].documents_on()).argsort(kind="stable")[:3].tolist())


def test_of_many_corpora_the_first_are_looked_at(make_frame: Callable[..., Embeddings], tmp_path: Path):
    frames = [corpus(make_frame, f"c{seed}", seed=seed) for seed in range(4)]
    soup = written(*frames, out=tmp_path / "r.html", pairs=1)
    assert [told["data-corpus"] for told in soup.select("#together p[data-corpus]")] == ["c0", "c1", "c2"]
