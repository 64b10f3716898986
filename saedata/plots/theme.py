"""How every picture looks: colours, fonts, axes, names. Labels are only ever values in the data.

A chart function takes the frame of an analysis and returns one layered altair chart (no concatenation, no facet),
made of these pieces and finished by `dressed`. Names of fields and expressions are all written here or in the chart
functions; whatever comes from a corpus (labels, values, names) is put into the data under those names, so that it can
neither address a field nor be evaluated.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.plots.text import LONGEST_NAME, brief, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import altair as alt

Drawing = Any  # the types of altair do not follow its chained methods

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, which people with any kind of colour vision can tell apart; the target's first."""

INK, MUTED, GRID, PAGE = "#1f2328", "#57606a", "#d8dee4", "#ffffff"

DARK = {
    "#0072b2": "#56b4e9",
    "#d55e00": "#f0883e",
    "#009e73": "#2fc79b",
    "#cc79a7": "#e0a3c4",
    "#e69f00": "#f0c04a",
    "#56b4e9": "#9ad4f5",
    INK: "#e6eaef",
    MUTED: "#9aa5b1",
    GRID: "#303843",
    PAGE: "#171c23",
}
"""What each colour becomes on a dark page; use no other colours in a chart."""

FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
"""As wide everywhere as where the picture is drawn, so that names and legends stand where they were put."""

WIDTH = 760
NARROW_WIDTH = 260
"""Width of a chart in a file, and of one that a page shows to phones, in pixels; what stands beside it comes on top."""

ROW = 30
"""Height of a row that has a name."""

NARROW = "narrow"
"""Name of the parameter that is true where the chart is too narrow for names beside it."""

_NARROW_FROM = 560
_LINE = 100

KEY = 5
"""Figures before the name in the keys of rows."""

ALPHA = 0.05
"""Drawn as standing out from q below this."""


def dressed(chart: Drawing, *, title: str, subtitle: str = "") -> Drawing:
    """Give a chart its title and the common look; the last step of every chart function.

    Parameters
    ----------
    chart
        A single or layered chart.
    title, subtitle
        Plain text, may hold names of corpora; long ones are broken into lines.
    """
    import altair as alt

    lines = [line for line in textwrap.wrap(one_line(subtitle), _LINE) if line]
    head = alt.TitleParams(text=textwrap.wrap(one_line(title), _LINE * 2 // 3) or [""], subtitle=lines)
    narrow = alt.param(name=NARROW, expr=_is_narrow())
    return (
        chart.add_params(narrow)
        .properties(title=head, description=one_line(f"{title}. {subtitle}"))
        .configure(background="transparent", font=FONT, aria=False, padding=6)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelColor=MUTED,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12.5,
            titleFontWeight="normal",
            titlePadding=8,
            labelLimit=340,
        )
        .configure_legend(
            labelColor=INK,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=300,
            symbolStrokeWidth=2,
        )
        .configure_title(
            anchor="start",
            color=INK,
            fontSize=16,
            fontWeight=600,
            subtitleColor=MUTED,
            subtitleFontSize=12.5,
            subtitlePadding=4,
            offset=14,
            frame="bounds",
        )
    )


def message(title: str, sentence: str) -> Drawing:
    """Make the picture of a table without rows: a sentence that says so."""
    import altair as alt

    table = pl.DataFrame({"sentence": [one_line(sentence)]})
    mark = alt.Chart(table).mark_text(align="left", baseline="top", fontSize=13.5, color=MUTED)
    text = mark.encode(x=alt.value(0), y=alt.value(4), text="sentence:N")
    return dressed(alt.layer(text).properties(width=WIDTH, height=28), title=title)


def above_rows() -> dict[str, Any]:
    """Options of an axis above rows with names; where these stand above the marks, it makes room for the first."""
    import altair as alt

    return {"orient": "top", "offset": alt.ExprRef(f"{NARROW} ? 8 : 0"), "titleLimit": alt.ExprRef("width")}


def tooltip(**fields: str) -> list[alt.Tooltip]:
    """List what is shown where somebody points at a mark.

    Parameters
    ----------
    fields
        Fields of the data, and what each is called, in our own words: the names of a tooltip's lines become part of
        an expression. Text is shown as it is, numbers in full.
    """
    import altair as alt

    return [alt.Tooltip(field=name, type="nominal", title=title) for name, title in fields.items()]


def keyed(names: Iterable[str], *, length: int = LONGEST_NAME, short: Sequence[str] | None = None) -> pl.DataFrame:
    """Make keys for the rows of a chart, which may have equal names.

    Parameters
    ----------
    names
        From top to bottom.
    length
        Characters shown.
    short
        What is shown instead of the names cut to this length.

    Returns
    -------
    polars.DataFrame
        ``row`` (a place of five figures, then the short name: the axis shows what stands behind the figures),
        ``name`` (short) and ``label`` (whole).

    Examples
    --------
    >>> keyed(["apologises", "apologises"])["row"].to_list()
    ['00000apologises', '00001apologises']
    """
    whole = [one_line(name) for name in names]
    short = [brief(name, length) for name in (whole if short is None else short)]
    rows = [f"{place:0{KEY}d}{name}" for place, name in enumerate(short)]
    columns = {"row": rows, "name": short, "label": whole}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def worded(column: str, words: Callable[[float], str]) -> pl.Expr:
    """Print a column of numbers as they are printed everywhere, for tooltips; what is not known stays empty."""
    return pl.col(column).fill_nan(None).map_elements(words, pl.String)


def row_axis() -> alt.Y:
    """Names beside the rows of `keyed`; where the chart is narrow they stand above them, see `row_names`."""
    import altair as alt

    axis = alt.Axis(
        labelExpr=f"{NARROW} ? '' : slice(datum.label, {KEY})",
        labelColor=INK,
        labelFontSize=12.5,
        labelPadding=10,
        domain=False,
        ticks=False,
        grid=True,
        gridOpacity=0.6,
    )
    return alt.Y("row:N", sort=None, title=None, axis=axis, scale=alt.Scale(paddingInner=0, paddingOuter=0))


def row_names(base: Drawing) -> Drawing:
    """Names above the marks of the rows, visible where the chart is narrow."""
    import altair as alt

    size = alt.ExprRef(f"{NARROW} ? 12 : 0")
    mark = base.mark_text(align="left", dy=-11, fontSize=size, color=INK, limit=alt.ExprRef("width"))
    return mark.encode(x=alt.value(0), y=row_axis(), text="name:N")


def share_axis(title: str, **options: Any) -> alt.Axis:
    """An axis of shares, printed in percent; further options are altair's."""
    import altair as alt

    return alt.Axis(title=title, format="~%", tickCount=5, domain=False, ticks=False, **options)


def points_axis(title: str, **options: Any) -> alt.Axis:
    """An axis of differences of shares, printed in percentage points; further options are altair's."""
    import altair as alt

    expression = "datum.value == 0 ? '0' : replace(format(100 * datum.value, '+~g'), '-', '\u2212')"
    return alt.Axis(title=title, labelExpr=expression, tickCount=5, domain=False, ticks=False, **options)


def colours(
    names: Sequence[str],
    range_: Sequence[str] = PALETTE,
    *,
    columns: int = 0,
    keys: bool = False,
    symbol: str = "circle",
) -> alt.Color:
    """A colour for each of some names, with a legend above the chart.

    Parameters
    ----------
    names
        Values of the field ``colour`` in the order of the legend.
    range_
        Their colours.
    columns
        Of the legend, where there is room; 0: all in one line.
    keys
        Whether the names are rows of `keyed`.
    symbol
        What stands beside a name.
    """
    import altair as alt

    legend = alt.Legend(
        orient="top",
        title=None,
        columns=alt.ExprRef(f"{NARROW} ? 1 : {columns}"),
        labelExpr=f"slice(datum.label, {KEY if keys else 0})",
        symbolType=symbol,
        symbolSize=90,
        labelLimit=alt.ExprRef(f"{NARROW} ? 240 : 300"),
        offset=8,
    )
    scale = alt.Scale(domain=list(names), range=list(range_)[: len(names)])
    return alt.Color("colour:N", scale=scale, legend=legend)


def _is_narrow() -> str:
    """Whether the page leaves little room; `width` is asked so that turning a phone makes it look again."""
    return f"(width >= 0 && isFinite(containerSize()[0]) ? containerSize()[0] : width) < {_NARROW_FROM}"
