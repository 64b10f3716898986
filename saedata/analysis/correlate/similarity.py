"""How alike the labels of two features are: cosine of their sentence embeddings."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.reader import Reader

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

LONGEST = 256
"""Tokens of a label that are read."""

BATCH = 128


def embed_labels(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed short texts with the bundled sentence encoder (all-MiniLM-L6-v2, all six layers, mean of the tokens).

    Parameters
    ----------
    texts
        In any number.

    Returns
    -------
    numpy.ndarray
        float32 [texts, 384], of unit length: products of rows are cosines.
    """
    import torch

    reader = _sentence_encoder()
    vectors = np.zeros((len(texts), reader.d_model), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for begin in range(0, len(order), BATCH):
        rows = order[begin : begin + BATCH]
        batch = reader.tokenizer(
            [texts[i] for i in rows], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        mask = batch["attention_mask"].to(reader.device)[..., None]
        hidden = reader.hidden(batch["input_ids"], batch["attention_mask"]).float()
        mean = (hidden * mask).sum(1) / mask.sum(1)
        vectors[rows] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
    return vectors


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


@lru_cache(maxsize=1)
def _sentence_encoder() -> Reader:
    from saedata.encoders import find_encoder
    from saedata.reader import load_reader

    return load_reader(find_encoder("minilm").reader_folder, layer=6, context=LONGEST, precision="float32")
