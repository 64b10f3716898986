"""Maps of documents in other colours than those of clusters, and of so many documents that they are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.plots.cluster import HEIGHT, NOTHING, POINTS, SHAPES
from saedata.plots.labels import beside, placed
from saedata.plots.text import brief, counted, one_line, shorten
from saedata.plots.theme import MUTED, PALETTE, WIDTH, Drawing, colours, dressed, message, tooltip

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

BINS = 110
"""Cells of a binned map, across and up."""

_QUOTED = 240
_MARGIN = 0.04
_OTHER = "other"
_NAMED = 36
_LARGEST = 24


def value_map(
    documents: pl.DataFrame,
    values: pl.DataFrame,
    *,
    what: str,
    order: Sequence[str] = (),
    texts: pl.DataFrame | None = None,
    most: int = POINTS,
    seed: int = 0,
    width: int = WIDTH,
) -> Drawing:
    """Draw the documents where they stand, in the colours of a value of theirs.

    Parameters
    ----------
    documents
        ``doc``, ``x`` and ``y``; null places are left out.
    values
        ``doc`` and ``value``: numbers, where more is darker, or anything else, whose six most frequent values get a
        colour and a shape; documents that are not in it are grey.
    what
        What the value is.
    order
        Values that are no numbers in the order of their colours; nothing: the most frequent first.
    texts
        ``doc`` and ``text``, shown where somebody points at a document.
    most
        Documents drawn, at most: a random choice of all.
    seed
        Of this choice.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        A point for each document.
    """
    import altair as alt

    title = f"Map of documents by {one_line(what)}"
    there = documents.filter(pl.col("x").is_not_null()).select("doc", "x", "y")
    if there.is_empty():
        return message(title, NOTHING)
    drawn = there.sample(most, seed=seed).sort("doc") if there.height > most else there
    spots = _with_texts(drawn.join(values.select("doc", "value"), on="doc", how="left", maintain_order="left"), texts)
    x, y = _axes(there)
    numbers = values.schema["value"].is_numeric()
    dots = _by_number(spots, x, y) if numbers else _by_name(spots, x, y, order)
    shown = counted(there.height, "document")
    if drawn.height < there.height:
        shown = f"{drawn.height:,} of {there.height:,} documents, chosen at random"
    subtitle = f"{shown}; grey: without a value. Near each other means alike."
    return dressed(alt.layer(*dots).properties(width=width, height=HEIGHT), title=title, subtitle=subtitle)


def binned_map(
    documents: pl.DataFrame,
    clusters: pl.DataFrame | None = None,
    *,
    values: pl.DataFrame | None = None,
    what: str = "",
    bins: int = BINS,
    width: int = WIDTH,
) -> Drawing:
    """Count the documents on each spot of the map, where there are too many for points.

    Parameters
    ----------
    documents
        ``doc``, ``x``, ``y``, and with `clusters` also ``cluster``; null places are left out.
    clusters
        Table of what `cluster` returned, whose names are written at their middles; None: no names.
    values
        ``doc`` and a number ``value``: cells are darker the larger its mean over their documents is (a document that
        is not in it counts as 0); None: the more documents they have.
    what
        What the value is.
    bins
        Cells across and up.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        A rectangle for each cell with a document.
    """
    import altair as alt

    title = f"Map of documents by {one_line(what)}" if values is not None else "Map of documents, counted"
    there = documents.filter(pl.col("x").is_not_null())
    if there.is_empty():
        return message(title, NOTHING)
    cells = _cells(there, values, bins)
    x, y = _axes(there)
    boxes = alt.Chart(cells).mark_rect(color=PALETTE[0])
    boxes = boxes.encode(
        x=x,
        x2="x2:Q",
        y=y,
        y2="y2:Q",
        opacity=alt.Opacity("dark:Q", scale=None),
        tooltip=tooltip(documents="documents", **({"shown": "mean value"} if values is not None else {})),
    )
    names = [] if clusters is None else beside(_middles(there, clusters, width), x, y)
    dark = "darker: a larger mean" if values is not None else "darker: more of them"
    subtitle = f"{counted(there.height, 'document')} in {counted(cells.height, 'cell')}; {dark}. Near means alike."
    return dressed(alt.layer(boxes, *names).properties(width=width, height=HEIGHT), title=title, subtitle=subtitle)


def _axes(there: pl.DataFrame) -> tuple[alt.X, alt.Y]:
    import altair as alt

    across, up = (alt.Scale(domain=_domain(there[name]), nice=False) for name in ("x", "y"))
    return alt.X("x:Q", axis=None, scale=across), alt.Y("y:Q", axis=None, scale=up)


def _domain(values: pl.Series) -> list[float]:
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    margin = max(_MARGIN * (high - low), 0.01)
    return [low - margin, high + margin]


def _with_texts(spots: pl.DataFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    if texts is None:
        return spots.with_columns(text=pl.lit(""))
    short = pl.col("text").fill_null("").map_elements(lambda t: shorten(one_line(t), _QUOTED), pl.String)
    return spots.join(texts.select("doc", "text"), on="doc", how="left", maintain_order="left").with_columns(short)


def _by_number(spots: pl.DataFrame, x: alt.X, y: alt.Y) -> list[Drawing]:
    """What has no value or 0 is grey and lies below; else the more, the darker."""
    import altair as alt

    value = pl.col("value").cast(pl.Float64).fill_nan(None).fill_null(0)
    span = pl.max_horizontal(value.max() - value.min(), pl.lit(1e-9))
    known = spots.with_columns(
        shown=value.map_elements(lambda v: f"{v:.3g}", pl.String), dark=0.25 + 0.75 * (value - value.min()) / span
    )
    tips = tooltip(doc="document", shown="value", text="text")
    off = alt.Chart(known.filter(value == 0)).mark_point(filled=True, size=20, opacity=0.35, color=MUTED)
    on = alt.Chart(known.filter(value != 0).sort("dark")).mark_point(filled=True, size=30, color=PALETTE[0])
    return [
        off.encode(x=x, y=y, tooltip=tips),
        on.encode(x=x, y=y, opacity=alt.Opacity("dark:Q", scale=None), tooltip=tips),
    ]


def _by_name(spots: pl.DataFrame, x: alt.X, y: alt.Y, order: Sequence[str]) -> list[Drawing]:
    import altair as alt

    words = pl.col("value").cast(pl.String).map_elements(lambda v: brief(v, 30), pl.String)
    spots = spots.with_columns(value=words)
    frequent = spots["value"].drop_nulls().value_counts(sort=True).sort("count", "value", descending=[True, False])
    given = list(dict.fromkeys(brief(value, 30) for value in order))
    names = (given or frequent["value"].to_list())[: len(PALETTE)]
    named = pl.when(pl.col("value").is_in(names)).then("value").otherwise(pl.lit(_OTHER))
    spots = spots.with_columns(colour=named, shown=pl.col("value").fill_null("–"))
    listed = [*names, *([_OTHER] if (spots["colour"] == _OTHER).any() else [])]
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(names))] + ["circle"]
    shape = alt.Shape("colour:N", scale=alt.Scale(domain=listed, range=shapes[: len(listed)]), legend=None)
    range_ = [*PALETTE[: len(names)], MUTED]
    dots = alt.Chart(spots).mark_point(filled=True, size=28, opacity=0.7)
    tips = tooltip(doc="document", shown="value", text="text")
    return [dots.encode(x=x, y=y, color=colours(listed, range_), shape=shape, tooltip=tips)]


def _cells(there: pl.DataFrame, values: pl.DataFrame | None, bins: int) -> pl.DataFrame:
    ends = [_domain(there[name]) for name in ("x", "y")]
    edges = [np.linspace(low, high, bins + 1) for low, high in ends]
    at = [
        np.clip(np.digitize(there[name].to_numpy(), edge) - 1, 0, bins - 1)
        for name, edge in zip("xy", edges, strict=True)
    ]
    if values is None:
        value = np.zeros(there.height)
    else:
        joined = there.select("doc").join(values.select("doc", "value"), on="doc", how="left", maintain_order="left")
        value = joined["value"].cast(pl.Float64).fill_null(0).to_numpy()
    cells = pl.DataFrame({"column": at[0], "line": at[1], "value": value})
    cells = (
        cells.group_by("column", "line").agg(documents=pl.len(), value=pl.col("value").mean()).sort("column", "line")
    )
    column, line = cells["column"].to_numpy(), cells["line"].to_numpy()
    weight = pl.col("documents").log1p() if values is None else pl.col("value")
    dark = 0.12 + 0.88 * weight / pl.max_horizontal(weight.max(), pl.lit(1e-9))
    return cells.select(
        "documents",
        x=pl.Series(edges[0][column]),
        x2=pl.Series(edges[0][column + 1]),
        y=pl.Series(edges[1][line]),
        y2=pl.Series(edges[1][line + 1]),
        dark=dark,
        shown=pl.col("value").map_elements(lambda v: f"{v:.3g}", pl.String),
    )


def _middles(there: pl.DataFrame, clusters: pl.DataFrame, width: int) -> pl.DataFrame:
    """Names of the largest clusters at their middles, where they fit."""
    inside = there.filter(pl.col("cluster") >= 0).group_by("cluster").agg(pl.col("x", "y").median(), pl.len())
    middle = inside.sort(-pl.col("len").cast(pl.Int64), "cluster").head(_LARGEST)
    called = dict(clusters.select("cluster", "name").iter_rows())
    names = [brief(f"{one}: {(called.get(one) or '').split('; ')[0]}", _NAMED) for one in middle["cluster"]]
    (left, right), (low, high) = _domain(there["x"]), _domain(there["y"])
    spots = [
        ((x - left) / (right - left) * width, (high - y) / (high - low) * HEIGHT)
        for x, y in middle.select("x", "y").iter_rows()
    ]
    sides = placed(spots, names, size=(width, HEIGHT), most=len(names))
    columns = {"name": pl.Series(names, dtype=pl.String), "side": pl.Series(sides, dtype=pl.String)}
    return middle.select("x", "y").with_columns(**columns)
