"""Pictures of `languages`: where each language's features are on, and how soon they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from saedata.plots.text import brief, one_line, percent
from saedata.plots.theme import (
    GRID,
    MUTED,
    PAGE,
    PALETTE,
    WIDTH,
    Drawing,
    colours,
    dressed,
    message,
    tooltip,
    worded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

CELL, HEIGHT = 24, 340
NOTHING = "No features were found, so there is nothing to draw."
MEAN = "mean"

_NAME = 18


def selectivity_chart(matrix: pl.DataFrame, *, width: int = WIDTH) -> Drawing:
    """Draw in which languages the features of each language are on.

    Parameters
    ----------
    matrix
        `Languages.matrix`.
    width
        In pixels, of all columns at most.

    Returns
    -------
    altair.LayerChart
        A row for the features of each language, a column for the documents of each; dark where they are on.
    """
    import altair as alt

    title = "Where the features of each language are on"
    known = matrix.filter(pl.col("share").is_not_null())
    if known.is_empty():
        return message(title, NOTHING)
    names = _places(matrix["other"].unique(maintain_order=True).to_list())
    rows = known.select(
        row=pl.col("language").replace_strict(names),
        column=pl.col("other").replace_strict(names),
        language=pl.col("language").map_elements(one_line, pl.String),
        other=pl.col("other").map_elements(one_line, pl.String),
        share="share",
        features="features",
        share_text=worded("share", percent),
    )
    domain = list(names.values())
    scale = alt.Scale(domain=[0.0, 1.0], range=[PAGE, PALETTE[0]], interpolate="rgb")
    legend = alt.Legend(title="mean share of documents", format=".0%", orient="bottom", gradientLength=200)
    band = alt.Scale(domain=domain, paddingInner=0.04)
    boxes = (
        alt.Chart(rows)
        .mark_rect(stroke=GRID, strokeWidth=0.5)
        .encode(
            x=alt.X("column:O", sort=None, title="documents of", axis=_axis("top"), scale=band),
            y=alt.Y("row:O", sort=None, title="features of", axis=_axis("left"), scale=band),
            color=alt.Color("share:Q", scale=scale, legend=legend),
            tooltip=tooltip(language="features of", features="how many", other="documents of", share_text="on in"),
        )
    )
    side = min(width, CELL * max(len(domain), 8))
    chart = alt.layer(boxes).properties(width=side, height=side)
    return dressed(chart, title=title, subtitle="Test documents. What is dark off the diagonal is shared.")


def convergence_chart(convergence: pl.DataFrame, *, width: int = WIDTH) -> Drawing:
    """Draw how soon the features of a language are found.

    Parameters
    ----------
    convergence
        `Languages.convergence`.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        The Jaccard index with the features that all documents give, a grey line for each language, and their mean.
    """
    import altair as alt

    title = "How many documents of a language are enough"
    if convergence.is_empty():
        return message(title, "There are too few documents to leave some out.")
    rows = convergence.with_columns(
        name=pl.col("language").map_elements(brief, pl.String),
        colour=pl.when(pl.col("language") == MEAN).then(pl.lit("mean")).otherwise(pl.lit("each language")),
        jaccard_text=worded("jaccard", lambda value: f"{value:.2f}"),
        features_text=worded("features", lambda value: f"{value:.1f}"),
    ).drop("language")
    values = rows["documents"].unique().sort().to_list()
    axis = alt.Axis(title="documents of each language", values=values, format="d", grid=False, ticks=False)
    height = alt.Axis(title="Jaccard index with all", tickCount=5, domain=False, ticks=False, gridColor=GRID)
    told = tooltip(name="language", documents="documents", jaccard_text="Jaccard index", features_text="features")
    base = alt.Chart(rows).encode(
        x=alt.X("documents:Q", scale=alt.Scale(type="log", nice=False), axis=axis),
        y=alt.Y("jaccard:Q", axis=height, scale=alt.Scale(domain=[0, 1])),
        tooltip=told,
    )
    key = colours(["mean", "each language"], (PALETTE[0], MUTED), symbol="stroke")
    thin = base.transform_filter("datum.colour != 'mean'").mark_line(strokeWidth=1, opacity=0.45)
    thick = base.transform_filter("datum.colour == 'mean'").mark_line(strokeWidth=2.6)
    dots = base.transform_filter("datum.colour == 'mean'").mark_point(filled=True, size=56, opacity=1)
    layers = [thin.encode(color=key, detail="name:N"), thick.encode(color=key), dots.encode(color=key)]
    chart = alt.layer(*layers).properties(width=width, height=HEIGHT)
    return dressed(chart, title=title, subtitle="Features found from few documents, against those found from all.")


def _places(names: Sequence[str]) -> dict[str, str]:
    """Short names for the axes, which may not be equal: each begins with its place."""
    return {name: f"{place:05d}{brief(name, _NAME)}" for place, name in enumerate(names)}


def _axis(orient: Literal["top", "left"]) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        orient=orient, labelExpr="slice(datum.label, 5)", domain=False, ticks=False, labelAngle=-40 * (orient == "top")
    )
