"""Kinds of features, where they count in how near a label is to a phrase.

Labels say what a text has: "casual spoken dialogue", "past-tense narration". The name of an axis is in few of them,
and nearest to "style" are labels about fashion. But each feature has a kind, and each kind a meaning: how a text is
written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.label_vectors import LabelVectors
    from saedata.sentences import Embed

    Find = Callable[[int], NDArray[np.int64]]  # so many positions of labels, the nearest first


@dataclass(frozen=True, eq=False)
class Kinds:
    """Labels by the kind of their feature.

    Parameters
    ----------
    labels
        The labels.
    groups
        bool [labels] for each kind: which can be chosen; those without a kind are under "".
    meanings
        For each kind the vector of what it means.
    """

    labels: LabelVectors
    groups: dict[str, NDArray[np.bool_]]
    meanings: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, labels: LabelVectors, eligible: pl.DataFrame, embed: Embed) -> Kinds:
        """Sort labels into kinds.

        Parameters
        ----------
        labels
            The labels.
        eligible
            ``feature`` and ``kind`` of the features that can be chosen.
        embed
            Gives unit vectors for texts.
        """
        groups = {
            kind or "": np.isin(labels.features, some["feature"].to_numpy())
            for (kind,), some in sorted(eligible.group_by("kind"), key=lambda one: one[0][0] or "")
        }
        named = [kind for kind in groups if kind]
        vectors = embed([meaning(kind) for kind in named]) if named else np.zeros((0, 0), np.float32)
        return cls(labels, groups, dict(zip(named, vectors.astype(np.float64), strict=True)))

    def finder(self, phrase: str, vector: NDArray[np.float32]) -> tuple[Find, bool]:
        """Say how the features for a phrase are found, and whether all that can be found are wanted.

        Parameters
        ----------
        phrase
            If it is the name of a kind, all features of the kind are found.
        vector
            float32 [dimensions], of unit length: of the phrase.
        """
        named = self.groups.get(phrase.casefold())
        if named is not None:
            return lambda count: self.labels.nearest(vector, count, named), True
        return lambda count: self._nearest(vector, count), False

    def _nearest(self, vector: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Positions of the labels for which the cosines of label and meaning add up to most."""
        found = {kind: self.labels.nearest(vector, count, group) for kind, group in self.groups.items()}
        positions = np.concatenate(list(found.values()))
        of_kind = {kind: float(meant @ vector) for kind, meant in self.meanings.items()}
        added = np.concatenate([np.full(len(some), of_kind.get(kind, 0.0)) for kind, some in found.items()])
        nearness = self.labels.similarity(positions, vector[None])[:, 0] + added
        return positions[np.lexsort((positions, -nearness))[:count]]


def meaning(kind: str) -> str:
    """Tell what a kind of features is; one that is not known means its name.

    Examples
    --------
    >>> meaning("style"), meaning("dialect")
    ('style: how it is written', 'dialect')
    """
    from saedata.labels.prompts import MEANINGS

    return f"{kind}: {MEANINGS[kind]}" if kind in MEANINGS else kind
