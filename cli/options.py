"""Options that several commands share, and the way corpora on the command line become frames."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked


def corpus_options(command: Command) -> Command:
    """What to read from a raw corpus, and with which encoder."""
    for option in (
        click.option("--limit", type=click.IntRange(1), help="Read only the first N documents.", metavar="N"),
        click.option(
            "--role",
            "roles",
            multiple=True,
            default=("assistant",),
            show_default=True,
            help="Whose turns of a chat to read; may be repeated.",
        ),
        click.option("--text", metavar="COL", help="Column with the text; default: found by its name or type."),
        click.option(
            "--encoder",
            default="minilm",
            show_default=True,
            metavar="NAME",
            help="Encoder, by name (see `saedata encoders`) or folder.",
        ),
    ):
        command = option(command)
    return command


def quiet_option(command: Command) -> Command:
    """--quiet: only results and errors."""

    def silence(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001
        if value:
            logging.getLogger("saedata").setLevel(logging.ERROR)

    return click.option("--quiet", is_flag=True, expose_value=False, callback=silence, help="Only results and errors.")(
        command
    )


def table_options(command: Command) -> Command:
    """--out and --json for commands whose result is a frame."""
    out = click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the whole table: .parquet, .csv or .json.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the whole table as JSON.")
    return quiet_option(out(as_json(command)))


def place(corpus: str) -> str | Path:
    """A corpus named on the command line: always a path, or - for standard input."""
    return corpus if corpus == "-" else Path(corpus)


def open_all(
    corpora: Iterable[str], *, encoder: str, text: str | None, roles: tuple[str, ...], limit: int | None
) -> list[Embeddings]:
    """Frames of what was named on the command line; the encoder is loaded at most once."""
    from saedata.embedding import as_embeddings
    from saedata.encoders import load_encoder
    from saedata.frame import is_frame

    given = [place(corpus) for corpus in corpora]
    loaded: Any = encoder
    if not all(is_frame(corpus) for corpus in given):
        loaded = load_encoder(encoder)
    return [as_embeddings(corpus, encoder=loaded, text=text, roles=roles, limit=limit) for corpus in given]
