"""What a report leaves out because it is on everywhere, and what it says about that."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from bs4 import BeautifulSoup
from report_pages import MakeFrame, only, rows, words_of, written

import saedata


def shown(soup: BeautifulSoup, table: str) -> list[int]:
    return [int(row["data-feature"]) for row in soup.select(f"{table} tr[data-feature]")]


def test_differences_leave_out_what_is_on_in_nearly_every_document(make_frame: MakeFrame, tmp_path: Path):
    a = make_frame("a.sae", rows(400, {0: 400, 1: 400, 2: 300, 3: 379}, name="a"), shard=400)
    b = make_frame("b.sae", rows(400, {0: 400, 1: 381, 2: 100, 3: 400}, name="b"), shard=400)
    found = saedata.diff(a, b, effects=False)
    out = found.filter(pl.col("q") < 0.05)
    assert set(out["feature"]) == {1, 2, 3}
    soup = written(a, b, out=tmp_path / "r.html")
    # Feature 1 is on in 95.25 % at least: left out. Feature 3 is on in 94.75 % of the one: it stays.
    assert set(shown(soup, "table.differences")) == {2, 3}
    assert words_of(only(soup, "#idle")) == (
        "2 features that are on in nearly every document of every corpus (at least 95%) are left out; "
        "`saedata features FRAME` lists them. 4 features are never on."
    )
    verdict = only(soup, "#verdict")
    assert int(verdict["data-tested"]) == found.height == 4
    assert int(verdict["data-more"]) + int(verdict["data-less"]) == 3
    for row in soup.select("tr[data-target-on]"):
        q = float(only(row, '[data-column="q"]')["data-value"])
        assert q == found.filter(pl.col("feature") == int(row["data-feature"]))["q"][0]


def test_one_corpus(make_frame: MakeFrame, tmp_path: Path):
    frame = make_frame("a.sae", rows(40, {0: 38, 1: 37, 2: 40, 3: 4}, name="a"), shard=64, features=5)
    soup = written(frame, out=tmp_path / "r.html")
    assert shown(soup, 'table[data-list="common"]') == [1, 3]
    assert words_of(only(soup, "#common #idle")) == (
        "2 features that are on in nearly every document (at least 95%) are left out; "
        "`saedata features FRAME` lists them. 1 feature is never on."
    )
    part = written(frame.select([1, 2]), out=tmp_path / "p.html")
    assert words_of(only(part, "#idle")).startswith("1 feature that is on in nearly every document")


def test_what_is_not_there_is_not_mentioned(make_frame: MakeFrame, tmp_path: Path):
    varied = make_frame("a.sae", rows(40, {0: 30, 1: 10}, name="a"), shard=64, features=2)
    assert not written(varied, out=tmp_path / "r.html").select("#idle")


def test_few_documents_leave_nothing_out(make_frame: MakeFrame, tmp_path: Path):
    frame = make_frame("a.sae", rows(19, {0: 19, 1: 4}, name="a"), shard=64, features=2)
    soup = written(frame, out=tmp_path / "r.html")
    assert shown(soup, 'table[data-list="common"]') == [0, 1]
    assert not soup.select("#idle")


def test_nothing_but_what_is_left_out_stands_out(make_frame: MakeFrame, tmp_path: Path):
    a = make_frame("a.sae", rows(400, {0: 400}, name="a"), shard=400)
    b = make_frame("b.sae", rows(400, {0: 381}, name="b"), shard=400)
    soup = written(a, b, out=tmp_path / "r.html")
    assert only(soup, "#verdict")["data-more"] == "1"
    assert not soup.select(".finding, tr[data-target-on]")
    assert soup.select("#idle")
