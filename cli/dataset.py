"""What the commands that look at documents one by one share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.output import printable

if TYPE_CHECKING:
    import polars as pl

    from saedata.frame import Embeddings

_WORDS = 60
"""Characters of a document that are shown."""


def counting_options(command: Any) -> Any:
    """Which documents count, and when a feature is on in one."""
    for option in (
        click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's."),
        click.option(
            "--duplicates",
            type=click.Choice(["once", "keep"]),
            default="once",
            show_default=True,
            help="Exact duplicate documents count once, or each.",
        ),
    ):
        command = option(command)
    return command


def first_words(frame: Embeddings, docs: pl.Series) -> dict[int, str]:
    """The beginning of each of some documents, by number."""
    import polars as pl

    beginning = pl.col("text").fill_null("").str.slice(0, _WORDS + 1)
    table = frame.scan_documents().filter(pl.col("doc").is_in(docs.unique().implode())).select("doc", beginning)
    return {
        doc: printable(text[:_WORDS]) + ("…" if len(text) > _WORDS else "") for doc, text in table.collect().iter_rows()
    }
