"""Sequences of random tokens: what is on there says nothing about a language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.encode import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder

_AT_A_TIME = 256


def random_documents(tokenizer: Any, *, sequences: int, tokens: int, seed: int) -> list[str]:
    """Draw tokens from a tokenizer's vocabulary, each with equal chance, and write them as text.

    Parameters
    ----------
    tokenizer
        Of the reader. Special tokens, and those added to the vocabulary, are never drawn.
    sequences, tokens
        How many documents, of how many tokens each.
    seed
        Of the draws.
    """
    added = set(tokenizer.get_added_vocab().values()) | set(tokenizer.all_special_ids)
    usable = np.array(sorted(set(tokenizer.get_vocab().values()) - added))
    drawn = np.random.default_rng(seed).choice(usable, (sequences, tokens))
    return [str(tokenizer.decode(row)) for row in drawn.tolist()]


def random_shares(
    loaded: LoadedEncoder, *, threshold: float, sequences: int, tokens: int, seed: int
) -> NDArray[np.float64]:
    """Share of random sequences in which each feature is on, [features].

    Parameters
    ----------
    loaded
        The encoder.
    threshold
        Above which a feature is on.
    sequences, tokens, seed
        As for `random_documents`.
    """
    texts = random_documents(loaded.reader.tokenizer, sequences=sequences, tokens=tokens, seed=seed)
    counts = np.zeros(loaded.sae.d_sae, dtype=np.int64)
    for first in range(0, sequences, _AT_A_TIME):
        cells = encode(texts[first : first + _AT_A_TIME], loaded.reader, loaded.sae).activations
        on = cells["feature"].to_numpy()[cells["value"].to_numpy() > np.float32(threshold)]
        counts += np.bincount(on, minlength=len(counts))
    return counts / sequences
