"""The page of a search: nothing in a text, label or name can disturb it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from bs4 import BeautifulSoup as Parser

from saedata.analysis.search.hits import NAMED
from saedata.errors import InputError
from saedata.plots.search import AROUND, hits_page, marked_text, marks_of, save_hits

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = '</p><script>alert(1)</script> <img src=x onerror="alert(2)"> \u202e & "quoted"'


def parsed_page(page: str) -> Parser:
    return Parser(page, "html.parser")


def feature(start: int, stop: int, label: str = "label", weight: float = 0.5) -> dict[str, Any]:
    return {"feature": 3, "label": label, "value": 1.25, "start": start, "stop": stop, "weight": weight}


def found(*rows: tuple[str | None, list[dict[str, Any]]]) -> pl.DataFrame:
    columns = {
        "doc": range(len(rows)),
        "score": [1 / (place + 1) for place in range(len(rows))],
        "text": [text for text, _ in rows],
        "features": pl.Series([features for _, features in rows], dtype=NAMED),
        "rank_sae": range(1, len(rows) + 1),
        "rank_dense": [None] * len(rows),
        "rank_bm25": [7] * len(rows),
    }
    return pl.DataFrame(columns)


def test_marks_and_labels():
    text = "maybe the river rises"
    page = parsed_page(hits_page(found((text, [feature(0, 5, "hedging"), feature(10, 15, "water")])), query="doubt"))
    assert page.h1.text == page.title.text == "doubt"
    assert [mark.text for mark in page.find_all("mark")] == ["maybe", "river"]
    assert [mark["title"] for mark in page.find_all("mark")] == ["hedging", "water"]
    assert page.select_one(".text").text == text
    assert [one.text for one in page.select("ul li")] == ["hedging", "water"]
    assert page.select_one(".hit .about").text == "document 0 · score 1 · features 1 · words 7"


def test_hostile_text_stays_text():
    rows = found((HOSTILE, [feature(0, 9, HOSTILE), feature(5, 60, "b<i>")]), (None, []), ("  ", []))
    page = hits_page(rows, query=HOSTILE)
    parsed = parsed_page(page)
    assert not parsed.find_all(["script", "img", "i"])
    assert all(not any(name.startswith("on") for name in tag.attrs) for tag in parsed.find_all(True))
    assert parsed.select_one(".text").text == HOSTILE.replace("\u202e", "\ufffd")
    assert [one.text for one in parsed.select(".text")][1:] == ["no text", "no text"]
    assert "default-src 'none'" in page
    for outside in ("http://", "https://", "url(", "@import"):
        assert outside not in page


def test_overlapping_and_outlying_spans():
    spans = [feature(4, 9, "b", 0.1), feature(0, 6, "a", 0.2), feature(20, 30, "c"), feature(9, 12, "a", 0.1)]
    first, second = marks_of(spans, 10)
    assert (first.start, first.stop, first.features) == (0, 9, ("a", "b"))
    assert (second.start, second.stop, second.strength) == (9, 10, pytest.approx(1 / 3))
    assert marks_of([], 5) == []


def test_long_texts_are_cut_around_the_marks():
    text = "x" * 5000 + "HERE" + "y" * 5000
    shown = parsed_page(marked_text(text, marks_of([feature(5000, 5004)], len(text)))).text
    assert shown.replace("…", "").strip() == "x" * AROUND + "HERE" + "y" * AROUND
    assert shown.count("…") == 2
    both = marks_of([feature(0, 2), feature(5000, 5004)], len(text))
    assert parsed_page(marked_text(text, both)).text.count("…") == 2
    assert len(parsed_page(marked_text(text, [])).text) < 1000


def test_files(tmp_path: Path):
    save_hits(found(("a text", [])), tmp_path / "hits.html", query="q")
    assert "a text" in (tmp_path / "hits.html").read_text()
    with pytest.raises(InputError, match=r"must end in \.html"):
        save_hits(found(), tmp_path / "hits.png")
    with pytest.raises(InputError, match="there is no folder"):
        save_hits(found(), tmp_path / "no" / "hits.html")
