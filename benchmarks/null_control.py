"""False alarms: how often `diff` and `correlate` find something where there is nothing to find.

In each run the labels of real documents are dealt anew, or simulated ones drawn, so that any finding is false. With q
below 0.05 one run in twenty may have one.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

import saedata
from benchmarks.chat_answers import chat_answers
from benchmarks.harness import Figure
from benchmarks.simulated import Authors, tables, write
from saedata.analysis.correlate.strata import strata_of
from saedata.frame import Embeddings

RUNS, LEVEL = 200, 0.05
TARGET = ("<=", 0.08)
AUTHORS, DOCUMENTS = 20, 50
SIMULATED_AUTHORS = 200
SOME, FEW = 512, 10
"""Features drawn for each run of `correlate`, and runs on all: eight million pairs take minutes."""

LENGTHS = 10
"""Strata of length that `correlate` has by default."""

COMPARED = {"effects": False, "evidence": 0, "evidence_rows": 0}
PAIRED_UP = {"max_touching": None, "drop_kinds": (), "embed": None, "coupled_features": 0, "evidence": 0, "limit": 1}
"""Nothing that is significant may be left out, and nothing is described."""

Sides = tuple[Embeddings, Embeddings]
Draw = Callable[[np.random.Generator], Sides]
Test = Callable[[Embeddings, Embeddings], pl.DataFrame]


def measure() -> list[Figure]:
    """Four kinds of nothing, and what happens where the option that a corpus needs is left out."""
    frame = chat_answers()
    figures = [*_halves(frame), *_clustered(frame, "model", "32 models"), *_swapped(frame)]
    with tempfile.TemporaryDirectory() as place:
        documents = SIMULATED_AUTHORS * DOCUMENTS
        habits = Authors(documents=DOCUMENTS)
        many = write(Path(place, "authors.sae"), documents=documents, encoder=habits.encoder, shard=habits.shard)
        figures += _clustered(many, "author", f"{SIMULATED_AUTHORS} simulated authors")
        figures += _shuffled(frame, Path(place))
    return figures


def _halves(frame: Embeddings) -> list[Figure]:
    draw = partial(halves, frame)
    return [
        figure("diff, random halves", alarms(draw, compare(), RUNS), TARGET),
        figure("diff, random halves, adjusted for length", alarms(draw, compare(adjust="length"), RUNS), TARGET),
    ]


def _clustered(frame: Embeddings, column: str, what: str) -> list[Figure]:
    draw = partial(whole_clusters, frame, column)
    name = f"diff, {AUTHORS} x {DOCUMENTS} of {what}, whole ones on a side"
    return [
        figure(f"{name}, clustered", alarms(draw, compare(cluster=column), RUNS), TARGET),
        figure(f"{name}, taken for independent", alarms(draw, compare(), RUNS)),
    ]


def _swapped(frame: Embeddings) -> list[Figure]:
    found = alarms(partial(swapped_pairs, frame), compare(pair="pair"), RUNS)
    return [figure("diff, sides swapped within pairs, paired", found, TARGET)]


def _shuffled(frame: Embeddings, place: Path) -> list[Figure]:
    stratified, plain = [], []
    for shuffled in shuffles(frame, place, RUNS, features=SOME):
        stratified.append(any_below(saedata.correlate(shuffled, **PAIRED_UP)))
        plain.append(any_below(saedata.correlate(shuffled, strata=1, **PAIRED_UP)))
    every = [any_below(saedata.correlate(shuffled, **PAIRED_UP)) for shuffled in shuffles(frame, place, FEW)]
    name = "correlate, features shuffled within length"
    return [
        figure(f"{name}, {SOME} features in each run", stratified, TARGET),
        figure(f"{name}, {SOME} features in each run, without strata", plain),
        figure(f"{name}, all features", every),
    ]


def compare(**options: str) -> Test:
    """`diff` with nothing but the tests."""

    def test(target: Embeddings, other: Embeddings) -> pl.DataFrame:
        return saedata.diff(target, other, **COMPARED, **options)

    return test


def alarms(draw: Draw, test: Test, runs: int) -> list[bool]:
    """Whether each run finds something."""
    found = []
    for run in range(runs):
        target, other = draw(np.random.default_rng((1, run)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*have no partner.*")
            found.append(any_below(test(target, other)))
    return found


def any_below(table: pl.DataFrame) -> bool:
    """Whether anything stands out."""
    return bool((table["q"] < LEVEL).any())


def figure(name: str, found: list[bool], target: tuple[str, float] | None = None) -> Figure:
    """Share of the runs with a finding, and its exact binomial interval."""
    low, high = interval(sum(found), len(found))
    return Figure(name, sum(found) / len(found), f"{len(found)} runs, 95 % interval {low:.3f} to {high:.3f}", target)


def interval(count: int, runs: int) -> tuple[float, float]:
    """Clopper and Pearson's (1934) interval of a share."""
    from scipy.stats import binomtest

    bounds = binomtest(count, runs).proportion_ci(method="exact")
    return float(bounds.low), float(bounds.high)


def halves(frame: Embeddings, rng: np.random.Generator) -> Sides:
    """Deal the documents to two sides of equal size."""
    docs = rng.permutation(frame.documents["doc"].to_numpy())
    return _sides(frame, docs[: len(docs) // 2], docs[len(docs) // 2 :])


def whole_clusters(frame: Embeddings, column: str, rng: np.random.Generator) -> Sides:
    """Choose 20 authors and 50 documents of each, and put ten authors on either side."""
    table = frame.documents.select("doc", column)
    authors = rng.permutation(table[column].unique().sort().to_numpy())[:AUTHORS]
    docs = [rng.permutation(table.filter(pl.col(column) == author)["doc"].to_numpy())[:DOCUMENTS] for author in authors]
    return _sides(frame, np.concatenate(docs[: AUTHORS // 2]), np.concatenate(docs[AUTHORS // 2 :]))


def swapped_pairs(frame: Embeddings, rng: np.random.Generator) -> Sides:
    """Deal the two documents of each pair to the two sides."""
    table = frame.documents.select("doc", "pair").sort("pair", "doc")
    docs = table["doc"].to_numpy().reshape(-1, 2)
    first = rng.integers(2, size=len(docs))
    rows = np.arange(len(docs))
    return _sides(frame, docs[rows, first], docs[rows, 1 - first])


def _sides(frame: Embeddings, target: NDArray[np.uint32], other: NDArray[np.uint32]) -> Sides:
    mine, theirs = (frame.filter(pl.col("doc").is_in(docs.tolist())) for docs in (target, other))
    return mine, theirs


def shuffles(frame: Embeddings, place: Path, runs: int, *, features: int | None = None) -> Iterator[Embeddings]:
    """Frames with the documents' lengths, in which nothing but length ties the features together.

    Parameters
    ----------
    frame
        Real documents.
    place
        Where a frame lies while it is used.
    runs
        How many.
    features
        Features that stay in each, drawn anew; None: all.
    """
    values = frame.to_csr().toarray()
    tokens = frame.documents["tokens"].to_numpy()
    stratum = strata_of(tokens, LENGTHS)
    for run in range(runs):
        rng = np.random.default_rng((2, run))
        kept = rng.permutation(values.shape[1])[:features]
        some = np.zeros_like(values)
        some[:, kept] = values[:, kept]
        with tempfile.TemporaryDirectory(dir=place) as folder:
            yield _written(frame, Path(folder, "shuffled.sae"), shuffled_within(some, stratum, rng), tokens, rng)


def shuffled_within(
    values: NDArray[np.float32], stratum: NDArray[np.integer], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Permute every column on its own, within the strata of rows."""
    shuffled = np.empty_like(values)
    for one in np.unique(stratum):
        rows = np.flatnonzero(stratum == one)
        shuffled[rows] = rng.permuted(values[rows], axis=0)
    return shuffled


def _written(
    frame: Embeddings, out: Path, values: NDArray[np.float32], tokens: NDArray[np.integer], rng: np.random.Generator
) -> Embeddings:
    def shard(first: int, size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        part = slice(first, first + size)
        return tables(first, values[part], tokens[part], 40, rng)

    return write(out, documents=len(values), encoder=frame.encoder, shard=shard)
