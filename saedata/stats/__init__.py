"""Intervals, tests, effect sizes and multiple-testing correction shared by the analyses.

All functions are vectorised over numpy arrays that broadcast against each other, and know nothing of corpora.
"""

from __future__ import annotations

from saedata.stats.checks import Alternative
from saedata.stats.clusters import cluster_degrees, cluster_variance, clustered_interval, clustered_p
from saedata.stats.effects import hedges_g, log_odds_ratio, minimum_detectable_difference, paired_log_odds_ratio
from saedata.stats.multiple import benjamini_hochberg
from saedata.stats.paired import mcnemar_p, newcombe_paired_interval
from saedata.stats.proportions import (
    LARGEST_SKEW,
    SMALLEST_EXPECTED,
    newcombe_interval,
    two_proportion_p,
    wilson_interval,
)
from saedata.stats.strata import mantel_haenszel_interval, mantel_haenszel_p
from saedata.stats.trend import Trend, cochran_armitage

__all__ = [
    "LARGEST_SKEW",
    "SMALLEST_EXPECTED",
    "Alternative",
    "Trend",
    "benjamini_hochberg",
    "cluster_degrees",
    "cluster_variance",
    "clustered_interval",
    "clustered_p",
    "cochran_armitage",
    "hedges_g",
    "log_odds_ratio",
    "mantel_haenszel_interval",
    "mantel_haenszel_p",
    "mcnemar_p",
    "minimum_detectable_difference",
    "newcombe_interval",
    "newcombe_paired_interval",
    "paired_log_odds_ratio",
    "two_proportion_p",
    "wilson_interval",
]
