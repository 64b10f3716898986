from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar

from saedata.errors import InputError
from saedata.stats import benjamini_hochberg, mcnemar_p, newcombe_paired_interval, wilson_interval

small = st.integers(0, 60)


@given(small, small)
def test_mcnemar_equals_statsmodels(only_a: int, only_b: int):
    expected = mcnemar([[3, only_a], [only_b, 5]], exact=True).pvalue if only_a + only_b else 1.0
    assert float(mcnemar_p(only_a, only_b)) == pytest.approx(min(expected, 1.0), rel=1e-9)


def test_mcnemar_one_sided_equals_the_binomial_tail_far_out():
    for a, b in ((0, 0), (0, 9), (9, 0), (300, 20), (20, 300)):
        for alternative, at_least in (("greater", a), ("less", b)):
            expected = binom.sf(at_least - 1, a + b, 0.5)
            got = mcnemar_p(a, b, alternative=alternative)
            assert float(got) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_by_hand():
    # 5 of 5 one way: 2 / 2**5; 6 of 7 one way: 2 (7 + 1) / 2**7
    np.testing.assert_allclose(mcnemar_p([5, 6, 4], [0, 1, 4]), [0.0625, 0.125, 1.0])


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292)],
)
def test_paired_interval_equals_the_published_examples(cells: tuple[int, ...], low: float, high: float):
    got = newcombe_paired_interval(*cells)
    assert [round(float(bound), 4) for bound in got] == [low, high]


def by_hand(e: int, f: int, g: int, h: int) -> tuple[float, float]:
    """The steps of the paper in plain Python."""
    n = e + f + g + h
    (l2, l3), (u2, u3) = wilson_interval([e + f, e + g], n)
    p2, p3 = (e + f) / n, (e + g) / n
    margins = (e + f) * (g + h) * (e + g) * (f + h)
    product = e * h - f * g
    if product > n / 2:
        product -= n / 2
    elif product > 0:
        product = 0
    phi = product / math.sqrt(margins) if margins else 0.0
    lower = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u3 - p3) + (u3 - p3) ** 2
    upper = (u2 - p2) ** 2 - 2 * phi * (u2 - p2) * (p3 - l3) + (p3 - l3) ** 2
    return (f - g) / n - math.sqrt(max(lower, 0)), (f - g) / n + math.sqrt(max(upper, 0))


@given(small, small, small, small)
def test_paired_interval_follows_the_paper(e: int, f: int, g: int, h: int):
    if e + f + g + h:
        low, high = (float(bound) for bound in newcombe_paired_interval(e, f, g, h))
        expected = by_hand(e, f, g, h)
        assert (low, high) == pytest.approx((max(expected[0], -1), min(expected[1], 1)), abs=1e-9)
        assert low - 1e-12 <= (f - g) / (e + f + g + h) <= high + 1e-12
        swapped = [float(bound) for bound in newcombe_paired_interval(e, g, f, h)]
        assert (low, high) == pytest.approx((-swapped[1], -swapped[0]), abs=1e-9)


def test_paired_interval_covers_the_true_difference():
    cells = np.random.default_rng(1).multinomial(150, [0.2, 0.15, 0.05, 0.6], 20_000).T
    low, high = newcombe_paired_interval(*cells)
    assert np.mean((low <= 0.1) & (high >= 0.1)) == pytest.approx(0.95, abs=0.012)


def test_pairs_that_do_not_differ_give_no_findings():
    """A paired null: which answer stands on which side is a coin's throw for each prompt."""
    rng = np.random.default_rng(2)
    small_p = false = 0
    for _ in range(200):
        discordant = rng.binomial(400, 10 ** rng.uniform(-2.5, -0.4, 1000))
        only = rng.binomial(discordant, 0.5)
        p = mcnemar_p(only, discordant - only)
        false += bool(benjamini_hochberg(p).min() < 0.05)
        small_p += bool(p.min() < 0.01)
    assert false / 200 <= 0.08
    assert small_p / 200 > 0.5


def test_bad_counts_are_refused():
    with pytest.raises(InputError, match="count of pairs is negative"):
        mcnemar_p(-1, 2)
    with pytest.raises(InputError, match="no pairs"):
        newcombe_paired_interval(0, 0, 0, 0)
    with pytest.raises(InputError, match="'more'"):
        mcnemar_p(1, 2, alternative="more")
