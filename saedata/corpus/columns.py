"""Types of columns: found over a whole corpus, unified, and put on the cells of each chunk."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.corpus.chat import is_conversation
from saedata.corpus.values import as_text, canonical

if TYPE_CHECKING:
    from saedata.corpus.chunks import Column

EMPTY = pl.Null()
BOOLEAN = pl.Boolean()
INTEGER = pl.Int64()
NUMBER = pl.Float64()
TEXT = pl.String()
BINARY = pl.Binary()
MIXED = pl.Object()
"""Kind of a column whose cells are nested or of several types: stored as text, but not a text to read."""

_OF_PYTHON: dict[type, pl.DataType] = {
    type(None): EMPTY,
    bool: BOOLEAN,
    int: INTEGER,
    float: NUMBER,
    str: TEXT,
    bytes: BINARY,
}
_INT = r"^-?(0|[1-9]\d{0,17})$"  # no leading zero (a code, not a number), and always within 64 bits
_FLOAT = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,2})?$"
_BOOL = r"^(?i:true|false)$"


def join(left: pl.DataType, right: pl.DataType) -> pl.DataType:
    """Find the kind that holds the cells of two; the order and grouping of joins do not matter.

    Parameters
    ----------
    left, right
        Kinds.

    Returns
    -------
    polars.DataType
        `MIXED` where nothing narrower holds both.

    Examples
    --------
    >>> join(INTEGER, NUMBER), join(INTEGER, EMPTY), join(INTEGER, TEXT) == MIXED
    (Float64, Int64, True)
    """
    if left == right or right == EMPTY:
        return left
    if left == EMPTY:
        return right
    if BINARY in (left, right):
        return BINARY
    return NUMBER if {left, right} == {INTEGER, NUMBER} else MIXED


def kind_of(cells: Column, *, untyped: bool) -> pl.DataType:
    """Find the kind of some cells.

    Parameters
    ----------
    cells
        Cells of one column.
    untyped
        True where strings may stand for numbers (CSV).

    Returns
    -------
    polars.DataType
        One of this module's kinds, or a temporal type of polars.
    """
    if isinstance(cells, list):
        return _kind_of_list(cells)
    return _kind_of_strings(cells) if untyped else _kind_of_series(cells)


def _kind_of_list(cells: list[Any]) -> pl.DataType:
    types = set(map(type, cells))
    kind: pl.DataType = EMPTY
    for found in types:
        kind = join(kind, _OF_PYTHON.get(found, MIXED))
    if int in types and any(cell >= 2**63 for cell in cells if type(cell) is int):
        return join(kind, MIXED)  # an identifier, which a float would round
    return kind


def _kind_of_strings(cells: pl.Series) -> pl.DataType:
    filled = cells.drop_nulls()
    if not filled.len():
        return EMPTY
    kinds = ((_INT, INTEGER), (_FLOAT, NUMBER), (_BOOL, BOOLEAN))
    return next((kind for pattern, kind in kinds if filled.str.contains(pattern).all()), TEXT)


def _kind_of_series(cells: pl.Series) -> pl.DataType:
    dtype = cells.dtype
    if cells.null_count() == cells.len():
        return BINARY if _holds_binary(dtype) else EMPTY
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return TEXT
    if dtype.is_integer():
        return MIXED if int(cells.max()) >= 2**63 or int(cells.min()) < -(2**63) else INTEGER  # type: ignore[arg-type]
    if dtype.is_numeric():
        return NUMBER
    if dtype == BOOLEAN or dtype.is_temporal():
        return dtype
    return BINARY if _holds_binary(dtype) else MIXED


def _holds_binary(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_binary(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(_holds_binary(part.dtype) for part in dtype.fields)  # type: ignore[arg-type]
    return dtype == BINARY


def stored_type(kind: pl.DataType) -> pl.DataType:
    """Name the type that a column of some kind has in a frame.

    Parameters
    ----------
    kind
        A kind.

    Returns
    -------
    polars.DataType
        String for text, mixed and empty columns; else the kind itself.

    Examples
    --------
    >>> stored_type(MIXED), stored_type(INTEGER)
    (String, Int64)
    """
    return TEXT if kind in (EMPTY, MIXED) else kind


def convert(name: str, cells: Column, dtype: pl.DataType, *, untyped: bool) -> pl.Series:
    """Put cells into the type of their column.

    Parameters
    ----------
    name
        Name of the result.
    cells
        Cells of one column, of kinds that `dtype` holds.
    dtype
        A stored type.
    untyped
        True where strings stand for numbers (CSV).

    Returns
    -------
    polars.Series
        As many cells as given; NaN is null.
    """
    if untyped and dtype == BOOLEAN and not isinstance(cells, list):
        return cells.str.to_lowercase().eq("true").alias(name)
    series = _as_strings(name, cells) if dtype == TEXT else _as_typed(name, cells, dtype)
    return series.fill_nan(None) if dtype == NUMBER else series


def _as_typed(name: str, cells: Column, dtype: pl.DataType) -> pl.Series:
    if isinstance(cells, pl.Series):
        return cells.cast(dtype).alias(name)
    if dtype == NUMBER:
        cells = [None if cell is None else float(cell) for cell in cells]
    return pl.Series(name, cells, dtype=dtype)


def _as_strings(name: str, cells: Column) -> pl.Series:
    if isinstance(cells, pl.Series):
        if isinstance(cells.dtype, pl.String | pl.Categorical | pl.Enum):
            return cells.cast(TEXT).alias(name)
        cells = cells.to_list()
    return pl.Series(name, [as_text(cell) for cell in cells], dtype=TEXT)


@dataclass
class ColumnScan:
    """What is known of one column after some of its cells were seen.

    Parameters
    ----------
    name
        Name of the column.
    chat
        True once a cell was a list of chat turns.
    words
        True once a cell was a string, whatever the others are.
    filled, characters
        Number of strings that are not empty, and their length together.
    """

    name: str
    chat: bool = False
    words: bool = False
    filled: int = 0
    characters: int = 0
    _typed: pl.DataType = EMPTY
    _untyped: pl.DataType = EMPTY
    _hash: Any = field(default_factory=hashlib.sha256, repr=False)

    @property
    def kind(self) -> pl.DataType:
        """Kind of the cells so far."""
        return join(self._typed, self._untyped)

    def skip(self, rows: int) -> None:
        """Take note of rows that lack the column.

        Parameters
        ----------
        rows
            How many.
        """
        while rows > 0:
            self._hash.update(b"null," * min(rows, 1 << 16))
            rows -= 1 << 16

    def update(self, cells: Column, *, untyped: bool) -> None:
        """Take note of the next cells.

        Parameters
        ----------
        cells
            Cells of the column.
        untyped
            True where strings may stand for numbers (CSV).
        """
        kind = kind_of(cells, untyped=untyped)
        if untyped:  # strings all of them, so nothing that they mix to is worse than text
            joined = join(self._untyped, kind)
            self._untyped = TEXT if joined == MIXED else joined
        else:
            self._typed = join(self._typed, kind)
        if self.kind == BINARY:  # left out of the frame, so it need not be hashed
            return
        values = cells if isinstance(cells, list) else cells.to_list()
        self.chat = self.chat or (kind == MIXED and any(map(is_conversation, values)))
        self.words = self.words or kind == TEXT or (kind == MIXED and any(type(cell) is str for cell in values))
        if kind == TEXT or untyped:
            lengths = [len(value) for value in values if value]
            self.filled += len(lengths)
            self.characters += sum(lengths)
        self._hash.update(canonical(_spelled(values) if kind == NUMBER else values))

    def digest(self) -> str:
        """Give the hash of the cells seen, in hexadecimal.

        Returns
        -------
        str
            64 characters.
        """
        return str(self._hash.hexdigest())


def _spelled(values: list[Any]) -> list[Any]:
    """Keep infinity apart from null, which JSON writes alike."""
    return [str(value) if isinstance(value, float) and math.isinf(value) else value for value in values]
