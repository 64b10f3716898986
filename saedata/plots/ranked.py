"""Rows with names, and on each an estimate with its interval, or two shares and the way between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.theme import GRID, MUTED, ROW, WIDTH, Drawing, colours, row_axis, row_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt


def both_ways(table: pl.DataFrame, column: str, top: int) -> pl.DataFrame:
    """Choose the rows of most extreme values, half of them of either sign where there are as many.

    Parameters
    ----------
    table
        The rows.
    column
        The values.
    top
        Rows, at most.

    Returns
    -------
    polars.DataFrame
        From the largest value to the smallest.

    Examples
    --------
    >>> both_ways(pl.DataFrame({"x": [5, 4, 3, -1, 2]}), "x", 4)["x"].to_list()
    [5, 4, 3, -1]
    """
    value = pl.col(column)
    ranked = table.sort(-value.abs(), maintain_order=True)
    up, down = ranked.filter(value >= 0), ranked.filter(value < 0)
    half = top // 2
    more = up.head(max(half, top - down.height))
    less = down.head(top - more.height)
    return pl.concat([more, less]).sort(-value, maintain_order=True)


def intervals(
    rows: pl.DataFrame, *, axis: alt.Axis, colour: alt.Color, tooltip: Sequence[alt.Tooltip], width: int = WIDTH
) -> Drawing:
    """Draw an estimate with its interval on each row.

    Parameters
    ----------
    rows
        The columns of `saedata.plots.theme.keyed`, ``value``, ``low``, ``high`` (where the bar begins and ends) and
        what `colour` and `tooltip` name; from top to bottom.
    axis, colour, tooltip
        How they are shown.
    width
        In pixels.
    """
    import altair as alt

    base, tips = alt.Chart(rows), list(tooltip)
    x = alt.X("value:Q", axis=axis, scale=alt.Scale(zero=True, nice=True))
    zero = alt.Chart(pl.DataFrame({"value": [0.0]})).mark_rule(color=MUTED, opacity=0.8).encode(x=x)
    bar = base.mark_rule(strokeWidth=2.4, strokeCap="round")
    bar = bar.encode(x=alt.X("low:Q", axis=axis), x2="high:Q", y=row_axis(), color=colour, tooltip=tips)
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=row_axis(), color=colour, tooltip=tips)
    return _rows([zero, bar, dot], base, rows.height, width)


def two_shares(
    rows: pl.DataFrame, *, axis: alt.Axis, names: tuple[str, str], tooltip: Sequence[alt.Tooltip], width: int = WIDTH
) -> Drawing:
    """Draw two shares on each row and join them.

    Parameters
    ----------
    rows
        The columns of `saedata.plots.theme.keyed`, ``value``, ``before`` and what `tooltip` names.
    axis, tooltip
        How they are shown.
    names
        What ``value`` and ``before`` are called in the legend.
    width
        In pixels.
    """
    import altair as alt

    base, tips = alt.Chart(rows), list(tooltip)
    way = base.mark_rule(color=GRID, strokeWidth=5, strokeCap="round")
    scale = alt.Scale(zero=True, nice=True)
    way = way.encode(x=alt.X("value:Q", axis=axis, scale=scale), x2="before:Q", y=row_axis(), tooltip=tips)
    ends = zip(("before", "value"), names[::-1], strict=True)
    points = pl.concat([rows.with_columns(at=pl.col(field), colour=pl.lit(name)) for field, name in ends])
    dots = alt.Chart(points).mark_point(filled=True, size=80, opacity=1)
    dots = dots.encode(x=alt.X("at:Q", axis=axis), y=row_axis(), color=colours(names), tooltip=tips)
    return _rows([way, dots], base, rows.height, width)


def _rows(marks: Sequence[Drawing], base: Drawing, rows: int, width: int) -> Drawing:
    import altair as alt

    return alt.layer(*marks, row_names(base)).properties(width=width, height=ROW * rows)
