"""Pictures of `cluster`: the map of documents, and which features are on in which cluster."""

from __future__ import annotations

import polars as pl

from saedata.plots.labels import beside, placed
from saedata.plots.text import brief, counted, one_line, percent, points, shorten
from saedata.plots.theme import (
    GRID,
    MUTED,
    NARROW,
    PAGE,
    PALETTE,
    WIDTH,
    Drawing,
    above_rows,
    dressed,
    keyed,
    message,
    row_axis,
    row_names,
    tooltip,
    worded,
)

POINTS = 5_000
"""Documents drawn, at most."""

HEIGHT = 520
ROWS = 30
"""Features of the heat map, at most."""

SHAPES = ("circle", "triangle-up", "square", "diamond")
"""With six colours: 24 clusters that can be told apart."""

NOTHING = "No document stands on the map."

_CELL = 22
_QUOTED = 240
_NAMED = 36
_MARGIN = 0.04


def cluster_map(
    documents: pl.DataFrame,
    clusters: pl.DataFrame,
    *,
    texts: pl.DataFrame | None = None,
    most: int = POINTS,
    seed: int = 0,
    width: int = WIDTH,
) -> Drawing:
    """Draw the documents where they stand, in the colours and shapes of their clusters.

    Parameters
    ----------
    documents, clusters
        Tables of what `cluster` returned.
    texts
        ``doc`` and ``text``, shown where somebody points at a document; None: no text is shown.
    most
        Documents drawn, at most: a random choice of all.
    seed
        Of this choice.
    width
        In pixels; below 560 no names are written.

    Returns
    -------
    altair.LayerChart
        Six colours in four shapes for the 24 largest clusters; the smaller ones and documents in none are grey.
    """
    import altair as alt

    title = "Map of documents and their clusters"
    there = documents.filter(pl.col("x").is_not_null())
    if there.is_empty():
        return message(title, NOTHING)
    drawn = there.sample(most, seed=seed).sort("doc") if there.height > most else there
    spots = _spots(drawn, clusters, texts)
    x, y = (
        alt.X("x:Q", axis=None, scale=alt.Scale(domain=_domain(there["x"]), nice=False)),
        alt.Y("y:Q", axis=None, scale=alt.Scale(domain=_domain(there["y"]), nice=False)),
    )
    middles = _middles(there, clusters, width)
    range_ = [*PALETTE, MUTED]
    dots = alt.Chart(spots).mark_point(filled=True, size=26, opacity=0.65)
    dots = dots.encode(
        x=x,
        y=y,
        color=alt.Color("colour:N", scale=alt.Scale(domain=range_, range=range_), legend=None),
        shape=alt.Shape("shape:N", scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES)), legend=None),
        tooltip=tooltip(name="cluster", doc="document", stands="of its neighbours in it", text="text"),
    )
    layers = alt.layer(dots, *beside(middles, x, y)).properties(width=width, height=HEIGHT)
    inside = clusters.filter(pl.col("cluster") >= 0)
    shown = counted(there.height, "document")
    if drawn.height < there.height:
        shown = f"{drawn.height:,} of {there.height:,} documents, chosen at random"
    noise = documents.filter(pl.col("cluster") == -1).height / max(documents.height, 1)
    subtitle = (
        f"{shown} in {counted(inside.height, 'cluster')}; grey: in none ({percent(noise)})"
        f"{' or in a smaller one' if inside.height > len(PALETTE) * len(SHAPES) else ''}. Near each other means alike; "
        "distances between far groups, and directions, mean nothing."
    )
    return dressed(layers, title=title, subtitle=subtitle)


def cluster_heat_map(
    descriptions: pl.DataFrame, clusters: pl.DataFrame, *, rows: int = ROWS, width: int = WIDTH
) -> Drawing:
    """Draw how much more often features are on inside of clusters than outside.

    Parameters
    ----------
    descriptions, clusters
        Tables of what `cluster` returned.
    rows
        Features, at most: the first of each of the largest clusters, then the second of each, and so on.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        Features as rows, clusters as columns; a cell without colour is not among the largest differences of its
        cluster.
    """
    import altair as alt

    title = "Features that set the clusters apart"
    chosen = _rows(descriptions, rows)
    if chosen.is_empty():
        return message(title, "No feature is more frequent in one cluster than in the others.")
    names = keyed(chosen["label"]).hstack(chosen.select("feature"))
    called = dict(clusters.select("cluster", "name").rows())
    cells = descriptions.join(names.drop("label"), on="feature").select(
        "row",
        "name",
        "cluster",
        "difference",
        label=pl.col("label").map_elements(one_line, pl.String),
        inside_text=worded("inside", percent),
        outside_text=worded("outside", percent),
        size=worded("difference", points),
        called=pl.col("cluster").map_elements(lambda c: one_line(called.get(c) or ""), pl.String),
    )
    order = clusters.filter(pl.col("cluster") >= 0)["cluster"].to_list()
    extent = max(float(cells["difference"].abs().max() or 0.0), 0.01)  # type: ignore[arg-type]
    x = alt.X(
        "cluster:O",
        sort=None,
        scale=alt.Scale(domain=order, paddingInner=0.06),
        axis=alt.Axis(title="cluster", labelAngle=0, domain=False, ticks=False, **above_rows()),
    )
    scale = alt.Scale(domain=[-extent, 0, extent], range=[PALETTE[1], PAGE, PALETTE[0]], interpolate="rgb")
    key = alt.Legend(title="difference of shares", format="+.0%", orient="bottom", gradientLength=200)
    base = alt.Chart(cells)
    boxes = base.mark_rect(stroke=GRID, strokeWidth=0.5, height=alt.ExprRef(f"{NARROW} ? 12 : {_CELL - 2}")).encode(
        x=x,
        y=row_axis(),
        color=alt.Color("difference:Q", scale=scale, legend=key),
        tooltip=tooltip(
            label="feature", called="cluster", inside_text="inside", outside_text="outside", size="difference in points"
        ),
    )
    first = alt.Chart(names.select("row", "name"))
    chart = alt.layer(boxes, row_names(first)).properties(width=width, height=alt.Step(_CELL + 4))
    circular = bool(descriptions["same_features"].any())
    note = "the clusters were made from these features, which this describes" if circular else "in held-out documents"
    subtitle = (
        f"Share of a cluster's documents where a feature is on, less the share of all others; {note}. "
        f"{counted(chosen.height, 'feature')} and {counted(len(order), 'cluster')}; point at a cell for names."
    )
    return dressed(chart, title=title, subtitle=subtitle)


def _spots(drawn: pl.DataFrame, clusters: pl.DataFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    number = pl.col("cluster")
    largest = (number >= 0) & (number < len(PALETTE) * len(SHAPES))
    called = {cluster: brief(name or "") for cluster, name in clusters.select("cluster", "name").rows()}
    table = drawn.select("doc", "cluster", "x", "y", "strength")
    if texts is not None:
        table = table.join(texts.select("doc", "text"), on="doc", how="left", maintain_order="left")
    else:
        table = table.with_columns(text=pl.lit(None, pl.String))
    colour = pl.lit(list(PALETTE)).list.get(number % len(PALETTE))
    shape = pl.lit(list(SHAPES)).list.get((number // len(PALETTE)) % len(SHAPES))
    return table.select(
        "doc",
        "x",
        "y",
        colour=pl.when(largest).then(colour).otherwise(pl.lit(MUTED)),
        shape=pl.when(largest).then(shape).otherwise(pl.lit(SHAPES[0])),
        name=pl.format("{}: {}", number, number.map_elements(lambda c: called.get(c, ""), pl.String).fill_null("")),
        stands=worded("strength", percent),
        text=pl.col("text").fill_null("").map_elements(lambda t: shorten(one_line(t), _QUOTED), pl.String),
    )


def _domain(values: pl.Series) -> list[float]:
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    margin = max(_MARGIN * (high - low), 0.01)
    return [low - margin, high + margin]


def _middles(there: pl.DataFrame, clusters: pl.DataFrame, width: int) -> pl.DataFrame:
    """Names of the clusters at their middles, where they fit."""
    inside = there.filter(pl.col("cluster") >= 0)
    middle = (
        inside.group_by("cluster")
        .agg(pl.col("x", "y").median(), pl.len())
        .sort(-pl.col("len").cast(pl.Int64), "cluster")
    )
    middle = middle.head(len(PALETTE) * len(SHAPES))
    called = dict(clusters.select("cluster", "name").rows())
    names = [brief(f"{cluster}: {(called.get(cluster) or '').split('; ')[0]}", _NAMED) for cluster in middle["cluster"]]
    (left, right), (low, high) = _domain(there["x"]), _domain(there["y"])
    spots = [
        ((x - left) / (right - left) * width, (high - y) / (high - low) * HEIGHT)
        for x, y in middle.select("x", "y").rows()
    ]
    sides = placed(spots, names, size=(width, HEIGHT), most=len(names))
    return middle.select("x", "y").with_columns(
        name=pl.Series(names, dtype=pl.String), side=pl.Series(sides, dtype=pl.String)
    )


def _rows(descriptions: pl.DataFrame, most: int) -> pl.DataFrame:
    """The features that stand out most in each cluster, taken from the clusters in turn, then in their order."""
    out = descriptions.filter(pl.col("difference") > 0, pl.col("q") < 0.05)
    out = out.with_columns(turn=pl.int_range(pl.len()).over("cluster"))
    taken = out.sort("turn", "cluster").unique("feature", keep="first", maintain_order=True).head(most)
    return taken.sort("cluster", "turn").select("feature", "label")
