"""Words of documents, and the BM25 index that ranks documents by the words of a query.

Words are runs of at least two letters or digits, in lower case, without English function words. Their numbers are
found by a hash, so that no vocabulary has to be kept in memory. The index has the files of `bm25s` (Lu, X. H. (2024),
BM25S: Orders of magnitude faster lexical search via eager sparse scoring, arXiv:2407.03618), and is opened by it.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import orjson
import polars as pl

from saedata.derived import Recipe, derived_folder
from saedata.frame.disk import commit, reading, write_file
from saedata.frame.layout import partial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.frame.stored import StoredFrame

K1, B = 1.5, 0.75
"""The usual parameters: how soon a repeated word counts no more, and how much long documents are marked down."""

TOGETHER = 1 << 25
"""Entries of the index that are put in order in memory at a time, 8 bytes each."""

_MERGED = 32  # parts whose words are counted together
_DATA, _INDICES, _POINTERS = "data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy"
_PARAMETERS, _WORDS = "params.index.json", "words.npy"


@dataclass(frozen=True, eq=False)
class WordIndex:
    """BM25 weights of every word in every document of one frame.

    Parameters
    ----------
    words
        uint64, ascending: hashes of the words, whose positions are their numbers.
    bm25
        The weights, opened by `bm25s`.
    """

    words: NDArray[np.uint64]
    bm25: Any

    @classmethod
    def of(cls, frame: StoredFrame) -> WordIndex:
        """Open the index, or first count the words of the documents that are not in it yet."""
        folder = derived_folder(frame, _recipe())
        return _opened(folder, (folder / _DATA).stat().st_mtime_ns)

    def numbers(self, text: str) -> NDArray[np.int64]:
        """Numbers of the different words of a text that are in the index."""
        hashes = np.array(sorted({word_hash(word) for word in split([text])[1]}), dtype=np.uint64)
        at = np.searchsorted(self.words, hashes)
        there = at < len(self.words)
        there[there] = self.words[at[there]] == hashes[there]
        return np.asarray(at[there], np.int64)

    def scores(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """BM25 score of every document for some words."""
        if not len(numbers):
            return np.zeros(self.bm25.scores["num_docs"], np.float32)
        return np.asarray(self.bm25.get_scores_from_ids(numbers), np.float32)

    def frequencies(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """In how many documents words are."""
        pointers = self.bm25.scores["indptr"]
        return np.asarray(pointers[numbers + 1] - pointers[numbers], np.int64)


def split(texts: Sequence[str]) -> tuple[list[list[int]], list[str]]:
    """Cut texts into words; for each text positions in the list of different words.

    Examples
    --------
    >>> split(["The cat sat.", "", "A CAT!"])
    ([[0, 1], [], [0]], ['cat', 'sat'])
    """
    import bm25s

    found = bm25s.tokenize(list(texts), stopwords="english", show_progress=False, allow_empty=False)
    words = [word for word in sorted(found.vocab, key=found.vocab.__getitem__) if word]
    place = {found.vocab[word]: number for number, word in enumerate(words)}
    return [[place[one] for one in ids if one in place] for ids in found.ids], words


def word_hash(word: str) -> int:
    """64 bits that stand for a word: two of a million words share theirs once in 30 million corpora."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _recipe() -> Recipe:
    made_with = {"words": "two or more word characters, lower case, no English function words", "k1": K1, "b": B}
    return Recipe("words", "counting words", made_with, _counts, _build)


def _counts(texts: list[str]) -> pl.DataFrame:
    """How often each word is in each text: ``doc`` (its position), ``word`` (its hash), ``count``."""
    ids, words = split(texts)
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    doc = np.repeat(np.arange(len(ids), dtype=np.int64), lengths)
    word = np.fromiter((one for row in ids for one in row), dtype=np.int64, count=int(lengths.sum()))
    cells, counts = np.unique(doc * max(len(words), 1) + word, return_counts=True)
    hashes = np.array([word_hash(one) for one in words] or [0], dtype=np.uint64)
    columns = {
        "doc": (cells // max(len(words), 1)).astype(np.uint32),
        "word": hashes[cells % max(len(words), 1)],
        "count": counts.astype(np.uint32),
    }
    return pl.DataFrame(columns)


@lru_cache(maxsize=4)
def _opened(folder: Path, _written: int) -> WordIndex:
    import bm25s

    with reading(folder):
        words = np.load(folder / _WORDS, mmap_mode="r", allow_pickle=False)
        bm25 = bm25s.BM25.load(folder, mmap=True, load_vocab=False)
        for name in ("data", "indices", "indptr"):  # plain views: what is done to a memmap costs more
            bm25.scores[name] = np.asarray(bm25.scores[name])
    return WordIndex(np.asarray(words), bm25)


def _build(folder: Path, parts: list[Path], firsts: Sequence[int], _covered: int) -> None:
    """Put the counts of all parts in order by word, as many words at a time as fit in memory.

    Weights depend on the number of documents with a word and on the mean length, so new documents change them all.
    """
    words, frequency, lengths = _totals(parts, firsts)
    pointers = np.concatenate(([0], np.cumsum(frequency, dtype=np.int64)))
    inverse = np.log1p((firsts[-1] - frequency + 0.5) / (frequency + 0.5))
    shortening = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-12))
    with partial(folder / _DATA).open("wb") as data, partial(folder / _INDICES).open("wb") as indices:
        _begin(data, np.dtype(np.float32), int(pointers[-1]))
        _begin(indices, np.dtype(np.int32), int(pointers[-1]))
        for first, stop in _stretches(pointers):
            _write_stretch((data, indices), parts, firsts, words, pointers, (first, stop), inverse, shortening)
    commit(folder / _DATA)
    commit(folder / _INDICES)
    write_file(folder / _POINTERS, lambda file: np.save(file, pointers, allow_pickle=False))
    write_file(folder / _WORDS, lambda file: np.save(file, words, allow_pickle=False))
    write_file(folder / _PARAMETERS, lambda file: file.write(_parameters(firsts[-1])))


def _totals(
    parts: list[Path], firsts: Sequence[int]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]:
    """Hashes of all words, in how many documents each is, and how many words each document has."""
    lengths = np.zeros(firsts[-1])
    known = pl.DataFrame(schema={"word": pl.UInt64, "documents": pl.UInt32})
    for begin in range(0, len(parts), _MERGED):
        tables = [known]
        for number in range(begin, min(begin + _MERGED, len(parts))):
            table = _read(parts[number])
            size = firsts[number + 1] - firsts[number]
            counted = np.bincount(table["doc"], table["count"], minlength=size)
            lengths[firsts[number] : firsts[number + 1]] = counted
            tables.append(table.group_by("word").agg(documents=pl.len().cast(pl.UInt32)))
        known = pl.concat(tables).group_by("word").agg(pl.col("documents").sum())
    known = known.sort("word")
    return known["word"].to_numpy(), known["documents"].to_numpy().astype(np.int64), lengths


def _stretches(pointers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut the words where as many entries as fit in memory are full; a word is never cut."""
    cuts = [0]
    while cuts[-1] < len(pointers) - 1:
        stop = int(np.searchsorted(pointers, pointers[cuts[-1]] + TOGETHER, side="right")) - 1
        cuts.append(max(stop, cuts[-1] + 1))
    return list(itertools.pairwise(cuts))


def _write_stretch(
    files: tuple[IO[bytes], IO[bytes]],
    parts: list[Path],
    firsts: Sequence[int],
    words: NDArray[np.uint64],
    pointers: NDArray[np.int64],
    stretch: tuple[int, int],
    inverse: NDArray[np.float64],
    shortening: NDArray[np.float64],
) -> None:
    from saedata.words_kernels import place

    first, stop = stretch
    size = int(pointers[stop] - pointers[first])
    data, indices = np.zeros(size, np.float32), np.zeros(size, np.int32)
    following = pointers[first:stop] - pointers[first]
    for number, part in enumerate(parts):
        table = _read(part)
        number_of = np.searchsorted(words, table["word"].to_numpy())
        doc = table["doc"].to_numpy().astype(np.int64) + firsts[number]
        place(
            number_of - first, doc, table["count"].to_numpy(), following, inverse[first:stop], shortening, data, indices
        )
    for file, array in zip(files, (data, indices), strict=True):
        file.write(array.data)


def _begin(file: IO[bytes], dtype: np.dtype[Any], size: int) -> None:
    """Write the header of a .npy file of a known size."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(file, header)


def _read(part: Path) -> pl.DataFrame:
    with reading(part):
        return pl.read_parquet(part, glob=False)


def _parameters(documents: int) -> bytes:
    import bm25s

    values = vars(bm25s.BM25(k1=K1, b=B))
    names = ("k1", "b", "delta", "method", "idf_method", "dtype", "int_dtype", "backend")
    return orjson.dumps({name: values[name] for name in names} | {"num_docs": documents})
