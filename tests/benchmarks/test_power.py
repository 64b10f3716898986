from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from benchmarks import power
from benchmarks.power import Run, Setting, exact_power, figures, simulate


def test_exact_power_by_enumeration():
    """Four documents a side: every pair of counts, with scipy's test."""
    a, b, n, level = 0.9, 0.2, 4, 0.15
    expected = 0.0
    for x, y in itertools.product(range(n + 1), repeat=2):
        chance = math.comb(n, x) * a**x * (1 - a) ** (n - x) * math.comb(n, y) * b**y * (1 - b) ** (n - y)
        expected += chance * (fisher_exact([[x, n - x], [y, n - y]]).pvalue < level)
    assert exact_power(a, b, n, level=level) == pytest.approx(expected, rel=1e-9)
    assert 0.2 < expected < 0.9


def test_exact_power_without_a_difference_is_the_level_or_less():
    assert 0.04 < exact_power(0.3, 0.3, 1000) <= 0.0505


def test_false_share_of_findings():
    assert Run(rejected=3, recovered=6, false=2).false_share == 0.25
    assert Run(rejected=0, recovered=0, false=0).false_share == 0.0


def test_large_effects_are_found_and_none_are_not():
    found = simulate(Setting(0.3, 0.2), np.random.default_rng(0))
    assert found.rejected == found.recovered == power.PLANTED
    nothing = [simulate(Setting(0.3, 0.0), np.random.default_rng(run)) for run in range(5)]
    assert 1 <= sum(run.rejected for run in nothing) <= 25
    assert sum(run.recovered for run in nothing) == 0


def test_figures_compare_with_the_exact_value():
    rejected, difference, false, recovered = figures(Setting(0.05, 0.05), runs=3)
    exact = 100 * exact_power(0.10, 0.05, power.DOCUMENTS)
    assert difference.value == pytest.approx(abs(rejected.value - exact))
    assert (difference.verdict, false.target) == ("pass", ("<=", 0.06))
    assert recovered.value < rejected.value
