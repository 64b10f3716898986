"""`saedata evaluate-sae`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, place, table_options
from saedata_cli.output import check_out, emit, show

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.sae.quality import Quality


@click.command("evaluate-sae")
@click.argument("corpus", metavar="CORPUS")
@click.option("--tokens", type=click.IntRange(1), default=1_000_000, show_default=True, help="Most tokens to read.")
@corpus_options
@table_options
def command(corpus: str, tokens: int, out: Path | None, as_json: bool, **options: Any) -> None:  # noqa: FBT001
    """Measure an SAE on some text: variance unexplained, mean L0, dead features, norm ratio."""
    from saedata import evaluate_sae

    check_out(out)
    quality = evaluate_sae(place(corpus), tokens=tokens, **options)
    emit(quality.table(), out=out, as_json=as_json, people=lambda: _print(quality))


def _print(quality: Quality) -> None:
    from rich.table import Table

    table = Table("metric", "value", box=None, header_style="bold")
    for name, value in quality.figures().items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    histogram = Table("token density", "features", box=None, header_style="bold")
    for low, high, count in quality.density_histogram().iter_rows():
        histogram.add_row(f"{low:g} to {high:g}" if high else "never on", f"{count:,}")
    show(table)
    show(histogram)
