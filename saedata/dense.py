"""Dense vectors of documents, and the FAISS index that finds those nearest to a query.

A document's vector is the mean over all its tokens of the bundled sentence encoder's last layer, read in windows of
256 tokens, so that the end of a long document counts as much as its beginning. Up to `EXACT` documents each one is
compared with the query; above it an inverted file is searched whose cells are found by k-means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.derived import Recipe, derived_folder, part_file
from saedata.faiss_files import ask_index, read_index, write_index
from saedata.frame.disk import reading
from saedata.sentences import LONGEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from saedata.frame.stored import StoredFrame
    from saedata.reader import Reader, Window

EXACT = 100_000
"""Documents up to which each one is compared."""

WIDTH = 384
SENTENCE = "sentence"

_LAYERS = 6
_FILE = "vectors.faiss"
_SAMPLES = 40  # vectors for each cell that k-means sees
_PROBED = 16  # one of so many cells is looked into
_GROWTH = 4  # an index with so many times the documents that its cells were made from is built anew


@dataclass(frozen=True, eq=False)
class DenseIndex:
    """Vectors of the documents of one frame.

    Parameters
    ----------
    folder
        Where they lie.
    frame
        The frame.
    index
        FAISS index, by inner product; positions are document numbers.
    """

    folder: Path
    frame: StoredFrame
    index: Any

    @classmethod
    def of(cls, frame: StoredFrame) -> DenseIndex:
        """Open the index, or first embed the documents that have no vector yet."""
        folder = derived_folder(frame, _recipe())
        with reading(folder / _FILE):
            index = _opened(folder / _FILE, (folder / _FILE).stat().st_mtime_ns)
        return cls(folder, frame, index)

    def nearest(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Documents nearest to a vector.

        Parameters
        ----------
        vector
            float32 [384], of unit length.
        count
            How many, at most.
        allowed
            bool [documents]: which may be found; None: all.

        Returns
        -------
        tuple of numpy.ndarray
            Their numbers and their cosines; the highest first, equal ones by number.
        """
        import faiss

        options: dict[str, Any] = {}
        share = 1.0
        if allowed is not None:
            count, share = min(count, int(allowed.sum())), float(allowed.mean())
            bits = np.packbits(allowed, bitorder="little")
            options["sel"] = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
        if not count or not share:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if isinstance(self.index, faiss.IndexIVF):
            options["nprobe"] = self._probed(count, share)
        kind = faiss.SearchParametersIVF if "nprobe" in options else faiss.SearchParameters
        parameters = kind(**options)
        cosines, docs = ask_index(self.index, vector, min(count, self.index.ntotal), params=parameters)
        order = np.lexsort((docs, -cosines))
        return docs[order], cosines[order]

    def vectors(self, docs: NDArray[np.integer]) -> NDArray[np.float32]:
        """Vectors of some documents, as they were embedded."""
        shard = np.searchsorted(self.frame.starts, docs, side="right") - 1
        rows = np.zeros((len(docs), WIDTH), np.float32)
        for number in np.unique(shard):
            mine = shard == number
            rows[mine] = _read(part_file(self.folder, int(number)))[docs[mine] - self.frame.starts[number]]
        return rows

    def _probed(self, count: int, share: float) -> int:
        """How many cells to look into, so that enough documents are in them that may be found."""
        cells = self.index.nlist
        wanted = max(cells / _PROBED, 4 * count / (self.index.ntotal / cells)) / share
        return int(min(max(np.ceil(wanted), 1), cells))


def embed_documents(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed documents of any length.

    Parameters
    ----------
    texts
        In any number. All of each is read, 256 tokens at a time.

    Returns
    -------
    numpy.ndarray
        float32 [texts, 384], of unit length; zeros for a document without a token. For a document of one window the
        vector of `saedata.sentences.embed_sentences`, up to the precision of the machine's fastest forward pass.
    """
    from saedata.encode import default_token_budget
    from saedata.reader import batches

    reader = _reader()
    total, tokens = np.zeros((len(texts), WIDTH)), np.zeros(len(texts))
    for batch in batches(list(reader.windows(texts)), token_budget=default_token_budget(reader)):
        sums, sizes = _sums(reader, batch)
        rows = [window.document for window in batch]
        np.add.at(total, rows, sums)
        np.add.at(tokens, rows, sizes)
    mean = total / np.maximum(tokens, 1)[:, None]
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True).clip(1e-12), np.float32)


def _sums(reader: Reader, windows: Sequence[Window]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Sum of the hidden states over each window's tokens, and how many there are."""
    import torch

    sizes = np.array([len(window.ids) for window in windows])
    ids = torch.zeros(len(windows), int(sizes.max()), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : sizes[row]] = torch.from_numpy(window.ids)
        mask[row, : sizes[row]] = 1
    hidden: torch.Tensor = reader.hidden(ids, mask).float()
    sums = (hidden * mask.to(hidden.device)[..., None]).sum(1)
    return sums.cpu().numpy(), sizes


@lru_cache(maxsize=1)
def _reader() -> Reader:
    from saedata.encoders import find_encoder
    from saedata.reader import load_reader

    return load_reader(find_encoder("minilm").reader_folder, layer=_LAYERS, context=LONGEST)


def _recipe() -> Recipe:
    made_with = {"vectors": "all-MiniLM-L6-v2, mean over all tokens", "window": LONGEST}
    return Recipe("dense", "embedding texts", made_with, _table, _build)


def _table(texts: list[str]) -> pl.DataFrame:
    vectors = pl.Series(SENTENCE, embed_documents(texts), dtype=pl.Array(pl.Float32, WIDTH))
    return pl.DataFrame([vectors])


def _read(part: Path) -> NDArray[np.float32]:
    with reading(part):
        return pl.read_parquet(part, columns=[SENTENCE], glob=False)[SENTENCE].to_numpy().astype(np.float32, copy=False)


@lru_cache(maxsize=4)
def _opened(path: Path, _written: int) -> Any:
    index = read_index(path)
    if index is None:
        msg = "it is no FAISS index"
        raise ValueError(msg)
    return index


def _build(folder: Path, parts: list[Path], firsts: Sequence[int], covered: int) -> None:
    """Add what is new to the index, or build it where its kind or its cells no longer suit."""
    total = firsts[-1]
    index = read_whole(folder / _FILE) if covered else None
    if index is None or index.ntotal != firsts[covered] or not _suits(index, total):
        index, covered = _empty(parts, firsts), 0
    for number in range(covered, len(parts)):
        if firsts[number + 1] > firsts[number]:
            index.add(_read(parts[number]))
    write_index(folder / _FILE, index)


def read_whole(path: Path) -> Any | None:
    """Open an index so that it can be added to."""
    import faiss

    try:
        return faiss.read_index(str(path))
    except RuntimeError:
        return None


def cells(documents: int) -> int:
    """Cells of an inverted file: the power of two nearest to the root of the number of documents.

    Examples
    --------
    >>> cells(200_000), cells(1_000_000)
    (512, 1024)
    """
    return int(2 ** np.round(np.log2(max(documents, 1)) / 2))


def _suits(index: Any, total: int) -> bool:
    import faiss

    if isinstance(index, faiss.IndexIVF):
        return bool(cells(total) <= _GROWTH**0.5 * index.nlist)
    return total <= EXACT


def _empty(parts: list[Path], firsts: Sequence[int]) -> Any:
    import faiss

    total = firsts[-1]
    if total <= EXACT:
        return faiss.IndexScalarQuantizer(WIDTH, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index: Any = faiss.index_factory(WIDTH, f"IVF{cells(total)},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(_sample(parts, firsts, _SAMPLES * index.nlist))
    return index


def _sample(parts: list[Path], firsts: Sequence[int], size: int) -> NDArray[np.float32]:
    """Vectors of documents at even distances, so that the cells suit all of the corpus."""
    docs = np.unique(np.linspace(0, firsts[-1] - 1, size).astype(np.int64))
    return np.concatenate(
        [
            _read(part)[docs[slice(*np.searchsorted(docs, firsts[n : n + 2]))] - firsts[n]]
            for n, part in enumerate(parts)
        ]
    )
