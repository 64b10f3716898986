"""Plain text: one document per line, or one per file."""

from __future__ import annotations

from collections.abc import Iterator

from saedata.corpus.chunks import CHUNK_BYTES, CHUNK_ROWS, Chunk, chunk_of_rows
from saedata.corpus.jsonfiles import TEXT
from saedata.corpus.lines import MAX_LINE, TextFile, decode, read_lines, read_whole


def read_text_lines(file: TextFile) -> Iterator[Chunk]:
    r"""Read one document per line, without its line end (\n or \r\n); an empty line is an empty document.

    Parameters
    ----------
    file
        What to read.

    Yields
    ------
    Chunk
        Rows with one column, `text`.

    Raises
    ------
    CorpusError
        For bytes that are not UTF-8, with the line.
    """
    rows: list[str] = []
    first = size = 0
    for number, line in read_lines(file):
        rows.append(_without_end(decode(line, f"{file.shown}, line {number}")))
        size += len(line)
        if len(rows) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield _chunk(rows, file, first)
            rows, first, size = [], number, 0
    yield _chunk(rows, file, first)


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def _chunk(rows: list[str], file: TextFile, first: int) -> Chunk:
    return Chunk({TEXT: rows}, len(rows), lambda i: f"{file.shown}, line {first + i + 1}")


def read_text_file(file: TextFile) -> Iterator[Chunk]:
    """Read a whole file as one document, unaltered.

    Parameters
    ----------
    file
        What to read; at most 64 MiB.

    Yields
    ------
    Chunk
        One row with one column, `text`.

    Raises
    ------
    CorpusError
        For bytes that are not UTF-8, or a larger file.
    """
    content = read_whole(file, MAX_LINE, "split it, or read it with one document per line")
    yield chunk_of_rows([{TEXT: decode(content, file.shown)}], lambda _: file.shown)
