"""`pair`, `adjust`, `cluster` and `by` together, through `diff`: equal to the statistics by hand, and honest."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from saedata.analysis.diff import diff
from saedata.errors import InputError
from saedata.stats import (
    ClusteredStrata,
    clustered_mantel_haenszel_interval,
    clustered_mantel_haenszel_p,
    matched_p,
    matched_shares,
    mcnemar_p,
    minimum_detectable_difference,
    sign_flip_p,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]
    Flags = NDArray[np.bool_]


@pytest.fixture
def build(make_frame: Callable[..., Any]) -> Build:
    """Write a frame from a boolean matrix, lengths in words, and the user's columns."""
    count = itertools.count()

    def make(name: str, on: Any, *, lengths: Any = None, **columns: list[Any]) -> Embeddings:
        words = [2] * len(on) if lengths is None else lengths
        texts = [" ".join([f"{name}{i}", *["word"] * (int(length) - 1)]) for i, length in enumerate(words)]
        rows = [(text, {int(f): 1.0 for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
        return make_frame(f"{next(count)}/{name}.sae", rows, features=on.shape[1], shard=500, user=columns)

    return make


N = 200


def answers(seed: int, lengths: NDArray[np.int64], lean: NDArray[np.float64], features: int = 25) -> Flags:
    """The longer an answer the more is on, and what an author leans to."""
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-(np.linspace(-3, 0, features) + lengths[:, None] / 15 + lean[:, None])))
    return rng.random((len(lengths), features)) < chance


@pytest.fixture
def sides(build: Build) -> tuple[Any, ...]:
    """Two answers to each of 200 prompts by 20 authors; lengths of four kinds."""
    rng = np.random.default_rng(1)
    author = np.arange(N) % 20
    lengths = [rng.choice([5, 15, 25, 35], N, p=p) for p in ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1])]
    lean = rng.normal(0, 0.7, 20)[author]
    on = [answers(seed, length, lean) for seed, length in enumerate(lengths)]
    order = rng.permutation(N)
    names = [f"author {a}" for a in author]
    a = build("a", on[0], lengths=lengths[0], id=list(range(N)), author=names)
    b = build("b", on[1][order], lengths=lengths[1][order], id=order.tolist(), author=[names[at] for at in order])
    return a, b, on, lengths, author


def test_pairs_in_clusters_equal_flipping_by_hand(sides: tuple[Any, ...]):
    a, b, (x, y), _, author = sides
    table = diff(a, b, pair="id", cluster="author").sort("feature")
    plain = diff(a, b, pair="id").sort("feature")
    ahead = x.astype(int) - y
    for row, alone in zip(table.iter_rows(named=True), plain.iter_rows(named=True), strict=True):
        sums = np.bincount(author, ahead[:, row["feature"]])
        flipped = sign_flip_p(sums, alternative="greater" if row["difference"] >= 0 else "less")
        assert row["p"] == pytest.approx(max(min(1, 2 * flipped), alone["p"]))
        assert row["difference"] == alone["difference"]
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["high"] - row["low"] >= alone["high"] - alone["low"] - 1e-9


def test_pairs_within_strata_of_both_lengths_equal_counting_by_hand(sides: tuple[Any, ...]):
    a, b, (x, y), lengths, _ = sides
    table = diff(a, b, pair="id", adjust="length").sort("feature")
    assert table.select(x="difference", y="p").equals(table.select(x="length_difference", y="length_p"))
    # four kinds of length, and as many quantiles: strata of the two lengths, whichever side has which
    low, high = np.minimum(*lengths), np.maximum(*lengths)
    longer, equal = np.sign(lengths[0] - lengths[1]), lengths[0] == lengths[1]
    keys = np.unique(np.stack([low, high])[:, ~equal], axis=1).T
    cells = [[(low == s) & (high == t) & (longer == way) for s, t in keys] for way in (1, -1)]
    cells = [
        [one for one, other in zip(*pair, strict=True) if one.any() and other.any()] for pair in (cells, cells[::-1])
    ]
    # of a pair of equal lengths half stands on either side
    pairs = np.array([[*(cell.sum() for cell in half), equal.sum() / 2] for half in cells])
    both, one, two = (
        np.array([[*(kind[cell].sum(axis=0) for cell in half), kind[equal].sum(axis=0) / 2] for half in cells])
        for kind in (x & y, x & ~y, y & ~x)
    )
    feature = table["feature"].to_numpy()
    np.testing.assert_allclose(table["difference"], matched_shares(both, one, two, pairs).difference[feature])
    halves = (kind[way, :-1] for way in (0, 1) for kind in (one, two))
    expected = matched_p(*halves, equal_a=2 * one[0, -1], equal_b=2 * two[0, -1])
    np.testing.assert_allclose(table["p"], expected[feature])
    crude = mcnemar_p((x & ~y).sum(axis=0), (y & ~x).sum(axis=0))
    assert (crude < 0.05).mean() > 0.5 > 0.1 > (table["p"] < 0.05).mean()
    assert diff(a, b, pair="id")["length_explains"].sum() > 10


def test_swapping_the_sides_of_adjusted_pairs_mirrors_everything(sides: tuple[Any, ...]):
    a, b, *_ = sides
    for options in ({"adjust": "length"}, {"cluster": "author"}, {"adjust": "length", "cluster": "author"}):
        there = diff(a, b, pair="id", **options).sort("feature")
        back = diff(b, a, pair="id", **options).sort("feature")
        np.testing.assert_allclose(there["difference"], -back["difference"], atol=1e-12)
        np.testing.assert_allclose(there["low"], -back["high"], atol=1e-9)
        np.testing.assert_allclose(there["p"], back["p"], rtol=1e-9)


def test_strata_of_clusters_equal_the_jackknife_by_hand(sides: tuple[Any, ...]):
    a, b, (x, y), lengths, author = sides
    table = diff(a, b, adjust="length", cluster="author", duplicates="keep").sort("feature")
    # deciles of four lengths are the four lengths
    cell = [author * 4 + (length - 5) // 10 for length in lengths]
    on = [np.stack([np.bincount(c, f, minlength=80) for f in m.T], axis=1) for c, m in zip(cell, (x, y), strict=True)]
    sizes = [np.bincount(c, minlength=80) for c in cell]
    within = ClusteredStrata(sizes[0][:, None], sizes[1][:, None], np.arange(80) // 4, np.arange(80) % 4)
    at = {"variance": within.variance(*on), "degrees": within.degrees}
    strata = [v.reshape(20, 4, -1).sum(axis=0).astype(int) for v in (on[0], sizes[0], on[1], sizes[1])]
    feature = table["feature"].to_numpy()
    np.testing.assert_allclose(table["p"], clustered_mantel_haenszel_p(*strata, **at)[feature], rtol=1e-9)
    for name, values in zip(
        ("difference", "low", "high"), clustered_mantel_haenszel_interval(*strata, **at), strict=True
    ):
        np.testing.assert_allclose(table[name], values[feature], atol=1e-9)
    plain = diff(a, b, cluster="author", duplicates="keep").sort("feature")
    np.testing.assert_allclose(plain["length_p"], table["p"])  # what is said of length knows of the clusters


def test_groups_take_every_combination(sides: tuple[Any, ...], build: Build):
    _, _, on, lengths, author = sides
    ids, names = list(range(N)) * 2, [f"author {a}" for a in author] * 2
    side = ["x"] * N + ["y"] * N
    whole = build("w", np.concatenate(on), lengths=np.concatenate(lengths), id=ids, author=names, side=side)
    parts = [whole.filter(pl.col("side") == name) for name in "xy"]
    for options in (
        {"pair": "id", "cluster": "author"},
        {"pair": "id", "adjust": "length"},
        {"pair": "id", "adjust": "length", "cluster": "author"},
        {"adjust": "length", "cluster": "author"},
    ):
        table = diff(whole, by="side", **options).filter(pl.col("group") == "x").sort("feature")
        expected = diff(*parts, **options).sort("feature")
        for name in ("difference", "low", "high", "p"):
            np.testing.assert_allclose(table[name], expected[name], atol=1e-9)


def test_prompts_against_their_responses_are_a_pair_of_corpora(sides: tuple[Any, ...]):
    prompts, responses, (x, y), *_ = sides
    table = diff(prompts, responses, pair="id").sort("feature")
    expected = mcnemar_p((x & ~y).sum(axis=0), (y & ~x).sum(axis=0))
    np.testing.assert_allclose(table["p"], expected[table["feature"].to_numpy()], rtol=1e-9)
    ids = dict(responses.documents.select("doc", "id").iter_rows())
    for row in table.iter_rows(named=True):
        assert [ids[doc] for doc in row["other_evidence"]] == row["target_evidence"]  # a prompt beside its response


def test_words_are_strata_too_and_where_both_are_alike_nothing_is_explained(build: Build):
    rng = np.random.default_rng(3)
    x, y = rng.random((120, 3)) < 0.5, rng.random((120, 3)) < 0.3
    topic = [f"topic {i % 5}" for i in range(120)]
    a, b = (build(name, on, id=list(range(120)), topic=topic) for name, on in (("a", x), ("b", y)))
    plain, same = diff(a, b, pair="id"), diff(a, b, pair="id", adjust="topic")
    assert plain["p"].equals(same["p"])  # no pair differs in topic
    moved = build("b", y, id=list(range(120)), topic=[f"topic {(i + i % 2) % 5}" for i in range(120)])
    assert not diff(a, moved, pair="id", adjust="topic")["p"].equals(plain["p"])


def test_what_cannot_be_combined_says_why(sides: tuple[Any, ...], build: Build):
    a, b, (x, _), lengths, _ = sides
    third = build("c", x, lengths=lengths[0], id=list(range(N)), author=["one"] * N)
    with pytest.raises(InputError, match="asks whether any of them is on, which has no one value of 'length'"):
        diff(a, b, third, pair="id", adjust="length")
    with pytest.raises(InputError, match="there are 1 clusters; at least 4"):
        diff(a, third, pair="id", cluster="author")
    words = [f"w{i}" for i in range(N)]
    alone = [build(name, x, id=list(range(N)), word=words[at:] + words[:at]) for name, at in (("d", 0), ("e", 1))]
    nothing = diff(*alone, pair="id", adjust="word")
    assert set(nothing["p"]) == {1.0}  # no two pairs have the same two words
    assert nothing["difference"].null_count() == nothing.height
    several = diff(a, b, third.filter(pl.col("id") < N), pair="id")
    assert several["length_p"].null_count() == several.height


def test_how_many_tests_and_what_could_be_found_stand_in_every_row(sides: tuple[Any, ...]):
    a, b, *_ = sides
    table = diff(a, b)
    assert set(table["tested"]) == {table.height}
    least = minimum_detectable_difference(N, N, share=table["other"].to_numpy(), alpha=0.05 / table.height)
    np.testing.assert_allclose(table["detectable"], least)
    three = diff(a, b, b.filter(pl.col("id") < 50))
    assert three["detectable"].min() > table["detectable"].min()
    # clusters take information away
    one, two = (diff(a, b, **options).sort("feature") for options in ({}, {"cluster": "author"}))
    assert (two["detectable"] >= one["detectable"] - 1e-9).all()
    assert two["detectable"].mean() > one["detectable"].mean()
