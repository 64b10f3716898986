"""`saedata label`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.options import place, table_options
from saedata_cli.output import check_out, emit, printable, show

if TYPE_CHECKING:
    import polars as pl

    from saedata.endpoint import LanguageModel

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("label")
@click.argument("corpus", metavar="CORPUS")
@click.option("--base-url", metavar="URL", help="OpenAI-compatible endpoint: http://localhost:11434/v1, https://...")
@click.option("--model", "name", metavar="NAME", help="Model behind the URL; with --import: who answered.")
@click.option(
    "--key-variable",
    default="OPENAI_API_KEY",
    show_default=True,
    metavar="VAR",
    help="Environment variable that holds the key.",
)
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Requests at a time.")
@click.option("--timeout", type=float, default=120.0, show_default=True, metavar="S", help="Seconds for one reply.")
@click.option("--retries", type=click.IntRange(0), default=6, show_default=True, help="Attempts after the first.")
@click.option("--local", type=click.Path(path_type=Path), metavar="DIR", help="Instead: folder of a causal model.")
@click.option("--import", "answers", multiple=True, type=_FILE, metavar="FILE", help="Instead: answers.jsonl.")
@click.option(
    "--published",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="Instead: labels of others, as an export of Neuronpedia (files or folder); CORPUS is a frame or encoder.",
)
@click.option("--source", metavar="TEXT", help="Where the published labels are from; default: what they say.")
@click.option("--export", type=_FILE, metavar="FILE", help="Write the prompts without an answer: prompts.jsonl.")
@click.option("--features", metavar="N,N-N", help="Which features; default: all.")
@click.option("--positives", type=click.IntRange(3), default=20, show_default=True, help="Windows with it, shown.")
@click.option("--negatives", type=click.IntRange(0), default=10, show_default=True, help="Windows without it, shown.")
@click.option("--tokens", type=click.IntRange(1), default=1_000_000, show_default=True, help="Most tokens to read.")
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--price", type=(float, float), metavar="IN OUT", help="Of a million tokens, for the estimate.")
@click.option("--journal", type=_FILE, metavar="FILE", help="Keeps the answers; default: in the cache.")
@click.option("--apply", is_flag=True, help="Put the labels into the frame, or into the encoder's folder.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Read only the first N documents.", metavar="N")
@click.option("--role", "roles", multiple=True, default=("assistant",), show_default=True, help="Whose turns to read.")
@click.option("--text", metavar="COL", help="Column with the text.")
@click.option("--encoder", metavar="NAME", help="Name or folder; default: the frame's own, else minilm.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, mps.")
@table_options
def command(
    corpus: str,
    features: str | None,
    price: tuple[float, float] | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    published: tuple[Path, ...],
    source: str | None,
    **options: Any,
) -> None:
    """Write a label for every feature, by a language model that reads where it is on and where it is off.

    CORPUS is text like that in which the labels will be used, or a frame. The estimate is printed before anything is
    asked; without a model that is all. The same command again asks only what is open. With --out FILE the windows shown
    (as hashes) and where the labels are from go into a folder `labels` beside it.

    With --published nobody is asked: labels that others wrote are read, and with --apply put into the frame or beside
    the encoder that CORPUS names; features that they do not name stay without.
    """
    from saedata.labels.adopt import import_labels
    from saedata.labels.explain import label

    check_out(out)
    if published:
        taken = import_labels(corpus, published, source=source, apply=options["apply"])
        emit(taken, out=out, as_json=as_json, people=lambda: _print(taken))
        return
    chosen = None if features is None else _numbers(features)
    model = _model(options)
    labels = label(
        place(corpus),
        model=model,
        features=chosen,
        prices=price,
        folder=out.absolute().parent / "labels" if out is not None else None,
        **options,
    )
    emit(labels, out=out, as_json=as_json, people=lambda: _print(labels))


def _model(options: dict[str, Any]) -> LanguageModel | None:
    """Whom to ask; takes the options that say so out of the others."""
    ways = ("base_url", "name", "key_variable", "concurrency", "timeout", "retries", "local", "answers")
    base_url, name, key, concurrency, timeout, retries, local, answers = (options.pop(way) for way in ways)
    if sum(map(bool, (base_url, local, answers))) > 1:
        msg = "give one of --base-url, --local and --import"
        raise InputError(msg)
    if bool(base_url) and not name:
        msg = "--base-url needs --model NAME, the model to ask there"
        raise InputError(msg)
    if answers:
        from saedata.labels.answerfile import AnswerFile

        return AnswerFile(answers, name=name or "imported")
    if local:
        from saedata.labels.local import LocalModel

        return LocalModel(local, device=options["device"])
    if not base_url:
        return None
    from saedata.labels.client import Endpoint

    return Endpoint(base_url, name, key_variable=key, concurrency=concurrency, timeout=timeout, retries=retries)


def _numbers(features: str) -> list[int]:
    """Numbers and ranges: "3,10-12"."""
    numbers: list[int] = []
    for part in features.split(","):
        low, _, high = part.strip().partition("-")
        if not low.isdecimal() or (high and not high.isdecimal()) or len(low + high) > 18:
            msg = f"--features {features}: give numbers and ranges, such as 3,10-12"
            raise InputError(msg)
        numbers += range(int(low), min(int(high or low), 1 << 24) + 1)
    return numbers


def _print(labels: pl.DataFrame) -> None:
    from rich.table import Table

    table = Table("feature", "label", "kind", "words", box=None, header_style="bold")
    named = labels.filter(labels["label"].is_not_null())
    for row in named.iter_rows(named=True):
        words = ", ".join(row["tokens"] or ())
        table.add_row(str(row["feature"]), printable(row["label"]), row["kind"], printable(words))
    show(table, f"{named.height:,} of {labels.height:,} features have a label")
