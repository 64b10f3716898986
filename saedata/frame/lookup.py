"""Reading a few documents of a large frame: only the shards and row groups in which they are, some at a time."""

from __future__ import annotations

from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.disk import reading
from saedata.frame.layout import ACTIVATION_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from saedata.frame.view import Part, View

    Columns = dict[str, NDArray[Any]]

_THREADS = 4  # decompressing waits for no lock


def documents_at(view: View, docs: NDArray[np.integer]) -> pl.DataFrame:
    """Read some documents of a view.

    Parameters
    ----------
    view
        Where they are.
    docs
        Their numbers, each once.

    Returns
    -------
    polars.DataFrame
        The documents with the user's columns, in the order of `docs`.
    """
    wanted = pl.DataFrame({"doc": np.asarray(docs, np.uint32)})
    found = [view.no_documents]
    for part, shards in _touched(view, docs):
        paths = [part.frame.layout.documents(shard) for shard, _ in shards]
        with reading(part.frame.layout.root):
            # Planning the reading of many small files costs more than what could be left out in them.
            lazy = pl.scan_parquet(paths, parallel="none", use_statistics=False, glob=False)
            lazy = view.restrict(lazy, part, by_feature=False)
            found.append(lazy.filter(pl.col("doc").is_in(wanted["doc"].implode())).collect())
    return wanted.join(pl.concat(found, how="diagonal_relaxed"), on="doc", how="inner", maintain_order="left")


def activations_at(
    view: View,
    docs: NDArray[np.integer],
    features: NDArray[np.integer] | None = None,
    *,
    columns: Sequence[str] = tuple(ACTIVATION_SCHEMA),
) -> pl.DataFrame:
    """Read the activations in some documents of a view.

    Parameters
    ----------
    view
        Where the documents are.
    docs
        Their numbers, each once.
    features
        Numbers of the features that are wanted; None: those of the view.
    columns
        What is read, of ``doc``, ``feature``, ``value``, ``start``, ``stop``; the first two always.

    Returns
    -------
    polars.DataFrame
        These columns, by document and feature.
    """
    flags = np.zeros(view.encoder.d_sae, np.bool_)
    wanted = view.chosen if features is None else features
    flags[slice(None) if wanted is None else wanted] = True
    names = [name for name in ACTIVATION_SCHEMA if name in {"doc", "feature", *columns}]
    found = [_nothing(names)]
    for part, shards in _touched(view, docs):
        work = [(part.frame.layout.activations(shard), local) for shard, local in shards]
        with ThreadPoolExecutor(_THREADS) as pool:
            for one in pool.map(lambda place: _activations(place[0], place[1], flags, names), work):
                one["doc"] = one["doc"] + np.uint32(part.offset)
                found.append(one)
    return pl.DataFrame(_joined(found), schema={name: ACTIVATION_SCHEMA[name] for name in names})


def cell(view: View, doc: int, column: str, *, name: str) -> str | None:
    """Read one cell of one document.

    Raises
    ------
    FrameError
        There is no such document in the view, which people know by `name`.
    """
    found = view.narrowed([doc])
    wanted = np.flatnonzero(found) if found is not None else np.zeros(0)
    for shard in view.shards_with(wanted.astype(np.uint32)):
        cells: list[str | None] = shard.documents(["doc", column]).filter(pl.col("doc") == doc)[column].to_list()
        return cells[0]
    msg = f"document {doc} is not in this view of {name}"
    raise FrameError(msg)


def _touched(view: View, docs: NDArray[np.integer]) -> Iterator[tuple[Part, list[tuple[int, NDArray[np.int64]]]]]:
    """Parts, and in each the shards and the documents (numbered as in its files) that are wanted."""
    ascending = np.sort(np.asarray(docs, np.int64))
    for part in view.parts:
        edges = np.searchsorted(ascending, part.frame.starts + part.offset)
        shards = [
            (int(shard), ascending[edges[shard] : edges[shard + 1]] - part.offset)
            for shard in np.flatnonzero(np.diff(edges))
        ]
        if shards:
            yield part, shards


def _activations(path: Path, docs: NDArray[np.int64], flags: NDArray[np.bool_], names: list[str]) -> Columns:
    """Spans in one shard; its rows are by document, so that most row groups need not be read."""
    import pyarrow.parquet as pq

    found = [_nothing(names)]
    with reading(path), pq.ParquetFile(path, memory_map=True) as file:
        for group, begin, end in _groups(file.metadata, docs):
            table = file.read_row_group(group, columns=names, use_threads=False)
            found.append(_rows(table, docs[begin:end], flags))
    return _joined(found)


def _groups(metadata: pq.FileMetaData, docs: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Row groups that may hold some of the documents, and which of them: from, and up to.

    Looking at every group of many shards would take longer than reading the few that are wanted.
    """

    def statistics(group: int) -> Any:
        return metadata.row_group(group).column(0).statistics

    groups, at, group = range(metadata.num_row_groups), 0, -1
    while at < len(docs):
        group = bisect_left(groups, docs[at], lo=group + 1, key=lambda one: statistics(one).max)
        if group == len(groups):
            return
        here = statistics(group)
        begin, end = np.searchsorted(docs, (here.min, here.max + 1)).tolist()
        if begin < end:
            yield group, begin, end
        at = int(np.searchsorted(docs, here.max))  # the last document's rows may go on in the next group


def _rows(table: pa.Table, docs: NDArray[np.int64], flags: NDArray[np.bool_]) -> Columns:
    doc, feature = table["doc"].to_numpy(), table["feature"].to_numpy()
    begins, ends = np.searchsorted(doc, docs), np.searchsorted(doc, docs + 1)
    rows = np.concatenate([np.arange(*span) for span in zip(begins, ends, strict=True)])
    rows = rows[flags[feature[rows]]]
    return {name: table[name].to_numpy()[rows] for name in table.column_names}


def _joined(found: list[Columns]) -> Columns:
    return {name: np.concatenate([columns[name] for columns in found]) for name in found[0]}


def _nothing(names: Sequence[str]) -> Columns:
    return {name: np.zeros(0, np.float32 if name == "value" else np.uint32) for name in names}
