"""Pictures of `toxicity`: who learns from whom, ROC and precision, and how much is to be learnt from little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from saedata.plots.probe import pr_chart, roc_chart
from saedata.plots.text import brief, one_line
from saedata.plots.theme import (
    GRID,
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

HEIGHT, SQUARE = 340, 420
CELL = 34
NOTHING = "Nothing was measured, so there is nothing to draw."
MEAN = "mean"

_NAME = 22
_DARK = 0.65
"""Place on the scale from which numbers are written in white."""
_FEW = 12
"""Languages up to which cells hold numbers."""


def transfer_chart(table: pl.DataFrame, *, method: str = "head", width: int = WIDTH) -> Drawing:
    """Draw what is learnt from each language against the languages that it is judged on.

    Parameters
    ----------
    table
        `Toxicity.table`.
    method
        Whose F1: "head", "OR rule", "difference in means" or "dense".
    width
        In pixels, of all columns.

    Returns
    -------
    altair.LayerChart
        A row for each training set, a column for each tested language; the darker the higher.
    """
    import altair as alt

    title = "What detectors of one language find in another"
    rows = table.filter(
        pl.col("method") == method, pl.col("best"), pl.col("test_language") != MEAN, pl.col("f1").is_not_null()
    )
    if rows.is_empty() or rows["test_language"].n_unique() < 2:
        return message(title, NOTHING)
    trained, tested = (rows[name].unique(maintain_order=True).to_list() for name in ("train_language", "test_language"))
    across, down = _places(tested), _places(trained)
    cells = rows.select(
        column=pl.col("test_language").replace_strict(across),
        row=pl.col("train_language").replace_strict(down),
        learnt=_whole("train_language"),
        judged=_whole("test_language"),
        f1=pl.col("f1"),
        f1_text=worded("f1", _short),
        low_text=worded("low", _short),
        high_text=worded("high", _short),
        auc_text=worded("auc", _short),
    ).with_columns(interval=pl.concat_str("low_text", pl.lit(" to "), "high_text"))
    low = float(cells["f1"].min())  # type: ignore[arg-type]
    middle = low + _DARK * (1 - low)
    base = alt.Chart(cells.drop("low_text", "high_text")).encode(
        x=alt.X("column:O", sort=None, title="judged on", axis=_axis("top"), scale=_band(across.values())),
        y=alt.Y("row:O", sort=None, title="learnt from", axis=_axis("left"), scale=_band(down.values())),
        tooltip=tooltip(learnt="learnt from", judged="judged on", f1_text="F1", interval="interval", auc_text="AUC"),
    )
    scale = alt.Scale(domain=[low, 1.0], range=[PAGE, PALETTE[0]], interpolate="rgb")
    legend = alt.Legend(title="F1 of the toxic class", format=".2f", orient="bottom", gradientLength=200)
    boxes = base.mark_rect(stroke=GRID, strokeWidth=0.5).encode(color=alt.Color("f1:Q", scale=scale, legend=legend))
    layers = [boxes]
    if len(tested) <= _FEW:
        for shade, test in (("light", f"datum.f1 < {middle}"), ("dark", f"datum.f1 >= {middle}")):
            ink = "#1f2328" if shade == "light" else PAGE
            numbers = base.transform_filter(test).mark_text(fontSize=11.5, color=ink)
            layers.append(numbers.encode(text=alt.Text("f1:Q", format=".2f")))
    chart = alt.layer(*layers).properties(width=min(width, CELL * 2 * len(tested)), height=CELL * len(trained))
    return dressed(
        chart, title=title, subtitle=f"F1 of the {method} on evaluation documents; the diagonal is each language's own."
    )


def toxic_roc_chart(
    curves: pl.DataFrame, table: pl.DataFrame, *, language: str | None = None, width: int = SQUARE
) -> Drawing:
    """Draw the ROC curves of the methods in one language.

    Parameters
    ----------
    curves, table
        `Toxicity.curves` and `Toxicity.table`.
    language
        Which; None: the first.
    width
        In pixels.
    """
    return roc_chart(*_as_probe(curves, table, language), width=width)


def precision_chart(
    curves: pl.DataFrame, table: pl.DataFrame, *, language: str | None = None, width: int = SQUARE
) -> Drawing:
    """Draw precision against recall in one language; the parameters are those of `toxic_roc_chart`."""
    return pr_chart(*_as_probe(curves, table, language), width=width)


def _as_probe(curves: pl.DataFrame, table: pl.DataFrame, language: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables as the pictures of `probe` take them; the head is its sparse probe."""
    if curves.is_empty():
        return curves, table.clear().with_columns(metric=pl.lit("auc"), value="auc", task=pl.lit(""))
    chosen = language if language is not None else curves["language"][0]
    named = pl.when(pl.col("method") == "head").then(pl.lit("SAE")).otherwise("method").alias("method")
    number = pl.when(pl.col("method") == "head").then("k").alias("k")
    own = table.filter(pl.col("train_language") == chosen, pl.col("test_language") == chosen, pl.col("best"))
    own = own.with_columns(number, metric=pl.lit("auc"), value=pl.col("auc"), task=pl.lit(f"toxic, {chosen}"))
    return curves.filter(pl.col("language") == chosen).with_columns(number).with_columns(named), own.with_columns(named)


def efficiency_chart(efficiency: pl.DataFrame, *, language: str | None = None, width: int = WIDTH) -> Drawing:
    """Draw F1 against the number of discovery documents.

    Parameters
    ----------
    efficiency
        `Toxicity.efficiency`.
    language
        Which; None: the mean over languages where there are several.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        A line with its interval for rule and head.
    """
    import altair as alt

    title = "How many documents are needed"
    if efficiency.is_empty():
        return message(title, NOTHING)
    names = efficiency["language"].unique(maintain_order=True).to_list()
    chosen = language if language is not None else (MEAN if MEAN in names else names[0])
    rows = efficiency.filter(pl.col("language") == chosen, pl.col("f1").is_not_null())
    if rows.is_empty():
        return message(title, NOTHING)
    rows = rows.with_columns(
        colour="method",
        f1_text=worded("f1", _short),
        kept_text=worded("kept", lambda value: f"{100 * value:.1f} %"),
        share_text=worded("share", lambda value: f"{100 * value:g} %"),
        interval=pl.format("{} to {}", worded("low", _short), worded("high", _short)),
    )
    methods = rows["method"].unique(maintain_order=True).to_list()
    values = rows["share"].unique().sort().to_list()
    axis = alt.Axis(title="share of the discovery documents", values=values, format="~%", grid=False, ticks=False)
    told = tooltip(
        colour="method",
        share_text="share",
        documents="documents",
        f1_text="F1",
        interval="interval",
        kept_text="of all",
    )
    height = alt.Axis(title="F1 of the toxic class", tickCount=6, domain=False, ticks=False, gridColor=GRID)
    base = alt.Chart(rows.drop("language", "method")).encode(
        x=alt.X("share:Q", scale=alt.Scale(type="log", nice=False), axis=axis),
        color=colours(methods, columns=2, symbol="stroke"),
        tooltip=told,
    )
    y = alt.Y("f1:Q", axis=height, scale=alt.Scale(zero=False))
    band = base.mark_area(fillOpacity=0.14).encode(y=alt.Y("low:Q", axis=height), y2="high:Q")
    # the line first, as the legend looks like the first layer
    layers = [
        base.mark_line(strokeWidth=2.2).encode(y=y),
        band,
        base.mark_point(filled=True, size=56, opacity=1).encode(y=y),
    ]
    chart = alt.layer(*layers).properties(width=width, height=HEIGHT)
    where = f"mean over {len(names) - 1} languages" if chosen == MEAN else brief(chosen)
    return dressed(chart, title=title, subtitle=f"{where}; evaluation documents are the same throughout.")


def _places(names: Sequence[str]) -> dict[str, str]:
    """Short names for the axes, which may not be equal: each begins with its place."""
    return {name: f"{place:05d}{brief(name, _NAME)}" for place, name in enumerate(names)}


def _axis(orient: Literal["top", "left"]) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        orient=orient, labelExpr="slice(datum.label, 5)", domain=False, ticks=False, labelAngle=-40 * (orient == "top")
    )


def _band(domain: object) -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=list(domain), paddingInner=0.04)  # type: ignore[call-overload]


def _whole(column: str) -> pl.Expr:
    return pl.col(column).map_elements(one_line, pl.String)


def _short(value: float) -> str:
    return f"{value:.3f}"
