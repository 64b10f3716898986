"""Frames that were never text: documents drawn from the density profile of a real frame, or from authors' habits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from saedata.frame import Embeddings, EncoderInfo, FrameWriter

SHARD = 1024
"""Documents in a shard, as `embed` has it."""

STRATA, TOPICS = 10, 50
TOPIC_SPREAD = 0.7
"""Standard deviation, in log-odds, of what a document's topic does to a feature."""

_FILLER = "what a document would say if anybody had written it, one word after the other. "
_WORDS = ("red", "early", "large", "near", "warm", "north", "old", "quiet")

Tables = tuple[pl.DataFrame, pl.DataFrame]


def encoder_info(features: int) -> EncoderInfo:
    """An encoder that does not exist."""
    nothing = sha256(b"simulated").hexdigest()
    return EncoderInfo("simulated", "none", 0, "none", 1, features, "none", nothing, nothing)


def labels(features: int) -> pl.DataFrame:
    """Label every feature with three words, no two features with the same."""
    n = len(_WORDS)
    named = [f"{_WORDS[f % n]} {_WORDS[f // n % n]} {_WORDS[f // n**2 % n]} {f // n**3}" for f in range(features)]
    return pl.DataFrame({"feature": np.arange(features, dtype=np.uint32), "label": named, "kind": "topic"})


def write(
    out: Path,
    *,
    documents: int,
    encoder: EncoderInfo,
    shard: Callable[[int, int], Tables],
    labels: pl.DataFrame | None = None,
) -> Embeddings:
    """Write a frame, or go on where an earlier run stopped.

    Parameters
    ----------
    out
        Its folder.
    documents
        How many.
    encoder
        What the manifest says.
    shard
        Gives documents and activations from the number of the first document and how many; always the same.
    labels
        Of the features.
    """
    about = {"sha256": sha256(out.name.encode()).hexdigest(), "documents": documents, "characters": 0}
    user = shard(0, 1)[0].drop("doc", "text", "tokens", "features_on", "variance_unexplained").schema
    with FrameWriter.open(
        out, encoder=encoder, corpus=about | {"text_column": "text"}, options={}, columns=dict(user)
    ) as writer:
        while not writer.complete and (first := writer.documents_done) < documents:
            writer.write_shard(*shard(first, min(SHARD, documents - first)))
        return writer.finish(labels)


def tables(
    first: int,
    values: NDArray[np.float32],
    tokens: NDArray[np.integer],
    characters: int,
    rng: np.random.Generator,
    **columns: NDArray[np.generic],
) -> Tables:
    """Documents and activations of a matrix of values [documents, features], 0 where off; spans are random."""
    row, feature = np.nonzero(values)
    start = (rng.random(len(row), dtype=np.float32) * max(characters - 8, 1)).astype(np.uint32)
    doc = np.arange(first, first + len(values), dtype=np.uint32)
    filler = _FILLER * (characters // len(_FILLER) + 1)
    documents = pl.DataFrame(
        {
            "doc": doc,
            "text": [f"{number} {filler}"[:characters] for number in doc],
            "tokens": tokens.astype(np.uint32),
            "features_on": np.bincount(row, minlength=len(values)).astype(np.uint32),
            "variance_unexplained": np.full(len(values), 0.2, np.float32),
            **columns,
        }
    )
    cells = {"doc": doc[row], "feature": feature.astype(np.uint32), "value": values[row, feature]}
    return documents, pl.DataFrame(cells | {"start": start, "stop": start + np.uint32(4)})


@dataclass(frozen=True, eq=False)
class Profile:
    """What is kept of a real frame.

    Parameters
    ----------
    densities
        Share of documents where each feature is on, ascending.
    lengths
        Tokens of each document, ascending, their mean as 1.
    on
        Features on in documents of each tenth of length, the mean as 1.
    """

    densities: NDArray[np.float64]
    lengths: NDArray[np.float64]
    on: NDArray[np.float64]

    @classmethod
    def of(cls, frame: Embeddings) -> Profile:
        """Look at a frame."""
        table = frame.scan_documents().select("tokens", "features_on").sort("tokens").collect().to_numpy()
        lengths, on = table.astype(np.float64).T
        tenths = np.array([part.mean() for part in np.array_split(on, STRATA)])
        densities = np.sort(frame.documents_on()) / frame.n_documents
        return cls(densities, lengths / lengths.mean(), tenths / on.mean())

    def stretched(self, features: int, mean_on: float) -> NDArray[np.float64]:
        """Densities of another number of features, of which `mean_on` are on in a document.

        All log-odds are moved alike, so that the shape remains; what was never on counts as half a document.
        """
        least = 0.5 / len(self.lengths)
        odds = logit(np.clip(self.densities, least, 1 - least))
        spread = np.quantile(odds, (np.arange(features) + 0.5) / features)
        return np.asarray(expit(moved(spread[None], np.array([mean_on])))[0])


def moved(odds: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the log-odds of each row so that its chances sum to a total."""
    low, high = np.full((2, len(odds), 1), 30.0) * np.array([[[-1.0]], [[1.0]]])
    for _ in range(40):
        middle = (low + high) / 2
        more = expit(odds + middle).sum(axis=1, keepdims=True) < totals[:, None]
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return odds + high


@dataclass(frozen=True, eq=False)
class Mixture:
    """Documents of ten lengths and fifty topics: longer ones turn more features on, topics tie features together.

    Parameters
    ----------
    chances
        float32 [lengths x topics, features]: how often each feature is on.
    lengths
        See `Profile`.
    tokens
        Mean number of tokens.
    seed
        Of the draws.
    """

    chances: NDArray[np.float32]
    lengths: NDArray[np.float64]
    tokens: int
    seed: int = 0

    @property
    def encoder(self) -> EncoderInfo:
        """What the manifest of such a frame says."""
        return encoder_info(self.chances.shape[1])

    @classmethod
    def of(cls, profile: Profile, *, features: int, mean_on: float, tokens: int, seed: int = 0) -> Mixture:
        """Draw topics around the densities of a profile; features are numbered at random."""
        rng = np.random.default_rng(seed)
        odds = logit(rng.permutation(profile.stretched(features, mean_on)))
        topics = odds + rng.normal(0, TOPIC_SPREAD, (TOPICS, features))
        rows = [expit(moved(topics, np.full(TOPICS, mean_on * share))) for share in profile.on]
        return cls(np.concatenate(rows).astype(np.float32), profile.lengths, tokens, seed)

    def shard(self, first: int, size: int) -> Tables:
        """Draw documents; the column ``side`` says "a" of 40 % (first topic) to 60 % (last one) of them, else "b"."""
        rng = np.random.default_rng((self.seed, first))
        place, topic = rng.integers(len(self.lengths), size=size), rng.integers(TOPICS, size=size)
        stratum = place * STRATA // len(self.lengths)
        on = rng.random((size, self.chances.shape[1]), np.float32) < self.chances[stratum * TOPICS + topic]
        values = np.zeros(on.shape, np.float32)
        values[on] = rng.standard_exponential(int(on.sum()), np.float32) + np.float32(0.01)
        side = np.where(rng.random(size) < 0.4 + 0.2 * topic / (TOPICS - 1), "a", "b")
        tokens = np.maximum(self.lengths[place] * self.tokens, 1)
        return tables(first, values, tokens, 4 * self.tokens, rng, side=side)


@dataclass(frozen=True)
class Authors:
    """Authors with habits of their own: each turns each feature on more often, or less, than the others.

    Parameters
    ----------
    documents
        How many each author wrote.
    features
        How many there are; the average author turns them on in 2 % to 50 % of the documents.
    spread
        Standard deviation of the habits, in log-odds.
    seed
        Of the draws.
    """

    documents: int = 50
    features: int = 1000
    spread: float = 1.0
    seed: int = 0

    @property
    def encoder(self) -> EncoderInfo:
        """What the manifest of such a frame says."""
        return encoder_info(self.features)

    def shard(self, first: int, size: int) -> Tables:
        """Draw documents; the column ``author`` numbers their authors."""
        rng = np.random.default_rng((self.seed, first))
        author = np.arange(first, first + size) // self.documents
        odds = np.linspace(logit(0.02), logit(0.5), self.features)
        chances = np.stack([expit(odds + self._habits(number)) for number in np.unique(author)])
        on = rng.random((size, self.features)) < chances[author - author[0]]
        return tables(first, on.astype(np.float32), np.full(size, 20), 80, rng, author=author)

    def _habits(self, author: int) -> NDArray[np.float64]:
        return np.random.default_rng((self.seed, 1, author)).normal(0, self.spread, self.features)
