"""Sentence embeddings by the bundled all-MiniLM-L6-v2: one vector for a label, a query, or a short text."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.reader import Reader

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

LONGEST = 256
"""Tokens of a text that are read."""

BATCH = 128
_one_at_a_time = threading.Lock()
_LAYERS = 6


def embed_sentences(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed short texts with the bundled sentence encoder (all-MiniLM-L6-v2, all six layers, mean of the tokens).

    Parameters
    ----------
    texts
        In any number; what stands behind the first 256 tokens of one is not read.

    Returns
    -------
    numpy.ndarray
        float32 [texts, 384], of unit length: products of rows are cosines.
    """
    with _one_at_a_time:  # a tokenizer is no more than one thread's
        return _embedded(texts)


def _embedded(texts: Sequence[str]) -> NDArray[np.float32]:
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


class Remembered:
    """An embedder that embeds every distinct text once, of unit length, for as long as it lives.

    Parameters
    ----------
    embed
        Gives one vector for each text.

    Examples
    --------
    >>> calls = []
    >>> def embed(texts):
    ...     calls.extend(texts)
    ...     return np.array([[3.0, 4.0]] * len(texts))
    >>> embed = Remembered(embed)
    >>> embed(["a", "b", "a"])[0]
    array([0.6, 0.8], dtype=float32)
    >>> calls, len(embed(["b"])), calls
    (['a', 'b'], 1, ['a', 'b'])
    """

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32 [texts, dimensions]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            vectors = np.asarray(self._embed(new), dtype=np.float32)
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
            self._vectors.update(zip(new, vectors, strict=True))
        return np.stack([self._vectors[text] for text in texts])


@lru_cache(maxsize=1)
def _sentence_encoder() -> Reader:
    from saedata.encoders import find_encoder
    from saedata.reader import load_reader

    folder = find_encoder("minilm").reader_folder
    return load_reader(folder, layer=_LAYERS, context=LONGEST, precision="float32")
