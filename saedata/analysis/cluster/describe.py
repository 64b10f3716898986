"""What is more frequent inside of each cluster than outside, with tests that do not go in circles.

Clusters of documents differ in the features that they were made from: that is how they were made, and a test of such a
feature in the same documents proves nothing. So the documents can be halved. Clusters are made from one half; documents
of the other half get the cluster of their neighbours, by one random half of the features, and the other half of the
features is tested in them, and the other way round. A feature then has no part in the clusters in which it is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.cluster.grouping import follow, group
from saedata.analysis.cluster.result import DESCRIPTIONS
from saedata.errors import InputError
from saedata.frame import feature_name_expr
from saedata.incidence import Incidence
from saedata.stats import benjamini_hochberg, newcombe_interval, two_proportion_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.cluster.options import Options
    from saedata.neighbours import Profiles

    Array = NDArray[np.int64]
    Flags = NDArray[np.bool_]

DESCRIBED = 30
"""Rows kept for each cluster: two thirds are more frequent inside, one third less, where there are as many."""

FEWEST_ON = 5
"""Features that are on in fewer documents could not stand out, and are not tested."""

CELLS = 1 << 27
"""Numbers of features x clusters that can be counted: 1 GiB."""

TOGETHER = 1 << 18
"""Tests made at a time."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Documents in clusters, in which features are tested.

    Parameters
    ----------
    incidence
        The documents.
    labels
        Their clusters; below 0: none.
    tested
        bool [features of the encoder]: which features are tested in them.
    """

    incidence: Incidence
    labels: Array
    tested: Flags


@dataclass(frozen=True, eq=False)
class Halves:
    """Clusters of one half of the documents, and the other half that followed.

    Parameters
    ----------
    labels
        int64 [documents]: of all, followers as all features say.
    trials
        Followers, as each half of the features says, for the features that had no say.
    """

    labels: Array
    trials: tuple[Trial, ...]


def halved(profiles: Profiles, incidence: Incidence, options: Options) -> Halves:
    """Make clusters from half of the documents, and let the other half follow.

    Parameters
    ----------
    profiles
        The documents that are grouped.
    incidence
        The same documents, with all features.
    options
        How they are grouped.

    Raises
    ------
    InputError
        There are too few documents.
    """
    if len(profiles) < 20:
        msg = f"held_out needs 20 documents or more with any of these features on; there are {len(profiles)}"
        raise InputError(msg)
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(profiles))
    made, others = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    base, queries = profiles.take(made), profiles.take(others)
    own = group(base, options, mapped=False).labels
    labels = np.full(len(profiles), -1, np.int64)
    labels[made], labels[others] = own, follow(base, own, queries, options)
    first = rng.random(len(profiles.weights)) < 0.5
    used = np.zeros(len(first), np.bool_)
    used[profiles.features] = True
    later = Incidence(incidence.frame, incidence.docs[others], threshold=incidence.threshold)
    trials = [Trial(later, labels[others], ~used)]
    for side in (first, ~first):
        voted = follow(base.only(side), own, queries.only(side), options)
        trials.append(Trial(later, voted, used & ~side))
    return Halves(labels, tuple(trials))


def describe(trials: tuple[Trial, ...], clusters: int, *, circular: Flags) -> pl.DataFrame:
    """Hold the inside of each cluster against all documents outside, feature by feature.

    Parameters
    ----------
    trials
        Documents in clusters; each feature is tested in one of them.
    clusters
        How many there are.
    circular
        bool [features of the encoder]: the clusters were made from these features in these documents.

    Returns
    -------
    polars.DataFrame
        See `Clustering.descriptions`.
    """
    frame = trials[0].incidence.frame
    if not clusters:
        return pl.DataFrame(schema=DESCRIPTIONS)
    if frame.n_features * (clusters + 1) > CELLS:
        msg = f"{clusters:,} clusters are too many to describe; ask for fewer, or for larger ones"
        raise InputError(msg)
    inside = np.zeros((frame.n_features, clusters), np.int64)
    total, size = np.zeros(frame.n_features, np.int64), np.zeros(frame.n_features, np.int64)
    sizes = np.zeros((frame.n_features, clusters), np.int64)
    for trial in trials:
        if trial.tested.any():
            stratum = np.where(trial.labels < 0, clusters, trial.labels)
            counts = trial.incidence.count_on(stratum, clusters + 1)[trial.tested]
            inside[trial.tested], total[trial.tested] = counts[:, :-1], counts.sum(axis=1)
            sizes[trial.tested] = np.bincount(stratum, minlength=clusters + 1)[:-1]
            size[trial.tested] = len(stratum)
    tested = np.flatnonzero(total >= FEWEST_ON)
    return _table(frame.features, inside[tested], sizes[tested], total[tested], size[tested], tested, circular[tested])


def _table(
    names: pl.DataFrame, inside: Array, sizes: Array, total: Array, size: Array, tested: Array, circular: Flags
) -> pl.DataFrame:
    """Test, correct, and keep what differs most."""
    on, n = inside.T.ravel(), sizes.T.ravel()
    clusters = inside.shape[1]
    other_on, other_n = np.tile(total, clusters) - on, np.tile(size, clusters) - n
    possible = np.flatnonzero((n > 0) & (other_n > 0))
    on, n, other_on, other_n = on[possible], n[possible], other_on[possible], other_n[possible]
    p = np.empty(len(on))
    for first in range(0, len(on), TOGETHER):
        part = slice(first, first + TOGETHER)
        p[part] = two_proportion_p(on[part], n[part], other_on[part], other_n[part])
    table = pl.DataFrame(
        {
            "cluster": possible // max(len(tested), 1),
            "feature": tested[possible % max(len(tested), 1)],
            "inside": on / n,
            "outside": other_on / other_n,
            "difference": on / n - other_on / other_n,
            "p": p,
            "q": benjamini_hochberg(p),
            "inside_on": on,
            "outside_on": other_on,
            "inside_documents": n,
            "outside_documents": other_n,
            "same_features": circular[possible % max(len(tested), 1)],
        }
    )
    kept = _kept(table)
    low, high = newcombe_interval(
        *(kept[name].to_numpy() for name in ("inside_on", "inside_documents", "outside_on", "outside_documents"))
    )
    labels = names.select(pl.col("feature").cast(pl.Int64), feature_name_expr().alias("label"), "kind")
    kept = kept.with_columns(pl.Series("low", low), pl.Series("high", high))
    kept = kept.join(labels, on="feature", how="left", maintain_order="left")
    return kept.select(list(DESCRIPTIONS)).cast(DESCRIPTIONS)


def _kept(table: pl.DataFrame) -> pl.DataFrame:
    """The largest differences of each cluster, most of them positive, largest first."""
    place = pl.int_range(pl.len()).over("cluster", pl.col("difference") > 0)
    most = pl.when(pl.col("difference") > 0).then(2 * DESCRIBED // 3).otherwise(DESCRIBED // 3)
    ordered = table.sort("cluster", -pl.col("difference").abs(), "p", "feature")
    return ordered.filter(place < most).sort("cluster", -pl.col("difference"), "p", "feature")
