"""The documents of `toxicity`: what they are labelled, their language, and which of them choose and which judge."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.probing.hashed import hashed_test, is_first, places_within, text_hashes
from saedata.probing.labelled import FEWEST, Labelled, named, read_column, read_labels
from saedata.probing.language_column import read_languages
from saedata.probing.parts import Alike, Parts, given_parts, leaked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Positions = NDArray[np.int64]

log = logging.getLogger("saedata")

ONE = "all documents"
"""Name of the language where no column says it."""

_FEWEST_TESTS = 2
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Documents:
    """Labelled documents of some languages; everything is by position.

    Attributes
    ----------
    found
        Numbers of the documents, and whether each is toxic (1).
    texts
        Object array of texts.
    language
        int64, places in `names`.
    names
        The languages.
    hashes
        Of the texts: they order what is sampled.
    test
        Whether a document judges (evaluation); the others choose (discovery).
    leaks
        Documents of the evaluation that are in the discovery too.
    """

    found: Labelled
    texts: NDArray[np.object_]
    language: Positions
    names: tuple[str, ...]
    hashes: NDArray[np.uint64]
    test: NDArray[np.bool_]
    leaks: pl.DataFrame

    @property
    def y(self) -> Positions:
        """1 where a document is toxic."""
        return np.asarray(self.found.y, dtype=np.int64)

    @property
    def strata(self) -> Positions:
        """Language and class, as one number."""
        return self.language * 2 + self.y

    def discovery(self, *languages: int) -> Positions:
        """Positions of the discovery documents of some languages."""
        return np.flatnonzero(~self.test & np.isin(self.language, languages))

    def evaluation(self, language: int) -> Positions:
        """Positions of the evaluation documents of a language."""
        return np.flatnonzero(self.test & (self.language == language))

    def take(self, kept: NDArray[np.bool_] | Positions) -> Documents:
        """Some of them."""
        found = self.found.take(kept)
        return Documents(
            found, self.texts[kept], self.language[kept], self.names, self.hashes[kept], self.test[kept], self.leaks
        )

    def sampled(self, positions: Positions, most: int) -> Positions:
        """At most so many of some positions, of every language and class the same share, by hash; ascending."""
        if len(positions) <= most:
            return positions
        place, size = places_within(self.hashes[positions], self.strata[positions])
        order = np.lexsort((self.hashes[positions], (place + 0.5) / size))
        return np.sort(positions[order[:most]])


def read_documents(
    frame: Embeddings,
    label: str,
    *,
    language: str | None,
    positive: Any,
    split: str | None,
    test: float,
    documents: int,
    drop_leaks: bool,
    seed: int,
) -> Documents:
    """Read labels, languages and texts, drop repetitions, and split.

    Parameters
    ----------
    frame
        The documents.
    label, positive
        Column that says what is toxic, and its value; see `read_labels`.
    language
        Column with the language; None: one for all.
    split
        Column with the parts; None: by hash.
    test
        Share of every language and class that judges.
    documents
        Most documents of a language.
    drop_leaks
        Whether evaluation documents that are in the discovery too are left out, or only named.
    seed
        Of the hash.

    Raises
    ------
    InputError
        Nothing can be learnt from the columns.
    """
    found = read_labels(frame, label, task="binary", positive=positive)
    code = np.zeros(len(found.docs), dtype=np.int64)
    names: tuple[str, ...] = (ONE,)
    if language is not None:
        spoken = read_languages(frame, language)
        code, names = spoken.of(found.docs), spoken.names
        found, code = found.take(code >= 0), code[code >= 0]
    texts = _texts(frame, found.docs)
    none = np.zeros(len(texts), dtype=bool)
    docs = Documents(found, texts, code, names, text_hashes(texts.tolist(), seed=seed), none, pl.DataFrame())
    given = None if split is None else _given(frame, split, found.docs)
    docs, given = _without_repetitions(docs, given)
    docs, given = _most(docs, given, documents)
    tests = hashed_test(docs.hashes, docs.strata, test) if given is None else _tests(given, docs)
    docs = _learnable(replace(docs, test=tests), label, positives=docs.found.classes[1])
    return _told_of_leaks(frame, docs, drop=drop_leaks, seed=seed)


def _texts(frame: Embeddings, docs: NDArray[np.uint32]) -> NDArray[np.object_]:
    wanted = pl.LazyFrame({"doc": docs})
    table = frame.scan_documents().select("doc", pl.col("text").fill_null("")).join(wanted, on="doc", how="semi")
    return table.sort("doc").collect()["text"].to_numpy().astype(object)


def _given(frame: Embeddings, split: str, docs: NDArray[np.uint32]) -> pl.Series:
    table = read_column(frame, split).filter(pl.col("doc").is_in(pl.Series(docs).implode()))
    if missing := table.filter(pl.col(split).is_null())["doc"].to_list():
        msg = f"column {split!r} has no value in {len(missing):,} documents that have a label: {named(missing)}"
        raise InputError(msg)
    return table[split]


def _tests(given: pl.Series, docs: Documents) -> NDArray[np.bool_]:
    nothing = np.zeros(0, dtype=np.int64)
    every = np.arange(len(docs.y))
    parts = given_parts(given, every, Alike(every, nothing, nothing, np.zeros(0)))
    return np.isin(every, parts.test)


def _without_repetitions(docs: Documents, given: pl.Series | None) -> tuple[Documents, pl.Series | None]:
    """Keep the first of equal texts in a language (with given parts: in each part of it)."""
    groups = docs.language
    if given is not None:
        groups = groups * 2 + _tests(given, docs)
    first = is_first(docs.hashes, groups)
    if first.all():
        return docs, given
    again = docs.take(~first)
    numbers = pl.DataFrame({"hash": docs.hashes, "group": groups, "y": docs.y})
    torn = numbers.group_by("hash", "group").agg(pl.col("y").n_unique()).filter(pl.col("y") > 1).height
    said = f"; {torn:,} texts had both labels" if torn else ""
    log.info(
        "%s documents repeat a text of their language and are left out: %s%s",
        f"{len(again.y):,}",
        named(again.found.docs.tolist()),
        said,
    )
    return docs.take(first), None if given is None else given.filter(pl.Series(first))


def _most(docs: Documents, given: pl.Series | None, documents: int) -> tuple[Documents, pl.Series | None]:
    """At most so many documents of each language."""
    every = np.arange(len(docs.y))
    parts = [docs.sampled(every[docs.language == one], documents) for one in range(len(docs.names))]
    kept = np.sort(np.concatenate(parts))
    if len(kept) == len(every):
        return docs, given
    log.info("%s of %s documents are used: a sample of each language", f"{len(kept):,}", f"{len(every):,}")
    return docs.take(kept), None if given is None else given.gather(kept)


def _learnable(docs: Documents, label: str, *, positives: str) -> Documents:
    """Leave out languages in which too few documents are of one class."""
    counts = np.zeros((len(docs.names), 2, 2), dtype=np.int64)
    np.add.at(counts, (docs.language, docs.test.astype(int), docs.y), 1)
    enough = (counts.sum(1).min(1) >= FEWEST) & (counts[:, 0].min(1) >= 2) & (counts[:, 1].min(1) >= _FEWEST_TESTS)
    if enough.all():
        return docs
    short = [_short(docs.names[one], counts[one], positives) for one in np.flatnonzero(~enough)]
    listed = "; ".join(short[:_NAMED]) + (f"; and {len(short) - _NAMED} more languages" if len(short) > _NAMED else "")
    why = f"at least {FEWEST} documents of each class are needed, some of them in each part"
    if not enough.any():
        msg = f"no language has enough documents in {label!r}: {listed}; {why}"
        raise InputError(msg)
    warnings.warn(f"languages are left out: {listed}; {why}", stacklevel=4)
    kept = docs.take(enough[docs.language])
    names = tuple(name for name, ok in zip(docs.names, enough, strict=True) if ok)
    return replace(kept, names=names, language=(np.cumsum(enough) - 1)[kept.language])


def _short(name: str, counts: NDArray[np.int64], positives: str) -> str:
    clean, toxic = counts.sum(0).tolist()
    return f"{name[:40]!r} has {toxic:,} documents with the value {positives[:40]!r} and {clean:,} without"


def _told_of_leaks(frame: Embeddings, docs: Documents, *, drop: bool, seed: int) -> Documents:
    """Name, or leave out, evaluation documents that the discovery knows, in any language."""
    alike = Alike.of(frame, docs.found.docs, seed=seed)
    _, first, again = np.unique(docs.hashes, return_index=True, return_inverse=True)
    alike = replace(alike, first=first[again].astype(np.int64))
    parts = Parts(np.flatnonzero(~docs.test), np.flatnonzero(docs.test), np.arange(len(docs.y)), pl.DataFrame())
    leaks = leaked(parts, docs.found.docs, alike)
    if leaks.is_empty():
        return replace(docs, leaks=leaks)
    pairs = [f"{doc} (as {other})" for doc, other in leaks.select("doc", "train_doc").head(3).iter_rows()]
    more = f" and {leaks.height - 3:,} more" if leaks.height > 3 else ""
    what = "left out" if drop else "kept, so figures may flatter; leaks='drop' leaves them out"
    warnings.warn(
        f"{leaks.height:,} of {len(parts.test):,} evaluation documents are in the discovery part too, equal or nearly: "
        f"{', '.join(pairs)}{more}; they are {what}",
        stacklevel=4,
    )
    kept = replace(docs, leaks=leaks)
    if not drop:
        return kept
    kept = kept.take(~np.isin(docs.found.docs, leaks["doc"].to_numpy()))
    return _learnable(kept, docs.found.name, positives=docs.found.classes[1])
