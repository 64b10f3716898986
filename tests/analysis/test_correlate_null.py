"""p-values of co-occurrence against the exact sum of hypergeometric counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from correlate_frames import null_distribution
from scipy.stats import fisher_exact

from saedata.analysis.correlate.null import Margins, expected, stratified_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def margins(on: Array, documents: Array) -> Margins:
    return Margins(np.atleast_2d(on), np.asarray(documents))


def repeated(one: Margins, times: int) -> Margins:
    return Margins(np.repeat(one.on, times, axis=0), one.documents)


def test_lady_tasting_tea():
    # Fisher's own example: 3 of 4 right among 8 cups, p = 17/70
    one = margins([4], [8])
    p, together = stratified_p([3, 1], repeated(one, 2), repeated(one, 2))
    assert p.tolist() == pytest.approx([17 / 70, 17 / 70])
    assert together.tolist() == [True, False]


def test_two_strata_by_hand():
    # in each stratum of two documents each feature is on once: together with chance 1/2, so both times with 1/4
    one = margins([1, 1], [2, 2])
    p, together = stratified_p([2, 1, 0], repeated(one, 3), repeated(one, 3))
    assert p.tolist() == pytest.approx([1 / 4, 3 / 4, 1 / 4])
    assert together.tolist() == [True, False, False]
    assert expected(one, one).tolist() == [1.0]


def test_one_stratum_is_fishers_test():
    a, b, n = 40, 12, 90
    one, other = margins([a], [n]), margins([b], [n])
    for both in range(13):
        tables = [[both, a - both], [b - both, n - a - b + both]]
        for way, alternative in ((1, "greater"), (-1, "less")):
            p, _ = stratified_p([both], one, other, way=way)
            exact = fisher_exact(tables, alternative).pvalue
            assert p[0] == pytest.approx(exact, rel=1e-8 if exact < 0.2 else 0.02)


def cases(seed: int, number: int):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        strata, size = rng.integers(1, 13), int(10 ** rng.uniform(0.5, 3.2))
        n = rng.integers(max(size // 2, 1), size + 1, strata)
        slope = np.linspace(-1, 1, strata) * rng.uniform(0, 2)
        a, b = (rng.binomial(n, 1 / (1 + np.exp(-(rng.uniform(-5, 3) + slope)))) for _ in range(2))
        if a.any() and b.any():
            yield a, b, n


def test_every_count_of_random_strata_is_close_to_the_exact_sum():
    worst = {"small": 0.0, "large": 0.0}
    for a, b, n in cases(1, 250):
        chances = null_distribution(a, b, n)
        counts = np.flatnonzero(chances > 1e-13)
        x, y = (repeated(margins(on, n), len(counts)) for on in (a, b))
        variance = (a * b * (n - a) * (n - b) / (n**2 * np.maximum(n - 1, 1))).sum()
        above, below = np.cumsum(chances[::-1])[::-1], np.cumsum(chances)
        for way, exact in ((1, above[counts]), (-1, below[counts])):
            p, _ = stratified_p(counts, x, y, way=way)
            error = np.where((exact > 1e-12) & (variance > 1e-9), np.abs(p / exact - 1), 0.0)
            small = np.full(len(counts), variance < 1.99) | ((variance < 4.99) & (exact < 0.19))
            for kind, rows in (("small", small), ("large", ~small)):
                worst[kind] = max(worst[kind], error[rows].max(initial=0))
    assert worst["small"] < 1e-6  # summed exactly
    assert worst["large"] < 0.08


def test_p_far_out_is_tiny_and_never_negative():
    one = margins([300, 400], [50_000, 50_000])
    p, _ = stratified_p([700, 300, 100], repeated(one, 3), repeated(one, 3))
    assert (p >= 0).all()
    assert p[0] <= p[1] <= p[2] < 1e-15


def test_large_strata_of_rare_features_follow_poisson():
    documents = np.full(10, 100_000)
    one = margins(np.full(10, 300), documents)  # 9 expected together
    for both in (0, 3, 18, 30):
        mean = 9.0
        exact = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(both + 1))
        p, _ = stratified_p([both], one, one, way=-1)
        assert p[0] == pytest.approx(exact, rel=0.05)


def test_features_that_length_fixes_cannot_be_surprising():
    # on in all of the one stratum and none of the other: nothing is left to chance
    one, other = margins([5, 0], [5, 5]), margins([3, 1], [5, 5])
    assert stratified_p([3], one, other)[0].tolist() == [1.0]
    assert expected(one, other).tolist() == [3.0]


def test_features_on_in_most_documents_are_treated_alike():
    n = np.array([60, 40])
    a, b = np.array([50, 39]), np.array([9, 20])
    x, y, off = margins(a, n), margins(b, n), margins(n - a, n)
    for both in range(18, 30):
        with_on, _ = stratified_p([both], x, y, way=1)
        without, _ = stratified_p([29 - both], off, y, way=-1)
        assert with_on[0] == pytest.approx(without[0], rel=1e-9)
