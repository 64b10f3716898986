"""Units whose values are compared: features of the frame, or dense units of the layer they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one unit.

    Attributes
    ----------
    unit
        Its number.
    positions
        Documents (by position among those asked for) where it is on, in any order; of a dense unit all of them.
    values
        Its values there, above 0 for a feature.
    """

    unit: int
    positions: Positions
    values: NDArray[np.floating]


class Units(Protocol):
    """Some units and some documents."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def sparse(self) -> bool:
        """Whether a unit is off, and its value 0, in documents that its column does not name."""

    @property
    def numbers(self) -> Positions:
        """Of the units."""

    def columns(self, rows: Positions) -> Iterator[Column]:
        """Values in the documents at some ascending positions, unit by unit."""


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a frame, read one by one from its postings.

    Attributes
    ----------
    frame
        Where they are.
    docs
        uint32, numbers of the documents, ascending.
    threshold
        What a value must exceed to be on.
    """

    frame: Embeddings
    docs: NDArray[np.uint32]
    threshold: float
    name: str = "SAE"
    sparse: bool = True

    @property
    def numbers(self) -> Positions:
        """Of the features of this view."""
        return self.frame.features["feature"].to_numpy().astype(np.int64)

    def columns(self, rows: Positions) -> Iterator[Column]:
        """Values where a feature is on."""
        place = np.full(self.frame.extent, -1, dtype=np.int32)
        place[self.docs[rows]] = np.arange(len(rows))
        for feature in self.numbers.tolist():
            docs, values = self.frame.postings(feature, threshold=self.threshold)
            positions = place[docs]
            there = positions >= 0
            yield Column(feature, positions[there].astype(np.int64), values[there])


@dataclass(frozen=True, eq=False)
class Dense:
    """Dense units.

    Attributes
    ----------
    name
        For tables, with the pooling.
    vectors
        float32 [documents, units].
    """

    name: str
    vectors: NDArray[np.float32]
    sparse: bool = False

    @property
    def numbers(self) -> Positions:
        """All of them."""
        return np.arange(self.vectors.shape[1])

    def columns(self, rows: Positions) -> Iterator[Column]:
        """Values in all documents."""
        every = np.arange(len(rows))
        for unit in range(self.vectors.shape[1]):
            yield Column(unit, every, self.vectors[rows, unit])
