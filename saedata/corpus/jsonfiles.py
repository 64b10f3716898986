"""JSON Lines, read line by line, and JSON arrays, read whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from saedata.corpus.chunks import CHUNK_BYTES, CHUNK_ROWS, Chunk, chunk_of_rows, numbered
from saedata.corpus.lines import TextFile, decode, open_bytes, read_lines, read_whole, without_mark
from saedata.corpus.values import Cell, plain
from saedata.errors import CorpusError

MAX_ARRAY = 1 << 30
_BLOCK = 1 << 16
TEXT = "text"
"""Name of the column that bare strings become."""

_TYPES = {list: "a list", bool: "true or false", int: "a number", float: "a number"}


def parse_json(data: bytes, where: str) -> Cell:
    r"""Parse JSON; NaN (which Python's writer makes) becomes null and a lone surrogate U+FFFD.

    Parameters
    ----------
    data
        A JSON value in UTF-8.
    where
        Its place, for the message.

    Returns
    -------
    Any
        The value.

    Raises
    ------
    CorpusError
        When the bytes are not UTF-8 or not JSON.

    Examples
    --------
    >>> parse_json(b'{"a": NaN, "b": "\\ud800"}', "x.jsonl, line 1")
    {'a': None, 'b': '�'}
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = decode(data, where).rstrip()  # else an end that is missing is looked for on the next line
    # The standard parser is slower but takes what orjson refuses: NaN, Infinity, half surrogate pairs.
    try:
        return plain(json.loads(text))
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        msg = f"{where}: broken JSON ({error.msg} at {line}column {error.colno}); mend or remove it"
        raise CorpusError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{where}: JSON that cannot be read ({error}); mend or remove it"
        raise CorpusError(msg) from error


def as_row(value: Cell, where: str) -> dict[str, Any]:
    """Take a JSON value as a row: an object as it is, a string or null as a row with only `text`.

    Parameters
    ----------
    value
        A parsed value.
    where
        Its place, for the message.

    Returns
    -------
    dict
        Cells by column name.

    Raises
    ------
    CorpusError
        When it is anything else.

    Examples
    --------
    >>> as_row("hello", "item 1")
    {'text': 'hello'}
    """
    if isinstance(value, dict):
        return value
    if value is None or isinstance(value, str):
        return {TEXT: value}
    held = _TYPES.get(type(value), type(value).__name__)
    msg = f"{where} holds {held}; every document must be an object or a string"
    raise CorpusError(msg)


def read_jsonl(file: TextFile) -> Iterator[Chunk]:
    """Read one JSON object (or string) per line; blank lines are skipped.

    Parameters
    ----------
    file
        What to read.

    Yields
    ------
    Chunk
        Rows in file order.

    Raises
    ------
    CorpusError
        For a broken line, with its number.
    """
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    size = 0
    for number, line in read_lines(file):
        if line.isspace():
            continue
        where = f"{file.shown}, line {number}"
        rows.append(as_row(parse_json(line, where), where))
        numbers.append(number)
        size += len(line)
        if len(rows) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield _chunk(rows, file, numbers)
            rows, numbers, size = [], [], 0
    yield _chunk(rows, file, numbers)


def _chunk(rows: list[dict[str, Any]], file: TextFile, numbers: list[int]) -> Chunk:
    return chunk_of_rows(rows, lambda i: f"{file.shown}, line {numbers[i]}")


def read_json(file: TextFile) -> Iterator[Chunk]:
    """Read a .json file: an array of objects or strings, or, when it starts with an object, JSON Lines.

    Parameters
    ----------
    file
        What to read; an array is held in memory whole, so it may have at most 1 GiB.

    Yields
    ------
    Chunk
        Rows in file order.

    Raises
    ------
    CorpusError
        When the file is neither, is broken, or an array is too large.
    """
    start = first_byte(file)
    if start == b"{":
        yield from _read_objects(file)
    elif start:
        yield from _read_array(file)


def _read_array(file: TextFile) -> Iterator[Chunk]:
    content = read_whole(file, MAX_ARRAY, "write it as JSON Lines (.jsonl), one object per line")
    items = parse_json(content, file.shown)
    del content
    if not isinstance(items, list):
        msg = f"{file.shown} is not a list of objects or strings; write a JSON array, or JSON Lines (.jsonl)"
        raise CorpusError(msg)
    yield from chunks_of_items(items, f"{file.shown}, item")


def _read_objects(file: TextFile) -> Iterator[Chunk]:
    try:
        yield from read_jsonl(file)
    except CorpusError as error:
        if ", line 1: broken JSON" not in str(error):
            raise
        msg = f"{file.shown} is not a list of objects; write a JSON array, or JSON Lines (.jsonl)"
        raise CorpusError(msg) from error


def chunks_of_items(items: list[Any], where: str, before: int = 0) -> Iterator[Chunk]:
    """Cut a list of objects and strings into chunks.

    Parameters
    ----------
    items
        Objects or strings.
    where
        What an item is called in messages; its number from 1 is added.
    before
        How many items came before these.

    Yields
    ------
    Chunk
        Rows in list order.

    Raises
    ------
    CorpusError
        When an item is neither object, string nor null.
    """
    for start in range(0, len(items), CHUNK_ROWS):
        place = numbered(where, before + start)
        rows = [as_row(item, place(i)) for i, item in enumerate(items[start : start + CHUNK_ROWS])]
        yield chunk_of_rows(rows, place)


def first_byte(file: TextFile) -> bytes:
    """Find the first byte of a file that is not white space.

    Parameters
    ----------
    file
        What to look into.

    Returns
    -------
    bytes
        One byte; empty for a file of white space.

    Raises
    ------
    CorpusError
        When the file cannot be read or is UTF-16.
    """
    with open_bytes(file) as stream:
        block = without_mark(stream.read(_BLOCK), file)
        while block.isspace():
            block = stream.read(_BLOCK)
    return block.lstrip()[:1]
