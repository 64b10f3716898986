"""`saedata diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, number, percent, printable, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings

_SNIPPET = 60


@click.command("diff")
@click.argument("corpora", nargs=-1, required=True, metavar="TARGET [OTHER...]")
@click.option("--by", metavar="COL", help="Split TARGET by a column; each group against the rest (no OTHER then).")
@click.option(
    "--duplicates",
    type=click.Choice(["once", "keep"]),
    default="once",
    show_default=True,
    help="Exact duplicate documents count once per side, or each.",
)
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals.")
@click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents named per side.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@corpus_options
@table_options
def command(
    corpora: tuple[str, ...],
    top: int,
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
    from saedata import diff

    check_out(out)
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    found = diff(*frames, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frames, top))


def _print(found: pl.DataFrame, frames: list[Embeddings], top: int) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    target = frames[0].name
    other = frames[1].name if len(frames) == 2 else "other"
    grouped = "group" in found.columns
    table = Table(*(["group"] if grouped else []), "label", box=None, header_style="bold", pad_edge=False)
    for name in (target if not grouped else "share", "rest" if grouped else other, "difference", "interval", "q"):
        table.add_column(printable(name), justify="right", no_wrap=True)
    table.add_column("where it is strongest")
    shown = found.filter(pl.col("q") < 0.05).head(top)
    for row in shown.iter_rows(named=True):
        cells = [str(row["group"])] if grouped else []
        cells += [printable(row["label"]), percent(row["target"]), percent(row["other"])]
        cells += [_points(row["difference"]), f"{_points(row['low'])} to {_points(row['high'])}", number(row["q"])]
        table.add_row(*(Text(cell) for cell in cells), _snippet(row, frames))
    significant = found.filter(pl.col("q") < 0.05).height
    show(
        table,
        f"{significant:,} of {found.height:,} features tested differ at q < 0.05 (Benjamini-Hochberg); "
        f"{shown.height:,} shown, differences in percentage points",
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _snippet(row: dict[str, Any], frames: list[Embeddings]) -> Any:
    """Text around the strongest token on the side where the feature is more frequent."""
    from rich.text import Text

    side = "target" if row["difference"] >= 0 else "other"
    named = [frame for frame in frames if frame.name == row["other_name"]]
    frame = frames[0] if side == "target" or not named else named[0]
    if not row[f"{side}_evidence"]:
        return Text("")
    best = frame.top_documents(row["feature"], 1, docs=row[f"{side}_evidence"][:1]).row(0, named=True)
    text, start, stop = best["text"], best["start"], best["stop"]
    low, high = max(start - _SNIPPET // 2, 0), min(stop + _SNIPPET // 2, len(text))
    before, word, after = (printable(part) for part in (text[low:start], text[start:stop], text[stop:high]))
    return Text.assemble("…" if low else "", before, (word, "bold yellow"), after, "…" if high < len(text) else "")
