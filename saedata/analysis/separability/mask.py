"""Taking a concept out of documents: features attenuated by how much their value speaks for it.

After "attenuation via posterior probabilities" (APP) of Fereidouni et al. (arXiv 2508.15094). The paper's formula was
not available to us, and it works on tokens inside of a model; this is ours, on pooled documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.separability.divergence import Concepts
from saedata.analysis.separability.labels import read_concepts
from saedata.analysis.separability.measure import Estimator, measure
from saedata.analysis.separability.states import bins_for, edges_of, states_of
from saedata.analysis.separability.units import Features
from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.analysis.separability.states import Spacing
    from saedata.analysis.separability.units import Column
    from saedata.frame import Embeddings
    from saedata.probing.labelled import Labelled

    Floats = NDArray[np.float64]

_SMOOTHED = 0.5  # documents added to each state (Jeffreys), so that one alone proves nothing


@dataclass(frozen=True, eq=False)
class FeatureMask:
    """How one feature is attenuated.

    Attributes
    ----------
    feature
        Its number.
    edges
        Where the bins of its values begin, the first one left out.
    posterior
        float64 [1 + bins]: probability of the concept where the feature is off, and in each bin.
    """

    feature: int
    edges: NDArray[np.floating]
    posterior: Floats

    def of(self, values: NDArray[np.floating], threshold: float) -> Floats:
        """Probability of the concept for each of some values."""
        states = np.where(values > np.float32(threshold), 1 + states_of(values, self.edges), 0)
        return self.posterior[states]


@dataclass(frozen=True, eq=False)
class ConceptMask:
    """Attenuates what speaks for a concept, in documents of any frame of the same encoder.

    Attributes
    ----------
    label, concept
        The column, and the value that is masked.
    features
        What is attenuated, by distance: ``feature``, ``label``, ``js`` of the concept from the others, ``posterior``
        (the largest probability of the concept that a value of it has).
    """

    label: str
    concept: str
    features: pl.DataFrame
    source: Embeddings
    threshold: float
    masks: tuple[FeatureMask, ...]

    def apply(self, frame: Embeddings) -> csr_matrix:
        """Attenuate: each value of a masked feature times one less the probability of the concept.

        Parameters
        ----------
        frame
            The documents.

        Returns
        -------
        scipy.sparse.csr_matrix
            float32 [documents, features], as `Embeddings.to_csr` with smaller values.

        Raises
        ------
        MismatchError
            The frame is of another encoder.
        """
        self.source.check_comparable(frame)
        columns = frame.to_csr().tocsc()
        for mask in self.masks:
            own = slice(*columns.indptr[mask.feature : mask.feature + 2])
            columns.data[own] *= (1 - mask.of(columns.data[own], self.threshold)).astype(np.float32)
        return columns.tocsr()

    def scores(self, frame: Embeddings, *, reasons: int = 3) -> pl.DataFrame:
        """Tell how much of each document the mask takes away.

        Parameters
        ----------
        frame
            The documents; read feature by feature, so that memory does not grow with their activations.
        reasons
            Features named for each document.

        Returns
        -------
        polars.DataFrame
            ``doc``, ``score`` (share of the document's activation, over all features that are on, that is taken away;
            0 where none is on), ``taken`` and ``activation`` (sums), and the ``features`` that lose most.

        Raises
        ------
        MismatchError
            The frame is of another encoder.
        """
        self.source.check_comparable(frame)
        docs = frame.doc_numbers
        rows = np.arange(len(docs))
        taken, whole = np.zeros((2, len(docs)))
        most = np.zeros((len(docs), reasons))
        which = np.full((len(docs), reasons), -1, dtype=np.int64)
        masks = {mask.feature: mask for mask in self.masks}
        for column in Features(frame, docs, self.threshold).columns(rows):
            whole[column.positions] += column.values
            if mask := masks.get(column.unit):
                lost = column.values * mask.of(column.values, self.threshold)
                taken[column.positions] += lost
                _note(most, which, column, lost)
        names = dict(frame.features.select("feature", feature_name_expr()).iter_rows())
        order = np.argsort(-most, axis=1, kind="stable")
        listed = np.take_along_axis(which, order, axis=1).tolist()
        score = np.divide(taken, whole, out=np.zeros(len(docs)), where=whole > 0)
        features = pl.Series([[names[one] for one in row if one >= 0] for row in listed], dtype=pl.List(pl.String))
        return pl.DataFrame({"doc": docs, "score": score, "taken": taken, "activation": whole, "features": features})


def _note(most: Floats, which: NDArray[np.int64], column: Column, lost: Floats) -> None:
    """Keep what a document loses most of, in place of the least that was kept."""
    if not most.shape[1]:
        return
    at = column.positions
    least = most[at].argmin(axis=1)
    more = lost > most[at, least]
    most[at[more], least[more]] = lost[more]
    which[at[more], least[more]] = column.unit


def concept_mask(
    frame: Embeddings,
    *,
    label: str,
    concept: Any,
    positive: Any = None,
    bins: int = 10,
    spacing: Spacing = "quantile",
    priors: Literal["uniform", "empirical"] = "uniform",
    level: float = 0.05,
    duplicates: Literal["once", "keep"] = "once",
    threshold: float | None = None,
    permutations: int = 200,
    seed: int = 0,
) -> ConceptMask:
    """Learn to attenuate a concept: APP-style, the paper's formula was not available to us.

    Each value of a feature is multiplied by 1 - p(concept | value), the posterior of the histograms that
    `separability` compares. Only features that separate the concepts are attenuated.

    Parameters
    ----------
    frame
        Documents with the label.
    label
        Column whose values are the concepts.
    concept
        The value to take out.
    level
        Features with q below this are attenuated; 1: all.
    positive, bins, spacing, priors, duplicates, threshold, permutations, seed
        As for `separability`.

    Raises
    ------
    InputError
        The concept is none of the label's, no feature separates the concepts, or what `separability` refuses.
    """
    above = frame.threshold if threshold is None else threshold
    found = read_concepts(frame, label, positive=positive, duplicates=duplicates)
    wanted = str(concept).lower() if isinstance(concept, bool) else str(concept)
    if wanted not in found.classes:
        listed = ", ".join(repr(name[:40]) for name in found.classes[:8])
        msg = f"column {label!r} has no concept {wanted[:60]!r} with enough documents; it has {listed}"
        raise InputError(msg)
    shares = None if priors == "uniform" else np.bincount(found.y) / len(found.y)
    estimator = Estimator(bins, spacing, permutations, seed, shares)
    units = Features(frame, found.docs, above)
    measured = measure(units, np.arange(len(found.docs)), found.y, estimator)
    q = benjamini_hochberg(np.where(measured.live, measured.p, np.nan))
    chosen = measured.live & (q < level if level < 1 else True)
    if not chosen.any():
        msg = f"no feature separates the concepts of {label!r} at q < {level:g}, so there is nothing to attenuate"
        raise InputError(msg)
    number = found.classes.index(wanted)
    only = frame.select(measured.numbers[chosen])
    masks = tuple(_masks(Features(only, found.docs, above), found, estimator, number))
    table = pl.DataFrame(
        {
            "feature": pl.Series(measured.numbers[chosen], dtype=pl.UInt32),
            "js": measured.js[chosen, 1 + number],
            "posterior": [float(mask.posterior[1:].max()) for mask in masks],
        }
    )
    names = frame.features.select("feature", label=feature_name_expr())
    table = table.join(names, on="feature", how="left", maintain_order="left")
    table = table.select("feature", "label", "js", "posterior").sort(-pl.col("js"), "feature")
    return ConceptMask(label, wanted, table, frame, above, masks)


def _masks(units: Features, found: Labelled, estimator: Estimator, concept: int) -> list[FeatureMask]:
    concepts = Concepts.of(found.y, estimator.shares)
    masks = []
    for column in units.columns(np.arange(len(found.docs))):
        bins = bins_for(len(column.values), len(concepts), estimator.bins)
        edges = edges_of(column.values, bins, spacing=estimator.spacing)
        counts = estimator.table(column, found.y, concepts, sparse=True) + _SMOOTHED
        joint = counts / counts.sum(axis=0) * concepts.priors
        masks.append(FeatureMask(column.unit, edges, joint[:, concept] / joint.sum(axis=1)))
    return masks
