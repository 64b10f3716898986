"""`saedata features`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, percent, printable, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("features")
@click.argument("corpus", metavar="FRAME")
@click.option("--find", metavar="TEXT", help="Only features whose label or top tokens contain this.")
@click.option("--top", type=click.IntRange(1), default=30, show_default=True, metavar="N", help="Rows to print.")
@corpus_options
@table_options
def command(corpus: str, find: str | None, top: int, out: Path | None, as_json: bool, **options: Any) -> None:  # noqa: FBT001
    """List the features of a frame, the most frequent first."""
    import polars as pl

    from saedata.frame import feature_name_expr

    check_out(out)
    (frame,) = open_all([corpus], **options)
    found = frame.features
    if find:
        found = found.filter(feature_name_expr().str.to_lowercase().str.contains(find.lower(), literal=True))
    found = found.sort(pl.col("documents"), descending=True, maintain_order=True)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, top, frame.n_documents))


def _print(found: pl.DataFrame, top: int, documents: int) -> None:
    from rich.table import Table

    from saedata.frame import feature_name

    table = Table("feature", "label", "kind", "density", "mean", "max", box=None, header_style="bold")
    for row in found.head(top).iter_rows(named=True):
        table.add_row(
            str(row["feature"]),
            printable(feature_name(row)),
            row["kind"] or "",
            percent(row["density"]),
            _short(row["mean"]),
            _short(row["max"]),
        )
    show(table, f"{found.height:,} features; density: share of the {documents:,} documents where it is on")


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
