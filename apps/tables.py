"""Tables on a page, and the whole of them as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROWS = 500
"""Rows of a table that are sent to the browser; files hold all."""

SHARE = st.column_config.NumberColumn(format="percent")
INSIDE = st.column_config.NumberColumn("inside", format="percent")
OUTSIDE = st.column_config.NumberColumn("outside", format="percent")


def table(
    rows: pl.DataFrame,
    *,
    key: str,
    columns: Mapping[str, Any],
    picks: Callable[[], None] | None = None,
    height: int | None = None,
) -> None:
    """Show the first rows.

    Parameters
    ----------
    rows
        The table.
    key
        Unique on the page; where rows can be picked, `picked_row` asks for the choice.
    columns
        Columns shown, in order: our name for each, or a column configuration of Streamlit's.
    picks
        Called when a row is picked; None: none can be.
    height
        In pixels; None: as Streamlit chooses.
    """
    shown = rows.select(list(columns)).head(ROWS)
    options: dict[str, Any] = {"height": height} if height else {}
    if picks is not None:
        options |= {"on_select": picks, "selection_mode": "single-row"}
    st.dataframe(shown, hide_index=True, key=key, column_config=dict(columns), **options)


def picked_row(key: str) -> int | None:
    """Place of the row that was picked in a table."""
    rows = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    return rows[0] if rows else None


def downloads(rows: pl.DataFrame, name: str) -> None:
    """Offer the whole table as files, made only when asked for.

    Parameters
    ----------
    rows
        The table.
    name
        Of the file, without an ending; our own words.
    """
    with st.container(horizontal=True, gap="small"):
        for ending, make in (("csv", _csv), ("parquet", _parquet), ("json", _json)):
            st.download_button(
                ending.upper(),
                data=lambda make=make: make(rows),  # type: ignore[misc]
                file_name=f"{name}.{ending}",
                icon=":material/download:",
                key=f"{name}.{ending}",
                on_click="ignore",
                type="tertiary",
            )


def flat(rows: pl.DataFrame) -> pl.DataFrame:
    """The table as CSV can hold it: lists are joined, what is nested becomes JSON.

    Examples
    --------
    >>> flat(pl.DataFrame({"a": [[1, 2]], "b": [{"c": 1}]})).rows()
    [('1; 2', '{"c":1}')]
    """
    simple: list[str] = []
    nested: list[str] = []
    structs: list[str] = []
    for column, kind in rows.schema.items():
        if isinstance(kind, pl.List | pl.Array):
            (nested if kind.inner is not None and kind.inner.is_nested() else simple).append(column)
        elif isinstance(kind, pl.Struct):
            structs.append(column)
    return rows.with_columns(
        *(pl.col(name).cast(pl.List(pl.String)).list.join("; ") for name in simple),
        *(pl.struct(name).struct.json_encode().alias(name) for name in nested),
        *(pl.col(name).struct.json_encode() for name in structs),
    )


def _csv(rows: pl.DataFrame) -> bytes:
    return flat(rows).write_csv().encode()


def _parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def _json(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_json(buffer)
    return buffer.getvalue()
