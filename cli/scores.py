"""`saedata scores`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import first_words
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings


@click.command("scores")
@click.argument("corpus", metavar="FRAME")
@click.option(
    "--weights",
    metavar="rare|FILE",
    help="What a feature counts: density ** -0.5, or a table with the columns feature and weight; default: 1.",
)
@click.option("--per-token", is_flag=True, help="Divide by the document's number of tokens.")
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@corpus_options
@table_options
def command(
    corpus: str,
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Score each document by the features that are on in it, to filter data by."""
    from saedata.analysis.document_scores import document_scores

    check_out(out)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    found = document_scores(frame, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frame, top))


def _print(found: pl.DataFrame, frame: Embeddings, top: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("rank", "doc", "tokens", "features on", "score", "text", box=None, header_style="bold")
    shown = found.head(top)
    words = first_words(frame, shown["doc"])
    for row in shown.iter_rows(named=True):
        score = "" if row["score"] is None else f"{row['score']:,.4g}"
        cells = [f"{row['rank']:,}", str(row["doc"]), f"{row['tokens']:,}", f"{row['features_on']:,}", score]
        table.add_row(*(Text(cell) for cell in [*cells, words[row["doc"]]]))
    show(table, f"{found.height:,} documents, highest score first; {shown.height:,} shown")
