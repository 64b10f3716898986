"""How alike the labels of two features are: cosine of their sentence embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.sentences import Embed


def label_text() -> pl.Expr:
    """What is embedded for a feature, over ``Embeddings.features``: its label, or else its tokens, or else null."""
    label = pl.col("label").cast(pl.String).str.strip_chars()
    tokens = pl.col("tokens").list.join(", ")
    return pl.when(label.fill_null("") != "").then(label).when(tokens != "").then(tokens)


class Similarity:
    """Cosines between texts; every text is embedded once, and only when it is asked for.

    Parameters
    ----------
    embed
        Gives unit vectors for texts; None: every similarity is null.
    """

    def __init__(self, embed: Embed | None) -> None:
        self._embed = embed
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def of(self, a: pl.Series, b: pl.Series) -> pl.Series:
        """Compare texts row by row; null where one of them is."""
        rows = list(zip(a.to_list(), b.to_list(), strict=True))
        if self._embed is None:
            return pl.Series([None] * len(rows), dtype=pl.Float64)
        whole = [row for row in rows if None not in row]
        new = sorted({text for row in whole for text in row} - self._vectors.keys())
        if new:
            self._vectors.update(zip(new, np.asarray(self._embed(new)), strict=True))
        values = [None if None in row else self._cosine(*row) for row in rows]
        return pl.Series(values, dtype=pl.Float64)

    def _cosine(self, a: str, b: str) -> float:
        return float(self._vectors[a].astype(np.float64) @ self._vectors[b].astype(np.float64))
