"""Documents put into clusters, and in what their descriptions are tested."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.cluster.describe import Trial, halved
from saedata.analysis.cluster.grouping import Grouping, assigned, by_size, group
from saedata.analysis.cluster.members import standing_of
from saedata.analysis.cluster.result import OUTSIDE
from saedata.errors import InputError
from saedata.incidence import Incidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.cluster.chosen import Chosen
    from saedata.analysis.cluster.options import Options
    from saedata.neighbours import Profiles


@dataclass(frozen=True, eq=False)
class Found:
    """Documents in clusters.

    Parameters
    ----------
    placed
        int64: positions, among the documents that count, of those with any of the features on.
    profiles
        What was compared of these.
    docs
        Their numbers.
    grouping
        Their clusters, neighbours and places.
    given
        bool: which of them were noise that was assigned.
    labels
        int64 [documents that count]: cluster, -1 noise, -2 with none of the features.
    trials
        In what descriptions are tested.
    """

    placed: NDArray[np.int64]
    profiles: Profiles
    docs: NDArray[np.uint32]
    grouping: Grouping
    given: NDArray[np.bool_]
    labels: NDArray[np.int64]
    trials: tuple[Trial, ...]

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.labels.max(initial=-1)) + 1

    @cached_property
    def standing(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """See `standing_of`."""
        return standing_of(self.grouping.known, self.grouping.labels)

    def circular(self, chosen: Chosen, *, held_out: bool) -> NDArray[np.bool_]:
        """The features whose tests go in circles."""
        flags = np.zeros(len(self.profiles.weights), np.bool_)
        if not held_out:
            flags[chosen.used] = True
        return flags


def find(chosen: Chosen, options: Options, name: str, *, held_out: bool) -> Found:
    """Group the documents that have any of the features on.

    Parameters
    ----------
    chosen
        The features, and the documents that count.
    options
        How to group.
    name
        Of the corpus, for messages.
    held_out
        Whether half of the documents make the clusters, and descriptions are tested in the others.
    """
    everything = chosen.profiles
    placed = np.flatnonzero(everything.totals > 0)
    options.check_documents(len(placed), name)
    profiles = everything if len(placed) == len(everything) else everything.take(placed)
    _check_different(profiles, name)
    incidence = chosen.incidence
    docs = incidence.docs[placed]
    grouping = group(profiles, options, mapped=True)
    labels = np.full(len(everything), OUTSIDE, np.int64)
    trials: tuple[Trial, ...] = ()
    if held_out:
        there = Incidence(incidence.frame, docs, threshold=incidence.threshold)
        halves = halved(profiles, there, options)
        grouping, trials = Grouping(halves.labels, grouping.known, grouping.places), halves.trials
    own = grouping.labels
    if options.noise == "assign":
        own = assigned(grouping.known, own)
    given = own != grouping.labels
    own, order = _renumbered(own)
    grouping = Grouping(own, grouping.known, grouping.places)
    labels[placed] = own
    if held_out:
        trials = tuple(Trial(one.incidence, order[one.labels], one.tested) for one in trials)
    else:
        trials = (Trial(incidence, labels, np.ones(incidence.frame.n_features, np.bool_)),)
    return Found(placed, profiles, docs, grouping, given, labels, trials)


def _renumbered(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Clusters by size again, and the new number of each old one; its last place is for -1."""
    fresh = by_size(labels)
    order = np.full(int(labels.max(initial=-1)) + 2, -1, np.int64)
    order[labels] = fresh
    return fresh, order


def _check_different(profiles: Profiles, name: str) -> None:
    """Refuse documents that are all the same."""
    lengths = np.diff(profiles.pointers)
    first = profiles.features[: lengths[0]]
    if (lengths != lengths[0]).any() or (profiles.features.reshape(len(lengths), -1) != first).any():
        return
    values = profiles.values.reshape(len(lengths), -1)
    if len(profiles.values) and (values != values[0]).any():
        return
    msg = (
        f"all {len(lengths):,} documents of {name} have the same of these features on, so there is nothing to group; "
        "choose other features"
    )
    raise InputError(msg)
