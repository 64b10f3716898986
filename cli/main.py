"""The `saedata` command: finds the subcommand, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import importlib
import logging
import os
import sys

# Before polars is loaded: its allocator would otherwise keep what every shard needed for a while.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")

import click

from saedata.errors import SaedataError

_COMMANDS = {  # in the order of a user's first day; each is imported only when it runs
    "report": "Write one HTML file that tells how corpora differ.",
    "app": "Look at corpora in the browser.",
    "embed": "Turn a corpus into a sparse frame on disk.",
    "diff": "Compare corpora feature by feature.",
    "correlate": "Find features that go together, or avoid each other, more than chance explains.",
    "audit": "Find what in the prompts goes with which habit in the responses.",
    "cluster": "Group documents, by all features or along an axis that you name.",
    "search": "Find the documents that have a property.",
    "probe": "Tell what predicts a label: few features, beside dense vectors and words.",
    "separability": "Tell how well single features separate concepts, beside single dense units.",
    "toxicity": "Tell what is toxic in each language, by few features, beside dense vectors and words.",
    "languages": "Find the features that are on in one language and nowhere else.",
    "classify": "Score documents with a saved probe or detector.",
    "features": "List the features of a frame.",
    "families": "List features that are nearly the same, and those that are always or never on.",
    "label": "Write a label for every feature, with a language model.",
    "select": "Choose the documents that keep most of a corpus's variety.",
    "coverage": "Tell how many features a corpus turns on, and how redundant it is.",
    "overlap": "Tell how much of one corpus is in another.",
    "scores": "Score each document by its features, to filter data by.",
    "duplicates": "Find documents that are nearly the same.",
    "encoders": "List the encoders that have a name.",
    "check-encoder": "Check that reader, layer and SAE belong together.",
    "train": "Train an SAE for a reader on your own text.",
    "evaluate-sae": "Measure an SAE on some text.",
    "verify": "Check a frame's files against its manifest.",
}


class _Group(click.Group):
    """A group that imports a subcommand only when it is asked for, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"saedata_cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and close:
            ctx.fail(f"There is no command '{args[0]}'. Did you mean '{close[0]}'?")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="saedata", prog_name="saedata")
def cli() -> None:
    """See what is in a pile of text before you trust it.

    A CORPUS is a file (Parquet, JSONL, JSON, CSV, TSV, text; .gz and .zst too), a folder, a glob, - for standard
    input, or a sparse frame that `saedata embed` wrote. Raw corpora are embedded into a cache first.
    """


def main() -> None:
    """Run the command line; exit code 0, 1 for failures, 2 for usage and data errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("saedata").addHandler(handler)
    logging.getLogger("saedata").setLevel(logging.INFO)
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SaedataError as error:
        click.echo(f"saedata: {error}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("saedata: stopped; the same command goes on from here", err=True)
        code = 130
    except BrokenPipeError:  # the reader of our output, head for one, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
