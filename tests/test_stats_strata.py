from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom
from statsmodels.stats.contingency_tables import StratifiedTable

from saedata.errors import InputError
from saedata.stats import (
    benjamini_hochberg,
    mantel_haenszel_interval,
    mantel_haenszel_p,
    newcombe_interval,
    two_proportion_p,
)

Counts = NDArray[np.int64]


def exact_p(a: Counts, n1: Counts, b: Counts, n2: Counts) -> dict[str, float]:
    """The distribution of the sum, stratum by stratum."""
    chance = np.ones(1)
    for on, n, other_on, m in zip(a, n1, b, n2, strict=True):
        if n and m:
            chance = np.convolve(chance, hypergeom(n + m, on + other_on, n).pmf(np.arange(n + 1)))
    count = a[(n1 > 0) & (n2 > 0)].sum()
    return {
        "greater": chance[count:].sum(),
        "less": chance[: count + 1].sum(),
        "two-sided": chance[chance <= chance[count] * (1 + 1e-7)].sum(),
    }


@pytest.mark.parametrize(("sizes", "share"), [((30, 60), 0.01), ((60, 30), 0.01), ((4, 5), 0.4), ((40, 8), 0.99)])
@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_few_counts_are_tested_exactly(sizes: tuple[int, int], share: float, alternative: str):
    rng = np.random.default_rng(1)
    compared = 0
    for _ in range(40):
        n1, n2 = rng.integers(0, sizes[0], 10), rng.integers(0, sizes[1], 10)
        a, b = rng.binomial(n1, share), rng.binomial(n2, share)
        b = np.minimum(n2, b + rng.integers(0, 2, 10))
        on = ((a + b) * (n1 * n2 > 0)).sum()
        n = (n1 + n2)[n1 * n2 > 0].sum()
        if min(on, n - on) < 9 and min(on, n - on) > 0:
            got = float(mantel_haenszel_p(a, n1, b, n2, alternative=alternative))
            assert got == pytest.approx(min(exact_p(a, n1, b, n2)[alternative], 1), rel=1e-9)
            compared += 1
    assert compared > 5


def test_many_counts_equal_the_mantel_haenszel_test_of_statsmodels():
    rng = np.random.default_rng(2)
    n1, n2 = rng.integers(50, 200, (2, 10, 1))
    a, b = rng.binomial(n1, 0.3, (10, 60)), rng.binomial(n2, 0.35, (10, 60))
    got = mantel_haenszel_p(a, n1, b, n2)
    for i in range(60):
        tables = [
            np.array([[x, n - x], [y, m - y]]) for x, n, y, m in zip(a[:, i], n1[:, 0], b[:, i], n2[:, 0], strict=True)
        ]
        assert got[i] == pytest.approx(StratifiedTable(tables).test_null_odds(correction=False).pvalue, rel=1e-8)


def test_a_rare_feature_on_sides_of_unlike_size_is_close_to_exact():
    rng = np.random.default_rng(3)
    n1, n2 = np.full(10, 30), np.full(10, 3000)
    for share in (0.02, 0.05, 0.1):
        for extra in (0, 1, 2):
            b = rng.binomial(n2, share)
            a = rng.binomial(n1, share) + extra
            for alternative, expected in exact_p(a, n1, b, n2).items():
                got = float(mantel_haenszel_p(a, n1, b, n2, alternative=alternative))
                assert abs(np.log(got / min(expected, 1.0))) < 0.35


def test_one_stratum_is_the_plain_test_and_interval():
    rng = np.random.default_rng(4)
    a, b = rng.binomial(300, 0.2, 50), rng.binomial(200, 0.3, 50)
    for alternative in ("two-sided", "greater", "less"):
        got = mantel_haenszel_p(a[None], [[300]], b[None], [[200]], alternative=alternative)
        np.testing.assert_allclose(got, two_proportion_p(a, 300, b, 200, alternative=alternative), rtol=1e-9)
    _, low, high = mantel_haenszel_interval(a[None], [[300]], b[None], [[200]])
    np.testing.assert_allclose((low, high), newcombe_interval(a, 300, b, 200), atol=1e-12)


def test_the_weighted_difference_by_hand():
    # 8/10 against 21/30 and 9/30 against 3/20, weights 300/40 and 600/50
    difference, low, high = mantel_haenszel_interval([8, 9], [10, 30], [21, 3], [30, 20])
    assert float(difference) == pytest.approx((7.5 * 0.1 + 12 * 0.15) / 19.5)
    assert low < difference < high


def test_a_difference_that_the_strata_explain_disappears():
    """Long documents have the feature twice as often, and one side has more long documents."""
    n1, n2 = np.array([900, 100]), np.array([100, 900])
    a, b = np.array([360, 20]), np.array([40, 180])
    assert float(two_proportion_p(a.sum(), 1000, b.sum(), 1000)) < 1e-10
    assert float(mantel_haenszel_p(a, n1, b, n2)) == pytest.approx(1.0)
    assert float(mantel_haenszel_interval(a, n1, b, n2)[0]) == pytest.approx(0.0, abs=1e-12)


def test_strata_with_one_side_only_say_nothing():
    assert float(mantel_haenszel_p([5, 0], [10, 0], [0, 3], [0, 10])) == 1.0
    difference, low, high = mantel_haenszel_interval([5, 0], [10, 0], [0, 3], [0, 10])
    assert np.isnan(difference)
    assert (float(low), float(high)) == (-1, 1)
    more = mantel_haenszel_p([5, 7], [10, 10], [2, 0], [10, 0])
    assert float(more) == float(mantel_haenszel_p([5], [10], [2], [10]))


def test_the_interval_covers_the_true_difference():
    rng = np.random.default_rng(5)
    n1, n2 = np.linspace(5, 30, 10).astype(int)[:, None], np.linspace(30, 10, 10).astype(int)[:, None]
    base = np.linspace(0.05, 0.5, 10)[:, None]
    for shift in (0.0, 0.1):
        a, b = rng.binomial(n1, base + shift, (10, 10_000)), rng.binomial(n2, base, (10, 10_000))
        _, low, high = mantel_haenszel_interval(a, n1, b, n2)
        assert np.mean((low <= shift) & (shift <= high)) == pytest.approx(0.955, abs=0.02)


@pytest.mark.parametrize("scale", [1, 10])
def test_length_alone_gives_no_findings(scale: int):
    """A null within strata: shares depend on the stratum, and the sides have other strata."""
    rng = np.random.default_rng(6)
    n1, n2 = (
        (np.linspace(5, 60, 10) * scale).astype(int)[:, None],
        (np.linspace(60, 5, 10) * scale).astype(int)[:, None],
    )
    false = crude = 0
    for _ in range(200):
        share = np.minimum(10 ** rng.uniform(-2.5, -0.6, 500) * np.linspace(0.5, 2, 10)[:, None], 1)
        a, b = rng.binomial(n1, share), rng.binomial(n2, share)
        false += bool(benjamini_hochberg(mantel_haenszel_p(a, n1, b, n2)).min() < 0.05)
        plain = two_proportion_p(a.sum(axis=0), n1.sum(), b.sum(axis=0), n2.sum())
        crude += bool(benjamini_hochberg(plain).min() < 0.05)
    assert false / 200 <= 0.08
    assert crude / 200 > 0.5


def test_bad_counts_are_refused():
    with pytest.raises(InputError, match="negative or above"):
        mantel_haenszel_p([5], [4], [1], [4])
    with pytest.raises(InputError, match="'more'"):
        mantel_haenszel_p([1], [4], [1], [4], alternative="more")
