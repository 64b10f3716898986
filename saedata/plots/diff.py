"""Pictures of `diff`: the largest differences, and all of them against their evidence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.labels import beside, placed
from saedata.plots.ranked import both_ways, intervals
from saedata.plots.text import brief, counted, one_line, percent, points, probability
from saedata.plots.theme import (
    ALPHA,
    MUTED,
    PALETTE,
    WIDTH,
    Drawing,
    above_rows,
    colours,
    dressed,
    keyed,
    message,
    points_axis,
    tooltip,
    worded,
)

if TYPE_CHECKING:
    import altair as alt

TOP = 20
"""Rows of a ranked chart."""

MOST_POINTS = 1500
"""Points of a volcano; those that stand out least are not drawn."""

TIP = 50.0
"""Where q is below 1e-50, a point is drawn at the top."""

VOLCANO_HEIGHT = 380
NOTHING = "No feature was tested, so there is nothing to draw."

_NAMED, _BRIEF = 12, 30
_CHANCE = "may be chance"
_TIPS = {"target_share": "target", "other_share": "other", "size": "difference in points", "interval": "interval"}


def difference_chart(
    found: pl.DataFrame,
    *,
    top: int = TOP,
    target: str = "target",
    other: str | None = None,
    alpha: float = ALPHA,
    width: int = WIDTH,
) -> Drawing:
    """Rank the largest differences of shares, with their intervals.

    Parameters
    ----------
    found
        What `diff` returns, or rows of it. Of features that say the same thing (column ``finding``) the first stands
        for all; half of the rows are for either direction where there are as many.
    top
        Rows, at most.
    target, other
        Names of the sides; other: None takes the one the table names.
    alpha
        Differences with q below this are coloured; others are shown only where there is none.
    width
        In pixels; below 560 names stand above the rows.

    Returns
    -------
    altair.LayerChart
        From the most positive to the most negative difference.
    """
    if found.is_empty():
        return message("Largest differences", NOTHING)
    sides = _sides(found, target, other)
    out = found.filter(pl.col("q") < alpha)
    chosen = both_ways(_representatives(out if out.height else found), "difference", top)
    rows = _rows(chosen, sides, alpha)
    chart = intervals(
        rows.rename({"difference": "value"}),
        axis=points_axis("difference in percentage points", **above_rows()),
        colour=_colours(rows, sides),
        tooltip=tooltip(label="feature", **_TIPS, q_text="q"),
        width=width,
    )
    shown = f"the {counted(rows.height, 'largest', 'largest')} shown, with intervals"
    return dressed(
        chart, title=f"Largest differences: {_versus(sides)}", subtitle=f"{_stands_out(found, alpha)}; {shown}."
    )


def volcano_chart(
    found: pl.DataFrame,
    *,
    target: str = "target",
    other: str | None = None,
    alpha: float = ALPHA,
    most: int = MOST_POINTS,
    width: int = WIDTH,
) -> Drawing:
    """Hold the differences of all features against their evidence.

    Parameters
    ----------
    found
        What `diff` returns.
    target, other
        Names of the sides; other: None takes the one the table names.
    alpha
        Where the line is drawn.
    most
        Points, at most: those with the smallest q.
    width
        In pixels; below 560 no names are written.

    Returns
    -------
    altair.LayerChart
        A point for each feature; q below 1e-50 is drawn at 1e-50.
    """
    import altair as alt

    if found.is_empty():
        return message("Size of each difference, and evidence for it", NOTHING)
    sides = _sides(found, target, other)
    ordered = found.sort("q", -pl.col("difference").abs(), "feature", nulls_last=True).head(most)
    rows = _rows(ordered, sides, alpha).with_columns(
        height=pl.col("q").clip(10**-TIP).log10().neg().clip(0),
        shape=pl.when(pl.col("q") < 10**-TIP).then(pl.lit("above")).otherwise(pl.lit("here")),
    )
    span, top = 1.08 * _largest(rows["difference"], 0.01), 1.04 * _largest(rows["height"], 2.0)
    axis = points_axis("difference in percentage points")
    x = alt.X("difference:Q", axis=axis, scale=alt.Scale(domain=[-span, span], nice=False))
    y = alt.Y("height:Q", axis=_q_axis(top), scale=alt.Scale(type="sqrt", domain=[0, top], nice=False))
    shapes = alt.Scale(domain=["here", "above"], range=["circle", "triangle-up"])
    dots = alt.Chart(rows.drop("row", "name", "target", "other", "low", "high")).mark_point(
        filled=True, size=42, opacity=0.75
    )
    dots = dots.encode(
        x=x,
        y=y,
        color=_colours(rows, sides),
        shape=alt.Shape("shape:N", scale=shapes, legend=None),
        tooltip=tooltip(label="feature", **_TIPS, q_text="q"),
    )
    named = _named(rows, span, top, width)
    layers = alt.layer(*_line(alpha, y), dots, *beside(named, x, y)).properties(width=width, height=VOLCANO_HEIGHT)
    drawn = "" if rows.height == found.height else f"; the {rows.height:,} with the smallest q are drawn"
    above = "; triangles: q below 1e-50" if rows["shape"].eq("above").any() else ""
    title = f"Size of each difference, and evidence for it: {_versus(sides)}"
    return dressed(layers, title=title, subtitle=f"{_stands_out(found, alpha)}{drawn}{above}.")


def _sides(found: pl.DataFrame, target: str, other: str | None) -> tuple[str, str]:
    """What the sides are called; groups of one corpus stand against the rest of it."""
    if "group" in found.columns:
        groups = found["group"].unique()
        return (one_line(str(groups[0])) if len(groups) == 1 else "one group"), "the rest"
    if other is None:
        others = found["other_name"].unique().to_list()
        other = str(others[0]) if len(others) == 1 else "the others"
    return brief(target), brief(other)


def _versus(sides: tuple[str, str]) -> str:
    return f"{sides[0]} against {sides[1]}"


def _representatives(table: pl.DataFrame) -> pl.DataFrame:
    """Of features that say the same thing the first."""
    keys = [name for name in ("group", "finding") if name in table.columns]
    return table.unique(keys, keep="first", maintain_order=True) if "finding" in keys else table


def _rows(table: pl.DataFrame, sides: tuple[str, str], alpha: float) -> pl.DataFrame:
    grouped = "group" in table.columns
    names = (
        [f"{group}: {label}" for group, label in table.select("group", "label").iter_rows()]
        if grouped
        else table["label"]
    )
    more, less = _directions(sides)
    way = pl.when(pl.col("difference") > 0).then(pl.lit(more)).otherwise(pl.lit(less))
    texts = {
        "target_share": ("target", percent),
        "other_share": ("other", percent),
        "size": ("difference", points),
        "low_text": ("low", points),
        "high_text": ("high", points),
        "q_text": ("q", probability),
    }
    rows = table.select(
        "feature",
        "target",
        "other",
        "difference",
        "low",
        "high",
        "q",
        colour=pl.when(pl.col("q") < alpha).then(way).otherwise(pl.lit(_CHANCE)),
        **{name: worded(column, words) for name, (column, words) in texts.items()},
    )
    interval = pl.concat_str("low_text", pl.lit(" to "), "high_text")
    return keyed(names).hstack(rows.with_columns(interval=interval))


def _directions(sides: tuple[str, str]) -> tuple[str, str]:
    return f"more often in {sides[0]}", f"more often in {sides[1]}"


def _colours(rows: pl.DataFrame, sides: tuple[str, str]) -> alt.Color:
    """Only colours that occur are explained."""
    pairs = zip((*_directions(sides), _CHANCE), (*PALETTE[:2], MUTED), strict=True)
    held = set(rows["colour"])
    names, range_ = zip(*((name, colour) for name, colour in pairs if name in held), strict=True)
    return colours(names, range_)


def _stands_out(found: pl.DataFrame, alpha: float) -> str:
    out = found.filter(pl.col("q") < alpha).height
    return f"{out:,} of {counted(found.height, 'difference')} tested stand out (q below {alpha:g}, Benjamini-Hochberg)"


def _largest(values: pl.Series, least: float) -> float:
    return max(float(values.abs().max() or 0.0), least)  # type: ignore[arg-type]


def _q_axis(top: float) -> alt.Axis:
    import altair as alt

    steps = [0, 1, 2, 5, 10, 20, 30, 40, 50]
    return alt.Axis(
        title="q (smaller, and higher up: less likely chance)",
        values=[step for step in steps if step <= top],
        labelExpr="datum.value < 3 ? format(pow(10, -datum.value), '~g') : '1e-' + datum.value",
        domain=False,
        ticks=False,
    )


def _line(alpha: float, y: alt.Y) -> list[Drawing]:
    import altair as alt

    line = alt.Chart(pl.DataFrame({"height": [-math.log10(alpha)], "name": [f"q = {alpha:g}"]}))
    text = line.mark_text(align="left", dy=-7, color=MUTED, fontSize=11.5).encode(x=alt.value(4), y=y, text="name:N")
    return [line.mark_rule(color=MUTED, strokeDash=[5, 4]).encode(y=y), text]


def _named(rows: pl.DataFrame, span: float, top: float, width: int) -> pl.DataFrame:
    """Choose what is named: the largest differences that stand out, where their names fit."""
    first = rows.filter(pl.col("colour") != _CHANCE).sort(-pl.col("difference").abs()).head(4 * _NAMED)
    first = first.with_columns(name=pl.col("label").map_elements(lambda label: brief(label, _BRIEF), pl.String))
    places = [
        ((difference / span + 1) / 2 * width, VOLCANO_HEIGHT * (1 - math.sqrt(height / top)))
        for difference, height in first.select("difference", "height").iter_rows()
    ]
    sides = placed(places, first["name"].to_list(), size=(width, VOLCANO_HEIGHT), most=_NAMED)
    return first.with_columns(side=pl.Series(sides, dtype=pl.String))
