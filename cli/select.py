"""`saedata select`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import counting_options, first_words
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, percent, show
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings


@click.command("select")
@click.argument("corpus", metavar="FRAME")
@click.option("--documents", type=click.IntRange(1), required=True, metavar="N", help="How many to choose.")
@click.option(
    "--weights",
    default="equal",
    show_default=True,
    metavar="equal|rare|FILE",
    help="What a feature counts: 1, density ** -0.5, or a table with the columns feature and weight.",
)
@click.option("--curve", is_flag=True, help="Instead of the documents: their coverage beside that of random ones.")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@counting_options
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    curve: bool,  # noqa: FBT001
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Choose the N documents that together turn most of a corpus's features on."""
    from saedata.analysis.select import coverage_curve, select

    check_out(out)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    if curve:
        points = coverage_curve(frame, **options)
        emit(points, out=out, as_json=as_json, people=lambda: _print_curve(points, top))
        draw(plot, lambda: [_picture(points, frame.name)])
        return
    found = select(frame, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frame, top))
    draw(plot, lambda: [_picture(found, frame.name)])


def _picture(found: pl.DataFrame, name: str) -> Any:
    from saedata.plots import selection_chart

    return selection_chart(found, name=name)


def _print(found: pl.DataFrame, frame: Embeddings, top: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("rank", "doc", "gain", "coverage", "text", box=None, header_style="bold", pad_edge=False)
    shown = found.head(top)
    words = first_words(frame, shown["doc"])
    for row in shown.iter_rows(named=True):
        cells = [f"{row['rank']:,}", str(row["doc"]), f"{row['gain']:,.4g}", percent(row["coverage"])]
        table.add_row(*(Text(cell) for cell in [*cells, words[row["doc"]]]))
    show(table, f"{found.height:,} documents chosen, {percent(found['coverage'][-1])} covered; {shown.height:,} shown")


def _print_curve(points: pl.DataFrame, top: int) -> None:
    from rich.table import Table

    table = Table("documents", "selected", "random", box=None, header_style="bold", pad_edge=False)
    for row in points.gather_every(max(points.height // top, 1)).iter_rows(named=True):
        table.add_row(f"{row['documents']:,}", percent(row["selected"]), percent(row["random"]))
    show(table, "coverage of the documents chosen, and of as many random ones (expected)")
