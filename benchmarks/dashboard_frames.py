"""Frames for `dashboard_scale`: real texts, real features and labels of the bundled encoder, simulated activations.

The density of every feature, and how it grows with length, is that of the sample answers, moved so that 300 features
are on in the mean document. Texts are passages of the samples, numbered, so that no two are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

import saedata
from benchmarks.simulated import Mixture, Profile, Tables, write
from saedata.frame import Embeddings
from saedata.frame.layout import LABEL_SCHEMA

ROOT = Path(__file__).parent.parent
MEAN_ON, TOKENS = 300, 30
PASSAGE = 4 * TOKENS
"""Characters of a text, at least: spans lie within."""

LANGUAGES = {"en": 0.6, "de": 0.2, "fr": 0.12, "es": 0.06, "fi": 0.02}


@dataclass(frozen=True, eq=False)
class Source:
    """What is taken from the samples.

    Parameters
    ----------
    frame
        Both samples, embedded.
    passages
        Their texts, cut into passages.
    """

    frame: Embeddings
    passages: list[str]

    @classmethod
    def of_samples(cls) -> Source:
        """Embed the samples, or find them in the cache."""
        frames = [saedata.embed(ROOT / "samples" / f"{name}.jsonl") for name in ("willow", "flint")]
        frame = Embeddings.concat(frames)
        texts = frame.documents["text"].to_list()
        cut = [" ".join(text.split())[at : at + 2 * PASSAGE] for text in texts for at in range(0, len(text), PASSAGE)]
        return cls(frame, [passage for passage in cut if len(passage) > PASSAGE])


def make(out: Path, documents: int, source: Source) -> Path:
    """Write a frame that is not there yet, or go on where it was stopped."""
    encoder = source.frame.encoder
    mixture = Mixture.of(
        Profile.of(source.frame), features=encoder.d_sae, mean_on=MEAN_ON, tokens=TOKENS, seed=documents
    )
    labels = source.frame.features.select(list(LABEL_SCHEMA))
    write(out, documents=documents, encoder=encoder, shard=spoken(mixture, source.passages), labels=labels)
    return out


def spoken(mixture: Mixture, passages: list[str]) -> Callable[[int, int], Tables]:
    """Give simulated documents texts and columns: an id of its own, a language, and stars from 1 to 5."""

    def shard(first: int, size: int) -> Tables:
        documents, activations = mixture.shard(first, size)
        rng = np.random.default_rng((2, first))
        chosen = rng.integers(len(passages), size=size)
        numbers = range(first, first + size)
        columns = {
            "text": [f"{number}. {passages[place]}" for number, place in zip(numbers, chosen, strict=True)],
            "id": [f"row-{number:07d}" for number in numbers],
            "language": rng.choice(list(LANGUAGES), size, p=list(LANGUAGES.values())),
            "stars": rng.integers(1, 6, size=size),
        }
        return documents.with_columns(**{name: pl.Series(values) for name, values in columns.items()}), activations

    return shard
