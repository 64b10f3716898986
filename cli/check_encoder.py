"""`saedata check-encoder`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, device_options, place, reader_options, table_options
from saedata_cli.output import check_out, emit, show

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("check-encoder")
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@corpus_options
@reader_options
@click.option("--chat-template", is_flag=True, help="Read conversations in the reader's chat template.")
@device_options
@table_options
@click.pass_context
def command(
    ctx: click.Context,
    corpora: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Check on a few documents that reader, layer, hook, scale and SAE belong together; exit code 1 if not.

    Reads the first 20 documents unless --limit says otherwise.
    """
    from saedata.encoder_check import check_encoder

    check_out(out)
    places = [place(corpus) for corpus in corpora]
    checks = check_encoder(places[0] if len(places) == 1 else places, limit=limit or 20, **options)
    emit(checks, out=out, as_json=as_json, people=lambda: _print(checks))
    if (checks["verdict"] != "ok").any():
        ctx.exit(1)


def _print(checks: pl.DataFrame) -> None:
    from rich.table import Table

    table = Table(*checks.columns, box=None, header_style="bold")
    for row in checks.iter_rows():
        table.add_row(*row)
    show(table)
