from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, fisher_exact, hypergeom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from saedata.errors import InputError
from saedata.stats import (
    LARGEST_SKEW,
    SMALLEST_EXPECTED,
    Alternative,
    benjamini_hochberg,
    newcombe_interval,
    two_proportion_p,
    wilson_interval,
)

Table = tuple[int, int, int, int]


def random_tables(seed: int, rows: int, largest: int):
    rng = np.random.default_rng(seed)
    n_a, n_b = rng.integers(1, largest, rows), rng.integers(1, largest, rows)
    share = rng.beta(0.5, 0.5, rows)
    return rng.binomial(n_a, share), n_a, rng.binomial(n_b, np.roll(share, rows // 3)), n_b


def skewness(n_a: int, n_b: int, on: int):
    return abs(float(hypergeom(n_a + n_b, on, n_a).stats("s")))


@st.composite
def tables(draw: st.DrawFn, *, largest: int = 400):
    n_a, n_b = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return draw(st.integers(0, n_a)), n_a, draw(st.integers(0, n_b)), n_b


# --- intervals


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_wilson_equals_statsmodels(level: float):
    on, n, _, _ = random_tables(1, 300, 500)
    low, high = wilson_interval(on, n, level=level)
    expected = np.array(
        [proportion_confint(k, m, alpha=1 - level, method="wilson") for k, m in zip(on, n, strict=True)]
    )
    np.testing.assert_allclose(low, expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(high, expected[:, 1], atol=1e-12)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_newcombe_equals_statsmodels(level: float):
    table = random_tables(2, 300, 500)
    low, high = newcombe_interval(*table, level=level)
    expected = np.array(
        [
            confint_proportions_2indep(*row, compare="diff", method="newcomb", alpha=1 - level)
            for row in zip(*table, strict=True)
        ]
    )
    np.testing.assert_allclose(low, expected[:, 0], atol=1e-9)
    np.testing.assert_allclose(high, expected[:, 1], atol=1e-9)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_equals_the_published_examples(table: Table, low: float, high: float):
    got = newcombe_interval(*table)
    assert [round(float(bound), 4) for bound in got] == [low, high]


@given(tables(), st.floats(0.5, 0.999))
def test_interval_holds_the_difference_and_stays_in_range(table: Table, level: float):
    low, high = newcombe_interval(*table, level=level)
    difference = table[0] / table[1] - table[2] / table[3]
    assert -1 - 1e-12 <= low <= difference <= high <= 1 + 1e-12


@given(tables())
def test_swapping_the_sides_mirrors_the_interval(table: Table):
    low, high = newcombe_interval(*table)
    swapped_low, swapped_high = newcombe_interval(*table[2:], *table[:2])
    assert low == pytest.approx(-swapped_high, abs=1e-12)
    assert high == pytest.approx(-swapped_low, abs=1e-12)


@given(st.integers(1, 10**6), st.data())
def test_wilson_holds_the_share(n: int, data: st.DataObject):
    on = data.draw(st.integers(0, n))
    low, high = wilson_interval(on, n)
    assert 0 <= low <= on / n <= high <= 1


def test_wilson_at_the_ends_is_exact():
    low, high = wilson_interval([0, 7], [7, 7])
    assert low[0] == 0
    assert high[1] == 1


def test_newcombe_covers_the_true_difference():
    rng = np.random.default_rng(3)
    a, b = rng.binomial(200, 0.3, 20_000), rng.binomial(120, 0.1, 20_000)
    low, high = newcombe_interval(a, 200, b, 120)
    assert np.mean((low <= 0.2) & (high >= 0.2)) == pytest.approx(0.95, abs=0.01)


# --- tests


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_exact_branch_equals_scipy(alternative: Alternative):
    compared = 0
    for seed, largest in ((4, 12), (5, 60), (6, 3000)):
        table = random_tables(seed, 250, largest)
        p = two_proportion_p(*table, alternative=alternative)
        for got, a, n_a, b, n_b in zip(p, *table, strict=True):
            if min(n_a, n_b) * min(a + b, n_a + n_b - a - b) < SMALLEST_EXPECTED * (n_a + n_b):
                expected = fisher_exact([[a, n_a - a], [b, n_b - b]], alternative=alternative).pvalue
                assert got == pytest.approx(expected, rel=1e-8, abs=1e-300)
                compared += 1
    assert compared > 300


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_a_rare_feature_on_sides_of_unlike_size_is_tested_exactly(alternative: Alternative):
    n_a, n_b = 300, 40_000
    for a, b in ((9, 1100), (25, 1100), (2, 1100), (290, 38_900), (271, 38_900), (0, 4200)):
        assert min(a + b, n_a + n_b - a - b) * n_a / (n_a + n_b) > SMALLEST_EXPECTED
        assert skewness(n_a, n_b, a + b) > LARGEST_SKEW
        expected = fisher_exact([[a, n_a - a], [b, n_b - b]], alternative=alternative).pvalue
        got = two_proportion_p(a, n_a, b, n_b, alternative=alternative)
        assert float(got) == pytest.approx(expected, rel=1e-7)


def test_asymptotic_branch_is_the_n_minus_1_chi_squared():
    # (N - 1) (ad - bc)^2 / product of the row and column sums
    a, n_a, b, n_b = 60, 100, 45, 100
    statistic = 199 * (60 * 55 - 40 * 45) ** 2 / (100 * 100 * 105 * 95)
    two_sided = float(two_proportion_p(a, n_a, b, n_b))
    assert two_sided == pytest.approx(chi2.sf(statistic, 1), rel=1e-9)
    assert float(two_proportion_p(a, n_a, b, n_b, alternative="greater")) == pytest.approx(two_sided / 2)
    assert float(two_proportion_p(a, n_a, b, n_b, alternative="less")) == pytest.approx(1 - two_sided / 2)


@pytest.mark.parametrize(("n_a", "n_b"), [(2000, 2000), (2000, 3000), (500, 20_000), (100, 100_000)])
def test_every_branch_is_near_the_exact_p_far_out(n_a: int, n_b: int):
    # the normal tail of a skewed count is wrong by a factor of a thousand at z = 5: the bound prevents that
    worst = 0.0
    for on in (8, 30, 100, 400, 1500):
        null = hypergeom(n_a + n_b, on, n_a)
        for a in {int(null.ppf(q)) for q in (1e-6, 1e-4, 1e-2, 0.99, 1 - 1e-4, 1 - 1e-6)}:
            table = (a, n_a, on - a, n_b)
            for alternative, exact in (("greater", null.sf(a - 1)), ("less", null.cdf(a))):
                p = float(two_proportion_p(*table, alternative=alternative))
                worst = max(worst, np.log(exact / p))
    assert worst < np.log(4)


@given(tables())
def test_p_is_a_probability_and_symmetric(table: Table):
    swapped = (*table[2:], *table[:2])
    off = (table[1] - table[0], table[1], table[3] - table[2], table[3])
    p, less = two_proportion_p(*table), two_proportion_p(*table, alternative="less")
    greater = two_proportion_p(*table, alternative="greater")
    assert 0 <= p <= 1
    assert 0 <= greater <= 1
    assert greater + less >= 1 - 1e-9
    assert two_proportion_p(*swapped) == pytest.approx(float(p), rel=1e-9)
    assert two_proportion_p(*swapped, alternative="less") == pytest.approx(float(greater), rel=1e-9)
    assert two_proportion_p(*off) == pytest.approx(float(p), rel=1e-9)
    assert two_proportion_p(*off, alternative="less") == pytest.approx(float(greater), rel=1e-9)


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_features_on_nowhere_or_everywhere_say_nothing(n_a: int, n_b: int):
    for alternative in ("two-sided", "greater", "less"):
        p = two_proportion_p([0, n_a], n_a, [0, n_b], n_b, alternative=alternative)
        assert p.tolist() == [1, 1]


def test_equal_shares_give_p_of_one():
    p = two_proportion_p([3, 50, 200], [10, 100, 1000], [3, 25, 20], [10, 50, 100])
    np.testing.assert_allclose(p, 1, rtol=1e-9)


def test_hopeless_tables_give_zero_and_no_warning():
    p = two_proportion_p(
        [1000, 20_000, 300_000], [1000, 20_000, 500_000], [100, 30_000, 0], [10**6, 2 * 10**6, 500_000]
    )
    assert p.tolist() == [0, 0, 0]


def test_p_keeps_the_shape_of_what_it_was_given():
    p = two_proportion_p([[1, 40], [2, 60]], [50, 100], [[5], [7]], 100)
    assert p.shape == (2, 2)
    assert p[1, 1] == two_proportion_p(60, 100, 7, 100)
    assert two_proportion_p(1, 2, 0, 2).shape == ()
    assert two_proportion_p([], 2, [], 2).shape == (0,)


def test_rejection_rate_under_the_null_is_the_nominal_one():
    rng = np.random.default_rng(7)
    for n_a, n_b, share in ((1000, 1000, 0.2), (1000, 1000, 0.01), (200, 5000, 0.02)):
        p = two_proportion_p(rng.binomial(n_a, share, 40_000), n_a, rng.binomial(n_b, share, 40_000), n_b)
        assert np.mean(p < 0.05) < 0.055
        assert np.mean(p < 0.0005) < 0.0008


def test_power_is_that_of_the_exact_calculation():
    rng = np.random.default_rng(8)
    for share, planted in ((0.05, 0.02), (0.05, 0.05), (0.30, 0.05)):
        p = two_proportion_p(rng.binomial(1000, share + planted, 20_000), 1000, rng.binomial(1000, share, 20_000), 1000)
        grid = np.arange(1001)
        chance = np.outer(binom.pmf(grid, 1000, share + planted), binom.pmf(grid, 1000, share))
        rejects = two_proportion_p(grid[:, None], 1000, grid[None, :], 1000) < 0.05
        assert np.mean(p < 0.05) == pytest.approx(chance[rejects].sum(), abs=0.02)


def test_a_million_documents_and_65_thousand_features_take_under_two_seconds():
    rng = np.random.default_rng(9)
    share = 10 ** rng.uniform(-5.5, -0.3, 65_536)
    two_proportion_p(1, 10, 5, 1000)  # the lazy imports
    for n_a, n_b in ((10**6, 10**6), (1000, 10**6), (20_000, 10**6)):
        a, b = rng.binomial(n_a, share), rng.binomial(n_b, share)
        started = time.process_time()
        benjamini_hochberg(two_proportion_p(a, n_a, b, n_b))
        newcombe_interval(a, n_a, b, n_b)
        assert time.process_time() - started < 2


# --- multiple testing


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_equals_statsmodels(values: list[float]):
    np.testing.assert_allclose(benjamini_hochberg(values), multipletests(values, method="fdr_bh")[1], rtol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_is_ordered_as_p_and_never_below_it(values: list[float]):
    p = np.array(values)
    q = benjamini_hochberg(p)
    assert (q >= p * (1 - 1e-12)).all()
    assert (q <= 1).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()


def test_q_leaves_out_what_was_not_tested():
    q = benjamini_hochberg([0.01, np.nan, 0.04, np.nan])
    np.testing.assert_allclose(q, [0.02, np.nan, 0.04, np.nan])
    assert np.isnan(benjamini_hochberg([np.nan, np.nan])).all()
    assert benjamini_hochberg([]).shape == (0,)


# --- bad input


@pytest.mark.parametrize("table", [(0, 0, 1, 2), (1, 2, 0, 0)])
def test_a_side_without_documents_is_refused(table: Table):
    with pytest.raises(InputError, match="no documents"):
        two_proportion_p(*table)
    with pytest.raises(InputError, match="no documents"):
        newcombe_interval(*table)


@pytest.mark.parametrize("on", [-1, 11])
def test_counts_out_of_range_are_refused(on: int):
    with pytest.raises(InputError, match="negative or above"):
        wilson_interval(on, 10)
    with pytest.raises(InputError, match="negative or above"):
        two_proportion_p(on, 10, 1, 10)


@pytest.mark.parametrize("level", [0, 1, -0.2, 95])
def test_levels_out_of_range_are_refused(level: float):
    with pytest.raises(InputError, match="between 0 and 1"):
        wilson_interval(1, 10, level=level)


def test_unknown_alternative_is_refused():
    with pytest.raises(InputError, match="'larger'"):
        two_proportion_p(1, 10, 1, 10, alternative="larger")


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_p_values_out_of_range_are_refused(p: float):
    with pytest.raises(InputError, match="outside 0 to 1"):
        benjamini_hochberg([0.5, p])
