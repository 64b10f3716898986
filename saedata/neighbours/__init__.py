"""Which documents are alike: the nearest neighbours of each by the features that are on in it."""

from __future__ import annotations

from saedata.neighbours.graph import Neighbours, nearest
from saedata.neighbours.layout import coordinates
from saedata.neighbours.profiles import Profiles, Similarity, read_profiles

__all__ = ["Neighbours", "Profiles", "Similarity", "coordinates", "nearest", "read_profiles"]
