"""`saedata diff --hypotheses N`: its options, whom to ask, and how hypotheses are shown."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.output import emit, number, percent, printable, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked

log = logging.getLogger("saedata")

_NAMES = {
    "at_most": "--hypotheses",
    "base_url": "--base-url",
    "model": "--model",
    "local": "--local",
    "documents": "--verify-documents",
    "prices": "--price",
    "journal": "--journal",
    "key_variable": "--key-variable",
    "concurrency": "--concurrency",
    "timeout": "--timeout",
    "retries": "--retries",
}


@dataclass(frozen=True)
class Asked:
    """What was asked for: hypotheses at most, whom to ask (None: nobody was named), and options of `hypotheses`."""

    at_most: int
    model: LanguageModel | None
    options: dict[str, Any]


def hypothesis_options(command: Command) -> Command:
    """Options for hypotheses, named as those of `saedata label` are."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--retries", type=click.IntRange(0), default=6, show_default=True, help="Attempts after the first."
        ),
        click.option(
            "--timeout", type=float, default=120.0, show_default=True, metavar="S", help="Seconds for one reply."
        ),
        click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Requests at a time."),
        click.option(
            "--key-variable",
            default="OPENAI_API_KEY",
            show_default=True,
            metavar="VAR",
            help="Environment variable that holds the key.",
        ),
        click.option("--journal", type=file, metavar="FILE", help="Keeps the model's answers; default: in the cache."),
        click.option("--price", "prices", type=(float, float), metavar="IN OUT", help="Of a million tokens."),
        click.option(
            "--verify-documents",
            "documents",
            type=click.IntRange(1),
            default=200,
            show_default=True,
            metavar="N",
            help="Documents of each side that every hypothesis is judged on.",
        ),
        click.option("--local", type=click.Path(path_type=Path), metavar="DIR", help="Or: folder of a causal model."),
        click.option("--model", metavar="NAME", help="Model behind the URL."),
        click.option(
            "--base-url", metavar="URL", help="OpenAI-compatible endpoint: http://localhost:11434/v1, https://..."
        ),
        click.option(
            "--hypotheses",
            "at_most",
            type=click.IntRange(1),
            metavar="N",
            help="Also write at most N hypotheses in plain language, and verify each on documents.",
        ),
    ):
        command = option(command)
    return command


def take(options: dict[str, Any], *, out: Path | None, as_json: bool, trend: bool) -> Asked | None:
    """Take the options for hypotheses out of the others, and refuse what does not go together.

    Returns
    -------
    Asked or None
        None where no hypotheses were asked for.
    """
    given = {name: options.pop(name) for name in _NAMES}
    at_most = given.pop("at_most")
    if at_most is None:
        if said := [_NAMES[name] for name in ("base_url", "model", "local", "prices", "journal") if given[name]]:
            msg = f"{said[0]} goes with --hypotheses N, how many to write at most"
            raise InputError(msg)
        return None
    if trend:
        msg = "--hypotheses goes without --trend"
        raise InputError(msg)
    if as_json and out is None:
        msg = "--json prints one table; with --hypotheses give --out FILE too, and they go into a second file"
        raise InputError(msg)
    return Asked(at_most, _model(given), {name: given[name] for name in ("documents", "prices", "journal")})


def _model(given: dict[str, Any]) -> LanguageModel | None:
    if given["base_url"] and given["local"]:
        msg = "give one of --base-url and --local"
        raise InputError(msg)
    if bool(given["base_url"]) != bool(given["model"]):
        msg = "--base-url URL and --model NAME, the model to ask there, go together"
        raise InputError(msg)
    if given["local"]:
        from saedata.labels.local import LocalModel

        return LocalModel(given["local"])
    if not given["base_url"]:
        return None
    from saedata.labels.client import Endpoint

    way = {name: given[name] for name in ("key_variable", "concurrency", "timeout", "retries")}
    return Endpoint(given["base_url"], given["model"], **way)


def hypothesise(
    asked: Asked | None, frames: Sequence[Embeddings], found: pl.DataFrame, options: dict[str, Any], out: Path | None
) -> None:
    """Write hypotheses about what was found: beside `out`, or for people.

    Parameters
    ----------
    asked
        From `take`; None: nothing is done.
    frames, found, options
        What `diff` compared, its result, and its options.
    out
        Where its result went.
    """
    if asked is None:
        return
    if asked.model is None:
        log.warning(
            "no hypotheses: they need a language model, so give --base-url URL --model NAME, or --local DIR; "
            "the differences stand without them"
        )
        return
    from saedata.hypothesising import hypotheses

    if options["adjust"]:
        log.warning("hypotheses are verified by plain shares, which are not adjusted for %s", options["adjust"])
    same = ("by", "pair", "cluster", "duplicates", "level", "seed")
    result = hypotheses(
        *frames,
        model=asked.model,
        differences=found,
        at_most=asked.at_most,
        **{name: options[name] for name in same},
        **asked.options,
    )
    beside = None if out is None else out.with_suffix(f".hypotheses{out.suffix}")
    emit(result.table, out=beside, as_json=False, people=lambda: _print(result.table))


def _print(found: pl.DataFrame) -> None:
    from rich.table import Table
    from rich.text import Text

    grouped = "group" in found.columns
    table = Table(*(["group"] if grouped else []), "hypothesis", box=None, header_style="bold", pad_edge=False)
    for name in ("target", "other", "difference", "interval", "q", "unsure"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in found.iter_rows(named=True):
        cells = [*([row["group"]] if grouped else []), row["hypothesis"], *_figures(row), row["verdict"]]
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    counts = found.select("target_documents", "other_documents")
    most = [int(count or 0) for count in counts.max().row(0)] if found.height else [0, 0]
    show(
        table,
        f"{(found['verdict'] == 'confirmed').sum()} of {found.height} hypotheses confirmed on up to {most[0]:,} and "
        f"{most[1]:,} documents, which the judge saw one by one without their side; unsure counts as no",
    )


def _figures(row: dict[str, Any]) -> list[str]:
    """Shares, difference, interval, q and how many answers are unsure; nothing where there are no answers."""
    unsure = f"{row['target_unsure'] + row['other_unsure']:,}"
    if row["difference"] is None:
        return ["", "", "", "", "", unsure]
    points = [f"{100 * row[name]:+.1f}" for name in ("difference", "low", "high")]
    shares = [percent(row["target"]), percent(row["other"])]
    return [*shares, points[0], f"{points[1]} to {points[2]}", number(row["q"]), unsure]
