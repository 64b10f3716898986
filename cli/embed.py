"""`saedata embed`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, device_options, place, quiet_option, reader_options

if TYPE_CHECKING:
    from saedata.frame import Embeddings


@click.command("embed")
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Frame to write: name.sae.")
@corpus_options
@reader_options
@click.option("--chat-template", is_flag=True, help="Read conversations in the reader's chat template.")
@click.option(
    "--text-files",
    type=click.Choice(["lines", "files"]),
    default="lines",
    show_default=True,
    help="A .txt file is one document per line, or one document.",
)
@click.option("--append", is_flag=True, help="Add the documents to a finished frame.")
@device_options
@click.option("--shard-documents", type=click.IntRange(1), default=1024, show_default=True, metavar="N")
@quiet_option
def command(corpora: tuple[str, ...], out: Path, **options: Any) -> None:
    """Turn a corpus into a sparse frame on disk.

    The frame is plain Parquet. The same command again goes on where an interrupted one stopped.
    """
    from saedata.embedding import embed

    since = time.monotonic()
    places = [place(corpus) for corpus in corpora]
    frame = embed(places[0] if len(places) == 1 else places, out=out, **options)
    click.echo(f"{out}: {_summary(frame)}; {time.monotonic() - since:.0f} s")


def _summary(frame: Embeddings) -> str:
    shards = frame.manifest.shards
    tokens, empty, windowed = (sum(getattr(s, name) for s in shards) for name in ("tokens", "empty", "windowed"))
    size = sum(s.documents_bytes + s.activations_bytes for s in shards)
    on = sum(s.activations for s in shards) / max(frame.n_documents, 1)
    return (
        f"{frame.n_documents:,} documents ({empty:,} empty, {frame.manifest.duplicates or 0:,} exact duplicates, "
        f"{windowed:,} long ones read in windows), {tokens:,} tokens, {on:,.0f} features on per document, "
        f"{size / 1e6:,.1f} MB"
    )
