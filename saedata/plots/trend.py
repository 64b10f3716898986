"""Pictures of `trend`: the steepest slopes, and the shares over the groups."""

from __future__ import annotations

import polars as pl

from saedata.plots.diff import NOTHING, TOP
from saedata.plots.ranked import both_ways, intervals
from saedata.plots.text import brief, counted, one_line, percent, points, probability
from saedata.plots.theme import (
    ALPHA,
    KEY,
    MUTED,
    PALETTE,
    WIDTH,
    Drawing,
    above_rows,
    colours,
    dressed,
    keyed,
    message,
    points_axis,
    share_axis,
    tooltip,
    worded,
)

LINES = 6
"""Features whose shares are followed over the groups: as many as there are colours."""

_WAYS = ("rises", "falls", "may be chance")
_DASHES = ([1, 0], [7, 3], [2, 2], [1, 0], [7, 3], [2, 2])
_LEVEL = 8  # groups whose names are written without turning them


def slope_chart(found: pl.DataFrame, *, top: int = TOP, alpha: float = ALPHA, width: int = WIDTH) -> Drawing:
    """Rank the steepest trends over ordered groups, with their intervals.

    Parameters
    ----------
    found
        What `trend` returns, or rows of it.
    top, alpha, width
        As for `difference_chart`.

    Returns
    -------
    altair.LayerChart
        From what rises most to what falls most.
    """
    if found.is_empty():
        return message("What rises and what falls", NOTHING)
    chosen = _chosen(found, top, alpha)
    way = pl.when(pl.col("trend") > 0).then(pl.lit(_WAYS[0])).otherwise(pl.lit(_WAYS[1]))
    texts = {
        "first_share": ("first", percent),
        "last_share": ("last", percent),
        "size": ("trend", points),
        "low_text": ("trend_low", points),
        "high_text": ("trend_high", points),
        "q_text": ("trend_q", probability),
    }
    rows = keyed(chosen["label"]).hstack(
        chosen.select(
            "feature",
            value="trend",
            low="trend_low",
            high="trend_high",
            colour=pl.when(pl.col("trend_q") < alpha).then(way).otherwise(pl.lit(_WAYS[2])),
            **{name: worded(column, words) for name, (column, words) in texts.items()},
        ).with_columns(
            interval=pl.concat_str("low_text", pl.lit(" to "), "high_text"),
            ends=pl.concat_str("first_share", pl.lit(" to "), "last_share"),
        )
    )
    groups = _groups(found)
    held = [pair for pair in zip(_WAYS, (*PALETTE[:2], MUTED), strict=True) if pair[0] in set(rows["colour"])]
    chart = intervals(
        rows,
        axis=points_axis("percentage points for each step", **above_rows()),
        colour=colours([name for name, _ in held], [colour for _, colour in held]),
        tooltip=tooltip(
            label="feature", ends="from first to last", size="points for each step", interval="interval", q_text="q"
        ),
        width=width,
    )
    title = f"What rises and what falls from {brief(groups[0])} to {brief(groups[-1])}"
    return dressed(chart, title=title, subtitle=_stands_out(found, alpha))


def trend_chart(found: pl.DataFrame, *, top: int = LINES, alpha: float = ALPHA, width: int = WIDTH) -> Drawing:
    """Follow the shares of the steepest trends over the ordered groups.

    Parameters
    ----------
    found
        What `trend` returns, or rows of it.
    top
        Lines, at most 6; half of them rise where there are as many.
    alpha, width
        As for `difference_chart`.

    Returns
    -------
    altair.LayerChart
        A line for each feature.
    """
    import altair as alt

    if found.is_empty():
        return message("Shares over the groups", NOTHING)
    chosen, groups = _chosen(found, min(top, LINES), alpha), _groups(found)
    keys = keyed(chosen["label"], length=40)
    names = keys["row"].to_list()
    steps = keyed(groups, length=24).select(step="row", group="label")
    shares = chosen.select("shares", "documents", q_text=worded("trend_q", probability))
    rows = pl.concat(
        [
            steps.with_columns(
                colour=pl.lit(key),
                label=pl.lit(label),
                share=pl.Series(one["shares"], dtype=pl.Float64),
                documents=pl.Series(one["documents"], dtype=pl.UInt32),
                q_text=pl.lit(one["q_text"]),
            )
            for (key, _, label), one in zip(keys.iter_rows(), shares.iter_rows(named=True), strict=True)
        ]
    ).with_columns(share_text=worded("share", percent))
    angle = -40 if len(groups) > _LEVEL else 0
    axis = alt.Axis(
        labelExpr=f"slice(datum.label, {KEY})", labelAngle=angle, labelOverlap=True, ticks=False, grid=False
    )
    base = alt.Chart(rows).encode(
        x=alt.X("step:O", sort=None, title=None, axis=axis),
        y=alt.Y("share:Q", axis=share_axis("share of documents"), scale=alt.Scale(zero=True)),
        color=colours(names, columns=2, keys=True, symbol="stroke"),
        tooltip=tooltip(label="feature", group="group", share_text="share", documents="documents", q_text="q"),
    )
    dashes = alt.Scale(domain=names, range=list(_DASHES[: len(names)]))
    lines = base.mark_line(strokeWidth=2.2).encode(strokeDash=alt.StrokeDash("colour:N", scale=dashes, legend=None))
    chart = alt.layer(lines, base.mark_point(filled=True, size=46, opacity=1)).properties(width=width, height=300)
    return dressed(chart, title="Shares over the groups, steepest trends", subtitle=_stands_out(found, alpha))


def _chosen(found: pl.DataFrame, top: int, alpha: float) -> pl.DataFrame:
    out = found.filter(pl.col("trend_q") < alpha)
    return both_ways(out if out.height else found, "trend", top)


def _groups(found: pl.DataFrame) -> list[str]:
    return [one_line(str(name)) for name in found["groups"][0]]


def _stands_out(found: pl.DataFrame, alpha: float) -> str:
    out = found.filter(pl.col("trend_q") < alpha).height
    return (
        f"{out:,} of {counted(found.height, 'feature')} tested rise or fall (q below {alpha:g}, Cochran-Armitage, "
        "Benjamini-Hochberg)."
    )
