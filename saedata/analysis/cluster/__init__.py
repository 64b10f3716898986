"""Which documents belong together, by all their features or by those that the user names."""

from __future__ import annotations

from saedata.analysis.cluster.main import cluster
from saedata.analysis.cluster.result import Clustering

__all__ = ["Clustering", "cluster"]
