"""Pictures of `probe`: the k curve beside the baselines, ROC, precision and recall, calibration, and regimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.text import brief, counted, one_line
from saedata.plots.theme import (
    GRID,
    MUTED,
    PALETTE,
    WIDTH,
    Drawing,
    colours,
    dressed,
    message,
    share_axis,
    tooltip,
    worded,
)

if TYPE_CHECKING:
    import altair as alt

SAE = "SAE"
SHOWN = 5
"""Baselines that are drawn, the best ones: with the sparse probe as many as there are colours."""

HEIGHT, SQUARE = 340, 420
NOTHING = "Nothing was measured, so there is nothing to draw."

_NAMES = {
    "auc": "area under the ROC curve",
    "macro auc": "area under the ROC curve, mean over classes",
    "r2": "share of the variance explained (R squared)",
}
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 2, 2, 2], [4, 4], [1, 3])
_CURVES = {
    "roc": ("share of the others that are said to be yes", "share of yes that is found"),
    "pr": ("recall: share of yes that is found", "precision: share of what is said to be yes that is"),
    "calibration": ("probability that was predicted", "share that is yes"),
}


def k_chart(table: pl.DataFrame, *, metric: str | None = None, width: int = WIDTH) -> Drawing:
    """Draw how the sparse probe grows with its number of features, beside the best baselines.

    Parameters
    ----------
    table
        `Probing.table` of the regime "normal".
    metric
        Which figure; None: the first, which choices were made by.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        A line with its intervals for the sparse probes, and one at the height of each baseline.
    """
    import altair as alt

    title = "How many features predict the label"
    own = _measured(table, metric)
    probes = own.filter(pl.col("method") == SAE)
    if probes.is_empty():
        return message(title, NOTHING)
    name = "features (SAE)"
    baselines = _best(own.filter(_is_baseline()), own["metric"][0])
    rows = pl.concat([probes.with_columns(colour=pl.lit(name)), _across(baselines, probes["k"])])
    rows = _told(rows)
    names = [name, *baselines["method"].to_list()]
    x = alt.X("k:Q", scale=alt.Scale(type="log", base=2, nice=False), axis=_k_axis(probes["k"]))
    y = alt.Y("value:Q", axis=_axis(_NAMES.get(own["metric"][0], own["metric"][0])), scale=alt.Scale(zero=False))
    told = tooltip(colour="method", features="features", value_text="value", interval="interval", gap="difference")
    base = alt.Chart(rows).encode(x=x, y=y, color=colours(names, columns=3, symbol="stroke"), tooltip=told)
    dashes = alt.StrokeDash("colour:N", scale=alt.Scale(domain=names, range=list(_DASHES[: len(names)])), legend=None)
    lines = base.mark_line(strokeWidth=2.2).encode(strokeDash=dashes)
    points = rows.filter(pl.col("colour") == name)
    sparse = alt.Chart(points).encode(x=x, tooltip=told)
    bars = sparse.mark_rule(color=PALETTE[0], strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    dots = sparse.mark_point(filled=True, size=64, opacity=1, color=PALETTE[0]).encode(y=y)
    hover = base.mark_point(filled=True, size=50, opacity=0)
    chart = alt.layer(lines, bars, dots, hover).properties(width=width, height=HEIGHT)
    return dressed(chart, title=f"{title} {brief(own['task'][0])!r}", subtitle=_about(own))


def roc_chart(curves: pl.DataFrame, table: pl.DataFrame, *, width: int = SQUARE) -> Drawing:
    """Draw the ROC curves of the best sparse probe and the best baselines.

    Parameters
    ----------
    curves, table
        `Probing.curves` and `Probing.table`.
    width
        In pixels.
    """
    return _curves("roc", "What is found, and what is found wrongly", curves, table, width)


def pr_chart(curves: pl.DataFrame, table: pl.DataFrame, *, width: int = SQUARE) -> Drawing:
    """Draw precision against recall; the parameters are those of `roc_chart`."""
    return _curves("pr", "Precision and recall", curves, table, width)


def calibration_chart(curves: pl.DataFrame, table: pl.DataFrame, *, width: int = SQUARE) -> Drawing:
    """Hold predicted probabilities against what happened; the parameters are those of `roc_chart`."""
    return _curves("calibration", "Whether probabilities can be trusted", curves, table, width)


def regime_chart(table: pl.DataFrame, *, metric: str | None = None, width: int = WIDTH) -> Drawing:
    """Draw every method over the settings of a regime.

    Parameters
    ----------
    table
        `Probing.table` of a regime such as "scarcity".
    metric
        Which figure; None: the first.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        A line for the sparse probe that does best on average, and for each of the best baselines.
    """
    import altair as alt

    own = _measured(table, metric)
    if own.is_empty():
        return message("Methods over the settings", NOTHING)
    rows = own.with_columns(colour=_named()).with_columns(step=pl.col("setting").map_elements(one_line, pl.String))
    names = _leading(rows)
    rows = _told(rows.filter(pl.col("colour").is_in(names)))
    axis = alt.Axis(labelAngle=-30, labelOverlap=True, ticks=False, grid=False)
    told = tooltip(colour="method", step="setting", value_text="value", interval="interval")
    base = alt.Chart(rows).encode(
        x=alt.X("step:O", sort=None, title=None, axis=axis),
        y=alt.Y("value:Q", axis=_axis(_NAMES.get(own["metric"][0], own["metric"][0])), scale=alt.Scale(zero=False)),
        color=colours(names, columns=3, symbol="stroke"),
        tooltip=told,
    )
    dashes = alt.Scale(domain=names, range=list(_DASHES[: len(names)]))
    lines = base.mark_line(strokeWidth=2.2).encode(strokeDash=alt.StrokeDash("colour:N", scale=dashes, legend=None))
    chart = alt.layer(lines, base.mark_point(filled=True, size=46, opacity=1)).properties(width=width, height=HEIGHT)
    regime = own["regime"][0].replace("_", " ")
    return dressed(
        chart, title=f"{regime.capitalize()}: predicting {brief(own['task'][0])!r}", subtitle="On the test documents."
    )


def _curves(kind: str, title: str, curves: pl.DataFrame, table: pl.DataFrame, width: int) -> Drawing:
    import altair as alt

    own = _measured(table, None)
    rows = curves.filter(pl.col("curve") == kind).with_columns(colour=_named()).with_row_index("order")
    if rows.is_empty() or own.is_empty():
        return message(title, NOTHING)
    names = _leading(own.with_columns(colour=_named()), best=True)
    rows = rows.filter(pl.col("colour").is_in(names)).with_columns(
        worded("x", _short).alias("x_text"), worded("y", _short).alias("y_text")
    )
    across, up = _CURVES[kind]
    scale = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(rows.drop("method", "curve", "at")).encode(
        x=alt.X("x:Q", axis=share_axis(across), scale=scale),
        y=alt.Y("y:Q", axis=share_axis(up), scale=scale),
        color=colours(names, columns=2, symbol="stroke"),
        tooltip=tooltip(colour="method", x_text="across", y_text="up"),
    )
    dashes = alt.Scale(domain=names, range=list(_DASHES[: len(names)]))
    line = base.mark_line(strokeWidth=2, interpolate="linear")
    lines = line.encode(order="order:Q", strokeDash=alt.StrokeDash("colour:N", scale=dashes, legend=None))
    layers = [lines, base.mark_point(filled=True, size=44, opacity=1 if kind == "calibration" else 0)]
    if kind != "pr":
        layers.insert(0, _diagonal(scale))
    chart = alt.layer(*layers).properties(width=width, height=SQUARE)
    return dressed(chart, title=f"{title}: {brief(own['task'][0])!r}", subtitle=_about(own))


def _diagonal(scale: alt.Scale) -> Drawing:
    import altair as alt

    ends = pl.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})
    line = alt.Chart(ends).mark_line(color=MUTED, strokeDash=[5, 4], strokeWidth=1.2)
    return line.encode(x=alt.X("x:Q", scale=scale), y=alt.Y("y:Q", scale=scale))


def _measured(table: pl.DataFrame, metric: str | None) -> pl.DataFrame:
    """Rows of one metric that were measured."""
    if table.is_empty():
        return table
    own = table.filter(pl.col("metric") == (metric or table["metric"][0]))
    return own.filter(pl.col("value").is_not_null())


def _named() -> pl.Expr:
    """Name of a method, of sparse probes with their features."""
    return pl.when(pl.col("k").is_null()).then("method").otherwise(pl.format("SAE, {} features", "k"))


def _is_baseline() -> pl.Expr:
    return (pl.col("method") != SAE) & ~pl.col("method").str.starts_with("quiver")


def _best(baselines: pl.DataFrame, metric: str) -> pl.DataFrame:
    lower = metric in ("brier", "ece", "mae")
    return baselines.sort("value", descending=not lower, maintain_order=True).head(SHOWN)


def _leading(rows: pl.DataFrame, *, best: bool = False) -> list[str]:
    """Names of the sparse probe that is drawn, and of the best baselines by their mean."""
    sparse = rows.filter(pl.col("method") == SAE)
    if best and sparse["best"].any():
        sparse = sparse.filter(pl.col("best"))
    order = sparse.group_by("colour", maintain_order=True).agg(pl.col("value").mean()).sort(-pl.col("value"))
    others = rows.filter(_is_baseline())
    means = others.group_by("colour", maintain_order=True).agg(pl.col("value").mean())
    lower = rows["metric"][0] in ("brier", "ece", "mae")
    chosen = means.sort("value", descending=not lower, maintain_order=True)["colour"].head(SHOWN)
    return [*order["colour"].head(1).to_list(), *chosen.to_list()]


def _across(baselines: pl.DataFrame, ks: pl.Series) -> pl.DataFrame:
    """Each baseline at both ends of the axis."""
    ends = pl.DataFrame({"k": [ks.min(), ks.max()]}, schema={"k": ks.dtype})
    rows = baselines.drop("k").join(ends, how="cross").with_columns(colour=pl.col("method"))
    return rows.select([*baselines.columns, "colour"])


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Only what is drawn or told, with numbers as they are printed."""
    texts = {"value_text": "value", "low_text": "low", "high_text": "high", "gap_text": "difference"}
    words = rows.with_columns(**{name: worded(column, _short) for name, column in texts.items()})
    interval = pl.concat_str("low_text", pl.lit(" to "), "high_text")
    gap = (
        pl.when(pl.col("gap_text").is_null())
        .then(pl.lit(""))
        .otherwise(pl.format("best SAE less this: {}", "gap_text"))
    )
    features = pl.when(pl.col("method") == SAE).then(pl.col("k").cast(pl.String)).otherwise(pl.lit(""))
    kept = [name for name in ("k", "step") if name in rows.columns]
    return words.select(
        *kept, "value", "low", "high", "colour", "value_text", interval=interval, gap=gap, features=features
    )


def _short(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212")


def _k_axis(ks: pl.Series) -> alt.Axis:
    import altair as alt

    values = ks.unique().sort().to_list()
    return alt.Axis(title="features that the probe reads", values=values, format="d", grid=False, ticks=False)


def _axis(title: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(title=title, tickCount=6, domain=False, ticks=False, gridColor=GRID)


def _about(own: pl.DataFrame) -> str:
    row = own.row(0, named=True)
    trained = f"{counted(row['train'], 'document')} trained"
    return f"{trained}, {counted(row['test'], 'document')} tested."
