"""Charts as inline SVG: drawn once, no script, coloured by the page's style sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.saving import inline_svg
from saedata.plots.text import brief, points
from saedata.plots.theme import FONT, GRID, INK, MUTED, PALETTE, Drawing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import altair as alt

    from saedata.reports.alone import Present
    from saedata.reports.compared import Difference
    from saedata.reports.corpora import Histogram
    from saedata.reports.features import Feature

ROW, NARROW_ROW = 27, 46
WIDE, NARROW = 900, 330
CHARACTER = 6.9  # width of an average one in the charts' names

TITLES = {
    "features_on": ("features on in a document", "share of documents"),
    "density": ("share of documents where a feature is on", "features"),
    "tokens": ("tokens in a document", "share of documents"),
    "variance_unexplained": ("variance unexplained in a document", "share of documents"),
}

SHARES = ("density", "variance_unexplained")
"""Quantities printed in percent."""


def dumbbells(rows: Sequence[Difference], *, prefix: str, narrow: bool = False) -> str:
    """Draw both shares of each feature, and beside them the difference with its interval.

    Parameters
    ----------
    rows
        From top to bottom.
    prefix
        Makes the drawing's ids unique on the page.
    narrow
        For a phone: names above the shares, the difference in figures instead of a second panel.
    """
    import altair as alt

    table = pl.DataFrame(
        [
            {
                "row": place,
                "name": _chart_name(row.feature),
                "target": row.target.share,
                "other": row.other.share,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "colour": PALETTE[0] if row.difference > 0 else PALETTE[1],
                "figure": points(row.difference),
            }
            for place, row in enumerate(rows)
        ]
    )
    base = alt.Chart(table)
    if narrow:
        return _svg(_narrow(base, len(rows), ("target", "other")), prefix)
    height, left = ROW * len(rows), _name_width(table)
    room = WIDE - left
    shares = _pair(base).properties(width=room * 0.56, height=height)
    interval = _interval(base).properties(width=room * 0.44, height=height)
    return _svg(alt.hconcat(_names(base, left, height), shares, interval, spacing=34), prefix)


def dots(rows: Sequence[Present], *, prefix: str, narrow: bool = False) -> str:
    """Draw each feature's share of documents with its interval.

    Parameters
    ----------
    rows
        From top to bottom.
    prefix
        Makes the drawing's ids unique on the page.
    narrow
        For a phone: names above the shares.
    """
    import altair as alt

    table = pl.DataFrame(
        [
            {
                "row": place,
                "name": _chart_name(row.feature),
                "target": row.share,
                "low": row.low,
                "high": row.high,
            }
            for place, row in enumerate(rows)
        ]
    )
    base = alt.Chart(table)
    if narrow:
        return _svg(_narrow(base, len(rows), ("low", "high")), prefix)
    height, left = ROW * len(rows), _name_width(table)
    share = alt.layer(_rule(base, ("low", "high"), PALETTE[0]), _point(base, "target", PALETTE[0]))
    return _svg(
        alt.hconcat(_names(base, left, height), share.properties(width=WIDE - left, height=height), spacing=14), prefix
    )


def histogram(one: Histogram, *, prefix: str) -> str:
    """Draw one quantity of all corpora over common bins.

    Parameters
    ----------
    one
        The bins.
    prefix
        Makes the drawing's ids unique on the page.
    """
    import altair as alt

    x_title, y_title = TITLES[one.key]
    share = one.key != "density"
    scale = alt.Scale(type="log", domain=[one.edges[0], 1], nice=False) if one.log else alt.Scale(nice=False, zero=True)
    x = alt.X("x:Q", title=x_title, scale=scale, axis=_axis("~%" if one.key in SHARES else "~s", grid=False))
    y = alt.Y("y:Q", title=y_title, axis=_axis("~%" if share else "~s", grid=True))
    layers = []
    for place, heights in enumerate(one.heights):
        colour = PALETTE[place % len(PALETTE)]
        steps = pl.DataFrame({"x": one.edges, "y": [*heights, heights[-1]]})
        area = alt.Chart(steps).mark_area(interpolate="step-after", color=colour, opacity=0.14)
        line = alt.Chart(steps).mark_line(
            interpolate="step-after",
            color=colour,
            strokeWidth=1.8,
            strokeDash=[5, 2.5] if place % 2 else [1, 0],
        )
        layers += [area.encode(x=x, y=y), line.encode(x=x, y=y)]
    return _svg(alt.layer(*layers).properties(width=380, height=150), prefix)


def _name_width(table: pl.DataFrame) -> float:
    longest = max(map(len, table["name"].to_list()))
    return min(CHARACTER * longest + 8, WIDE * 0.38)


def _names(base: Drawing, width: float, height: int) -> Drawing:
    import altair as alt

    marks = base.mark_text(align="right", baseline="middle", fontSize=13, color=INK, limit=width)
    return marks.encode(x=alt.value(width), y=_y(), text="name:N").properties(width=width, height=height)


def _pair(base: Drawing) -> Drawing:
    import altair as alt

    return alt.layer(
        _rule(base, ("target", "other"), GRID, width=5),
        _point(base, "other", PALETTE[1], hollow=True),
        _point(base, "target", PALETTE[0]),
    )


def _interval(base: Drawing) -> Drawing:
    import altair as alt

    axis = alt.Axis(
        labelExpr="datum.value == 0 ? '0' : format(100 * datum.value, '+.0f')",
        tickCount=5,
        orient="top",
        labelColor=MUTED,
        titleColor=MUTED,
        grid=True,
        domain=False,
        ticks=False,
    )
    x = alt.X("low:Q", title="difference in points", axis=axis, scale=alt.Scale(nice=True, zero=True))
    colour = alt.Color("colour:N", scale=None, legend=None)
    zero = alt.Chart(pl.DataFrame({"zero": [0]})).mark_rule(color=MUTED).encode(x=alt.X("zero:Q"))
    bar = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", y=_y(), color=colour)
    dot = base.mark_point(filled=True, size=42, opacity=1).encode(x="difference:Q", y=_y(), color=colour)
    return alt.layer(zero, bar, dot)


def _narrow(base: Drawing, rows: int, ends: tuple[str, str]) -> Drawing:
    """Names above the marks; where there is a difference, its figure at the right end."""
    import altair as alt

    name = base.mark_text(align="left", dy=-15, fontSize=12.5, color=INK, limit=280).encode(
        x=alt.value(0), y=_y(), text="name:N"
    )
    if ends == ("low", "high"):
        marks = [_rule(base, ends, PALETTE[0]), _point(base, "target", PALETTE[0])]
    else:
        figure = base.mark_text(align="right", dy=-15, fontSize=12.5, fontWeight=600, color=INK)
        marks = [_pair(base), figure.encode(x=alt.value(NARROW), y=_y(), text="figure:N")]
    return alt.layer(*marks, name).properties(width=NARROW, height=NARROW_ROW * (rows + 0.4))


def _rule(base: Drawing, ends: tuple[str, str], colour: str, *, width: float = 2) -> Drawing:
    marks = base.mark_rule(color=colour, strokeWidth=width, strokeCap="round")
    return marks.encode(x=_x(ends[0]), x2=f"{ends[1]}:Q", y=_y())


def _point(base: Drawing, column: str, colour: str, *, hollow: bool = False) -> Drawing:
    marks = base.mark_point(filled=not hollow, size=62, opacity=1, color=colour, strokeWidth=2)
    return marks.encode(x=_x(column), y=_y())


def _x(column: str) -> alt.X:
    import altair as alt

    axis = alt.Axis(
        format="%",
        tickCount=5,
        orient="top",
        labelColor=MUTED,
        titleColor=MUTED,
        grid=True,
        domain=False,
        ticks=False,
    )
    return alt.X(f"{column}:Q", title="share of documents", axis=axis, scale=alt.Scale(zero=True, nice=True))


def _y() -> alt.Y:
    import altair as alt

    return alt.Y("row:O", axis=None, scale=alt.Scale(type="point", padding=0.7))


def _axis(form: str, *, grid: bool) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        format=form, grid=grid, tickCount=4, labelColor=MUTED, titleColor=MUTED, domainColor=GRID, tickColor=GRID
    )


def _chart_name(feature: Feature) -> str:
    """Short: in a chart the number stands after the tokens, because the eye reads from the left."""
    tokens = " / ".join(feature.tokens[:4])
    return brief(feature.label or (f"{tokens}  ·  {feature.id}" if tokens else f"feature {feature.id}"))


def _svg(chart: Drawing, prefix: str) -> str:
    styled = (
        chart.configure(background="transparent", font=FONT, aria=False, padding=4)
        .configure_view(stroke=None)
        .configure_axis(gridColor=GRID, labelFontSize=11.5, titleFontSize=11.5, titleFontWeight="normal")
    )
    return inline_svg(styled, prefix)


def legend(names: Iterable[str]) -> list[tuple[str, str]]:
    """Colours of the corpora, in their order."""
    return [(name, PALETTE[place % len(PALETTE)]) for place, name in enumerate(names)]
