from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from saedata.corpus.chunks import MAX_COLUMNS, Chunk, check_names, chunk_of_rows, first_rows, numbered
from saedata.errors import CorpusError


def ten(start: int) -> Chunk:
    return Chunk({"n": list(range(start, start + 10))}, 10, numbered("row", start))


def test_rows_with_different_keys_are_united_in_order_of_appearance() -> None:
    chunk = chunk_of_rows([{"b": 1}, {"a": 2, "b": 3}, {"c": 4}], str)
    assert chunk.columns == {"b": [1, 3, None], "a": [None, 2, None], "c": [None, None, 4]}
    assert list(chunk.columns) == ["b", "a", "c"]


def test_a_slice_keeps_the_places_of_its_rows() -> None:
    chunk = Chunk({"a": [1, 2, 3], "b": pl.Series([4, 5, 6])}, 3, numbered("x.csv, line", 0))
    part = chunk.slice(1, 3)
    assert part.height == 2
    assert part.columns["a"] == [2, 3]
    assert list(part.columns["b"]) == [5, 6]
    assert part.where(0) == "x.csv, line 2"


@pytest.mark.parametrize("limit", [1, 9, 10, 11, 25, 30])
def test_first_rows_stops_at_the_limit_without_reading_on(limit: int) -> None:
    read: list[int] = []

    def chunks() -> Iterator[Chunk]:
        for start in (0, 10, 20):
            read.append(start)
            yield ten(start)

    kept = [n for chunk in first_rows(chunks(), limit) for n in chunk.columns["n"]]
    assert kept == list(range(limit))
    assert read == [0, 10, 20][: -(-limit // 10)]


def test_first_rows_leaves_out_empty_chunks() -> None:
    empty = Chunk({"n": []}, 0, str)
    assert [chunk.height for chunk in first_rows([empty, ten(0), empty], None)] == [10]


def test_keys_that_are_data_are_refused_with_their_place() -> None:
    rows = [{f"id{i}": i} for i in range(MAX_COLUMNS + 1)]
    with pytest.raises(CorpusError, match=rf"^x.jsonl, line {MAX_COLUMNS + 1}: more than {MAX_COLUMNS} "):
        chunk_of_rows(rows, numbered("x.jsonl, line", 0))


def test_a_repeated_name_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^data.csv: the column 'b' appears twice"):
        check_names(["a", "b", "b"], "data.csv")
