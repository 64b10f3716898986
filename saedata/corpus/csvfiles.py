"""CSV and TSV files with a header line, read as a stream."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import polars as pl

from saedata.corpus.chunks import CHUNK_BYTES, CHUNK_ROWS, Chunk, check_names
from saedata.corpus.lines import MAX_LINE, TextFile, decode, read_lines
from saedata.errors import CorpusError

Record = tuple[int, list[str]]


def read_csv(file: TextFile) -> Iterator[Chunk]:
    """Read a comma-separated file; a header without commas but with semicolons or tabs is taken at its word.

    Parameters
    ----------
    file
        What to read. Empty fields are null, rows that are too short are filled with null.

    Yields
    ------
    Chunk
        Rows of strings, `untyped`.

    Raises
    ------
    CorpusError
        For broken quoting, too many fields, a repeated column name, with file and line.
    """
    yield from _read(file, None)


def read_tsv(file: TextFile) -> Iterator[Chunk]:
    """Read a tab-separated file; else as `read_csv`.

    Parameters
    ----------
    file
        What to read.

    Yields
    ------
    Chunk
        Rows of strings, `untyped`.

    Raises
    ------
    CorpusError
        As `read_csv`.
    """
    yield from _read(file, "\t")


def _read(file: TextFile, delimiter: str | None) -> Iterator[Chunk]:
    records = _records(file, delimiter)
    _, header = next(records, (0, []))
    if not header:
        return
    names = _names(header, file)
    rows: list[list[str]] = []
    numbers: list[int] = []
    size = 0
    for number, fields in records:
        rows.append(_fit(fields, len(names), f"{file.shown}, line {number}"))
        numbers.append(number)
        size += sum(map(len, fields))
        if len(rows) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield _chunk(names, rows, numbers, file)
            rows, numbers, size = [], [], 0
    yield _chunk(names, rows, numbers, file)


def _records(file: TextFile, delimiter: str | None) -> Iterator[Record]:
    # The limit belongs to the whole process, so it is raised where needed and never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    lines = (decode(line, f"{file.shown}, line {number}") for number, line in read_lines(file))
    first = next(lines, "")
    reader = csv.reader(_again(first, lines), delimiter=delimiter or _delimiter(first), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            msg = f"{file.shown}, line {start}: broken CSV ({error}); check the quotes of this row"
            raise CorpusError(msg) from error
        if fields:
            yield start, fields


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(header: str) -> str:
    return next((mark for mark in ",;\t" if mark in header), ",")


def _names(header: list[str], file: TextFile) -> list[str]:
    names = [name or f"column_{i}" for i, name in enumerate(header, 1)]
    check_names(names, f"{file.shown}, line 1")
    return names


def _fit(fields: list[str], width: int, where: str) -> list[str]:
    if len(fields) > width:
        msg = (
            f"{where}: {len(fields)} fields, but the header names {width} columns; "
            "put fields that hold the delimiter in double quotes"
        )
        raise CorpusError(msg)
    return fields + [""] * (width - len(fields))


def _chunk(names: list[str], rows: list[list[str]], numbers: list[int], file: TextFile) -> Chunk:
    cells: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [()] * len(names)
    columns: dict[str, Any] = {
        name: pl.Series(name, [cell or None for cell in column], dtype=pl.String)
        for name, column in zip(names, cells, strict=True)
    }
    return Chunk(columns, len(rows), lambda i: f"{file.shown}, line {numbers[i]}", untyped=True)
