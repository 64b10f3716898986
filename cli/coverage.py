"""`saedata coverage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import counting_options
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, percent, show
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("coverage")
@click.argument("corpus", metavar="FRAME")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@counting_options
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    top: int,
    duplicates: str,
    threshold: float | None,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Tell how many features n documents of a corpus turn on, and how redundant it is."""
    from saedata.analysis.coverage import coverage

    check_out(out)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    found = coverage(frame, duplicates=duplicates, threshold=threshold)  # type: ignore[arg-type]
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, top))
    draw(plot, lambda: [_picture(found, frame.name)])


def _picture(found: pl.DataFrame, name: str) -> Any:
    from saedata.plots import coverage_chart

    return coverage_chart(found, name=name)


def _print(found: pl.DataFrame, top: int) -> None:
    import polars as pl
    from rich.table import Table

    table = Table("documents", "features", "coverage", "of encoder", box=None, header_style="bold", pad_edge=False)
    every = -(-found.height // top)
    for row in pl.concat([found[:-1].gather_every(every), found[-1:]]).iter_rows(named=True):
        shares = (percent(row["coverage"]), percent(row["of_encoder"]))
        table.add_row(f"{row['documents']:,}", f"{row['features']:,.1f}", *shares)
    half, most = (found.filter(pl.col("coverage") >= share)["documents"][0] for share in (0.5, 0.99))
    show(
        table,
        f"half of the features are on in {half:,} random documents, 99 % in {most:,} (expected)",
        f"redundancy {found['redundancy'][0]:.3f}: mean coverage over all sizes of subsets, any token of a document",
    )
