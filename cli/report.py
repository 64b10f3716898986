"""`saedata report`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from saedata_cli.options import corpus_options, open_all, quiet_option


@click.command("report")
@click.argument("corpora", nargs=-1, required=True, metavar="TARGET [OTHER...]")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="HTML file to write.")
@click.option("--title", help="Headline; default: the corpora's names.")
@click.option("--features", type=click.IntRange(1), default=20, show_default=True, help="Differences each way.")
@click.option("--examples", type=click.IntRange(0), default=3, show_default=True, help="Documents per side.")
@click.option("--pairs", type=click.IntRange(0), help="Pairs that go together; default: 5 from 500 documents on.")
@click.option(
    "--groups/--no-groups",
    default=None,
    help="Group the documents of all corpora and draw a map; default: from 100 documents on.",
)
@click.option(
    "--label", metavar="COL", help="Tell what predicts this column, and which features tell its values apart."
)
@click.option("--toxic", metavar="COL", help="Tell what is toxic, by the column that says so.")
@click.option("--language", metavar="COL", help="Tell which features are a language's own, and what is toxic in each.")
@click.option(
    "--duplicates",
    type=click.Choice(["once", "keep"]),
    default="once",
    show_default=True,
    help="Exact duplicate documents count once per side, or each.",
)
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals.")
@click.option("--seed", type=int, default=0, show_default=True)
@corpus_options
@quiet_option
def command(
    corpora: tuple[str, ...],
    out: Path,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    **options: Any,
) -> None:
    """Write one HTML file that tells how corpora differ, with evidence.

    The file opens without network. One corpus alone gives an overview of it. Sections on columns of yours (--label,
    --toxic, --language) are added where they are named.
    """
    from saedata import report
    from saedata.plots.files import check_place

    check_place(out)
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    written = report(*frames, out=out, command=shlex.join(["saedata", *sys.argv[1:]]), **options)
    click.echo(f"{written}: {written.stat().st_size / 1e3:,.0f} kB")
