"""`saedata overlap`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import counting_options
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, percent, printable, show
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("overlap")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--min-documents",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="A corpus has a feature that is on in at least N of its documents.",
)
@click.option("--min-share", type=float, default=0.0, show_default=True, help="And in at least this share of them.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals.")
@click.option("--resamples", type=int, default=1000, show_default=True, help="Draws of documents for the intervals.")
@click.option("--seed", type=int, default=0, show_default=True)
@counting_options
@corpus_options
@table_options
@plot_option
def command(
    a: str,
    b: str,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Tell which share of the features of corpus A are in B too, and the other way round."""
    from saedata.analysis.overlap import overlap

    check_out(out)
    frames = open_all((a, b), encoder=encoder, text=text, roles=roles, limit=limit)
    found = overlap(*frames, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found))
    draw(plot, lambda: [_picture(found)])


def _picture(found: pl.DataFrame) -> Any:
    from saedata.plots import overlap_chart

    return overlap_chart(found)


def _print(found: pl.DataFrame) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("features of", "are in", box=None, header_style="bold", pad_edge=False)
    for name in ("documents", "features", "shared", "overlap", "interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.iter_rows(named=True):
        counts = [f"{row[name]:,}" for name in ("documents", "features", "shared")]
        interval = f"{percent(row['low'])} to {percent(row['high'])}"
        cells = [printable(row["corpus"]), printable(row["other"]), *counts, percent(row["overlap"]), interval]
        table.add_row(*(Text(cell) for cell in cells))
    show(table, "a feature counts where any token of a document turns it on; larger corpora have more features")
