"""`separability`: how far concepts are apart in single features, beside single units of the dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.separability.divergence import PRIORS
from saedata.analysis.separability.halves import halves_of, held_out
from saedata.analysis.separability.labels import evenly, read_concepts
from saedata.analysis.separability.measure import Estimator, measure
from saedata.analysis.separability.overlap import shared_units
from saedata.analysis.separability.result import Separability
from saedata.analysis.separability.states import SPACINGS
from saedata.analysis.separability.tables import concept_table, feature_table, summary_row, unit_rows, with_labels
from saedata.analysis.separability.units import Dense, Features
from saedata.errors import EncoderError, InputError
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.analysis.separability.divergence import Priors
    from saedata.analysis.separability.measure import Measured
    from saedata.analysis.separability.states import Spacing
    from saedata.analysis.separability.units import Units
    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.probing.labelled import Labelled

POOLINGS = {"dense max": "max", "dense mean": "mean", "dense last": "last"}
"""Dense units that features can be held against: the hook layer, pooled over a document's tokens or its last one."""

AGAINST = ("dense max", "dense mean")
BINS = 10
"""Twice as many change the mean over live features by less than 0.003, and make it less stable for few documents."""

DOCUMENTS = 20_000
PERMUTATIONS = 200
STRONGEST = 50


def separability(
    frame: Embeddings,
    *,
    label: str,
    positive: Any = None,
    priors: Priors = "uniform",
    bins: int = BINS,
    spacing: Spacing = "quantile",
    against: Sequence[str] = AGAINST,
    documents: int = DOCUMENTS,
    top: int = 10,
    strongest: int = STRONGEST,
    evidence: int = 3,
    duplicates: Literal["once", "keep"] = "once",
    threshold: float | None = None,
    permutations: int = PERMUTATIONS,
    level: float = 0.95,
    seed: int = 0,
    encoder: LoadedEncoder | None = None,
) -> Separability:
    """Tell how well single features separate concepts, and whether dense units of the same layer do it better.

    Of each unit, the Jensen-Shannon distance between the distributions of its values in the concepts: the root of
    their divergence as a share of log2 of the number of concepts, 0 where they are equal, 1 where no value occurs in
    two concepts. What permuted labels give is taken out, so that few documents do not look like separation.

    Parameters
    ----------
    frame
        The documents; with ``frame.select(...)`` only some features are looked at.
    label
        Column whose values are the concepts, at most 200. Documents without a value, and values of fewer than 10
        documents, are left out.
    positive
        One value that is held against all others together; None: every value is a concept.
    priors
        "uniform": each concept weighs the same; "empirical": as much as it has documents.
    bins
        Bins of the values above the threshold, beside one for being off. A unit that is on in few documents gets
        fewer, so that each holds 5 of each concept on average.
    spacing
        "quantile": equally many values in each bin; "width": bins of equal width.
    against
        Dense units to compare with: "dense max", "dense mean", "dense last". The documents are read again with the
        frame's encoder, the first time; empty: no comparison.
    documents
        Most documents of the comparison (`summary`, `units`, `held_out`, `overlap`); of more, a random sample with as
        many of each concept as there are, up to the same number. `table` and `concepts` are of all documents.
    top
        Features listed for each concept.
    strongest
        Units of each concept whose overlap is told.
    evidence
        Documents named for each listed feature.
    duplicates
        "once": of documents with equal text the first counts; "keep": each.
    threshold
        What an activation must exceed to count as on; None: the encoder's own threshold.
    permutations
        Permutations of the labels that give the distance expected by chance.
    level
        Confidence level of the intervals (delta method).
    seed
        Of all that is drawn.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    Separability
        ``table``, ``concepts``, ``summary``, ``units``, ``held_out``, ``overlap``.

    Raises
    ------
    InputError
        The label has no two concepts with enough documents, or too many; a column does not exist; no feature is on; or
        an option is out of range.
    EncoderError
        The comparison needs the frame's encoder, which is not here.

    Warns
    -----
    UserWarning
        Documents without a label, or of rare concepts, are left out; some are named.

    Notes
    -----
    Fereidouni et al., Evaluating Sparse Autoencoders for Monosemantic Representation (arXiv 2508.15094), whose
    distance, uniform priors and overlap these are. Ours: the state for "off" beside the histogram of what is on, bins
    of equal frequency (the distance then depends on no unit's scale, and no outlier makes empty bins), the correction
    for chance, the distance of one concept from the others, and choosing on one half to score on the other.

    Examples
    --------
    >>> from saedata import embed
    >>> texts = [f"Stir {n} cups of milk into the batter." for n in range(12)]
    >>> texts += [f"Shares fell by {n} percent on Monday." for n in range(12)]
    >>> frame = embed(pl.DataFrame({"text": texts, "about": ["food"] * 12 + ["money"] * 12}), text="text")
    >>> found = separability(frame, label="about", against=())
    >>> found.table.select("js", "baseline").row(0) > (0.99, 0.1), found.concepts["concept"].unique().sort().to_list()
    (True, ['food', 'money'])
    """
    options = _checked(
        priors, bins, spacing, against, documents, top, strongest, evidence, permutations, threshold, level
    )
    above = frame.threshold if threshold is None else threshold
    found = read_concepts(frame, label, positive=positive, duplicates=duplicates)
    shares = None if priors == "uniform" else np.bincount(found.y) / len(found.y)
    estimator = Estimator(bins, spacing, permutations, seed, shares, level)
    sample = found.take(evenly(found, documents, seed))
    compared: list[Units] = [Features(frame, sample.docs, above), *_dense(frame, sample, options, encoder)]
    size = len(compared[0].numbers)
    several = len(sample.docs) < len(found.docs)
    total = size * (several + 1) + 2 * size + sum(3 * len(units.numbers) for units in compared[1:])
    with progress("measuring units", total=total, unit="units") as done:
        features = Features(frame, found.docs, above)
        whole = measure(features, np.arange(len(found.docs)), found.y, estimator, done=done)
        if not whole.live.any():
            msg = f"no feature is on above {above:g} in the documents of {frame.name} that have a value in {label!r}"
            raise InputError(msg)
        parts = [
            _compared(units, sample, estimator, strongest, None if several or at else whole, done)
            for at, units in enumerate(compared)
        ]
    summary, units, held, overlap = (pl.concat(tables) for tables in zip(*parts, strict=True))
    return Separability(
        table=feature_table(whole, frame, found.classes),
        concepts=concept_table(whole, frame, found, top=top, evidence=evidence, threshold=above),
        summary=summary,
        units=units,
        held_out=with_labels(held, frame, sparse=features.name),
        overlap=overlap,
    )


def _compared(
    units: Units,
    sample: Labelled,
    estimator: Estimator,
    strongest: int,
    known: Measured | None,
    done: Callable[[float], object],
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Summary, units, held-out scores and overlap of one kind of units."""
    every = np.arange(len(sample.y))
    found = known or measure(units, every, sample.y, estimator, done=done)
    rows = unit_rows(found, sample.classes, units=units.name)
    halves = halves_of(sample.y, seed=estimator.seed)
    held = held_out(units, sample.y, halves, estimator, sample.classes, done=done)
    overlap = shared_units(found, sample.classes, units=units.name, top=strongest)
    return summary_row(units.name, found, rows, held, overlap), rows, held, overlap


def _dense(frame: Embeddings, sample: Labelled, against: Sequence[str], encoder: LoadedEncoder | None) -> list[Dense]:
    if not against:
        return []
    from saedata.probing.dense_layers import hidden_vectors

    try:
        vectors = hidden_vectors(frame, sample.docs, encoder=encoder)
    except EncoderError as error:
        msg = f"{error}; or compare with no dense units (against=(), on the command line --against none)"
        raise EncoderError(msg) from error
    return [Dense(name, vectors[POOLINGS[name]]) for name in against]


def _checked(
    priors: str,
    bins: int,
    spacing: str,
    against: Sequence[str],
    documents: int,
    top: int,
    strongest: int,
    evidence: int,
    permutations: int,
    threshold: float | None,
    level: float,
) -> tuple[str, ...]:
    """Refuse options out of range; gives the dense units to compare with, each once."""
    unknown = [name for name in against if name not in POOLINGS]
    wrong = {
        f"priors is {priors!r}; it must be 'uniform' or 'empirical'": priors not in PRIORS,
        f"bins is {bins}; it must be 1 to 1000": not 1 <= bins <= 1000,
        f"spacing is {spacing!r}; it must be 'quantile' or 'width'": spacing not in SPACINGS,
        f"there are no units {unknown[:1]}; there are {', '.join(map(repr, POOLINGS))}": bool(unknown),
        f"documents is {documents}; at least 1000 are needed to compare units": documents < 1000,
        f"top is {top}, evidence {evidence}; they must be 0 or more": min(top, evidence) < 0,
        f"strongest is {strongest}; it must be 1 or more": strongest < 1,
        f"permutations is {permutations}; at least 20 are needed to know what chance gives": permutations < 20,
        f"level is {level}; it must be between 0 and 1, for example 0.95": not 0 < level < 1,
        f"threshold is {threshold}; it must be 0 or more": threshold is not None and not threshold >= 0,
    }
    if msgs := [msg for msg, bad in wrong.items() if bad]:
        raise InputError(msgs[0])
    return tuple(dict.fromkeys(against))
