"""Ordered groups: the order, the counts, the statistics, and what is refused."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from saedata.analysis.diff import TREND_SCHEMA, trend
from saedata.errors import InputError
from saedata.stats import benjamini_hochberg, cochran_armitage

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]


@pytest.fixture
def build(make_frame: Callable[..., Any]) -> Build:
    """Write a frame from a matrix [documents, features], texts, and the user's columns."""
    count = itertools.count()

    def make(values: Any, *, texts: list[str] | None = None, **columns: Any) -> Embeddings:
        matrix = np.asarray(values, dtype=np.float64)
        on = [{int(f): float(row[f]) for f in np.flatnonzero(row)} for row in matrix]
        texts = texts or [f"text {i}" for i in range(len(matrix))]
        user = pl.DataFrame(columns)
        rows = list(zip(texts, on, strict=True))
        return make_frame(
            f"{next(count)}.sae", rows, features=matrix.shape[1], shard=50,
            user=user.to_dict(as_series=False), tables=user.schema,
        )  # fmt: skip

    return make


def rising(seed: int, years: list[int]) -> np.ndarray:
    """Feature 0 rises with the year, 1 falls, the others stay."""
    rng = np.random.default_rng(seed)
    step = (np.array(years) - min(years)) / (max(years) - min(years))
    share = np.stack([0.1 + 0.6 * step, 0.8 - 0.6 * step, *[np.full(len(years), s) for s in (0.05, 0.3, 0.6)]], axis=1)
    return (rng.random(share.shape) < share) * rng.gamma(2, 1, share.shape)


def test_counts_and_statistics_by_year(build: Build):
    years = np.random.default_rng(1).integers(2001, 2006, 400)
    values = rising(2, years.tolist())
    table = trend(build(values, year=years), by="year").sort("feature")
    assert table.schema == TREND_SCHEMA
    sizes = np.array([(years == y).sum() for y in range(2001, 2006)])
    on = np.stack([(values[years == y] > 0).sum(axis=0) for y in range(2001, 2006)])
    expected = cochran_armitage(on, sizes[:, None])
    for name, numbers in zip(("trend", "trend_low", "trend_high", "trend_p"), expected, strict=True):
        np.testing.assert_allclose(table[name], numbers, rtol=1e-9)
    np.testing.assert_array_equal(table["trend_q"], benjamini_hochberg(expected.p))
    np.testing.assert_allclose(np.stack(table["shares"].to_list()), (on / sizes[:, None]).T)
    assert table["groups"][0].to_list() == ["2001", "2002", "2003", "2004", "2005"]
    assert table["documents"][0].to_list() == sizes.tolist()
    assert (table["trend_q"][0] < 0.01, table["trend"][0] > 0.1) == (True, True)
    assert (table["trend_q"][1] < 0.01, table["trend"][1] < -0.1) == (True, True)
    assert (table["trend_q"][2:] > 0.05).all()
    for feature, year in ((0, 2005), (1, 2001)):
        docs = table["evidence"][feature].to_list()
        at = np.flatnonzero(years == year)
        assert docs == at[np.argsort(-values[at, feature].astype(np.float32), kind="stable")][:3].tolist()


def test_the_order_is_that_of_the_values_not_of_their_names(build: Build):
    step = [2, 10, 9, 2, 10, 9] * 10
    values = np.array([[s == 10] for s in step], dtype=float)
    table = trend(build(values, step=step), by="step")
    assert table["groups"][0].to_list() == ["2", "9", "10"]
    assert (table["first"].item(), table["last"].item()) == (0.0, 1.0)
    days = [dt.date(2024, 1, d) for d in (9, 30, 10)] * 10
    table = trend(build(np.ones((30, 1)), score=[0.5, float("nan"), 0.25] * 10), by="score")
    assert table["groups"][0].to_list() == ["0.25", "0.5"]
    size = pl.Series(["large", "small", "middle"] * 10, dtype=pl.Enum(["small", "middle", "large"]))
    assert trend(build(np.ones((30, 1)), size=size), by="size")["groups"][0].to_list() == ["small", "middle", "large"]
    table = trend(build(np.ones((30, 1)), day=days), by="day")
    assert table["groups"][0].to_list() == ["2024-01-09", "2024-01-10", "2024-01-30"]


def test_steps_may_be_as_long_as_the_values_are_apart(build: Build):
    years = [2000, 2001, 2010] * 20
    values = rising(3, years)
    frame = build(values, year=years)
    ranks, apart = trend(frame, by="year").sort("feature"), trend(frame, by="year", steps="value").sort("feature")
    on = np.stack([(values[np.array(years) == y] > 0).sum(axis=0) for y in (2000, 2001, 2010)])
    np.testing.assert_allclose(ranks["trend"], cochran_armitage(on, np.full((3, 1), 20)).slope)
    expected = cochran_armitage(on, np.full((3, 1), 20), scores=[2000, 2001, 2010])
    np.testing.assert_allclose(apart["trend"], expected.slope)
    with pytest.raises(InputError, match="no length"):
        trend(build(np.ones((4, 1)), level=list("abab")), by="level", steps="value")


def test_equal_texts_weigh_once_in_a_group_and_nulls_not_at_all(build: Build):
    frame = build(
        [[1], [1], [0], [1], [0], [1]], texts=["a", "a", "b", "a", "c", "d"],
        year=pl.Series([1, 1, 1, 2, 2, None], dtype=pl.Int32),
    )  # fmt: skip
    assert trend(frame, by="year")["documents"].to_list() == [[2, 2]]
    kept = trend(frame, by="year", duplicates="keep")
    assert kept["documents"].to_list() == [[3, 2]]
    assert kept["shares"].to_list() == [[pytest.approx(2 / 3), 0.5]]


def test_the_same_frame_twice_and_only_what_is_selected(build: Build):
    years = [1, 2, 3, 4] * 20
    frame = build(rising(4, years), year=years)
    assert_frame_equal(trend(frame, by="year"), trend(frame, by="year", seed=5), check_exact=True)
    assert trend(frame.select([1, 3]), by="year")["feature"].sort().to_list() == [1, 3]
    assert trend(frame, by="year", evidence=0)["evidence"].list.len().sum() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "yaer"}, "no column 'yaer' to order it by"),
        ({"by": "same"}, "does not split"),
        ({"by": "year", "level": 2}, "between 0 and 1"),
        ({"by": "year", "duplicates": "twice"}, "'once' or 'keep'"),
        ({"by": "year", "steps": "size"}, "'rank' or 'value'"),
    ],
)
def test_bad_options_are_refused(build: Build, options: dict[str, Any], message: str):
    frame = build(np.ones((4, 1)), year=[1, 2, 1, 2], same=[1, 1, 1, 1])
    with pytest.raises(InputError, match=message):
        trend(frame, **options)


def test_authors_of_unlike_habits_make_no_trend(make_frame: Callable[..., Any]):
    """A clustered null: 30 authors write in one of three years each; then what does rise with the years."""
    rng = np.random.default_rng(11)
    year = np.arange(30) % 3
    rejected = {"plain": [], "clustered": [], "real": []}
    for run in range(4):
        for real in (False, True):
            habit = rng.normal(0, 1.2, (30, 50)) + real * year[:, None] * 1.6
            author = np.repeat(np.arange(30), 12)
            on = rng.random((360, 50)) < (1 / (1 + np.exp(1.5 - habit)))[author]
            rows = [(f"text {i}", {int(f): 1.0 for f in np.flatnonzero(row)}) for i, row in enumerate(on)]
            user = {"year": year[author].tolist(), "author": author.tolist()}
            frame = make_frame(f"{run}{real}.sae", rows, features=50, shard=500, user=user)
            options = {"by": "year", "evidence": 0}
            clustered, plain = trend(frame, cluster="author", **options), trend(frame, **options)
            both = clustered.join(plain, on="feature", suffix="_plain")
            assert (both["trend_p"] >= both["trend_p_plain"]).all()
            assert (both["trend_high"] - both["trend_low"] >= both["trend_high_plain"] - both["trend_low_plain"]).all()
            if real:
                rejected["real"] += (clustered["trend_p"] < 0.05).to_list()
            else:
                rejected["plain"] += (plain["trend_p"] < 0.05).to_list()
                rejected["clustered"] += (clustered["trend_p"] < 0.05).to_list()
    assert 0.01 < np.mean(rejected["clustered"]) < 0.09
    assert np.mean(rejected["plain"]) > 0.2
    assert np.mean(rejected["real"]) > 0.8
