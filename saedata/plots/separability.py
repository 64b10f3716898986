"""Pictures of `separability`: the distances of features beside dense units, and the best ones of each concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.plots.text import brief, counted, one_line, percent, probability
from saedata.plots.theme import (
    GRID,
    INK,
    MUTED,
    PALETTE,
    ROW,
    WIDTH,
    Drawing,
    above_rows,
    colours,
    dressed,
    keyed,
    message,
    row_axis,
    row_names,
    tooltip,
    worded,
)

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 320
STEPS = 50
"""Steps of the curves between 0 and the largest distance."""

ROWS = 24
"""Features drawn, at most."""

CONCEPTS = 20
"""Concepts whose best units are drawn, at most."""

NOTHING = "No feature is on, so there is nothing to draw."

_DISTANCE = "Jensen-Shannon distance, corrected for chance"
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 2, 2, 2])
_OTHERS = "other concepts"


def separation_chart(units: pl.DataFrame, *, label: str = "the label", width: int = WIDTH) -> Drawing:
    """Draw how many units of each kind separate concepts how well.

    Parameters
    ----------
    units
        `Separability.units`.
    label
        Name of the column with the concepts.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        For features and each pooling of the dense layer the share of live units that reach a distance, and where
        their mean lies.
    """
    import altair as alt

    title = f"How well single units separate {brief(label)!r}"
    if units.is_empty():
        return message(title, NOTHING)
    names = units["units"].unique(maintain_order=True).to_list()
    told = tooltip(colour="units", at_text="distance of at least", share_text="share of live units", count="units")
    rows = _reached(units, names)
    lowest = float(rows["share"].min() or 1)  # type: ignore[arg-type]
    scale = alt.Scale(type="log", domain=[lowest, 1], nice=False)
    base = alt.Chart(rows).encode(
        x=alt.X("at:Q", axis=_axis(_DISTANCE), scale=alt.Scale(zero=True, nice=False)),
        y=alt.Y("share:Q", axis=_shares(), scale=scale),
        color=colours(names, columns=4, symbol="stroke"),
        tooltip=told,
    )
    dashes = alt.Scale(domain=names, range=list(_DASHES[: len(names)]))
    lines = base.mark_line(strokeWidth=2.4).encode(strokeDash=alt.StrokeDash("colour:N", scale=dashes, legend=None))
    hover = base.mark_point(filled=True, size=50, opacity=0)
    means = units.group_by("units", maintain_order=True).agg(pl.len(), pl.col("js").mean())
    marks = means.with_columns(share=pl.lit(lowest), colour="units", mean_text=worded("js", _short))
    mean = alt.Chart(marks).mark_point(filled=True, size=110, shape="triangle-up", opacity=1)
    mean = mean.encode(
        x="js:Q", y="share:Q", color=colours(names, columns=4, symbol="stroke"), tooltip=tooltip(mean_text="mean")
    )
    chart = alt.layer(lines, hover, mean).properties(width=width, height=HEIGHT)
    said = ", ".join(f"{name} {_short(js)} ({counted(n, 'unit')})" for name, n, js in means.iter_rows())
    return dressed(chart, title=title, subtitle=f"Share of live units that reach a distance. Triangles: means, {said}.")


def held_out_chart(held_out: pl.DataFrame, *, width: int = WIDTH) -> Drawing:
    """Draw how well the best unit of each concept tells it from the others, on documents that did not choose it.

    Parameters
    ----------
    held_out
        `Separability.held_out`.
    width
        In pixels; below 560 names stand above the rows.

    Returns
    -------
    altair.LayerChart
        A row for each concept, with the best feature and the best dense units.
    """
    import altair as alt

    title = "The best unit of each concept, chosen on one half and scored on the other"
    if held_out.is_empty():
        return message(title, NOTHING)
    names = held_out["units"].unique(maintain_order=True).to_list()
    scored = held_out.group_by("units", "concept", maintain_order=True).agg(
        pl.col("js").mean(), pl.col("low").min(), pl.col("high").max(), "unit", "label"
    )
    first = scored.filter(pl.col("units") == names[0]).sort(-pl.col("js"), "concept").head(CONCEPTS)
    rows = keyed(first["concept"]).with_columns(first["concept"]).join(scored, on="concept", maintain_order="left")
    rows = rows.select(
        "row", "name", "label", "js", "low", "high", colour="units", which=_which(), text=worded("js", _short)
    )
    base = alt.Chart(rows)
    x = alt.X("js:Q", axis=_axis(f"{_DISTANCE}: from the others", **above_rows()), scale=alt.Scale(zero=True))
    colour = colours(names, columns=4)
    shape = alt.Shape("colour:N", scale=alt.Scale(domain=names, range=_shapes(len(names))), legend=None)
    told = tooltip(label="concept", colour="units", which="best unit on either half", text="distance on the other")
    dots = base.mark_point(filled=True, size=84, opacity=1).encode(
        x=x, y=row_axis(), color=colour, shape=shape, tooltip=told
    )
    ways = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x="low:Q", x2="high:Q", y=row_axis(), color=colour)
    chart = alt.layer(ways, dots, row_names(base)).properties(width=width, height=ROW * first.height)
    several = scored["concept"].n_unique()
    shown = f"The {first.height} best of {several} concepts. " if first.height < several else ""
    mean = ", ".join(f"{name} {_short(js)}" for name, js in _means(scored))
    return dressed(
        chart,
        title=title,
        subtitle=f"{shown}Marks are means of both halves, lines hold both intervals. Over all concepts: {mean}.",
    )


def concept_features_chart(concepts: pl.DataFrame, *, rows: int = ROWS, width: int = WIDTH) -> Drawing:
    """Draw the features that tell each concept best from the others.

    Parameters
    ----------
    concepts
        `Separability.concepts`.
    rows
        Features, at most: the first of each concept, then the second of each, and so on.
    width
        In pixels; below 560 names stand above the rows.

    Returns
    -------
    altair.LayerChart
        A bar for each feature, in the colour of its concept (of six; further ones are grey); hollow where the feature
        is weaker in the concept than elsewhere.
    """
    import altair as alt

    title = "Features that tell a concept from the others"
    if concepts.is_empty():
        return message(title, NOTHING)
    names = concepts["concept"].unique(maintain_order=True).to_list()
    number = {name: at for at, name in enumerate(names)}
    place = pl.col("concept").replace_strict(number, return_dtype=pl.Int64)
    chosen = concepts.with_columns(place=place).sort("rank", "place").head(rows).sort("place", "rank")
    drawn = keyed(f"{name}: {label}" for name, label in chosen.select("concept", "label").iter_rows())
    drawn = drawn.hstack(
        chosen.select(
            "js",
            "low",
            "high",
            concept=pl.col("concept").map_elements(one_line, pl.String),
            feature="feature",
            colour=pl.when(pl.col("place") < len(PALETTE))
            .then(pl.col("concept").map_elements(brief, pl.String))
            .otherwise(pl.lit(_OTHERS)),
            filled=pl.when(pl.col("direction") == "more").then(0.9).otherwise(0.15),
            direction="direction",
            text=worded("js", _short),
            interval=pl.concat_str(worded("low", _short), pl.lit(" to "), worded("high", _short)),
            baseline_text=worded("baseline", _short),
            inside=worded("share_inside", percent),
            outside=worded("share_outside", percent),
            q_text=worded("q", probability),
        )
    )
    legend = list(dict.fromkeys(brief(name) if at < len(PALETTE) else _OTHERS for at, name in enumerate(names)))
    range_ = [MUTED if name == _OTHERS else PALETTE[at] for at, name in enumerate(legend)]
    told = tooltip(
        label="concept and feature",
        feature="number",
        text="distance",
        interval="interval",
        baseline_text="by chance, before correction",
        inside="on in the concept",
        outside="on in the others",
        q_text="q",
    )
    base = alt.Chart(drawn)
    axis = _axis(_DISTANCE, **above_rows())
    bars = base.mark_bar(height=12, strokeWidth=1.6).encode(
        x=alt.X("js:Q", axis=axis, scale=alt.Scale(zero=True)),
        y=row_axis(),
        color=colours(legend, range_, columns=3),
        stroke=alt.Stroke("colour:N", scale=alt.Scale(domain=legend, range=range_), legend=None),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        tooltip=told,
    )
    ways = base.mark_rule(color=INK, strokeWidth=1.4).encode(x="low:Q", x2="high:Q", y=row_axis(), tooltip=told)
    chart = alt.layer(bars, ways, row_names(base)).properties(width=width, height=ROW * drawn.height)
    less = " Hollow: the feature is weaker in the concept." if (chosen["direction"] == "less").any() else ""
    return dressed(
        chart, title=title, subtitle=f"Of {counted(len(names), 'concept')}, the features that separate it best.{less}"
    )


def _reached(units: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """How many units have at least a distance, in steps."""
    highest = max(float(units["js"].max() or 0), 1e-3)  # type: ignore[arg-type]
    at = np.linspace(0, highest, STEPS + 1)
    tables = []
    for name in names:
        js = np.sort(units.filter(pl.col("units") == name)["js"].to_numpy())
        count = len(js) - np.searchsorted(js, at - 1e-12)
        tables.append(pl.DataFrame({"at": at, "share": count / len(js), "count": count, "colour": [name] * len(at)}))
    rows = pl.concat(tables)
    return rows.filter(pl.col("count") > 0).with_columns(
        at_text=worded("at", _short), share_text=worded("share", percent)
    )


def _means(scored: pl.DataFrame) -> list[tuple[str, float]]:
    return scored.group_by("units", maintain_order=True).agg(pl.col("js").mean()).rows()


def _which() -> pl.Expr:
    """Numbers and labels of the best units."""
    numbers = pl.col("unit").list.unique(maintain_order=True).cast(pl.List(pl.String)).list.join(", ")
    labels = pl.col("label_right").list.drop_nulls().list.unique(maintain_order=True).list.join("; ")
    return pl.concat_str(numbers, pl.when(labels != "").then(pl.lit(": ")).otherwise(pl.lit("")), labels).map_elements(
        one_line, pl.String
    )


def _shapes(count: int) -> list[str]:
    return ["circle", "square", "triangle-up", "diamond"][:count]


def _short(value: float) -> str:
    return f"{value:.3f}"


def _axis(title: str, **options: object) -> alt.Axis:
    import altair as alt

    return alt.Axis(title=title, tickCount=6, domain=False, ticks=False, gridColor=GRID, **options)  # type: ignore[arg-type]


def _shares() -> alt.Axis:
    import altair as alt

    title = "share of live units (logarithmic)"
    values = [1.0, 0.1, 0.01, 0.001, 0.0001]
    return alt.Axis(title=title, format="~%", values=values, domain=False, ticks=False, gridColor=GRID)
