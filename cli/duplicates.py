"""`saedata duplicates`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import first_words
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, show, told

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings


@click.command("duplicates")
@click.argument("corpus", metavar="FRAME")
@click.option(
    "--similarity",
    type=float,
    default=0.8,
    show_default=True,
    help="Least Jaccard similarity of the features on in two documents.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "exact", "minhash"]),
    default="auto",
    show_default=True,
    help="Look at every pair, or only where random samples of the features agree.",
)
@click.option("--max-pairs", "most", type=click.IntRange(1), default=1_000_000, show_default=True, metavar="N")
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Groups to print.")
@corpus_options
@table_options
def command(
    corpus: str,
    most: int,
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Find documents with equal texts, or with nearly the same features on."""
    from saedata.analysis.near_duplicates import near_duplicates

    check_out(out)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = near_duplicates(frame, limit=most, **options)
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frame, top))


def _print(found: pl.DataFrame, frame: Embeddings, top: int) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    members = found.select("group", doc=pl.concat_list("doc_a", "doc_b")).explode("doc").unique()
    sizes = members.group_by("group").agg(size=pl.len(), other=pl.col("doc").max())
    shown = sizes.sort("size", "group", descending=[True, False]).head(top)
    words = first_words(frame, pl.concat([shown["group"], shown["other"]]))
    table = Table("documents", "first", "its text", "last", "its text", box=None, header_style="bold", pad_edge=False)
    for group, size, other in shown.iter_rows():
        cells = (f"{size:,}", str(group), words[group], str(other), words[other])
        table.add_row(*(Text(cell) for cell in cells))
    show(
        table,
        f"{members.height:,} of {frame.n_documents:,} documents are in {sizes.height:,} groups, by {found.height:,} "
        f"pairs ({int(found['exact'].sum()):,} of equal text); one of each group kept leaves "
        f"{frame.n_documents - members.height + sizes.height:,}; {shown.height:,} largest groups shown",
    )
