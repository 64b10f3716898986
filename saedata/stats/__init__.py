"""Intervals, tests, effect sizes and multiple-testing correction shared by the analyses.

All functions are vectorised over numpy arrays that broadcast against each other, and know nothing of corpora.
"""

from __future__ import annotations

from saedata.stats.checks import Alternative
from saedata.stats.clustered_pairs import clustered_paired_interval, paired_cluster_variance, sign_flip_p
from saedata.stats.clustered_strata import (
    ClusteredStrata,
    clustered_mantel_haenszel_interval,
    clustered_mantel_haenszel_p,
)
from saedata.stats.clusters import (
    cluster_degrees,
    cluster_variance,
    clustered_interval,
    clustered_p,
    linked_clusters,
    student_p,
)
from saedata.stats.effects import hedges_g, log_odds_ratio, minimum_detectable_difference, paired_log_odds_ratio
from saedata.stats.matched import Matched, matched_cells, matched_interval, matched_p, matched_shares
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
from saedata.stats.trend import Trend, cochran_armitage, trend_cluster_variance

__all__ = [
    "LARGEST_SKEW",
    "SMALLEST_EXPECTED",
    "Alternative",
    "ClusteredStrata",
    "Matched",
    "Trend",
    "benjamini_hochberg",
    "cluster_degrees",
    "cluster_variance",
    "clustered_interval",
    "clustered_mantel_haenszel_interval",
    "clustered_mantel_haenszel_p",
    "clustered_p",
    "clustered_paired_interval",
    "cochran_armitage",
    "hedges_g",
    "linked_clusters",
    "log_odds_ratio",
    "mantel_haenszel_interval",
    "mantel_haenszel_p",
    "matched_cells",
    "matched_interval",
    "matched_p",
    "matched_shares",
    "mcnemar_p",
    "minimum_detectable_difference",
    "newcombe_interval",
    "newcombe_paired_interval",
    "paired_cluster_variance",
    "paired_log_odds_ratio",
    "sign_flip_p",
    "student_p",
    "trend_cluster_variance",
    "two_proportion_p",
    "wilson_interval",
]
