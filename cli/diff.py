"""`saedata diff`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.hypothesising import hypothesis_options, hypothesise, take
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, excerpt, number, percent, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings

_SNIPPET = 30
_SHARE = 0.05  # share on the other side for which the smallest difference to be found is told


@click.command("diff")
@click.argument("corpora", nargs=-1, required=True, metavar="TARGET [OTHER...]")
@click.option("--by", metavar="COL", help="Split TARGET by a column; each group against the rest (no OTHER then).")
@click.option("--trend", is_flag=True, help="With --by: which features rise or fall over the ordered groups.")
@click.option("--pair", metavar="COL", help="Rows of equal value belong together, such as a prompt's number.")
@click.option("--adjust", metavar="COL", help="Compare only where this column is alike; 'length' is always there.")
@click.option("--cluster", metavar="COL", help="Documents of equal value are not independent, such as an author's.")
@click.option(
    "--duplicates",
    type=click.Choice(["once", "keep"]),
    default="once",
    show_default=True,
    help="Exact duplicate documents count once per side, or each.",
)
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals.")
@click.option(
    "--effects/--no-effects",
    default=True,
    show_default=True,
    help="Mean activations and comparison at equal length; without, large corpora take a second.",
)
@click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents named per side.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@click.option("--unfold", is_flag=True, help="Print every feature of a finding, not only the one that stands for it.")
@hypothesis_options
@corpus_options
@table_options
@plot_option
def command(
    corpora: tuple[str, ...],
    top: int,
    trend: bool,  # noqa: FBT001
    unfold: bool,  # noqa: FBT001
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Compare corpora feature by feature: share of documents on, difference, interval, p and q.

    With several OTHERs a feature must differ from each of them.
    """
    check_out(out)
    asked = take(options, out=out, as_json=as_json, trend=trend)
    if trend:
        chosen = _trend_options(corpora, options)
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    if trend:
        with told():
            rising = _analysis().trend(frames[0], **chosen)
        emit(rising, out=out, as_json=as_json, people=lambda: _print_trend(rising, frames[0], top))
        draw(plot, lambda: _trend_pictures(rising))
        return
    with told():
        found = _analysis().diff(*frames, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frames, top, options, unfold=unfold))
    draw(plot, lambda: _pictures(found, frames))
    hypothesise(asked, frames, found, options, out)


def _pictures(found: pl.DataFrame, frames: list[Embeddings]) -> list[Any]:
    from saedata.plots import difference_chart, volcano_chart

    return [chart(found, target=frames[0].name) for chart in (difference_chart, volcano_chart)]


def _trend_pictures(found: pl.DataFrame) -> list[Any]:
    from saedata.plots import slope_chart, trend_chart

    return [slope_chart(found), trend_chart(found)]


def _analysis() -> Any:
    from saedata.analysis import diff

    return diff


def _trend_options(corpora: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What is left for a trend; refuse what does not go with it."""
    given = [f"--{name}" for name in ("pair", "adjust") if options[name] is not None]
    if options["by"] is None or len(corpora) > 1 or given:
        needs = " and ".join(given) or "more than one corpus"
        msg = (
            f"--trend goes without {needs}"
            if options["by"]
            else "--trend needs --by COL, the column that gives the order"
        )
        raise InputError(msg)
    return {name: options[name] for name in ("by", "cluster", "duplicates", "threshold", "level", "evidence", "seed")}


def _print(found: pl.DataFrame, frames: list[Embeddings], top: int, options: dict[str, Any], *, unfold: bool) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    grouped = "group" in found.columns
    table = Table(*(["group"] if grouped else []), "label", box=None, header_style="bold", pad_edge=False)
    for name in _headings(frames, grouped=grouped):
        table.add_column(printable(name), justify="right", no_wrap=True)
    table.add_column("where the sides differ most" if options["pair"] else "where it is strongest")
    significant = found.filter(pl.col("q") < 0.05)
    folded = _analysis().findings(significant)
    shown = (_analysis().findings(significant, unfold=True) if unfold else folded).head(top)
    quotes = _quotes(shown.iter_rows(named=True), frames, paired=bool(options["pair"]))
    for row, quote in zip(shown.iter_rows(named=True), quotes, strict=True):
        cells = [printable(str(row["group"]))] if grouped else []
        cells += [_named(row, unfold=unfold), percent(row["target"]), percent(row["other"])]
        cells += [_points(row["difference"]), f"{_points(row['low'])} to {_points(row['high'])}", number(row["q"])]
        table.add_row(*(Text(cell) for cell in cells), quote)
    show(
        table,
        f"{significant.height:,} of {found.height:,} features tested differ at q < 0.05 (Benjamini-Hochberg), in "
        f"{folded.height:,} findings; {shown.height:,} shown, differences in percentage points",
        *_notes(found, options),
    )


def _headings(frames: list[Embeddings], *, grouped: bool) -> tuple[str, ...]:
    other = frames[1].name if len(frames) == 2 else "other"
    sides = ("share", "rest") if grouped else (frames[0].name, other)
    return (*sides, "difference", "interval", "q")


def _named(row: dict[str, Any], *, unfold: bool) -> str:
    """Label of a feature; of a finding, how many more there are; of a member, moved to the right."""
    label = printable(row["label"])
    if unfold:
        return label if row["feature"] == row["members"][0] else f"  · {label}"
    return f"{label} (+{row['similar']} similar)" if row["similar"] else label


def _notes(found: pl.DataFrame, options: dict[str, Any]) -> list[str]:
    """What is said under the table: about length, and about what could not have been found."""
    notes = []
    if options["adjust"]:
        notes.append(f"differences, intervals and q are among documents of similar {options['adjust']}")
    explained = int(found["length_explains"].sum() or 0)
    if explained:
        rest = "and left out above" if options["adjust"] == "length" else "see --adjust length"
        notes.append(
            f"{explained:,} plain difference(s) at q < 0.05 are gone among documents of similar length "
            f"(column length_explains), {rest}"
        )
    if found.height:
        plain = not any(options[name] for name in ("pair", "adjust", "cluster"))
        notes.append(_detectable(found) if plain else _detectable_here(found))
    return notes


def _detectable_here(found: pl.DataFrame) -> str:
    """What could have been found where documents are paired, adjusted or in clusters: from the row that is nearest."""
    import polars as pl

    rows = found.filter(pl.col("detectable").is_not_null()).sort((pl.col("other") - _SHARE).abs(), "feature")
    if rows.is_empty():
        return f"with {found.height:,} tests no difference is found with a chance of 80 %: there are too few documents"
    row = rows.row(0, named=True)
    return (
        f"with {found.height:,} tests and intervals as wide as these, a feature on in {percent(row['other'])} of the "
        f"other is found with a chance of 80 % from {_points(row['detectable'])} points on (column detectable)"
    )


def _detectable(found: pl.DataFrame) -> str:
    from saedata.stats import minimum_detectable_difference

    smallest = found.sort("target_documents", "other_documents").row(0, named=True)
    n, other = smallest["target_documents"], smallest["other_documents"]
    least = float(minimum_detectable_difference(n, other, share=_SHARE, alpha=0.05 / found.height))
    sizes = (
        f"with {n:,} and {other:,} documents and {found.height:,} tests, a feature on in {percent(_SHARE)} of the other"
    )
    if math.isnan(least):
        return f"{sizes} is never found with a chance of 80 %: there are too few documents"
    return f"{sizes} is found with a chance of 80 % from {_points(least)} points on"


def _print_trend(found: pl.DataFrame, frame: Embeddings, top: int) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    first, last = (found["groups"][0][0], found["groups"][0][-1]) if found.height else ("first", "last")
    table = Table("label", box=None, header_style="bold", pad_edge=False)
    for name in (first, last, "per step", "interval", "q"):
        table.add_column(printable(name), justify="right", no_wrap=True)
    table.add_column("where it is strongest")
    shown = found.filter(pl.col("trend_q") < 0.05).head(top)
    quotes = _passages([(frame, row["feature"], row["evidence"][:1]) for row in shown.iter_rows(named=True)])
    for row, quote in zip(shown.iter_rows(named=True), quotes, strict=True):
        cells = [printable(row["label"]), percent(row["first"]), percent(row["last"]), _points(row["trend"])]
        cells += [f"{_points(row['trend_low'])} to {_points(row['trend_high'])}", number(row["trend_q"])]
        table.add_row(*(Text(cell) for cell in cells), quote)
    significant = found.filter(pl.col("trend_q") < 0.05).height
    show(
        table,
        f"{significant:,} of {found.height:,} features tested rise or fall at q < 0.05 (Cochran-Armitage, "
        f"Benjamini-Hochberg); {shown.height:,} shown, change per step in percentage points",
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _quotes(rows: Iterable[dict[str, Any]], frames: list[Embeddings], *, paired: bool) -> list[Any]:
    """Text around the strongest token on the side where the feature is more frequent; of pairs, both sides."""
    from rich.text import Text

    from saedata.analysis.diff import distinct

    sides = dict(zip(distinct(frame.name for frame in frames), frames, strict=True))
    wanted = []
    for row in rows:
        target = frames[0], row["feature"], row["target_evidence"][:1]
        other = sides.get(row["other_name"], frames[0]), row["feature"], row["other_evidence"][:1]
        wanted += [target, other] if paired else [target if row["difference"] >= 0 else other]
    found = _passages(wanted)
    return [Text(" | ").join(both) for both in zip(found[::2], found[1::2], strict=True)] if paired else found


def _passages(wanted: list[tuple[Embeddings, int, list[int]]]) -> list[Any]:
    """Text around the token of a feature in a document (of each list the only one), with one reading of a frame."""
    from rich.text import Text

    quotes = [Text("")] * len(wanted)
    for frame in {id(frame): frame for frame, _, _ in wanted}.values():
        places = [at for at, (own, _, docs) in enumerate(wanted) if own is frame and docs]
        table = frame.passages([wanted[at][1] for at in places], [wanted[at][2][0] for at in places])
        for at, row in zip(places, table.iter_rows(named=True), strict=True):
            quotes[at] = _quote(row["text"] or "", row["start"], row["stop"])
    return quotes


def _quote(text: str, start: int | None, stop: int | None) -> Any:
    """Text around a token; where there is none, the beginning."""
    from rich.text import Text

    begin, end = start or 0, stop or 0
    before, word, after = excerpt(text, begin, end, width=_SNIPPET)
    cut_before, cut_after = begin > _SNIPPET, end + _SNIPPET < len(text)
    return Text.assemble("…" if cut_before else "", before, (word, "bold yellow"), after, "…" if cut_after else "")
