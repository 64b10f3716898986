from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import Table

from saedata.errors import InputError
from saedata.stats import benjamini_hochberg, cochran_armitage, two_proportion_p


def test_trend_equals_statsmodels():
    rng = np.random.default_rng(1)
    for _ in range(30):
        sizes, scores = np.full(5, 400), np.cumsum(rng.integers(1, 4, 5))
        on = rng.binomial(sizes, 0.3)
        expected = Table(np.stack([on, sizes - on], axis=1)).test_ordinal_association(
            row_scores=scores, col_scores=np.array([1, 0])
        )
        assert float(cochran_armitage(on, sizes, scores=scores).p) == pytest.approx(expected.pvalue, rel=0.02)


def test_trend_by_hand():
    # T = 30 - 10 = 20 over -1, 0, 1; variance .2 * .8 * 200 * 300 / 299
    found = cochran_armitage([10, 20, 30], [100, 100, 100])
    z = 20 / np.sqrt(0.16 * 200 * 300 / 299)
    assert float(found.slope) == pytest.approx(0.1)
    assert z == pytest.approx(3.5296, abs=1e-4)
    assert float(found.p) == pytest.approx(0.000416, abs=2e-6)


def test_two_groups_are_the_n_minus_1_chi_squared_test():
    got = cochran_armitage([[300], [240]], [[1000], [1000]])
    assert float(got.p[0]) == pytest.approx(float(two_proportion_p(300, 1000, 240, 1000)), rel=1e-9)
    assert float(got.slope[0]) == pytest.approx(-0.06)


def test_slope_is_that_of_weighted_least_squares():
    on, n, scores = np.array([3, 40, 20, 90]), np.array([50, 200, 120, 300]), np.array([1999, 2003, 2004, 2010])
    line = np.polynomial.polynomial.polyfit(scores, on / n, 1, w=np.sqrt(n))
    assert float(cochran_armitage(on, n, scores=scores).slope) == pytest.approx(line[1], rel=1e-6)


def test_interval_covers_the_true_slope():
    rng = np.random.default_rng(2)
    share, n = np.array([0.1, 0.15, 0.2, 0.25])[:, None], np.array([80, 200, 120, 60])[:, None]
    found = cochran_armitage(rng.binomial(n, share, (4, 20_000)), n)
    assert np.mean((found.low <= 0.05) & (found.high >= 0.05)) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("sizes", [[100] * 6, [20, 30, 50, 80, 150, 600], [900, 60, 20, 12, 8]])
def test_shuffled_groups_have_no_trend(sizes: list[int]):
    rng = np.random.default_rng(3)
    n = np.array(sizes)
    false = small = 0
    for _ in range(200):
        total = rng.binomial(n.sum(), 10 ** rng.uniform(-2.7, -0.4, 1000))
        on = _deal(rng, n, total)
        p = cochran_armitage(on, n[:, None]).p
        false += bool(benjamini_hochberg(p).min() < 0.05)
        small += bool(p.min() < 0.01)
    assert false / 200 <= 0.08
    assert small / 200 > 0.5


def _deal(rng: np.random.Generator, n: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Give each group its part of `total` documents drawn without replacement."""
    left, rest, dealt = total.copy(), n.sum(), []
    for size in n:
        rest -= size
        here = rng.hypergeometric(size, rest, left) if rest else left
        dealt.append(here)
        left = left - here
    return np.stack(dealt)


def test_what_never_or_always_is_has_no_trend():
    found = cochran_armitage([[0, 9], [0, 5]], [[9, 9], [5, 5]])
    assert found.p.tolist() == [1.0, 1.0]
    np.testing.assert_allclose(found.slope, 0, atol=1e-12)


def test_groups_without_order_are_refused():
    with pytest.raises(InputError, match="two or more"):
        cochran_armitage([1, 2], [5, 5], scores=[3, 3])
    with pytest.raises(InputError, match="no documents"):
        cochran_armitage([1, 0], [5, 0])
