"""The documents of `languages`: in which language each is, and which of them choose and which judge."""

from __future__ import annotations

import logging
import unicodedata
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.probing.hashed import hashed_test, is_first, places_within, text_hashes
from saedata.probing.labelled import FEWEST, named, read_column
from saedata.probing.language_column import read_languages
from saedata.probing.parts import Alike, given_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.frame import Embeddings

    Positions = NDArray[np.int64]

log = logging.getLogger("saedata")

_LETTERS = 20_000
_NOTHING: Any = None  # before it is known which documents are read


@dataclass(frozen=True, eq=False)
class Tongues:
    """Documents of known languages, by position.

    Attributes
    ----------
    docs
        uint32, ascending.
    texts
        Object array.
    y
        int64, places in `names`.
    names
        The languages.
    hashes
        Of the texts.
    test
        Whether a document judges; from the others features are chosen.
    rows
        float32 [documents, features].
    threshold
        Above which a feature is on.
    """

    docs: NDArray[np.uint32]
    texts: NDArray[np.object_]
    y: Positions
    names: tuple[str, ...]
    hashes: NDArray[np.uint64]
    test: NDArray[np.bool_]
    rows: csr_matrix
    threshold: float

    @property
    def train(self) -> Positions:
        """Positions of the documents that features are chosen from."""
        return np.flatnonzero(~self.test)

    def take(self, kept: NDArray[np.bool_]) -> Tongues:
        """Some of them."""
        return Tongues(
            self.docs[kept],
            self.texts[kept],
            self.y[kept],
            self.names,
            self.hashes[kept],
            self.test[kept],
            self.rows,
            self.threshold,
        )

    def is_latin(self) -> NDArray[np.bool_]:
        """Whether most letters of each language's training documents are Latin, [languages]."""
        found = []
        for one in range(len(self.names)):
            letters = [c for c in "".join(self.texts[~self.test & (self.y == one)])[:_LETTERS] if c.isalpha()]
            latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
            found.append(2 * latin > len(letters))
        return np.array(found, dtype=bool)


def read_tongues(
    frame: Embeddings, language: str, *, split: str | None, test: float, documents: int, seed: int
) -> Tongues:
    """Read languages and texts, drop repetitions, and split.

    Parameters
    ----------
    frame
        The documents.
    language
        Column with the language.
    split
        Column with the parts; None: by a hash of the text, within each language.
    test
        Share that judges.
    documents
        Most documents of a language.
    seed
        Of the hash.

    Raises
    ------
    InputError
        No language has enough documents.

    Warns
    -----
    UserWarning
        Documents or languages are left out.
    """
    spoken = read_languages(frame, language)
    texts = _texts(frame, spoken.docs)
    nothing = np.zeros(len(texts), dtype=bool)
    hashes = text_hashes(texts.tolist(), seed=seed)
    found = Tongues(spoken.docs, texts, spoken.codes, spoken.names, hashes, nothing, _NOTHING, frame.threshold)
    if split is not None:
        found = replace(found, test=_given(frame, split, spoken.docs))
    first = is_first(found.hashes, found.y * 2 + found.test)
    if not first.all():
        again = named(found.docs[~first].tolist())
        log.info("%s documents repeat a text of their language and are left out: %s", f"{(~first).sum():,}", again)
        found = found.take(first)
    place, _ = places_within(found.hashes, found.y)
    found = found.take(place < documents)
    if split is None:
        found = replace(found, test=hashed_test(found.hashes, found.y, test))
    found = _enough(found, language)
    _tell_leaks(found)
    return replace(found, rows=frame.filter(pl.col("doc").is_in(pl.Series(found.docs).implode())).to_csr())


def _texts(frame: Embeddings, docs: NDArray[np.uint32]) -> NDArray[np.object_]:
    wanted = pl.LazyFrame({"doc": docs})
    table = frame.scan_documents().select("doc", pl.col("text").fill_null("")).join(wanted, on="doc", how="semi")
    return table.sort("doc").collect()["text"].to_numpy().astype(object)


def _given(frame: Embeddings, split: str, docs: NDArray[np.uint32]) -> NDArray[np.bool_]:
    table = read_column(frame, split).filter(pl.col("doc").is_in(pl.Series(docs).implode()))
    if missing := table.filter(pl.col(split).is_null())["doc"].to_list():
        msg = f"column {split!r} has no value in {len(missing):,} documents that have a language: {named(missing)}"
        raise InputError(msg)
    every, nothing = np.arange(len(docs)), np.zeros(0, dtype=np.int64)
    parts = given_parts(table[split], every, Alike(every, nothing, nothing, np.zeros(0)))
    return np.isin(every, parts.test)


def _enough(found: Tongues, language: str) -> Tongues:
    """Leave out languages with too few documents."""
    sizes = np.stack([np.bincount(found.y[found.test == side], minlength=len(found.names)) for side in (False, True)])
    enough = (sizes.sum(0) >= FEWEST) & (sizes[0] >= 2)
    if enough.all():
        return found
    short = [f"{found.names[one][:40]!r} ({sizes.sum(0)[one]})" for one in np.flatnonzero(~enough)]
    listed = ", ".join(short[:5]) + (f" and {len(short) - 5} more" if len(short) > 5 else "")
    if not enough.any():
        msg = f"no language in {language!r} has {FEWEST} documents, some of them to train with: {listed}"
        raise InputError(msg)
    warnings.warn(f"languages with fewer than {FEWEST} documents are left out: {listed}", stacklevel=4)
    kept = found.take(enough[found.y])
    names = tuple(name for name, ok in zip(found.names, enough, strict=True) if ok)
    return replace(kept, names=names, y=(np.cumsum(enough) - 1)[kept.y])


def _tell_leaks(found: Tongues) -> None:
    known = dict(zip(found.hashes[~found.test].tolist(), found.docs[~found.test].tolist(), strict=True))
    at = [
        (doc, known[key])
        for key, doc in zip(found.hashes[found.test], found.docs[found.test], strict=True)
        if key in known
    ]
    if at:
        pairs = ", ".join(f"{doc} (as {other})" for doc, other in at[:3])
        more = f" and {len(at) - 3:,} more" if len(at) > 3 else ""
        warnings.warn(f"{len(at):,} test documents are in the training part too: {pairs}{more}", stacklevel=4)
