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
            help="Encoder: name (see `saedata encoders`), folder, or list FILE.toml.",
        ),
    ):
        command = option(command)
    return command


def reading_options(command: Command) -> Command:
    """How a reader is read; a named encoder knows all of it."""
    for option in (
        click.option(
            "--norm-limit",
            type=click.FloatRange(1),
            metavar="X",
            help="Leave out tokens whose hidden state is more than X times the median of their window.",
        ),
        click.option(
            "--skip-first",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            metavar="N",
            help="Leave out the first N tokens of a window.",
        ),
        click.option("--add-bos", is_flag=True, help="Begin every window with the tokenizer's BOS."),
        click.option(
            "--hook",
            type=click.Choice(["resid_post", "resid_pre", "mlp_out", "attn_out"]),
            default="resid_post",
            show_default=True,
            help="Where in block N: after it, before it, or what its MLP or attention adds.",
        ),
    ):
        command = option(command)
    return command


def reader_options(command: Command) -> Command:
    """Instead of an encoder: a reader, a layer and an SAE."""
    for option in (
        reading_options,
        click.option(
            "--memory-check/--no-memory-check",
            default=True,
            show_default=True,
            help="Refuse, before anything is fetched or loaded, an encoder that needs more memory than is free.",
        ),
        click.option(
            "--sae",
            metavar="S",
            help="... and SAE for that layer: folder, file, hub:OWNER/REPOSITORY/FILE or saelens:RELEASE/ID.",
        ),
        click.option("--layer", type=click.IntRange(1), metavar="N", help="... number of its blocks to run,"),
        click.option("--reader", metavar="R", help="Instead of an encoder: reader (folder or hub name),"),
    ):
        command = option(command)
    return command


def device_options(command: Command) -> Command:
    """Where a model runs, and in which number format."""
    for option in (
        click.option(
            "--device-map",
            type=click.Choice(["auto", "balanced", "sequential"]),
            help="Spread a model over several devices (needs accelerate).",
        ),
        click.option(
            "--precision",
            type=click.Choice(["auto", "float32", "bfloat16", "float16", "int8", "nf4"]),
            default="auto",
            show_default=True,
            help="int8 and nf4 quantise the reader's weights (needs bitsandbytes).",
        ),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, mps."),
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


def leave_defaults(options: dict[str, Any], *names: str) -> None:
    """Leave what was not given to the function's own default; "none" alone is an empty choice."""
    for name in names:
        if options[name] == ("none",):
            options[name] = ()
        elif not options[name]:
            del options[name]
