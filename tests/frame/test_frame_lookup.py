"""A few documents of a frame, read without the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from saedata.frame import Embeddings, disk
from saedata.frame.lookup import activations_at, documents_at

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeFrame = Callable[..., Embeddings]


def everything(view: Embeddings, docs: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    wanted = pl.DataFrame({"doc": docs}, schema={"doc": pl.UInt32})
    documents = wanted.join(view.documents, on="doc", maintain_order="left")
    return documents, view.scan().collect().filter(pl.col("doc").is_in(docs))


@pytest.mark.parametrize("docs", [[], [6], [4, 0, 6], [5, 4, 3, 2, 1, 0]])
def test_the_same_as_reading_everything(frame: Embeddings, docs: list[int]):
    documents, activations = everything(frame, docs)
    numbers = np.array(docs, np.uint32)
    assert_frame_equal(documents_at(frame.view, numbers), documents)
    assert_frame_equal(activations_at(frame.view, numbers), activations)
    some = activations_at(frame.view, numbers, np.array([2, 4]))
    assert_frame_equal(some, activations.filter(pl.col("feature").is_in([2, 4])))


def test_views(frame: Embeddings):
    both = Embeddings.concat([frame, frame.filter(pl.col("doc") != 4)]).select([0, 3])
    documents, activations = everything(both, [13, 0, 11, 7])
    numbers = np.array([13, 0, 11, 7], np.uint32)
    assert documents["doc"].to_list() == [13, 0, 7]  # 11 is what was filtered out
    assert_frame_equal(documents_at(both.view, numbers), documents)
    found = activations_at(both.view, documents["doc"].to_numpy())
    assert_frame_equal(found, activations)


def test_only_the_row_groups_with_the_documents_are_read(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    import pyarrow.parquet as pq

    monkeypatch.setattr(disk, "ROW_GROUP", 10)
    plain = disk.write_parquet
    monkeypatch.setattr(disk, "write_parquet", lambda path, table, **_: plain(path, table, row_group_size=10))
    frame = make_frame("b.sae", [("a b c", {f: f + 1.0 for f in range(5)}) for _ in range(20)], shard=20)
    read: list[int] = []

    class File(pq.ParquetFile):
        def read_row_group(self, i: int, **options: Any) -> Any:
            read.append(i)
            return super().read_row_group(i, **options)

    monkeypatch.setattr(pq, "ParquetFile", File)
    found = activations_at(frame.view, np.array([4, 15]))
    assert read == [2, 7]
    assert_frame_equal(found, frame.scan().collect().filter(pl.col("doc").is_in([4, 15])))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_documents_that_go_over_several_row_groups_or_have_nothing_on(
    make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, size: int
):
    plain = disk.write_parquet
    monkeypatch.setattr(disk, "write_parquet", lambda path, table, **_: plain(path, table, row_group_size=size))
    on = [5, 0, 0, 8, 1, 7, 0, 3, 2, 0]
    frame = make_frame("c.sae", [("a b c", {f: f + 1.0 for f in range(many)}) for many in on], shard=8)
    whole = frame.scan().collect()
    for chosen in range(1, 2 ** len(on), 7):
        docs = [doc for doc in range(len(on)) if chosen >> doc & 1]
        assert_frame_equal(activations_at(frame.view, np.array(docs)), whole.filter(pl.col("doc").is_in(docs)))


def test_top_documents_are_the_same_however_they_are_read(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    views = [frame, frame.filter(pl.col("model") == "a"), Embeddings.concat([frame, frame]).select([0, 2, 3])]
    found = [view.top_documents([3, 0, 2], 3) for view in views]
    monkeypatch.setattr("saedata.frame.top.FEW", 0)
    for view, one in zip(views, found, strict=True):
        assert one.height > 3
        assert_frame_equal(view.top_documents([3, 0, 2], 3), one)
