"""Run benchmarks by name, or all of them."""

from __future__ import annotations

import importlib
import sys
import time

from benchmarks.harness import Skipped, save

NAMES = (
    "start_up",
    "sae_quality",
    "agreement",
    "decoder",
    "embed_memory",
    "embed_speed",
    "label_scores",
    "blind_check",
    "probing",
    "probing_by_path",
    "probe_tasks",
    "shuffled_labels",
    "sae_probes",
    "separability",
    "toxicity",
    "toxicity_saving",
    "languages",
    "multilingual_threshold",
    "sae_choices",
    "on_threshold",
    "null_control",
    "power",
    "ground_truth",
    "planted_correlations",
    "scale_analyses",
    "retrieval",
    "targeted_clustering",
    "against_bertopic",
    "search_speed",
    "cluster_speed",
    "dashboard_scale",
)


def main() -> int:
    """Exit code 1 if a target was missed."""
    missed = False
    for name in sys.argv[1:] or NAMES:
        since = time.monotonic()
        try:
            figures = importlib.import_module(f"benchmarks.{name}").measure()
        except Skipped as reason:
            print(f"SKIPPED {name}: {reason}", file=sys.stderr)
            continue
        for figure in figures:
            title, target, value, verdict, n = figure.cells()
            print(f"{name}: {title}: {value} (target {target or 'none'}) {verdict} n = {n}")
            missed |= verdict == "MISS"
        save(name, figures, seconds=time.monotonic() - since)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
