"""Pictures of `coverage`, `select` and `overlap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.ranked import intervals
from saedata.plots.text import brief, one_line, percent
from saedata.plots.theme import (
    INK,
    PALETTE,
    WIDTH,
    Drawing,
    above_rows,
    colours,
    dressed,
    keyed,
    message,
    share_axis,
    tooltip,
    worded,
)

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 320
_MARKS = (0.5, 0.9, 0.99)
_LATE = 0.5  # part of the documents from which a text stands to the left of its mark
_CHOSEN, _RANDOM = "chosen documents", "as many random documents (expected)"


def coverage_chart(found: pl.DataFrame, *, name: str = "the corpus", width: int = WIDTH) -> Drawing:
    """Draw how soon documents turn on the features of a corpus.

    Parameters
    ----------
    found
        What `coverage` returns.
    name
        Of the corpus.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        Coverage by the number of random documents, and where it reaches 50%, 90% and 99%.
    """
    import altair as alt

    title = f"Features that n documents of {brief(name)} turn on"
    if found.is_empty():
        return message(title, "There are no documents, so there is nothing to draw.")
    rows = found.with_columns(coverage_text=worded("coverage", percent), encoder_text=worded("of_encoder", percent))
    marks = pl.concat([rows.filter(pl.col("coverage") >= share).head(1) for share in _MARKS]).unique(
        maintain_order=True
    )
    marks = marks.with_columns(name=pl.col("documents").map_elements(lambda n: f"{n:,} documents", pl.String))
    marks = marks.with_columns(name=pl.concat_str("coverage_text", pl.lit(": "), "name"))
    told = tooltip(documents="documents", coverage_text="of the features", encoder_text="of the encoder's features")
    x, y = _axes("random documents", "share of the corpus's features that are on")
    base = alt.Chart(rows).encode(x=x, y=y, tooltip=told)
    area = base.mark_area(color=PALETTE[0], opacity=0.12)
    line = base.mark_line(color=PALETTE[0], strokeWidth=2.4)
    dots = alt.Chart(marks).mark_point(filled=True, size=70, opacity=1, color=PALETTE[0]).encode(x=x, y=y, tooltip=told)
    late = pl.col("documents") > _LATE * found["documents"][-1]
    texts = [
        alt.Chart(marks.filter(where)).mark_text(align=align, dx=away, dy=down, fontSize=12, color=INK)  # type: ignore[arg-type]
        for where, align, away, down in ((~late, "left", 9, 13), (late, "right", 0, 30))
    ]
    text = [mark.encode(x=x, y=y, text="name:N") for mark in texts]
    chart = alt.layer(area, line, dots, *text).properties(width=width, height=HEIGHT)
    last = found.row(-1, named=True)
    return dressed(
        chart,
        title=title,
        subtitle=f"All {last['documents']:,} documents turn on {round(last['features']):,} features, "
        f"{percent(last['of_encoder'])} of the encoder's. Redundancy {last['redundancy']:.3f} (near 1: a few documents "
        "show what all do).",
    )


def selection_chart(found: pl.DataFrame, *, name: str = "the corpus", width: int = WIDTH) -> Drawing:
    """Draw how much of a corpus's features chosen documents turn on.

    Parameters
    ----------
    found
        What `coverage_curve` returns (chosen documents beside random ones), or `select`.
    name
        Of the corpus.
    width
        In pixels.

    Returns
    -------
    altair.LayerChart
        Coverage by the number of documents.
    """
    import altair as alt

    title = f"Documents chosen from {brief(name)}, and the features they turn on"
    if found.is_empty():
        return message(title, "No documents were chosen, so there is nothing to draw.")
    rows = _selected(found).with_columns(text=worded("share", percent))
    names = rows["colour"].unique(maintain_order=True).to_list()
    x, y = _axes("documents", "share of the corpus's features, by weight")
    colour = colours(names, (PALETTE[0], PALETTE[1]), symbol="stroke")
    told = tooltip(colour="which", documents="documents", text="covered")
    dashes = alt.Scale(domain=names, range=[[1, 0], [6, 3]][: len(names)])
    line = (
        alt.Chart(rows)
        .mark_line(strokeWidth=2.4)
        .encode(x=x, y=y, color=colour, strokeDash=alt.StrokeDash("colour:N", scale=dashes, legend=None), tooltip=told)
    )
    dots = alt.Chart(rows).mark_point(filled=True, size=50, opacity=0).encode(x=x, y=y, tooltip=told)
    last = rows.filter(pl.col("colour") == _CHOSEN).row(-1, named=True)
    return dressed(
        alt.layer(line, dots).properties(width=width, height=HEIGHT),
        title=title,
        subtitle=f"{last['documents']:,} chosen documents cover {last['text']}.",
    )


def overlap_chart(found: pl.DataFrame, *, width: int = WIDTH) -> Drawing:
    """Draw which share of the features of one corpus the other has too, in both directions.

    Parameters
    ----------
    found
        What `overlap` returns.
    width
        In pixels; below 560 names stand above the rows.

    Returns
    -------
    altair.LayerChart
        A row for each direction, with its interval.
    """
    title = "Features that one corpus shares with another"
    if found.is_empty():
        return message(title, "No corpora were compared, so there is nothing to draw.")
    names = [f"of {brief(a, 20)}, also in {brief(b, 20)}" for a, b in found.select("corpus", "other").iter_rows()]
    rows = keyed(names).hstack(
        found.select(
            "low",
            "high",
            value="overlap",
            colour=pl.col("corpus").map_elements(one_line, pl.String),
            other=pl.col("other").map_elements(one_line, pl.String),
            features=pl.col("features"),
            shared=pl.col("shared"),
            share_text=worded("overlap", percent),
            low_text=worded("low", percent),
            high_text=worded("high", percent),
        ).with_columns(interval=pl.concat_str("low_text", pl.lit(" to "), "high_text"))
    )
    told = tooltip(
        colour="features of",
        other="also in",
        share_text="share",
        interval="interval",
        shared="shared",
        features="features",
    )
    chart = intervals(
        rows,
        axis=share_axis("share of its features", **above_rows()),
        colour=colours(rows["colour"].unique(maintain_order=True).to_list()),
        tooltip=told,
        width=width,
    )
    return dressed(chart, title=title, subtitle="The larger corpus covers more of the smaller one by its size alone.")


def _axes(x: str, y: str) -> tuple[alt.X, alt.Y]:
    import altair as alt

    across = alt.Axis(title=x, format="~s", tickCount=6, grid=False, ticks=False)
    scale = alt.Scale(domain=[0, 1], nice=False)
    return alt.X("documents:Q", axis=across, scale=alt.Scale(nice=False, zero=True)), alt.Y(
        "share:Q" if y.endswith("weight") else "coverage:Q", axis=share_axis(y), scale=scale
    )


def _selected(found: pl.DataFrame) -> pl.DataFrame:
    """One row for each number of documents and way of choosing."""
    if "selected" not in found.columns:
        return found.select(documents="rank", share="coverage", colour=pl.lit(_CHOSEN))
    ways = (("selected", _CHOSEN), ("random", _RANDOM))
    return pl.concat([found.select("documents", share=column, colour=pl.lit(way)) for column, way in ways])
