from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.proportion import power_proportions_2indep

from saedata.errors import InputError
from saedata.stats import (
    hedges_g,
    log_odds_ratio,
    minimum_detectable_difference,
    paired_log_odds_ratio,
    two_proportion_p,
)

# --- log odds ratio


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_log_odds_ratio_equals_statsmodels_with_a_half_in_every_cell(level: float):
    rng = np.random.default_rng(1)
    n_a, n_b = rng.integers(1, 300, 60), rng.integers(1, 300, 60)
    a, b = rng.integers(0, n_a + 1), rng.integers(0, n_b + 1)
    got = log_odds_ratio(a, n_a, b, n_b, level=level)
    for i in range(60):
        table = Table2x2(np.array([[a[i], n_a[i] - a[i]], [b[i], n_b[i] - b[i]]]) + 0.5)
        expected = (table.log_oddsratio, *table.log_oddsratio_confint(alpha=1 - level))
        assert [float(x[i]) for x in got] == pytest.approx(expected, rel=1e-9)


def test_log_odds_ratio_by_hand():
    # odds 10.5 / 10.5 against 5.5 / 15.5
    estimate, low, high = (float(x) for x in log_odds_ratio(10, 20, 5, 20))
    error = math.sqrt(1 / 10.5 + 1 / 10.5 + 1 / 5.5 + 1 / 15.5)
    assert estimate == pytest.approx(math.log(15.5 / 5.5))
    assert (low, high) == pytest.approx((estimate - 1.959964 * error, estimate + 1.959964 * error), rel=1e-6)


def test_swapping_the_sides_turns_the_sign_and_empty_cells_stay_finite():
    there, back = log_odds_ratio([0, 7], 7, [9, 0], 9), log_odds_ratio([9, 0], 9, [0, 7], 7)
    np.testing.assert_allclose(there[0], -back[0])
    np.testing.assert_allclose(there[1], -back[2])
    assert np.isfinite(there).all()


def test_log_odds_interval_covers_the_true_value():
    rng = np.random.default_rng(2)
    a, b = rng.binomial(200, 0.3, 20_000), rng.binomial(120, 0.1, 20_000)
    _, low, high = log_odds_ratio(a, 200, b, 120)
    true = math.log(0.3 / 0.7) - math.log(0.1 / 0.9)
    assert np.mean((low <= true) & (true <= high)) == pytest.approx(0.95, abs=0.012)


def test_paired_log_odds_ratio_by_hand():
    estimate, low, high = (float(x) for x in paired_log_odds_ratio(12, 2))
    assert estimate == pytest.approx(math.log(12.5 / 2.5))
    assert high - estimate == pytest.approx(1.959964 * math.sqrt(1 / 12.5 + 1 / 2.5), rel=1e-6)
    assert low == pytest.approx(2 * estimate - high)
    with pytest.raises(InputError, match="negative"):
        paired_log_odds_ratio(-1, 2)


# --- means


def test_hedges_g_from_sums_equals_the_textbook():
    rng = np.random.default_rng(3)
    for _ in range(20):
        a = np.where(rng.random(rng.integers(3, 40)) < 0.6, rng.gamma(2, 1, 1), 0) + rng.random()
        b = np.where(rng.random(rng.integers(3, 40)) < 0.4, rng.gamma(2, 3, 1), 0) + rng.random(1)
        b[0] += 1
        n = len(a) + len(b)
        pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (n - 2))
        expected = (a.mean() - b.mean()) / pooled * (1 - 3 / (4 * n - 9))
        got = hedges_g(len(a), a.sum(), (a**2).sum(), len(b), b.sum(), (b**2).sum())
        assert float(got) == pytest.approx(expected, rel=1e-9)


def test_hedges_g_without_spread_is_unknown():
    assert np.isnan(hedges_g(5, 10, 20, 4, 4, 4))  # 2, 2, 2, 2, 2 against 1, 1, 1, 1
    assert np.isnan(hedges_g(1, 2, 4, 1, 1, 1))
    assert float(hedges_g(3, 6, 14, 3, 3, 5)) == pytest.approx(0.8)


# --- power


@pytest.mark.parametrize(("n_a", "n_b", "share", "alpha"), [(1000, 1000, 0.05, 0.05), (500, 2000, 0.3, 1e-4)])
def test_detectable_difference_has_the_power_it_says(n_a: int, n_b: int, share: float, alpha: float):
    least = float(minimum_detectable_difference(n_a, n_b, share=share, alpha=alpha))
    asymptotic = power_proportions_2indep(least, share, n_a, ratio=n_b / n_a, alpha=alpha, return_results=False)
    assert asymptotic == pytest.approx(0.8, abs=0.01)
    rng = np.random.default_rng(4)
    p = two_proportion_p(rng.binomial(n_a, share + least, 4000), n_a, rng.binomial(n_b, share, 4000), n_b)
    assert np.mean(p < alpha) == pytest.approx(0.8, abs=0.03)


def test_more_documents_find_smaller_differences_and_too_few_find_none():
    least = minimum_detectable_difference([20, 100, 1000, 10_000], [20, 100, 1000, 10_000], share=0.1)
    assert (np.diff(least) < 0).all()
    assert np.isnan(minimum_detectable_difference(3, 3, share=0.5, alpha=1e-6))


@pytest.mark.parametrize("options", [{"share": 1.5}, {"share": 0.1, "alpha": 0.9}, {"share": 0.1, "power": 1.0}])
def test_impossible_designs_are_refused(options: dict[str, float]):
    with pytest.raises(InputError, match="must lie"):
        minimum_detectable_difference(10, 10, **options)
