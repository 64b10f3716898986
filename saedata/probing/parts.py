"""Which documents train and which test: parts that share no text, no group, and nearly no features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.incidence import Incidence
from saedata.probing.linear import strata_of
from saedata.rows import Rows
from saedata.similar import Sets, similar_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.probing.targets import Target

    Positions = NDArray[np.int64]
    Pairs = tuple[Positions, Positions, NDArray[np.float64]]

SIMILARITY = 0.9
"""Share of the features on in either of two documents that are on in both, from which they are nearly the same."""

FEWEST = 8
"""Documents with fewer features on are compared by their texts only."""

LEAKS = pl.Schema({"doc": pl.UInt32(), "train_doc": pl.UInt32(), "similarity": pl.Float64(), "exact": pl.Boolean()})

_SEEDS = (20_011, 40_009)
_TRAIN, _TEST = ("train", "training", "validation", "valid", "val", "dev"), ("test", "testing", "eval", "evaluation")


@dataclass(frozen=True, eq=False)
class Parts:
    """Positions of the documents of either part.

    Attributes
    ----------
    train, test
        Ascending positions.
    groups
        int64 [documents]: those that belong together have the same number, from 0.
    leaks
        Test documents that are in the training part too: ``doc``, ``train_doc``, ``similarity``, ``exact``.
    """

    train: Positions
    test: Positions
    groups: Positions
    leaks: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Alike:
    """Documents that are nearly the same.

    Attributes
    ----------
    first
        int64 [documents]: position of the first document with the same text.
    a, b, similarity
        Pairs of such first documents that have nearly the same features on.
    """

    first: Positions
    a: Positions
    b: Positions
    similarity: NDArray[np.float64]

    @classmethod
    def of(cls, frame: Embeddings, docs: NDArray[np.uint32], *, seed: int) -> Alike:
        """Look through documents.

        Parameters
        ----------
        frame
            Where they are.
        docs
            Their numbers, ascending.
        seed
            Of the random samples of features that find pairs among many documents.
        """
        rows = Rows.of(Incidence(frame, docs, threshold=frame.threshold))
        first = _first_with_text(frame, docs)
        chosen = np.flatnonzero((first == np.arange(len(docs))) & (rows.sizes >= FEWEST))
        none = np.zeros(0, dtype=np.int64)
        found: list[Pairs] = [(none, none, np.zeros(0))]
        if len(chosen) > 1:
            for parts in similar_pairs(Sets(rows, chosen, SIMILARITY), method="auto", seed=seed):
                found += [(chosen[a], chosen[b], alike) for a, b, alike in parts]
        a, b, alike = (np.concatenate(column) for column in zip(*found, strict=True))
        return cls(first, a, b, alike)

    @property
    def links(self) -> tuple[Positions, Positions]:
        """Pairs of positions that belong together."""
        later = np.flatnonzero(self.first != np.arange(len(self.first)))
        return np.concatenate([self.first[later], self.a]), np.concatenate([later, self.b])


def _first_with_text(frame: Embeddings, docs: NDArray[np.uint32]) -> Positions:
    text = pl.col("text").fill_null("")
    wanted = pl.LazyFrame({"doc": docs})
    hashes = frame.scan_documents().select("doc", a=text.hash(_SEEDS[0]), b=text.hash(_SEEDS[1]))
    table = hashes.join(wanted, on="doc", how="semi").sort("doc").with_row_index("row").collect()
    return table.select(pl.col("row").first().over("a", "b")).to_series().to_numpy().astype(np.int64)


def own_parts(y: Target, groups: Positions, alike: Alike, *, test: float, seed: int) -> Parts:
    """Split at random, with the classes in proportion; what belongs together or is nearly the same stays together.

    Parameters
    ----------
    y
        Classes or numbers of the documents.
    groups
        int64 [documents], the user's groups.
    alike
        Documents that are nearly the same.
    test
        Share of the documents that test, between 0 and 1.
    seed
        Of the split.

    Raises
    ------
    InputError
        The groups cannot be split.
    """
    linked = _linked(groups, alike, most=max(int(len(y) * test), 1))
    train, held = _split(y, linked, test, seed)
    if len(np.unique(strata_of(y)[held])) < 2 or len(np.unique(strata_of(y)[train])) < len(np.unique(strata_of(y))):
        msg = (
            "the documents that belong together cannot be split so that training and test have the classes; "
            "give a column with the parts, or other groups"
        )
        raise InputError(msg)
    return Parts(train, held, linked, pl.DataFrame(schema=LEAKS))


def _split(y: Target, groups: Positions, test: float, seed: int) -> tuple[Positions, Positions]:
    from sklearn.model_selection import (  # type: ignore[import-untyped]
        StratifiedGroupKFold,
        train_test_split,
    )

    every = np.arange(len(y))
    if len(np.unique(groups)) == len(groups):
        train, held = train_test_split(every, test_size=test, random_state=seed, stratify=strata_of(y))
        return np.sort(train), np.sort(held)
    number = min(max(round(1 / test), 2), len(np.unique(groups)))
    if number < 2:
        return every, every[:0]
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    train, held = next(iter(folds.split(every, strata_of(y), groups)))
    return train.astype(np.int64), held.astype(np.int64)


def _linked(groups: Positions, alike: Alike, *, most: int) -> Positions:
    """Groups joined by likeness; where a chain of it would join too many documents, its groups stay apart."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b = (groups[side] for side in alike.links)
    size = int(groups.max(initial=0)) + 1
    links = coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    _, joined = connected_components(links, directed=False)
    together = joined.astype(np.int64)[groups]
    large = np.bincount(together)[together] > most
    return _numbered(np.where(large, size + groups, together))


def _numbered(values: NDArray[Any]) -> Positions:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def given_parts(column: pl.Series, groups: Positions, alike: Alike) -> Parts:
    """Split as a column says: "train" and "test" (validation rows train too), or true where a document tests.

    Parameters
    ----------
    column
        Of the documents.
    groups, alike
        As for `own_parts`; they shape the folds of cross-validation.

    Raises
    ------
    InputError
        It has other values, or a part is empty.
    """
    if column.dtype == pl.Boolean:
        tests = column.to_numpy()
    else:
        said = column.cast(pl.String).str.to_lowercase().str.strip_chars()
        unknown = said.filter(~said.is_in([*_TRAIN, *_TEST]))
        if len(unknown):
            msg = (
                f"column {column.name!r} cannot be the split: it has the value {str(unknown[0])[:40]!r}; "
                "it must hold 'train', 'validation' and 'test', or true for the documents that test"
            )
            raise InputError(msg)
        tests = said.is_in(_TEST).to_numpy()
    if tests.all() or not tests.any():
        msg = f"column {column.name!r} leaves no documents to {'train' if tests.all() else 'test'} with"
        raise InputError(msg)
    linked = _linked(groups, alike, most=max(len(groups) // 10, 1))
    return Parts(np.flatnonzero(~tests), np.flatnonzero(tests), linked, pl.DataFrame(schema=LEAKS))


def leaked(parts: Parts, docs: NDArray[np.uint32], alike: Alike) -> pl.DataFrame:
    """Test documents that are nearly the same as one of the training part, each with the one most like it.

    Parameters
    ----------
    parts
        Which document is in which part.
    docs
        Numbers of all documents.
    alike
        Those that are nearly the same.
    """
    known = np.full(len(docs), -1, dtype=np.int64)  # of each text a training document that has it
    known[alike.first[parts.train][::-1]] = parts.train[::-1]
    tests = pl.DataFrame({"test": parts.test, "text": alike.first[parts.test]})
    near = pl.DataFrame(
        {
            "text": np.concatenate([np.arange(len(docs)), alike.a, alike.b]),
            "other": known[np.concatenate([np.arange(len(docs)), alike.b, alike.a])],
            "similarity": np.concatenate([np.ones(len(docs)), alike.similarity, alike.similarity]),
            "exact": np.arange(len(docs) + 2 * len(alike.a)) < len(docs),
        }
    ).filter(pl.col("other") >= 0)
    best = near.sort("text", pl.col("exact").not_(), -pl.col("similarity"), "other").unique("text", keep="first")
    found = tests.join(best, on="text").sort("test")
    numbers = {"doc": docs[found["test"].to_numpy()], "train_doc": docs[found["other"].to_numpy()]}
    return pl.DataFrame(numbers).hstack(found.select("similarity", "exact")).cast(LEAKS)
