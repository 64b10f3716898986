"""`saedata audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.correlate import pair_options, print_pairs, reading_options
from saedata_cli.options import open_all, table_options
from saedata_cli.output import check_out, emit
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


@click.command("audit")
@click.argument("prompts")
@click.argument("responses")
@click.option("--pair", metavar="COL", help="Column of both that pairs them; default: they stand in the same order.")
@pair_options
@reading_options
@table_options
@plot_option
def command(
    prompts: str,
    responses: str,
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit_documents: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Find what in PROMPTS brings, or keeps away, which habit in RESPONSES.

    Every feature of the prompts is held against every feature of their responses, among documents of similar length.
    """
    from saedata.analysis.audit import audit

    check_out(out)
    frames = open_all((prompts, responses), encoder=encoder, text=text, roles=roles, limit=limit_documents)
    found = audit(*frames, **options)
    emit(found, out=out, as_json=as_json, people=lambda: print_pairs(found, frames, top, options["level"]))
    draw(plot, lambda: _pictures(found, options["level"]))


def _pictures(found: pl.DataFrame, level: float) -> list[Any]:
    from saedata.plots import pair_chart, trigger_chart

    return [trigger_chart(found, alpha=level), pair_chart(found, alpha=level, joined=" → ")]
