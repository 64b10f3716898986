"""Pictures of what the analyses find: each function takes the frame that an analysis returns and gives an altair chart.

`save_chart` writes charts to files; `theme` holds what they have in common.

Examples
--------
>>> found = saedata.diff(willow, flint)  # doctest: +SKIP
>>> save_chart([difference_chart(found), volcano_chart(found)], "differences.html")  # doctest: +SKIP
"""

from saedata.plots.cluster import cluster_heat_map, cluster_map
from saedata.plots.concepts import concept_chart
from saedata.plots.correlate import column_chart, link_chart, pair_chart, trigger_chart
from saedata.plots.coverage import coverage_chart, overlap_chart, selection_chart
from saedata.plots.diff import difference_chart, volcano_chart
from saedata.plots.distribution import distribution_chart
from saedata.plots.languages import convergence_chart, selectivity_chart
from saedata.plots.maps import binned_map, value_map
from saedata.plots.probe import calibration_chart, k_chart, pr_chart, regime_chart, roc_chart
from saedata.plots.saving import save_chart
from saedata.plots.search import hits_page, save_hits
from saedata.plots.separability import concept_features_chart, held_out_chart, separation_chart
from saedata.plots.toxicity import efficiency_chart, precision_chart, toxic_roc_chart, transfer_chart
from saedata.plots.trend import slope_chart, trend_chart

__all__ = [
    "binned_map",
    "calibration_chart",
    "cluster_heat_map",
    "cluster_map",
    "column_chart",
    "concept_chart",
    "concept_features_chart",
    "convergence_chart",
    "coverage_chart",
    "difference_chart",
    "distribution_chart",
    "efficiency_chart",
    "held_out_chart",
    "hits_page",
    "k_chart",
    "link_chart",
    "overlap_chart",
    "pair_chart",
    "pr_chart",
    "precision_chart",
    "regime_chart",
    "roc_chart",
    "save_chart",
    "save_hits",
    "selection_chart",
    "selectivity_chart",
    "separation_chart",
    "slope_chart",
    "toxic_roc_chart",
    "transfer_chart",
    "trend_chart",
    "trigger_chart",
    "value_map",
    "volcano_chart",
]
