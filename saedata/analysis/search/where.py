"""Conditions on the user's columns, as they are typed on the command line: `model=a`, `stars>=3`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONDITION = re.compile(r"(?P<column>[^=<>!]+?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*(?P<value>.*)", re.DOTALL)
_TRUTH = {"true": True, "false": False}


def where(conditions: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Read conditions that documents must all meet.

    Parameters
    ----------
    conditions
        Each a column, one of ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, and a value; ``model=`` asks for null or
        an empty text.
    schema
        Columns of the documents and their types.

    Raises
    ------
    InputError
        A condition has no sign, its column does not exist, or its value is not of the column's type.

    Examples
    --------
    >>> table = pl.DataFrame({"model": ["a", "b", "a"], "stars": [1, 2, 3]})
    >>> table.filter(where(["model=a", "stars > 1"], table.schema)).rows()
    [('a', 3)]
    """
    if isinstance(conditions, str):
        conditions = [conditions]
    return pl.all_horizontal([_condition(text, schema) for text in conditions])


def _condition(text: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        msg = f"the condition {text!r} is not of the form COL=VALUE; the signs are = != < <= > >="
        raise InputError(msg)
    column, sign, value = match["column"], match["sign"].replace("==", "="), match["value"].strip()
    if column not in schema:
        msg = f"there is no column {column!r} to filter by; the columns are {', '.join(schema)}"
        raise InputError(msg)
    if not value and sign in ("=", "!="):
        empty = pl.col(column).is_null()
        if schema[column] == pl.String:
            empty |= pl.col(column).str.strip_chars() == ""
        return empty if sign == "=" else ~empty
    return _compared(column, sign, _value(value, column, schema[column]))


def _compared(column: str, sign: str, value: pl.Expr) -> pl.Expr:
    found = pl.col(column)
    comparisons = {
        "=": found == value,
        "!=": found.ne_missing(value),
        "<": found < value,
        "<=": found <= value,
        ">": found > value,
        ">=": found >= value,
    }
    return comparisons[sign]


def _value(text: str, column: str, kind: pl.DataType) -> pl.Expr:
    """Value of a condition in the column's type."""
    try:
        return _literal(text, kind)
    except (ValueError, KeyError, pl.exceptions.PolarsError) as error:
        msg = f"column {column!r} holds {kind}, and {text!r} cannot be compared with that"
        raise InputError(msg) from error


def _literal(text: str, kind: pl.DataType) -> pl.Expr:
    if kind.is_nested():
        msg = "a list has no order"
        raise ValueError(msg)
    value: Any = text
    if kind.is_numeric():
        value = float(text) if not re.fullmatch(r"[+-]?\d+", text) else int(text)
    elif kind == pl.Boolean:
        value = _TRUTH[text.lower()]
    elif kind.is_temporal():
        return pl.lit(pl.Series([text]).cast(kind, strict=True)[0])
    return pl.lit(value)
