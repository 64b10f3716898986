"""The query language."""

from __future__ import annotations

import pytest

from saedata.analysis.search.query import (
    DEEPEST,
    And,
    Not,
    Or,
    Phrase,
    Query,
    QueryError,
    parse,
    phrases,
    unwanted,
)
from saedata.errors import InputError


def words(query: Query | None) -> object:
    """A query as nested tuples."""
    if isinstance(query, Phrase):
        return query.text
    if isinstance(query, Not):
        return ("not", words(query.part))
    if isinstance(query, And | Or):
        return ("and" if isinstance(query, And) else "or", *map(words, query.parts))
    return query


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  tone of voice ", "tone of voice"),
        ("question (short), and or not", "question (short), and or not"),
        ('"hedging"', "hedging"),
        ("ANDROID phones OREGON", "ANDROID phones OREGON"),
        ('"hedging" AND NOT "code"', ("and", "hedging", ("not", "code"))),
        ("hedging and doubt OR code", ("or", "hedging and doubt", "code")),
        ("a AND b OR c AND d", ("or", ("and", "a", "b"), ("and", "c", "d"))),
        ("a AND (b OR c) AND d", ("and", "a", ("or", "b", "c"), "d")),
        ("a NOT b", ("and", "a", ("not", "b"))),
        ("NOT NOT a", ("not", ("not", "a"))),
        ('NOT ("a" OR b)AND(c)', ("and", ("not", ("or", "a", "b")), "c")),
        ('say "AND" OR x', QueryError),
        ('"AND" OR x', ("or", "AND", "x")),
        ("", None),
        (" \n ", None),
    ],
)
def test_reading(text: str, expected: object):
    if expected is QueryError:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert words(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ('"a" AND', 7, "the query ends where a phrase is expected after AND"),
        ("AND a", 0, "AND stands where a phrase is expected"),
        ("a OR OR b", 5, "OR stands where a phrase is expected after OR"),
        ('x AND "never', 6, "this quote is never closed"),
        ('x OR " "', 5, "there is nothing between the quotes"),
        ('"a" "b"', 4, "AND, OR or NOT is missing"),
        ('(a OR "b" c)', 10, "AND, OR or NOT is missing"),
        ('"a" AND (b OR c', 8, "this parenthesis is never closed"),
        ('"a" OR b) AND c', 8, "this parenthesis closes none that is open"),
        ("a AND ()", 7, r"\) stands where a phrase is expected after \("),
        ("(" * (DEEPEST + 1) + "a OR b", DEEPEST, "more than 50 deep"),
        ("NOT " * (DEEPEST + 1) + "a", 4 * DEEPEST, "more than 50 deep"),
        ("word " * 2000 + "AND AND b", 10_004, "AND stands where a phrase is expected after AND"),
    ],
)
def test_an_error_points_at_the_character(text: str, position: int, reason: str):
    with pytest.raises(QueryError, match=reason) as told:
        parse(text)
    assert told.value.position == position
    assert f"at character {position + 1}, marked ▸ in" in str(told.value)
    assert len(str(told.value)) < 250
    assert "\n" not in str(told.value)
    assert isinstance(told.value, InputError)


def test_the_mark_stands_before_the_character():
    with pytest.raises(QueryError, match=r"marked ▸ in …words of this query ▸\)"):
        parse('"some" AND more words of this query ) OR b')


def test_wanted_and_unwanted_phrases():
    query = parse("a AND NOT (b OR NOT c) OR d")
    assert [phrase.text for phrase in phrases(query)] == ["a", "c", "d"]
    assert [phrase.text for phrase in unwanted(query)] == ["b"]
    assert phrases(None) == unwanted(None) == []
