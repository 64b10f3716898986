"""Pictures of `correlate`, `correlate_columns` and `audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.plots.labels import beside, placed
from saedata.plots.ranked import both_ways, intervals, two_shares
from saedata.plots.text import brief, counted, one_line, percent, probability
from saedata.plots.theme import (
    ALPHA,
    MUTED,
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

TOP = 15
"""Pairs that are named."""

MOST_POINTS = 1000
"""Points of a chart."""
HEIGHT = 380
NOTHING = "No pair of features was on in enough documents, so there is nothing to draw."

_CLASSES = ("most interesting", "together", "apart", "may be chance")
_COLOURS = (PALETTE[1], PALETTE[0], PALETTE[2], MUTED)
_NAMED, _BRIEF, _LONGEST = 10, 20, 54
_SIMILAR = "similarity of the labels (cosine)"
_TOGETHER = "togetherness (NPMI): 1 always, 0 by chance, −1 never"
_EXPECTED = "expected from lengths alone"


def pair_chart(
    pairs: pl.DataFrame, *, top: int = TOP, alpha: float = ALPHA, joined: str = " + ", width: int = WIDTH
) -> Drawing:
    """Hold how much features go together against how alike their labels are.

    Parameters
    ----------
    pairs
        What `correlate` or `audit` returns, or rows of it.
    top
        The most interesting pairs, which are highlighted.
    alpha
        A pair is together or apart where its q is below this.
    joined
        What stands between the names of a pair.
    width
        In pixels; below 560 no names are written.

    Returns
    -------
    altair.LayerChart
        A point for each pair with a label on both sides, at most `most`; to the upper left what goes together
        although its labels are unlike.
    """
    import altair as alt

    title = "What goes together, and how alike the labels are"
    if pairs.is_empty():
        return message(title, NOTHING)
    known = pairs.filter(pl.col("label_similarity").is_not_null())
    if known.is_empty():
        return message(title, "The features of these pairs have no labels that could be compared.")
    rows = _rows(known.head(MOST_POINTS), top, alpha, joined)
    across, up = _domain(rows["label_similarity"]), _domain(pl.Series([0.0]).append(rows["npmi"]))
    x = alt.X("label_similarity:Q", axis=_axis(_SIMILAR), scale=alt.Scale(domain=across, nice=False))
    y = alt.Y("npmi:Q", axis=_axis(_TOGETHER), scale=alt.Scale(domain=up, nice=False))
    dots = (
        alt.Chart(rows)
        .mark_point(filled=True, opacity=0.75)
        .encode(x=x, y=y, color=_legend(rows), size=alt.Size("size:Q", scale=None), tooltip=_tips())
    )
    zero = alt.Chart(pl.DataFrame({"npmi": [0.0]})).mark_rule(color=MUTED, strokeDash=[5, 4]).encode(y=y)
    layers = alt.layer(zero, dots, *beside(_named(rows, across, up, joined, width), x, y)).properties(
        width=width, height=HEIGHT
    )
    return dressed(layers, title=title, subtitle=_told(pairs, known, rows, alpha))


def link_chart(
    pairs: pl.DataFrame, *, top: int = TOP, alpha: float = ALPHA, joined: str = " + ", width: int = WIDTH
) -> Drawing:
    """Show for the first pairs how often the second feature comes with the first, and how often it was expected to.

    Parameters
    ----------
    pairs
        What `correlate` or `audit` returns, or rows of it.
    top
        Rows, at most.
    alpha
        Only pairs with q below this, where there are any.
    joined
        What stands between the names of a pair.
    width
        In pixels; below 560 names stand above the rows.

    Returns
    -------
    altair.LayerChart
        In the order of the table.
    """
    if pairs.is_empty():
        return message("Links between features", NOTHING)
    out = pairs.filter(pl.col("q") < alpha)
    told = {"label_a": "first", "label_b": "second", "value_text": "second, given the first"}
    chart = _links(
        (out if out.height else pairs).head(top),
        axis="share with the second, given the first",
        names=("found", _EXPECTED),
        tips=told | {"before_text": "expected", "documents": "documents with both"},
        joined=joined,
        width=width,
    )
    title = "The most interesting links" if out.height else "Links, none beyond chance"
    return dressed(chart, title=title, subtitle=_tested(pairs, alpha))


def trigger_chart(links: pl.DataFrame, *, top: int = TOP, alpha: float = ALPHA, width: int = WIDTH) -> Drawing:
    """Show for the first links of `audit` how often the habit follows the trigger, and how often it was expected to.

    Parameters
    ----------
    links
        What `audit` returns, or rows of it.
    top, alpha, width
        As for `link_chart`.

    Returns
    -------
    altair.LayerChart
        In the order of the table; each row reads: feature of the prompt → feature of the response.
    """
    if links.is_empty():
        return message("What in the prompt goes with which habit in the response", NOTHING)
    out = links.filter(pl.col("q") < alpha)
    told = {"label_a": "prompt", "label_b": "response", "value_text": "habit after such prompts"}
    chart = _links(
        (out if out.height else links).head(top),
        axis="share of responses with the habit",
        names=("after such prompts", _EXPECTED),
        tips=told | {"before_text": "expected", "documents": "prompts with both"},
        joined=" → ",
        width=width,
    )
    title = "What in the prompt goes with which habit in the response"
    return dressed(chart, title=title, subtitle=_tested(links, alpha))


def column_chart(found: pl.DataFrame, *, top: int = 20, alpha: float = ALPHA, width: int = WIDTH) -> Drawing:
    """Rank the correlations of features with columns.

    Parameters
    ----------
    found
        What `correlate_columns` returns, or rows of it.
    top, width
        As for `difference_chart`.
    alpha
        Correlations with q below this are coloured; others are shown only where there is none.

    Returns
    -------
    altair.LayerChart
        From the most positive to the most negative correlation.
    """
    import altair as alt

    title = "Features that go with columns of the documents"
    if found.is_empty():
        return message(title, "No feature was on in enough documents, so there is nothing to draw.")
    out = found.filter(pl.col("q") < alpha)
    chosen = both_ways(out if out.height else found, "correlation", top)
    names = [
        f"{column}: {label}" if value is None else f"{column} = {value}: {label}"
        for column, value, label in chosen.select("column", "value", "label").iter_rows()
    ]
    way = pl.when(pl.col("correlation") > 0).then(pl.lit(_CLASSES[1])).otherwise(pl.lit(_CLASSES[2]))
    rows = keyed(names).hstack(
        chosen.select(
            "feature",
            value="correlation",
            low=pl.lit(0.0),
            high="correlation",
            colour=pl.when(pl.col("q") < alpha).then(way).otherwise(pl.lit(_CLASSES[3])),
            correlation_text=worded("correlation", _two),
            given=worded("p_feature_given_value", percent).fill_null("–"),
            lift_text=worded("lift", _two).fill_null("–"),
            q_text=worded("q", probability),
        )
    )
    chart = intervals(
        rows,
        axis=alt.Axis(title="correlation at equal length", **above_rows(), tickCount=5, domain=False, ticks=False),
        colour=_legend(rows),
        tooltip=tooltip(
            label="column and feature",
            correlation_text="correlation",
            given="on, given the value",
            lift_text="lift",
            q_text="q",
        ),
        width=width,
    )
    return dressed(chart, title=title, subtitle=_tested(found, alpha, "test"))


def _links(
    pairs: pl.DataFrame, *, axis: str, names: tuple[str, str], tips: dict[str, str], joined: str, width: int
) -> Drawing:
    rows = _rows(pairs, 0, ALPHA, joined).select(
        pl.all().exclude("label_similarity"), value="p_b_given_a", before=pl.col("expected") / pl.col("documents_a")
    )
    rows = rows.with_columns(value_text=worded("value", percent), before_text=worded("before", percent))
    tips = tips | {"lift_text": "lift", "npmi_text": "NPMI", "q_text": "q"}
    return two_shares(rows, axis=share_axis(axis, **above_rows()), names=names, tooltip=tooltip(**tips), width=width)


def _rows(pairs: pl.DataFrame, top: int, alpha: float, joined: str) -> pl.DataFrame:
    names = [f"{one_line(a)}{joined}{one_line(b)}" for a, b in pairs.select("label_a", "label_b").iter_rows()]
    half = (_LONGEST - len(joined)) // 2
    short = [f"{brief(a, half)}{joined}{brief(b, half)}" for a, b in pairs.select("label_a", "label_b").iter_rows()]
    best = pl.col("interesting").rank("ordinal", descending=True) <= top
    way = pl.when(pl.col("direction") == "together").then(pl.lit(_CLASSES[1])).otherwise(pl.lit(_CLASSES[2]))
    colour = pl.when(pl.col("q") >= alpha).then(pl.lit(_CLASSES[3])).when(best).then(pl.lit(_CLASSES[0])).otherwise(way)
    rows = pairs.select(
        "feature_a",
        "feature_b",
        "npmi",
        "label_similarity",
        "interesting",
        "documents",
        "documents_a",
        "expected",
        "p_b_given_a",
        label_a=pl.col("label_a").map_elements(one_line, pl.String),
        label_b=pl.col("label_b").map_elements(one_line, pl.String),
        colour=colour,
        npmi_text=worded("npmi", _two),
        similarity_text=worded("label_similarity", _two).fill_null("–"),
        lift_text=worded("lift", _two),
        q_text=worded("q", probability),
    )
    size = pl.when(pl.col("colour") == _CLASSES[0]).then(110).otherwise(34)
    return keyed(names, length=_LONGEST, short=short).hstack(rows.with_columns(size=size))


def _two(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _tips() -> list[alt.Tooltip]:
    return tooltip(
        label_a="first",
        label_b="second",
        npmi_text="NPMI",
        lift_text="lift",
        similarity_text="similarity of labels",
        documents="documents with both",
        q_text="q",
    )


def _legend(rows: pl.DataFrame) -> alt.Color:
    held = [pair for pair in zip(_CLASSES, _COLOURS, strict=True) if pair[0] in set(rows["colour"])]
    return colours([name for name, _ in held], [colour for _, colour in held])


def _axis(title: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(title=title, tickCount=6, domain=False, ticks=False)


def _domain(values: pl.Series) -> list[float]:
    """A little more than what the values span."""
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    room = 0.06 * (high - low) or 0.1
    return [low - room, high + room]


def _named(rows: pl.DataFrame, across: list[float], up: list[float], joined: str, width: int) -> pl.DataFrame:
    """Name the most interesting pairs, where their names fit."""
    first = rows.filter(pl.col("colour") == _CLASSES[0]).sort(-pl.col("interesting"), maintain_order=True)
    places = [
        ((x - across[0]) / (across[1] - across[0]) * width, (up[1] - y) / (up[1] - up[0]) * HEIGHT)
        for x, y in first.select("label_similarity", "npmi").iter_rows()
    ]
    pairs = first.select("label_a", "label_b").iter_rows()
    names = [f"{brief(a, _BRIEF)}{joined}{brief(b, _BRIEF)}" for a, b in pairs]
    sides = placed(places, names, size=(width, HEIGHT), most=_NAMED)
    return first.with_columns(name=pl.Series(names, dtype=pl.String), side=pl.Series(sides, dtype=pl.String))


def _told(pairs: pl.DataFrame, known: pl.DataFrame, rows: pl.DataFrame, alpha: float) -> str:
    absent = pairs.height - known.height
    notes = [_tested(pairs, alpha).rstrip(".")]
    if rows.height < known.height:
        notes.append(f"the first {rows.height:,} are drawn")
    if absent:
        notes.append(f"{counted(absent, 'pair')} without labels on both sides left out")
    return "; ".join(notes) + "."


def _tested(pairs: pl.DataFrame, alpha: float, noun: str = "pair") -> str:
    out = pairs.filter(pl.col("q") < alpha).height
    return (
        f"{counted(int(pairs['tested'][0]), noun)} tested; {out:,} of the {pairs.height:,} in the table have q below "
        f"{alpha:g} (Benjamini-Hochberg)."
    )
