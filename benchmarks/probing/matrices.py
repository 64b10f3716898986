"""Texts as rows of numbers: SAE features, and the dense vectors of the same reader that they are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from saedata.encode import default_token_budget
from saedata.encoders import LoadedEncoder
from saedata.reader import Reader, Window, batches

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Matrices:
    """One row for each text.

    Attributes
    ----------
    sae
        Largest activation of every feature over the text's tokens, [texts, d_sae]; all positive values are there.
    mean, max
        Mean and maximum over the same tokens of the hidden state that the SAE reads, [texts, d_in].
    sentence
        The sentence embedding as sentence-transformers makes it: mean over all tokens, special ones too, of the last
        layer, unit length. What does not fit the reader's context is not read.
    sentence_whole
        The same over all windows of the text, so that long texts are read to their end, as the SAE reads them.
    """

    sae: sparse.csr_matrix[np.float32]
    mean: Float
    max: Float
    sentence: Float
    sentence_whole: Float

    def rows(self, where: NDArray[np.intp]) -> Matrices:
        """Some of the rows, in the order asked for."""
        return Matrices(*(getattr(self, part.name)[where] for part in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Matrices]) -> Matrices:
        """Rows of all parts, one part after the other."""
        sae = sparse.vstack([part.sae for part in parts], format="csr", dtype=np.float32)
        dense = [part.name for part in fields(cls)[1:]]
        return cls(sae, *(np.concatenate([getattr(part, name) for part in parts]) for name in dense))


def encode(texts: Sequence[str], encoders: Sequence[LoadedEncoder], reader: Reader) -> list[Matrices]:
    """Rows of the texts for each encoder, from one pass through the whole reader.

    Parameters
    ----------
    texts
        As many as fit the memory as a dense matrix of features.
    encoders
        They read some layer of `reader`.
    reader
        Up to its last layer.
    """
    windows = list(reader.windows(texts))
    first = {window.document: window for window in reversed(windows)}
    sentence, whole = _Sum(len(texts), reader.d_model), _Sum(len(texts), reader.d_model)
    pools = [_Pool.empty(len(texts), encoder) for encoder in encoders]
    for batch in batches(windows, token_budget=default_token_budget(reader)):
        states, pooled, sizes = all_states(reader, batch)
        for row, window in enumerate(batch):
            tokens = states[-1][row, : sizes[row]].float()
            whole.add(window.document, tokens)
            if window is first[window.document]:
                sentence.add(window.document, tokens)
        for pool in pools:
            pool.add(states[pool.encoder.reader.layer], pooled, [window.document for window in batch])
    return [pool.matrices(_unit(sentence.mean()), _unit(whole.mean())) for pool in pools]


def all_states(reader: Reader, batch: Sequence[Window]) -> tuple[Any, Any, list[int]]:
    """Hidden states of every layer, [windows, tokens, d_model] each; which tokens are pooled; lengths."""
    import torch

    sizes = [len(window.ids) for window in batch]
    longest = max(*sizes, min(-(-max(sizes) // 8) * 8, reader.context))  # few shapes, as in saedata.reader.read
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask, pooled = torch.zeros_like(ids), torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, window in enumerate(batch):
        ids[row, : sizes[row]] = torch.from_numpy(window.ids)
        mask[row, : sizes[row]] = 1
        pooled[row, : sizes[row]] = torch.from_numpy(window.pooled)
    device = reader.device
    with torch.inference_mode():
        out = reader.model(input_ids=ids.to(device), attention_mask=mask.to(device), output_hidden_states=True)
    return out.hidden_states, pooled.to(device), sizes


class _Sum:
    """Sums of token vectors by text."""

    def __init__(self, texts: int, width: int) -> None:
        self.total, self.tokens = np.zeros((texts, width)), np.zeros(texts)

    def add(self, text: int, vectors: Any) -> None:
        self.total[text] += vectors.sum(0).cpu().numpy()
        self.tokens[text] += len(vectors)

    def mean(self) -> Float:
        return (self.total / np.maximum(self.tokens, 1)[:, None]).astype(np.float32)


@dataclass(frozen=True)
class _Pool:
    """What one encoder's layer and features reach in each text."""

    encoder: LoadedEncoder
    features: Float
    highest: Float
    average: _Sum

    @classmethod
    def empty(cls, texts: int, encoder: LoadedEncoder) -> _Pool:
        width, features = encoder.sae.d_in, encoder.sae.d_sae
        highest = np.full((texts, width), -np.inf, dtype=np.float32)
        return cls(encoder, np.zeros((texts, features), dtype=np.float32), highest, _Sum(texts, width))

    def add(self, states: Any, pooled: Any, texts: Sequence[int]) -> None:
        import torch

        sae, counts = self.encoder.sae, pooled.sum(1).tolist()
        x = states[pooled].to(sae.W_enc.device, sae.W_enc.dtype)
        with torch.inference_mode():
            parts = zip(texts, x.split(counts), sae.encode(x).split(counts), strict=True)
            for text, vectors, features in parts:
                if len(vectors):
                    self.average.add(text, vectors)
                    np.maximum(self.highest[text], vectors.amax(0).cpu().numpy(), out=self.highest[text])
                    np.maximum(self.features[text], features.amax(0).cpu().numpy(), out=self.features[text])

    def matrices(self, sentence: Float, whole: Float) -> Matrices:
        highest = np.where(np.isfinite(self.highest), self.highest, 0)  # a text without tokens
        return Matrices(sparse.csr_matrix(self.features), self.average.mean(), highest, sentence, whole)


def _unit(vectors: Float) -> Float:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
