"""`saedata verify`."""

from __future__ import annotations

from pathlib import Path

import click

from saedata_cli.options import table_options
from saedata_cli.output import check_out, emit


@click.command("verify")
@click.argument("frame", type=click.Path(path_type=Path))
@table_options
@click.pass_context
def command(ctx: click.Context, frame: Path, out: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Check a frame's files against its manifest; exit code 1 if any differs."""
    from saedata.frame import verify

    check_out(out)
    checks = verify(frame)
    wrong = checks.filter(checks["verdict"] != "ok")

    def people() -> None:
        for row in wrong.iter_rows(named=True):
            click.echo(f"{row['check']}: {row['verdict']} (found {row['value']}, expected {row['expected']})")
        click.echo(f"{frame}: {checks.height - wrong.height} of {checks.height} checks passed")

    emit(checks, out=out, as_json=as_json, people=people)
    if wrong.height:
        ctx.exit(1)
