"""Single values of a row: made plain, written as text, and put into the bytes that are hashed."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import orjson

Cell = Any
"""What a cell of a corpus may hold."""

_OPTIONS = orjson.OPT_NON_STR_KEYS
_INT64 = range(-(2**63), 2**63)


def clean(text: str) -> str:
    r"""Replace lone surrogates, which no file can store, by U+FFFD; all other text is returned as it is.

    Parameters
    ----------
    text
        Any string.

    Returns
    -------
    str
        The same string where it is valid Unicode.

    Examples
    --------
    >>> clean("ok \ud800")
    'ok �'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        # "surrogatepass" joins a high and a low half that stand side by side; what is left alone is replaced.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain(value: Cell) -> Cell:
    """Reduce a value to what JSON can say: NaN and NA become None, numpy scalars Python's.

    Parameters
    ----------
    value
        A cell of a row; containers are walked.

    Returns
    -------
    Any
        None, bool, int, float, str, list, dict with string keys, or (dates, bytes) the value itself.

    Examples
    --------
    >>> plain({"a": float("nan"), 2: (1, "x")})
    {'a': None, '2': [1, 'x']}
    """
    if isinstance(value, str):
        return clean(str(value))
    if isinstance(value, dict):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Cell) -> Cell:
    if value is None or isinstance(value, bool | bytes):
        return value
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, int):
        return int(value) if value in _INT64 else str(value)
    if isinstance(value, date | time):
        return value
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    return str(value)


def _encode(value: Cell) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def json_bytes(value: Cell) -> bytes:
    """Write a value as compact JSON; bytes become base64 and what JSON lacks becomes its `str`.

    Parameters
    ----------
    value
        Any value, a list of values too.

    Returns
    -------
    bytes
        JSON in UTF-8.

    Examples
    --------
    >>> json_bytes([{"a": 1}, None])
    b'[{"a":1},null]'
    """
    try:
        return orjson.dumps(value, default=_encode, option=_OPTIONS)
    except TypeError:  # integers of more than 64 bits, lone surrogates
        return orjson.dumps(plain(value), default=_encode, option=_OPTIONS)


def as_text(value: Cell) -> str | None:
    """Write one cell of a column of mixed types: strings stay, dates in ISO form, everything else as JSON.

    Parameters
    ----------
    value
        Any value.

    Returns
    -------
    str or None
        None for None.

    Examples
    --------
    >>> as_text("a"), as_text([1, "x"]), as_text(True), as_text(None)
    ('a', '[1,"x"]', 'true', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, bytes):
        return _encode(value)
    return json_bytes(value).decode()


def canonical(values: Sequence[Any]) -> bytes:
    """Write values so that consecutive pieces of a column, joined, are the same however it was cut.

    Parameters
    ----------
    values
        Consecutive cells of one column.

    Returns
    -------
    bytes
        Each value as JSON followed by a comma.

    Examples
    --------
    >>> canonical([1, 2]) + canonical(["x"]) == canonical([1, 2, "x"])
    True
    """
    return json_bytes(values)[1:-1] + b"," if values else b""
