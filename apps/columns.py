"""Columns of the user's, as the pages offer them for a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.frame.layout import RESERVED
from saedata.probing.language_column import MOST_LANGUAGES
from saedata_apps.kept import kept

if TYPE_CHECKING:
    from saedata.frame import Embeddings

FEW = 60
"""Values up to which a column makes groups."""

LANGUAGE = ("language", "lang", "locale", "language_code", "lang_code")
"""What a column of languages is called."""


def user_columns(frame: Embeddings) -> dict[str, pl.DataType]:
    """Names and types, in order, without those that every frame has."""
    schema: dict[str, pl.DataType] = kept(_user_columns, frame).value
    return schema


def groupings(frame: Embeddings) -> list[str]:
    """Columns with few values, each in several documents."""
    return list(kept(_groupings, frame).value)


def keys(frame: Embeddings) -> list[str]:
    """Columns with a value of its own in every document, which may tell pairs."""
    return list(kept(_keys, frame).value)


def _user_columns(frame: Embeddings) -> dict[str, pl.DataType]:
    schema = frame.scan_documents().collect_schema()
    return {name: kind for name, kind in schema.items() if name not in RESERVED}


def language_column(frame: Embeddings) -> str | None:
    """The column that says in which language a document is, going by its name; None: none does."""
    schema = user_columns(frame)
    called = (name for wanted in LANGUAGE for name in schema if name.strip().lower() == wanted)
    texts = (name for name in called if schema[name] == pl.String)
    return next((name for name in texts if _distinct(frame)[name] <= MOST_LANGUAGES), None)


def _groupings(frame: Embeddings) -> list[str]:
    counts = _distinct(frame)
    return [name for name, n in counts.items() if 1 < n <= min(FEW, frame.n_documents // 2)]


def _keys(frame: Embeddings) -> list[str]:
    return [name for name, n in _distinct(frame).items() if n == frame.n_documents]


def _distinct(frame: Embeddings) -> dict[str, int]:
    counts: dict[str, int] = kept(_count_values, frame).value
    return counts


def _count_values(frame: Embeddings) -> dict[str, int]:
    simple = [name for name, kind in user_columns(frame).items() if not kind.is_nested()]
    if not simple:
        return {}
    return frame.scan_documents().select(pl.col(simple).n_unique()).collect().row(0, named=True)
