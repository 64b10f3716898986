from __future__ import annotations

import itertools
from typing import Any

import polars as pl
import pytest

from saedata.corpus.columns import (
    BINARY,
    BOOLEAN,
    EMPTY,
    INTEGER,
    MIXED,
    NUMBER,
    TEXT,
    ColumnScan,
    convert,
    join,
    kind_of,
    stored_type,
)

KINDS = [
    EMPTY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    BINARY,
    MIXED,
    pl.Date(),
    pl.Datetime("us"),
    pl.Datetime("ns"),
]


def test_joining_kinds_depends_neither_on_order_nor_on_grouping() -> None:
    for a, b, c in itertools.product(KINDS, repeat=3):
        assert join(a, b) == join(b, a)
        assert join(join(a, b), c) == join(a, join(b, c))
        assert join(a, a) == a == join(a, EMPTY)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([None, None], EMPTY),
        ([True, None], BOOLEAN),
        ([1, None, -5], INTEGER),
        ([1, 2.5], NUMBER),
        (["a", None], TEXT),
        ([True, 1], MIXED),
        ([1, "a"], MIXED),
        ([[1]], MIXED),
        ([{}], MIXED),
        ([2**63], MIXED),
        ([2**63, 0.5], MIXED),
        ([2**63 - 1], INTEGER),
        ([b"x"], BINARY),
    ],
)
def test_kinds_of_values(cells: list[Any], kind: pl.DataType) -> None:
    assert kind_of(cells, untyped=False) == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-20", None], INTEGER),
        (["1", "2.5", "1e-3"], NUMBER),
        (["true", "False", "TRUE"], BOOLEAN),
        (["007"], TEXT),
        (["1", "x"], TEXT),
        (["1", "true"], TEXT),
        ([" 1"], TEXT),
        (["12345678901234567890"], NUMBER),
        (["nan"], TEXT),
        (["1\n"], TEXT),
        ([None], EMPTY),
    ],
)
def test_kinds_of_strings_that_may_stand_for_numbers(cells: list[str | None], kind: pl.DataType) -> None:
    series = pl.Series("x", cells, dtype=pl.String)
    assert kind_of(series, untyped=True) == kind
    assert kind_of(series, untyped=False) == (EMPTY if kind == EMPTY else TEXT)


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        ([1, None], INTEGER, [1, None]),
        ([1, 2.5, None], NUMBER, [1.0, 2.5, None]),
        ([float("nan")], NUMBER, [None]),
        ([1, "a", [2], {"b": None}, True, None], TEXT, ["1", "a", "[2]", '{"b":null}', "true", None]),
        (pl.Series([1, None], dtype=pl.UInt8), NUMBER, [1.0, None]),
        (pl.Series([1.5, float("nan")], dtype=pl.Float32), NUMBER, [1.5, None]),
        (pl.Series([1.0, 0.5]), TEXT, ["1.0", "0.5"]),
        (pl.Series([[1], None]), TEXT, ["[1]", None]),
        (pl.Series(["a", None], dtype=pl.Categorical), TEXT, ["a", None]),
    ],
)
def test_cells_take_the_type_of_their_column(cells: Any, dtype: pl.DataType, expected: list[Any]) -> None:
    series = convert("x", cells, dtype, untyped=False)
    assert (series.name, series.dtype, series.to_list()) == ("x", dtype, expected)


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        (["1", None], INTEGER, [1, None]),
        (["1", "2e3"], NUMBER, [1.0, 2000.0]),
        (["True", "false", None], BOOLEAN, [True, False, None]),
        (["1", "true", "x"], TEXT, ["1", "true", "x"]),
    ],
)
def test_strings_become_what_they_stand_for(cells: list[str | None], dtype: pl.DataType, expected: list[Any]) -> None:
    series = convert("x", pl.Series("y", cells, dtype=pl.String), dtype, untyped=True)
    assert (series.name, series.dtype, series.to_list()) == ("x", dtype, expected)


def scan(*pieces: Any, untyped: bool = False) -> ColumnScan:
    found = ColumnScan("x")
    for piece in pieces:
        found.update(piece, untyped=untyped)
    return found


def test_a_scan_does_not_depend_on_the_cuts() -> None:
    cells: list[Any] = ["a", None, "bcd", "", 4, [1, 2]]
    whole = scan(cells)
    for cut in range(len(cells) + 1):
        parts = scan(cells[:cut], cells[cut:])
        assert (parts.kind, parts.digest()) == (whole.kind, whole.digest())


def test_a_scan_counts_texts() -> None:
    found = scan(["ab", None, ""], ["çde"])
    assert (found.kind, found.filled, found.characters) == (TEXT, 2, 5)


def test_strings_of_csv_that_look_like_numbers_here_and_words_there_are_text() -> None:
    pieces = [pl.Series(["1", "2"]), pl.Series(["true"]), pl.Series(["word"])]
    for order in itertools.permutations(pieces):
        found = scan(*order, untyped=True)
        assert (found.kind, found.filled, found.characters) == (TEXT, 4, 10)


def test_rows_that_lack_a_column_count_as_null() -> None:
    late = ColumnScan("x")
    late.skip(70_000)
    late.update(["a"], untyped=False)
    assert late.digest() == scan([None] * 70_000, ["a"]).digest()


def test_infinity_and_null_hash_apart() -> None:
    assert scan([1.5, None]).digest() != scan([1.5, float("inf")]).digest()


def test_a_frame_and_a_list_of_the_same_cells_hash_alike() -> None:
    for cells in (["a", None], [1, 2], [0.5, None], [[1], None], [{"a": "x"}, {"a": None}]):
        assert scan(pl.Series(cells, strict=False)).digest() == scan(cells).digest()


def test_stored_types_are_all_plain() -> None:
    stored = [stored_type(kind) for kind in KINDS]
    assert pl.Object() not in stored
    assert pl.Null() not in stored
