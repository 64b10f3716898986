"""`saedata train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from saedata_cli.options import device_options, place, quiet_option, reading_options


@click.command("train")
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Encoder to write.")
@click.option("--reader", default="minilm", show_default=True, metavar="R", help="Folder, hub name or encoder's name.")
@click.option("--layer", required=True, type=click.IntRange(1), metavar="N", help="Blocks of the reader to run.")
@reading_options
@click.option("--features", type=click.IntRange(1), default=4096, show_default=True, metavar="D")
@click.option("--l0", type=click.IntRange(1), default=24, show_default=True, metavar="K", help="Features on per token.")
@click.option("--tokens", type=click.IntRange(1), default=4_000_000, show_default=True, help="Most tokens to read.")
@click.option("--steps", type=click.IntRange(1), help="Updates; default: four passes over the tokens.")
@click.option("--batch", type=click.IntRange(1), default=4096, show_default=True, help="Tokens per update.")
@click.option("--learning-rate", type=float, default=8e-4, show_default=True)
@click.option("--held-out", type=float, default=0.05, show_default=True, help="Share of documents only measured on.")
@click.option("--context", type=click.IntRange(64), help="Most tokens per window.")
@click.option("--text", metavar="COL", help="Column with the text.")
@click.option("--role", "roles", multiple=True, default=("assistant",), show_default=True)
@click.option("--chat-template", is_flag=True, help="Read conversations in the reader's chat template.")
@click.option("--weights", type=click.Choice(["float32", "float16"]), default="float32", show_default=True)
@device_options
@click.option("--seed", type=int, default=0, show_default=True)
@quiet_option
def command(corpora: tuple[str, ...], out: Path, **options: Any) -> None:
    """Train a BatchTopK SAE for a reader on your own text.

    The folder works as an encoder (`--encoder DIR`) and loads in SAELens. The same command again goes on where an
    interrupted one stopped.
    """
    from saedata import train

    places = [place(corpus) for corpus in corpora]
    quality = train(places[0] if len(places) == 1 else places, out=out, **options)
    click.echo(
        f"{out}: on {quality.tokens:,} held-out tokens variance unexplained {quality.variance_unexplained:.3f}, "
        f"mean L0 {quality.l0:.1f}, dead {quality.dead:.1%}"
    )
