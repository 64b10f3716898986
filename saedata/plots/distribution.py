"""The picture of how a quantity is distributed, in one corpus or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.text import brief, counted, percent
from saedata.plots.theme import PALETTE, WIDTH, Drawing, colours, dressed, keyed, message, tooltip, worded

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT = 190

TITLES = {
    "features_on": ("Features on in a document", "features on", "share of documents"),
    "density": ("How often features are on", "share of documents where a feature is on", "features"),
    "tokens": ("Lengths of documents", "tokens", "share of documents"),
    "variance_unexplained": ("Variance that the features miss", "variance unexplained", "share of documents"),
    "value": ("How strong it is where it is on", "activation", "documents"),
}
"""Title, and titles of both axes; other quantities are named by their key."""

SHARES = ("density", "variance_unexplained")
_COUNTS = ("density", "value")


def distribution_chart(
    key: str,
    edges: Sequence[float],
    heights: Sequence[Sequence[float]],
    *,
    names: Sequence[str],
    log: bool = False,
    title: str | None = None,
    width: int = WIDTH,
) -> Drawing:
    """Draw a histogram, of several corpora over common bins.

    Parameters
    ----------
    key
        Which quantity: a key of `TITLES`, or a word.
    edges
        Bounds of the bins, ascending.
    heights
        For each corpus what is in each bin: one fewer than edges.
    names
        Of the corpora.
    log
        Whether the axis of the quantity is logarithmic.
    title
        Instead of the quantity's own.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        Steps in the colours of the corpora, every second one dashed.

    Examples
    --------
    >>> chart = distribution_chart("tokens", [0, 10, 20], [[0.4, 0.6]], names=["answers"])
    >>> chart.to_dict()["title"]["text"]
    ['Lengths of documents']
    """
    import altair as alt

    own, x_title, y_title = TITLES.get(key, (key, key, "documents"))
    if not heights or len(edges) < 2:
        return message(title or own, "There is nothing to draw.")
    keys = keyed((name for name, _ in zip(names, heights, strict=True)), length=30)
    rows = pl.concat(
        [_steps(edges, one, colour) for one, colour in zip(heights, keys["row"].to_list(), strict=True)]
    ).with_columns(
        shown=worded("y", (lambda y: counted(round(y), y_title.rstrip("s"))) if key in _COUNTS else percent),
        reach=pl.concat_str(
            worded("x", percent if key in SHARES else _figure),
            pl.lit(" to "),
            worded("until", percent if key in SHARES else _figure),
        ),
    )
    form = "~%" if key in SHARES else "~s"
    scale = (
        alt.Scale(type="log", domain=[edges[0], edges[-1]], nice=False)
        if log
        else alt.Scale(nice=False, zero=key != "value")
    )
    base = alt.Chart(rows).encode(
        x=alt.X("x:Q", scale=scale, axis=alt.Axis(title=x_title, format=form, grid=False, ticks=False, tickCount=6)),
        color=colours(keys["row"].to_list(), keys=True, symbol="stroke") if len(keys) > 1 else alt.value(PALETTE[0]),
        tooltip=tooltip(reach=x_title, shown=y_title),
    )
    form = "~s" if key in _COUNTS else "~%"
    y = alt.Y("y:Q", stack=None, axis=alt.Axis(title=y_title, format=form, domain=False, ticks=False, tickCount=4))
    dashes = [[1, 0] if place % 2 == 0 else [5, 2.5] for place in range(len(keys))]
    area = base.mark_area(interpolate="step-after", opacity=0.14).encode(y=y)
    line = base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(
        y=y,
        strokeDash=alt.StrokeDash("dash:N", scale=alt.Scale(domain=keys["row"].to_list(), range=dashes), legend=None),
    )
    chart = alt.layer(area, line).properties(width=width, height=HEIGHT)
    return dressed(chart, title=brief(title or own, 90))


def _steps(edges: Sequence[float], heights: Sequence[float], colour: str) -> pl.DataFrame:
    """Left end, right end and height of every bin; the last again, so that its line is drawn to the end."""
    last = heights[-1] if len(heights) else 0.0
    columns = {
        "x": [float(edge) for edge in edges],
        "until": [*(float(edge) for edge in edges[1:]), float(edges[-1])],
        "y": [*(float(height) for height in heights), float(last)],
    }
    return pl.DataFrame(columns).with_columns(colour=pl.lit(colour), dash=pl.lit(colour))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
