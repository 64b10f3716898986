"""`saedata encoders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from saedata_cli.options import table_options
from saedata_cli.output import check_out, emit, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("encoders")
@table_options
def command(out: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List the encoders that have a name."""
    from saedata.encoders import list_encoders

    check_out(out)
    found = list_encoders()
    emit(found, out=out, as_json=as_json, people=lambda: _print(found))


def _print(found: pl.DataFrame) -> None:
    from rich.table import Table

    table = Table(*found.columns, box=None, header_style="bold")
    for row in found.iter_rows():
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    show(table, "any folder that `saedata train` wrote works as an encoder too")
