"""The picture of concept groups: features as points, links between them as lines."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import SaedataError
from saedata.plots.labels import beside, placed
from saedata.plots.text import brief, counted, one_line
from saedata.plots.theme import ALPHA, MUTED, PALETTE, WIDTH, Drawing, colours, dressed, message, tooltip

if TYPE_CHECKING:
    import altair as alt
    from numpy.typing import NDArray

FEATURES = 80
"""Points, at most."""

HEIGHT = 520
_OTHERS = "smaller groups"
_NAMED, _BRIEF = 28, 22
_MARGIN = 0.04
_AREA = (40.0, 520.0)  # of the points, from the rarest to the most frequent feature
_THICK = (0.6, 4.5)


def concept_chart(
    pairs: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    features: int = FEATURES,
    alpha: float = ALPHA,
    seed: int = 0,
    width: int = WIDTH,
) -> Drawing:
    """Draw which features go together, in the colours of their concept groups.

    Parameters
    ----------
    pairs
        What `correlate` returned.
    groups
        What `concept_groups` made of it.
    features
        Points, at most: the strongest of the largest groups.
    alpha
        Pairs together with q below this are lines.
    seed
        Of the places of the points; the same seed gives the same picture.
    width
        In pixels; below 560 no names are written.

    Returns
    -------
    altair.LayerChart
        The area of a point grows with the number of documents where the feature is on, the line of a pair with its
        NPMI.

    Raises
    ------
    SaedataError
        The igraph package is not installed.
    """
    import altair as alt

    title = "Concept groups: features that go together"
    if groups.is_empty():
        return message(title, "No two features go together more than chance explains, so there are no groups.")
    nodes, links = _graph(pairs, groups, features, alpha)
    nodes = _placed(nodes, links, seed, width)
    lines = links.join(nodes.select("x", "y", feature_a="feature"), on="feature_a").join(
        nodes.select(x2="x", y2="y", feature_b="feature"), on="feature_b"
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    edges = alt.Chart(lines).mark_rule(color=MUTED, opacity=0.28)
    edges = edges.encode(x=x, y=y, x2="x2:Q", y2="y2:Q", strokeWidth=alt.StrokeWidth("thick:Q", scale=None))
    told = tooltip(label="feature", group_name="group", documents="documents", links="links in the group")
    dots = alt.Chart(nodes).mark_circle(opacity=0.92)
    dots = dots.encode(x=x, y=y, size=alt.Size("area:Q", scale=None), color=_colour(nodes), tooltip=told)
    layers = alt.layer(edges, dots, *beside(nodes, x, y)).properties(width=width, height=HEIGHT)
    shown = counted(nodes.height, "feature")
    if nodes.height < groups.height:
        shown = f"The {nodes.height:,} strongest of {groups.height:,} features"
    return dressed(
        layers,
        title=title,
        subtitle=f"{shown} and {counted(lines.height, 'link')}; larger points are on in more documents, thicker "
        "lines go together more. Where a point stands means nothing but what it is linked to.",
    )


def _graph(pairs: pl.DataFrame, groups: pl.DataFrame, most: int, alpha: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Points and lines: the strongest features, taken from each of the largest groups in turn."""
    place = pl.int_range(pl.len()).over("group")
    chosen = groups.with_columns(place=place).sort(pl.col("group") >= len(PALETTE), "place", "group").head(most)
    chosen = chosen.sort("group", "place")
    linked = (pl.col("direction") == "together") & (pl.col("q") < alpha) & (pl.col("npmi") > 0)
    among = pl.col("feature_a").is_in(chosen["feature"].implode()) & pl.col("feature_b").is_in(
        chosen["feature"].implode()
    )
    links = pairs.filter(linked, among).sort("feature_a", "feature_b")
    documents = pl.concat([pairs.select(feature=f"feature_{s}", documents=f"documents_{s}") for s in "ab"]).unique(
        "feature"
    )
    heads = groups.group_by("group", maintain_order=True).agg(pl.col("label").first(), pl.len())
    names = {
        group: f"{group + 1}: {brief(label, 28)} ({size})" if group < len(PALETTE) else _OTHERS
        for group, label, size in heads.iter_rows()
    }
    nodes = chosen.join(documents, on="feature", how="left", maintain_order="left").select(
        "feature",
        "group",
        "links",
        "strength",
        "documents",
        label=pl.col("label").map_elements(one_line, pl.String),
        name=pl.col("label").map_elements(lambda label: brief(label, _BRIEF), pl.String),
        colour=pl.col("group").replace_strict(names, return_dtype=pl.String),
        group_name=pl.col("group").replace_strict(names, return_dtype=pl.String),
        area=_between(pl.col("documents"), _AREA),
    )
    return nodes, links.select("feature_a", "feature_b", "npmi", thick=_between(pl.col("npmi"), _THICK))


def _between(value: pl.Expr, ends: tuple[float, float]) -> pl.Expr:
    """In proportion, the largest at the upper end."""
    return (ends[0] + (ends[1] - ends[0]) * value / value.max()).cast(pl.Float64)


def _placed(nodes: pl.DataFrame, links: pl.DataFrame, seed: int, width: int) -> pl.DataFrame:
    at = _layout(nodes["feature"].to_numpy(), links, seed)
    order = np.argsort(-nodes["strength"].to_numpy(), kind="stable")
    points = [(float(x) * width, (1 - float(y)) * HEIGHT) for x, y in at[order]]
    found = placed(points, [nodes["name"][int(one)] for one in order], size=(width, HEIGHT), most=_NAMED)
    sides: list[str | None] = [None] * len(found)
    for one, side in zip(order.tolist(), found, strict=True):
        sides[one] = side
    return nodes.with_columns(x=pl.Series(at[:, 0]), y=pl.Series(at[:, 1]), side=pl.Series(sides, dtype=pl.String))


def _layout(features: NDArray[np.uint32], links: pl.DataFrame, seed: int) -> NDArray[np.float64]:
    """Places in the unit square, by Fruchterman and Reingold's forces from a circle on."""
    try:
        import igraph  # type: ignore[import-untyped]
    except ImportError:
        msg = "concept groups need the igraph package; install it with `pip install 'saedata[groups]'`"
        raise SaedataError(msg) from None
    number = {feature: at for at, feature in enumerate(features.tolist())}
    ends = [(number[a], number[b]) for a, b in links.select("feature_a", "feature_b").iter_rows()]
    graph = igraph.Graph(n=len(number), edges=ends)
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311 - no secret depends on it
    try:
        weights = links["npmi"].to_list()
        layout = graph.layout_fruchterman_reingold(
            weights=weights, seed=graph.layout_circle().coords, niter=1000, grid="nogrid"
        )
    finally:
        igraph.set_random_number_generator(random)
    at = np.array(layout.coords, dtype=np.float64).reshape(-1, 2)
    low, high = at.min(axis=0), at.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return np.asarray(_MARGIN + (1 - 2 * _MARGIN) * (at - low) / span)


def _colour(nodes: pl.DataFrame) -> alt.Color:
    names = nodes["colour"].unique(maintain_order=True).to_list()
    names.sort(key=lambda name: name == _OTHERS)
    return colours(names, [MUTED if name == _OTHERS else PALETTE[at] for at, name in enumerate(names)], columns=2)
