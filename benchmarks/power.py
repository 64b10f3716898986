"""Power: how often `diff` sees a difference that is there, and how much of what it reports is not.

Independent counts go through the statistics of `diff`, which sees nothing else of two corpora. What should come out
follows exactly: the sum, over all pairs of counts that the test rejects, of their binomial probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.harness import Figure
from saedata.analysis.diff import Side, compare, rank
from saedata.stats import two_proportion_p

BASES, EFFECTS = (0.05, 0.30), (0.02, 0.05, 0.10)
DOCUMENTS, FEATURES, PLANTED, RUNS = 1000, 4000, 40, 200
LEVEL = 0.05
SURE = 1e-12
"""Counts less probable than this are left out of the exact sum."""


@dataclass(frozen=True)
class Setting:
    """A base share of documents, and by how much it is larger in the target for the planted features."""

    base: float
    plus: float

    def __str__(self) -> str:
        return f"{100 * self.base:g} % + {100 * self.plus:g} points"


@dataclass(frozen=True)
class Run:
    """Planted features with p below 0.05, planted and other features with q below 0.05."""

    rejected: int
    recovered: int
    false: int

    @property
    def false_share(self) -> float:
        """False among all findings; 0 where there are none."""
        return self.false / max(self.false + self.recovered, 1)


def measure() -> list[Figure]:
    """Six settings."""
    return [figure for base in BASES for plus in EFFECTS for figure in figures(Setting(base, plus), runs=RUNS)]


def figures(setting: Setting, *, runs: int) -> list[Figure]:
    """Rejection against the exact calculation, false discoveries, and what is recovered."""
    done = [simulate(setting, np.random.default_rng((number, round(1000 * setting.base)))) for number in range(runs)]
    rejected = sum(run.rejected for run in done) / (runs * PLANTED)
    exact = exact_power(setting.base + setting.plus, setting.base, DOCUMENTS)
    false = np.array([run.false_share for run in done])
    error = 1.96 * false.std(ddof=1) / np.sqrt(runs)
    recovered = sum(run.recovered for run in done) / (runs * PLANTED)
    n = f"{runs} runs of {DOCUMENTS:,} documents a side, {PLANTED} of {FEATURES:,} features planted"
    return [
        Figure(f"{setting}: rejected at p < {LEVEL}", 100 * rejected, n, None, " %"),
        Figure(f"{setting}: that less {100 * exact:.2f} %, exact", 100 * abs(rejected - exact), n, ("<=", 5), " %"),
        Figure(f"{setting}: false among q < {LEVEL}", false.mean(), f"{n}, ± {error:.3f}", ("<=", 0.06)),
        Figure(f"{setting}: recovered at q < {LEVEL}", 100 * recovered, n, None, " %"),
    ]


def simulate(setting: Setting, rng: np.random.Generator) -> Run:
    """Draw the counts of two corpora, and compare them as `diff` does."""
    share = np.full(FEATURES, setting.base)
    share[:PLANTED] += setting.plus
    target = Side("target", rng.binomial(DOCUMENTS, share), DOCUMENTS)
    other = Side("other", rng.binomial(DOCUMENTS, np.full(FEATURES, setting.base)), DOCUMENTS)
    table = rank(compare(target, [other]))
    planted = table["feature"].to_numpy() < PLANTED
    found = table["q"].to_numpy() < LEVEL
    rejected = int((planted & (table["p"].to_numpy() < LEVEL)).sum())
    return Run(rejected, int((planted & found).sum()), int((found & ~planted).sum()))


def exact_power(share_a: float, share_b: float, documents: int, *, level: float = LEVEL) -> float:
    """Chance that two corpora of shares a and b give a p below the level, summed over all counts.

    Examples
    --------
    >>> round(exact_power(0.1, 0.05, 1000), 4)
    0.9904
    """
    a, b = (_counts(share, documents) for share in (share_a, share_b))
    p = two_proportion_p(a[:, None], documents, b[None], documents)
    chance = binom.pmf(a, documents, share_a)[:, None] * binom.pmf(b, documents, share_b)
    return float(chance[p < level].sum())


def _counts(share: float, documents: int) -> NDArray[np.int64]:
    return np.arange(binom.ppf(SURE, documents, share), binom.isf(SURE, documents, share) + 1).astype(np.int64)
