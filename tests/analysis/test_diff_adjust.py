"""Length and other covariates, clusters, and effect sizes of whole corpora."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from saedata.analysis.diff import diff
from saedata.errors import InputError
from saedata.stats import (
    benjamini_hochberg,
    cluster_degrees,
    cluster_variance,
    clustered_interval,
    clustered_p,
    log_odds_ratio,
    mantel_haenszel_interval,
    mantel_haenszel_p,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]


@pytest.fixture
def build(make_frame: Callable[..., Any]) -> Build:
    """Write a frame from a matrix, lengths in words, and the user's columns."""
    count = itertools.count()

    def make(name: str, values: Any, *, lengths: Any = None, **columns: list[Any]) -> Embeddings:
        matrix = np.asarray(values, dtype=np.float64)
        on = [{int(f): float(row[f]) for f in np.flatnonzero(row)} for row in matrix]
        words = [2] * len(matrix) if lengths is None else lengths
        texts = [" ".join([f"{name}{i}", *["word"] * (int(length) - 1)]) for i, length in enumerate(words)]
        rows = list(zip(texts, on, strict=True))
        return make_frame(f"{next(count)}/{name}.sae", rows, features=matrix.shape[1], shard=500, user=columns)

    return make


def of_length(seed: int, lengths: NDArray[np.int64], features: int = 40) -> NDArray[np.float64]:
    """The longer a document, the more is on; feature 0 is on in nothing but half of all documents."""
    rng = np.random.default_rng(seed)
    on = rng.random((len(lengths), features)) < np.minimum(lengths[:, None] * np.linspace(0.002, 0.02, features), 1)
    on[:, 0] = rng.random(len(lengths)) < 0.5
    return np.where(on, rng.gamma(2, 1, on.shape) + 0.1, 0)


def long_and_short(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.integers(5, 31, 600), rng.integers(10, 41, 500)


# --- length


def test_differences_that_length_makes_are_named(build: Build):
    short, long = long_and_short(1)
    a, b = of_length(2, short), of_length(3, long)
    a[:, 0] = np.random.default_rng(4).random(len(a)) < 0.7  # a difference that length does not make
    table = diff(build("short", a, lengths=short), build("long", b, lengths=long))
    crude = table.filter(pl.col("q") < 0.05)
    assert crude.height > 20
    assert crude["length_explains"].sum() >= crude.height - 2
    real = table.filter(pl.col("feature") == 0).row(0, named=True)
    assert (real["length_explains"], real["length_q"] < 0.001) == (False, True)
    assert real["length_difference"] == pytest.approx(0.2, abs=0.07)
    np.testing.assert_array_equal(table["length_q"], benjamini_hochberg(table["length_p"].to_numpy()))
    explained = (pl.col("q") < 0.05) & (pl.col("length_q") >= 0.05)
    assert_frame_equal(table.select(x=explained), table.select(x="length_explains"))


def test_adjusting_for_length_moves_the_result_into_the_main_columns(build: Build):
    short, long = long_and_short(5)
    a = build("short", of_length(6, short), lengths=short)
    b = build("long", of_length(7, long), lengths=long)
    plain, adjusted = diff(a, b), diff(a, b, adjust="length")
    assert (adjusted["q"] < 0.05).sum() <= 1
    one, two = plain.sort("feature"), adjusted.sort("feature")
    np.testing.assert_allclose(two["difference"], one["length_difference"])
    np.testing.assert_allclose(two["p"], one["length_p"])
    same = ["feature", "target", "other", "target_on", "log_odds_ratio", "hedges_g", "length_explains"]
    assert_frame_equal(one.select(same), two.select(same))
    assert (two["low"] <= two["difference"]).all()
    assert (two["difference"] <= two["high"]).all()


def test_strata_of_length_are_deciles_of_all_documents(build: Build):
    """Ten strata of 100 documents, their edges between known lengths: the same as by hand."""
    rng = np.random.default_rng(8)
    lengths = np.repeat(np.arange(1, 11) * 3, 100)
    side = rng.random(1000) < 0.4
    on = rng.random((1000, 5)) < lengths[:, None] * 0.02
    a = build("a", on[side], lengths=lengths[side])
    b = build("b", on[~side], lengths=lengths[~side])
    table = diff(a, b).sort("feature")
    cells = [np.stack([on[s & (lengths == k * 3)].sum(axis=0) for k in range(1, 11)]) for s in (side, ~side)]
    sizes = [np.array([(s & (lengths == k * 3)).sum() for k in range(1, 11)])[:, None] for s in (side, ~side)]
    counts = cells[0], sizes[0], cells[1], sizes[1]
    np.testing.assert_allclose(table["length_p"], mantel_haenszel_p(*counts))
    np.testing.assert_allclose(table["length_difference"], mantel_haenszel_interval(*counts)[0])


def test_documents_of_one_length_change_nothing(build: Build):
    a, b = build("a", of_length(9, np.full(60, 20))), build("b", of_length(10, np.full(50, 25)))
    table = diff(a, b)
    assert_frame_equal(table.select(x="p", y="difference"), table.select(x="length_p", y="length_difference"))
    assert not table["length_explains"].any()


def test_lengths_that_never_meet_say_nothing(build: Build):
    a = build("a", of_length(11, np.full(100, 5)), lengths=[5] * 100)
    b = build("b", of_length(12, np.full(100, 50)), lengths=[50] * 100)
    table = diff(a, b)
    assert table["length_p"].unique().to_list() == [1.0]
    assert table["length_difference"].null_count() == table.height
    assert table.filter(pl.col("q") < 0.05)["length_explains"].all()
    adjusted = diff(a, b, adjust="length")
    assert adjusted["difference"].null_count() == adjusted.height


def test_each_group_is_adjusted_against_its_rest(build: Build):
    rng = np.random.default_rng(13)
    lengths, group = rng.integers(3, 40, 400), rng.choice(["x", "y", "z"], 400)
    values = of_length(14, lengths)
    whole = build("whole", values, lengths=lengths, group=group.tolist())
    table = diff(whole, by="group", adjust="length", evidence_rows=0)
    for name in ("x", "y", "z"):
        mine, rest = (whole.filter(test) for test in (pl.col("group") == name, pl.col("group") != name))
        expected = diff(mine, rest, adjust="length", evidence_rows=0)
        got = table.filter(pl.col("group") == name)
        left_out = ["q", "other_name", "label", "length_q", "length_explains", "tested", "detectable"]
        assert_frame_equal(got.drop("group", *left_out), expected.drop(left_out))


def test_several_others_are_adjusted_one_by_one(build: Build):
    rng = np.random.default_rng(15)
    lengths = [rng.integers(3, 40, n) for n in (200, 150, 180)]
    frames = [build(f"c{i}", of_length(16 + i, n), lengths=n) for i, n in enumerate(lengths)]
    both = diff(*frames, adjust="length").sort("feature")
    one, two = (diff(frames[0], other, adjust="length", level=0.975).sort("feature") for other in frames[1:])
    nearest = np.where(both["other_name"].to_numpy() == "c1", one["difference"], two["difference"])
    # strata are cut over all documents, so the numbers are close but not the same
    np.testing.assert_allclose(both["difference"], nearest, atol=0.05)
    smaller = np.minimum(one["p"].to_numpy(), two["p"].to_numpy())
    assert (both["p"].to_numpy() >= smaller * 0.3).all()


def test_counts_alone_leave_the_rest_empty(build: Build):
    short, long = long_and_short(19)
    a, b = build("a", of_length(20, short), lengths=short), build("b", of_length(21, long), lengths=long)
    full, counts = diff(a, b), diff(a, b, effects=False)
    empty = ["hedges_g", "length_difference", "length_p", "length_q", "length_explains"]
    assert counts.select(pl.col(empty).null_count()).row(0) == (counts.height,) * 5
    assert_frame_equal(full.drop(empty), counts.drop(empty))


# --- other covariates


def test_a_column_of_words_is_compared_value_by_value(build: Build):
    rng = np.random.default_rng(22)
    topic = rng.choice(["cats", "dogs", None], 900, p=[0.45, 0.45, 0.1])
    side = rng.random(900) < np.where(topic == "cats", 0.8, 0.2)
    on = (rng.random((900, 3)) < np.where(topic == "cats", 0.6, 0.2)[:, None]).astype(float)
    a = build("a", on[side], topic=topic[side].tolist())
    b = build("b", on[~side], topic=topic[~side].tolist())
    plain, adjusted = diff(a, b), diff(a, b, adjust="topic").sort("feature")
    assert (plain["q"] < 1e-6).all()
    assert (adjusted["q"] > 0.05).all()
    values = ["cats", "dogs", None]
    masks = [[s & np.array([t == v for t in topic]) for v in values] for s in (side, ~side)]
    counts = [x for s in masks for x in (np.stack([on[m].sum(axis=0) for m in s]), np.array([[m.sum()] for m in s]))]
    np.testing.assert_allclose(adjusted["p"], mantel_haenszel_p(*counts))


def test_numbers_are_cut_at_quantiles(build: Build):
    rng = np.random.default_rng(23)
    score = rng.normal(size=1200)
    side = rng.random(1200) < 1 / (1 + np.exp(-2 * score))
    on = (rng.random((1200, 4)) < 1 / (1 + np.exp(-1 - 1.5 * score))[:, None]).astype(float)
    a, b = build("a", on[side], score=score[side].tolist()), build("b", on[~side], score=score[~side].tolist())
    plain, adjusted = diff(a, b).sort("feature"), diff(a, b, adjust="score").sort("feature")
    assert (plain["q"] < 1e-10).all()
    assert (adjusted["difference"].abs() < 0.35 * plain["difference"].abs()).all()


def test_too_many_words_and_absent_columns_are_refused(build: Build):
    a = build("a", np.ones((300, 1)), id=[f"n{i}" for i in range(300)])
    with pytest.raises(InputError, match="300 different values"):
        diff(a, a, adjust="id")
    with pytest.raises(InputError, match="no column 'lenght' to adjust for"):
        diff(a, a, adjust="lenght")
    with pytest.raises(InputError, match="no column 'author' to take clusters from"):
        diff(a, a, cluster="author")


# --- clusters


def test_clusters_give_the_statistics_of_counted_authors(build: Build):
    rng = np.random.default_rng(24)
    author = rng.integers(0, 20, 500)
    side = rng.random(500) < np.where(author < 10, 0.9, 0.2)
    on = rng.random((500, 12)) < rng.beta(1, 2, (20, 12))[author]
    names = np.array([f"author {i}" for i in author])
    a = build("a", on[side].astype(float), author=names[side].tolist())
    b = build("b", on[~side].astype(float), author=names[~side].tolist())
    table = diff(a, b, cluster="author").sort("feature")
    cells = [np.stack([on[s & (author == i)].sum(axis=0) for i in range(20)]) for s in (side, ~side)]
    sizes = [np.array([(s & (author == i)).sum() for i in range(20)])[:, None] for s in (side, ~side)]
    spread = cluster_variance(cells[0], sizes[0], cells[1], sizes[1])
    options = {"variance": spread, "degrees": cluster_degrees(sizes[0], sizes[1])}
    totals = cells[0].sum(axis=0), sizes[0].sum(), cells[1].sum(axis=0), sizes[1].sum()
    np.testing.assert_allclose(table["p"], clustered_p(*totals, **options), rtol=1e-9)
    low, high = clustered_interval(*totals, **options)
    np.testing.assert_allclose(table["low"], low, rtol=1e-9)
    np.testing.assert_allclose(table["high"], high, rtol=1e-9)
    assert (table["p"] >= diff(a, b).sort("feature")["p"]).all()


def test_groups_and_several_others_take_clusters(build: Build):
    rng = np.random.default_rng(25)
    author, group = rng.integers(0, 15, 300), rng.choice(["x", "y", "z"], 300)
    on = (rng.random((300, 8)) < rng.beta(1, 2, (15, 8))[author]).astype(float)
    whole = build("whole", on, author=author.tolist(), group=group.tolist())
    table = diff(whole, by="group", cluster="author", evidence_rows=0)
    parts = {name: whole.filter(pl.col("group") == name) for name in "xyz"}
    expected = diff(parts["x"], whole.filter(pl.col("group") != "x"), cluster="author", evidence_rows=0)
    got = table.filter(pl.col("group") == "x")
    np.testing.assert_allclose(got["p"], expected["p"], rtol=1e-9)
    union = diff(parts["x"], parts["y"], parts["z"], cluster="author")
    assert (union["p"] >= 0).all()
    assert union.height == 8


def test_a_document_without_author_is_its_own_cluster(build: Build):
    rng = np.random.default_rng(26)
    on = (rng.random((200, 6)) < 0.3).astype(float)
    nobody = pl.Series([None] * 100, dtype=pl.String)
    a, b = build("a", on[:100], author=nobody.to_list()), build("b", on[100:], author=nobody.to_list())
    clustered, plain = diff(a, b, cluster="author").sort("feature"), diff(a, b).sort("feature")
    np.testing.assert_allclose(clustered["low"], plain["low"], atol=0.01)


def test_too_few_authors_are_refused(build: Build):
    a, b = build("a", np.ones((5, 1)), author=list("xxxyy")), build("b", np.ones((5, 1)), author=list("xxzzz"))
    with pytest.raises(InputError, match="3 clusters; at least 4"):
        diff(a, b, cluster="author")


# --- effect sizes


def test_effect_sizes_of_several_others_belong_to_the_deciding_one(build: Build):
    matrices = [of_length(30 + i, np.full(80, 25)) for i in range(3)]
    frames = [build(f"c{i}", m) for i, m in enumerate(matrices)]
    for row in diff(*frames).iter_rows(named=True):
        x, y = (m[:, row["feature"]] for m in (matrices[0], matrices[int(row["other_name"][1])]))
        pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        expected = (x.mean() - y.mean()) / pooled * (1 - 3 / (4 * 160 - 9))
        assert row["hedges_g"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        odds = float(log_odds_ratio((x > 0).sum(), 80, (y > 0).sum(), 80)[0])
        assert row["log_odds_ratio"] == pytest.approx(odds)
        assert row["log_odds_low"] <= row["log_odds_ratio"]


def test_values_at_the_threshold_count_as_zero(build: Build):
    a, b = build("a", [[1.0], [5.0], [9.0]]), build("b", [[2.0], [6.0], [1.0]])
    row = diff(a, b, threshold=2.0).row(0, named=True)
    x, y = np.array([0, 5, 9.0]), np.array([0, 6, 0.0])
    pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    assert row["hedges_g"] == pytest.approx((x.mean() - y.mean()) / pooled * (1 - 3 / 15))
