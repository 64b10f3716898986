"""The arithmetic of known differences: shares, random labels, and the two baselines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from benchmarks.ground_truth.baselines import PRIOR_WORDS, log_odds, plain_difference, words
from benchmarks.ground_truth.corpora import Lists, Pair, aligned, by_hash, columns
from benchmarks.ground_truth.run import (
    DRAWS,
    NULL_RUNS,
    Outcome,
    false_findings,
    figures,
    first_of,
    nearest,
    random_share,
)
from benchmarks.keywords import Keywords

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

RIGHT = {"first": Keywords(["short*"]), "second": Keywords(["long*"])}


def rows(*found: tuple[int, str, float, int]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=["feature", "label", "difference", "finding"], orient="row")


def test_keys_that_both_sides_have_come_by_hash_and_only_once():
    first = pl.DataFrame({"key": [3, 1, 2, 1, 5], "text": ["c", "a", "b", "again", "only here"]})
    second = pl.DataFrame({"key": [1, 2, 3, 4, 6], "text": ["A", "B", " ", "D", "F"]})
    mine, theirs = aligned(first, second)
    assert mine["key"].to_list() == theirs["key"].to_list() == sorted([1, 2], key=by_hash)
    assert [text.upper() for text in mine["text"]] == theirs["text"].to_list()
    assert aligned(first, second, most=1)[0].height == 1


def test_stored_line_breaks_are_line_breaks():
    one, two = columns(pl.DataFrame({"q": ["?"], "a": ["x\\n\\ny"], "b": ["z"]}), "q", "a", "b")
    assert (one["text"][0], two["text"][0]) == ("x\n\ny", "z")


def test_findings_are_folded_and_matched_with_the_list_of_their_direction():
    found = rows((1, "short answers", 0.5, 1), (2, "short answers too", 0.4, 1), (3, "long words", -0.3, 3))
    found = pl.concat([found, rows((4, "long words", 0.2, 4), (5, "cats", -0.1, 5))])
    listed = first_of(found, "findings", RIGHT)
    assert listed.rows() == [
        ("findings", "first", 1, "short answers", True),
        ("findings", "first", 2, "long words", False),
        ("findings", "second", 1, "long words", True),
        ("findings", "second", 2, "cats", False),
    ]


def test_no_more_than_ten_of_a_direction():
    many = rows(*[(i, "short", 0.5, i) for i in range(14)], *[(20 + i, "long", -0.5, 20 + i) for i in range(3)])
    assert first_of(many, "findings", RIGHT)["more_in"].value_counts(sort=True).rows() == [("first", 10), ("second", 3)]


def test_random_labels_are_of_equal_density():
    dense = [(i, "short", 100, 100) for i in range(60)]
    sparse = [(100 + i, "rare", 1, 1) for i in range(60)]
    table = pl.DataFrame(dense + sparse, schema=["feature", "label", "target_on", "other_on"], orient="row")
    both = rows((0, "short", 0.5, 0), (100, "rare", 0.1, 100))
    assert random_share(table, both, RIGHT, np.random.default_rng(0)) == 0.5
    assert random_share(table, both.head(1), RIGHT, np.random.default_rng(0)) == 1.0
    assert random_share(table, both.clear(), RIGHT, np.random.default_rng(0)) == 0.0
    assert DRAWS == 200


def test_a_finding_is_not_its_own_random_label():
    live = pl.DataFrame({"feature": [4, 7, 9], "on": [10, 10, 50]})
    assert nearest(live, 7).tolist() == [0, 2]


def test_log_odds_as_computed_by_hand():
    table = log_odds(["a a b"], ["b c"])
    scale = PRIOR_WORDS / 5
    a1, a2, total1, total2 = 2 + 2 * scale, 2 * scale, 3 + PRIOR_WORDS, 2 + PRIOR_WORDS
    z = (math.log(a1 / (total1 - a1)) - math.log(a2 / (total2 - a2))) / math.sqrt(1 / a1 + 1 / a2)
    (row,) = table.filter(pl.col("word") == "a").rows(named=True)
    assert row["z"] == pytest.approx(z)
    assert row["idf"] == pytest.approx(math.log(2))
    assert table.filter(pl.col("word") == "b")["idf"][0] == 0  # in every document
    assert table["word"].to_list()[-1] == "b"


def test_log_odds_of_texts_without_words():
    assert log_odds(["1999"], ["!"]).height == 0


def test_words():
    assert words("It's 5 o'clock; naïve, really") == ["it's", "o'clock", "naïve", "really"]


def test_plain_difference_needs_three_points_and_no_test(make_frame: Callable[..., Embeddings]):
    one = make_frame("one.sae", [(f"a {i}", {0: 1.0, 1: 1.0} if i < 2 else {0: 1.0}) for i in range(50)])
    two = make_frame("two.sae", [(f"b {i}", {0: 1.0, 2: 1.0} if i < 1 else {0: 1.0}) for i in range(50)])
    found = plain_difference(one, two)
    assert found.rows() == [(1, 0.04)]


def test_a_method_that_finds_everything_finds_it_in_random_halves(make_frame: Callable[..., Embeddings]):
    texts = [(f"{'long' if i % 2 else 'short'} text {i}", {i % 5: 1.0}) for i in range(40)]
    frame = make_frame("one.sae", texts, user={"key": list(range(40))})
    side = pl.DataFrame({"key": list(range(40)), "text": [text for text, _ in texts]})
    false = false_findings(frame, Pair("a/b", "ab", side, side, {"pair": "key"}))
    assert sum(false["findings"]) == 0
    assert min(false["plain difference"]) > 0
    assert {len(counts) for counts in false.values()} == {NULL_RUNS}


def outcome(name: str, *, right: int, listed: int, random: float, counts: bool = True) -> Outcome:
    one = pl.DataFrame({"key": [1], "text": ["x"]})
    flags = [("findings", "first", i + 1, "label", i < right) for i in range(listed)]
    kinds = ["method", "more_in", "rank", "label", "matches"]
    return Outcome(
        pair=Pair(name, name, one, one, {}),
        lists=Lists(Keywords([]), Keywords([]), counts),
        listed=pl.DataFrame(flags, schema=kinds, orient="row"),
        random=random,
        false={
            "findings": [0, 1],
            "findings of style and tone": [0, 0],
            "plain difference": [4, 6],
            "words by log-odds": [2, 2],
        },
        found={"findings": 30, "findings of style and tone": 3, "plain difference": 50, "words by log-odds": 9},
        documents=1,
    )


def test_means_are_over_the_pairs_that_count():
    outcomes = [
        outcome("a", right=15, listed=20, random=0.1),
        outcome("b", right=5, listed=5, random=0.3),
        outcome("c", right=0, listed=20, random=1.0, counts=False),
    ]
    shown = {figure.name: figure for figure in figures(outcomes)}
    assert shown["findings that match, mean"].value == 0.875
    assert shown["findings that match, mean"].verdict == "pass"
    assert shown["random labels that match, mean"].value == 0.2
    assert shown["findings: false ones in random halves, mean"].value == 0.5
    assert shown["plain difference: false ones in random halves, mean"].value == 5
    assert shown["c: findings that match"].value == 0
    assert shown["a: plain difference that match"].value == 0
    assert shown["b: findings that match"].n == "5 findings, 1 + 1 documents"
