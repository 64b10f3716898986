from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedata.plots.text import plain, points, shorten
from saedata.reports.text import LONGEST_MARK, snippet

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(TEXTS, st.integers(0, 420), st.integers(0, 40), st.integers(0, 60))
def test_snippet_is_bounded_and_marks_what_the_span_holds(text: str, start: int, length: int, window: int):
    cut = snippet(text, start, start + length, window=window)
    assert len(cut.before) <= window + 2
    assert len(cut.after) <= window + 2
    assert cut.marked.split() == text[start : start + length].split()
    assert cut.before.startswith("…") or len(cut.before.split()) == len(text[:start].split())


def test_snippet_cuts_between_words():
    text = "one two three four five six seven eight nine ten eleven twelve"
    cut = snippet(text, text.index("six"), text.index("six") + 3, window=13)
    assert (cut.before, cut.marked, cut.after) == ("…\u00a0four five ", "six", " seven eight\u00a0…")


def test_snippet_collapses_blank_lines_and_keeps_lists():
    assert snippet("a\n\n\n1. b\r\n \n2. c", 4, 6).before == "a\n"
    assert snippet("a\n\n\n1. b\r\n \n2. c", 4, 6).after == " b\n2. c"


def test_long_spans_are_cut():
    assert len(snippet("x" * 1000, 0, 1000).marked) == LONGEST_MARK + 1


@pytest.mark.parametrize(
    "bad", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\U000e0041"]
)
def test_characters_that_disturb_become_visible(bad: str):
    assert plain(f"a{bad}b") == "a\ufffdb"


def test_plain_keeps_ordinary_writing():
    for text in ("naïve café\n\tüber", "日本語", "שלום עולם", "👩🏽‍🚀", "e\u0301"):
        assert plain(text) == text


def test_signs():
    assert points(-0.5) == "−50.0"
    assert points(-0.0001) == "0.0"
    assert shorten("short", 5) == "short"
