"""`saedata encoders`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import table_options
from saedata_cli.output import check_out, emit, printable, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("encoders")
@click.argument("name", required=False, metavar="[NAME]")
@table_options
def command(name: str | None, out: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List the encoders that have a name, or say all that is known of one.

    More can be listed in a file encoders.toml in the configuration folder, or in any FILE.toml given as --encoder.
    Nothing is fetched here.
    """
    from saedata.encoders import describe_encoder, list_encoders

    check_out(out)
    if name is not None:
        found = describe_encoder(name)
        emit(found, out=out, as_json=as_json, people=lambda: _print_one(found))
        return
    found = list_encoders()
    emit(found, out=out, as_json=as_json, people=lambda: _print(found))


def _print(found: pl.DataFrame) -> None:
    from rich.markup import escape
    from rich.table import Table

    from saedata.encoders.listed import user_file
    from saedata.memory import in_bytes

    table = Table("name", "reader", "layer", "features", "labels", "memory", "state", box=None, header_style="bold")
    for row in found.iter_rows(named=True):
        memory = "" if row["memory"] is None else in_bytes(row["memory"])
        features = "" if row["features"] is None else f"{row['features']:,}"
        cells = (row["name"], row["reader"], str(row["layer"]), features, _labels(row), memory, row["state"])
        table.add_row(*(escape(printable(cell)) for cell in cells))
    show(
        table,
        "`saedata encoders NAME` says more, the licence too; any folder that `saedata train` wrote works as an encoder",
        f"a list of your own adds more: {user_file()}",
    )


def _labels(row: dict[str, Any]) -> str:
    """Where labels are, in a word or two."""
    if row["labelled"]:
        return f"{row['labelled']:,} here"
    places = {"neuronpedia:": "Neuronpedia", "hub ": "hub"}
    return next((place for start, place in places.items() if row["labels"].startswith(start)), row["labels"] or "none")


def _print_one(found: pl.DataFrame) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for field, value in found.iter_rows():
        table.add_row(f"[bold]{field}[/bold]", escape(printable(value)))
    show(table)
