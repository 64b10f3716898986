"""`saedata diff`."""

from __future__ import annotations

import logging
import math
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, excerpt, number, percent, printable, show

if TYPE_CHECKING:
    from collections.abc import Iterator
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
@corpus_options
@table_options
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
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Compare corpora feature by feature: share of documents on, difference, interval, p and q.

    With several OTHERs a feature must differ from each of them.
    """
    check_out(out)
    if trend:
        chosen = _trend_options(corpora, options)
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    if trend:
        with _told():
            rising = _analysis().trend(frames[0], **chosen)
        emit(rising, out=out, as_json=as_json, people=lambda: _print_trend(rising, frames[0], top))
        return
    with _told():
        found = _analysis().diff(*frames, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frames, top, options, unfold=unfold))


def _analysis() -> Any:
    from saedata.analysis import diff

    return diff


@contextmanager
def _told() -> Iterator[None]:
    """Say what the library warns of in one sentence, without its source line; --quiet leaves it out."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        yield
    for one in told:
        logging.getLogger("saedata").warning("%s", one.message)


def _trend_options(corpora: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What is left for a trend; refuse what does not go with it."""
    given = [f"--{name}" for name in ("pair", "adjust", "cluster") if options[name] is not None]
    if options["by"] is None or len(corpora) > 1 or given:
        needs = " and ".join(given) or "more than one corpus"
        msg = (
            f"--trend goes without {needs}"
            if options["by"]
            else "--trend needs --by COL, the column that gives the order"
        )
        raise InputError(msg)
    return {name: options[name] for name in ("by", "duplicates", "threshold", "level", "evidence", "seed")}


def _print(found: pl.DataFrame, frames: list[Embeddings], top: int, options: dict[str, Any], *, unfold: bool) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    grouped = "group" in found.columns
    table = Table(*(["group"] if grouped else []), "label", box=None, header_style="bold", pad_edge=False)
    for name in _headings(frames, grouped=grouped):
        table.add_column(printable(name), justify="right", no_wrap=True)
    table.add_column("where it is strongest")
    significant = found.filter(pl.col("q") < 0.05)
    folded = _analysis().findings(significant)
    shown = (_analysis().findings(significant, unfold=True) if unfold else folded).head(top)
    for row in shown.iter_rows(named=True):
        cells = [printable(str(row["group"]))] if grouped else []
        cells += [_named(row, unfold=unfold), percent(row["target"]), percent(row["other"])]
        cells += [_points(row["difference"]), f"{_points(row['low'])} to {_points(row['high'])}", number(row["q"])]
        table.add_row(*(Text(cell) for cell in cells), _snippet(row, frames))
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
    if found.height and not any(options[name] for name in ("pair", "cluster")):
        notes.append(_detectable(found))
    return notes


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
    for row in shown.iter_rows(named=True):
        cells = [printable(row["label"]), percent(row["first"]), percent(row["last"]), _points(row["trend"])]
        cells += [f"{_points(row['trend_low'])} to {_points(row['trend_high'])}", number(row["trend_q"])]
        table.add_row(*(Text(cell) for cell in cells), _quote(frame, row["feature"], row["evidence"]))
    significant = found.filter(pl.col("trend_q") < 0.05).height
    show(
        table,
        f"{significant:,} of {found.height:,} features tested rise or fall at q < 0.05 (Cochran-Armitage, "
        f"Benjamini-Hochberg); {shown.height:,} shown, change per step in percentage points",
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _snippet(row: dict[str, Any], frames: list[Embeddings]) -> Any:
    """Text around the strongest token on the side where the feature is more frequent."""
    side = "target" if row["difference"] >= 0 else "other"
    named = [frame for frame in frames if frame.name == row["other_name"]]
    frame = frames[0] if side == "target" or not named else named[0]
    return _quote(frame, row["feature"], row[f"{side}_evidence"])


def _quote(frame: Embeddings, feature: int, docs: list[int]) -> Any:
    """Text around the strongest token of the first document."""
    from rich.text import Text

    if not docs:
        return Text("")
    best = frame.top_documents(feature, 1, docs=docs[:1]).row(0, named=True)
    text, start, stop = best["text"], best["start"], best["stop"]
    before, word, after = excerpt(text, start, stop, width=_SNIPPET)
    cut_before, cut_after = start > _SNIPPET, stop + _SNIPPET < len(text)
    return Text.assemble("…" if cut_before else "", before, (word, "bold yellow"), after, "…" if cut_after else "")
