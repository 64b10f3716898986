"""What one corpus is made of, when there is nothing to compare it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.reports.features import Example, Feature, examples, named
from saedata.stats import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

RARE = 0.05
"""Largest density of a feature that counts as rare."""

FEWEST = 2
"""Documents that a rare feature must be on in: one document alone characterises nothing."""


@dataclass(frozen=True)
class Present:
    """How present a feature is in a corpus.

    Parameters
    ----------
    feature
        Which feature.
    share, on, documents
        Share of the documents where it is on, and the counts behind it.
    low, high
        Wilson interval of the share.
    strongest
        Its largest activation.
    examples
        Its strongest documents.
    """

    feature: Feature
    share: float
    on: int
    documents: int
    low: float
    high: float
    strongest: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Characteristic:
    """The features that say most about a corpus.

    Parameters
    ----------
    common
        The densest, the densest first.
    rare
        On in few documents, but strongly; the strongest first.
    """

    common: tuple[Present, ...]
    rare: tuple[Present, ...]


def characteristic(side: Counted, settings: Settings, *, without: NDArray[np.intp]) -> Characteristic:
    """Choose the densest features, and among the rare ones the strongest.

    Parameters
    ----------
    side
        The corpus.
    settings
        Options of the report.
    without
        Numbers of features that are not shown.
    """
    strongest = _strongest(side)
    common = _largest(side.on.astype(np.float64), np.setdiff1d(np.flatnonzero(side.on), without), settings.features)
    rare = np.flatnonzero((side.on >= FEWEST) & (side.on / side.documents <= RARE))
    rare = _largest(strongest, np.setdiff1d(rare, common), settings.features)
    features = [*common.tolist(), *rare.tolist()]
    names = named([side.frame], features)
    texts = examples(side, features, settings.examples)
    low, high = wilson_interval(side.on[features], side.documents, level=settings.level)
    rows = [
        Present(
            feature=names[feature],
            share=int(side.on[feature]) / side.documents,
            on=int(side.on[feature]),
            documents=side.documents,
            low=float(low[place]),
            high=float(high[place]),
            strongest=float(strongest[feature]),
            examples=texts[feature],
        )
        for place, feature in enumerate(features)
    ]
    return Characteristic(tuple(rows[: len(common)]), tuple(rows[len(common) :]))


def _strongest(side: Counted) -> NDArray[np.float64]:
    table = side.frame.features
    strongest = np.zeros(side.frame.n_features)
    strongest[table["feature"].to_numpy()] = table["max"].fill_null(0.0).to_numpy()
    return strongest


def _largest(values: NDArray[np.float64], among: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    return among[np.argsort(-values[among], kind="stable")][:n]
