"""`saedata languages`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, leave_defaults, open_all, table_options
from saedata_cli.output import check_out, check_save, emit, emit_beside, percent, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    import polars as pl

    from saedata.analysis.languages import Languages

Command = Any  # click's decorators are untyped where they are stacked

_MORE = ("dropped", "counts", "matrix", "convergence", "identification", "mix", "switching")
"""Tables that --out writes beside the features, where they are not empty."""

_FEATURES, _SWITCHING = 2, 5


def _finding(command: Command) -> Command:
    """What makes a feature one of a language."""
    for option in (
        click.option(
            "--random-tokens", type=int, default=32, show_default=True, metavar="N", help="... of so many tokens each."
        ),
        click.option(
            "--random-sequences",
            type=int,
            default=256,
            show_default=True,
            metavar="N",
            help="Sequences of random tokens; 0: features are not filtered by them.",
        ),
        click.option("--most", type=int, default=10, show_default=True, help="Features that tell a language, at most."),
        click.option("--tune", is_flag=True, help="Choose shares and --others on held-out training documents instead."),
        click.option(
            "--others",
            type=click.Choice(["largest", "mean"]),
            default="largest",
            show_default=True,
            help="Whether gamma bounds each other language's share, or their mean: close languages may share features.",
        ),
        click.option("--gamma", type=float, default=0.1, show_default=True, help="Largest share of other languages."),
        click.option("--beta", type=float, default=0.1, show_default=True, help="Largest share of random sequences."),
        click.option("--alpha", type=float, default=0.5, show_default=True, help="Least share of the language."),
    ):
        command = option(command)
    return command


def _judging(command: Command) -> Command:
    """Which documents judge, and what beside."""
    for option in (
        click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals."),
        click.option("--resamples", type=int, default=1000, show_default=True, help="Of the bootstrap."),
        click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents per feature."),
        click.option("--repeats", type=int, default=5, show_default=True, help="Choices of few documents."),
        click.option("--documents", type=int, default=2000, show_default=True, help="Most of each language."),
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            metavar="NAME",
            help="Only this; may be repeated; none: no baseline. Default: character n-grams, dense.",
        ),
        click.option("--test", type=float, default=0.2, show_default=True, help="Share of the documents that judge."),
        click.option("--split", metavar="COL", help="Column that says train or test; default: by a hash of the text."),
        click.option("--apply", metavar="CORPUS", help="Ask for the languages of this one instead of FRAME's own."),
    ):
        command = option(command)
    return command


@click.command("languages")
@click.argument("corpus", metavar="FRAME")
@click.option("--language", required=True, metavar="COL", help="Column with the language.")
@_finding
@_judging
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="FILE", help="Write the detector: .json, for classify."
)
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    apply: str | None,
    save: Path | None,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Find the features that are on in one language and nowhere else, and tell languages by them.

    --out x.csv writes the features, and x.dropped.csv, x.counts.csv, x.matrix.csv, x.convergence.csv,
    x.identification.csv, x.mix.csv and x.switching.csv beside it.
    """
    from saedata.analysis.languages import languages

    check_out(out)
    check_save(save)
    leave_defaults(options, "baselines")
    asked = [corpus] if apply is None else [corpus, apply]
    frames = open_all(asked, encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = languages(frames[0], apply=None if apply is None else frames[1], **options)
    if save is not None:
        found.save(save)
        click.echo(f"{save}: a detector of {found.counts.height} languages", err=True)
    emit(found.table, out=out, as_json=as_json, people=lambda: _print(found))
    emit_beside({name: getattr(found, name) for name in _MORE}, out=out)
    draw(plot, lambda: _pictures(found))


def _pictures(found: Languages) -> list[Any]:
    from saedata.plots.languages import convergence_chart, selectivity_chart

    return [selectivity_chart(found.matrix), convergence_chart(found.convergence)]


def _print(found: Languages) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    table = Table("language", "features", "the most selective", box=None, header_style="bold", pad_edge=False)
    for name in ("on", "other languages", "random tokens"):
        table.add_column(name, justify="right")
    for language, count in found.counts.select("language", "features").iter_rows():
        own = found.table.filter(pl.col("language") == language).head(_FEATURES)
        if own.is_empty():
            table.add_row(printable(language), "0", "", "", "", "")
        for place, row in enumerate(own.iter_rows(named=True)):
            shares = [percent(row["share"]), _share(row["share_others"]), _share(row["share_random"])]
            head = [printable(language), f"{count:,}"] if place == 0 else ["", ""]
            table.add_row(*head, Text(printable(row["label"])), *shares)
    limits = found.limits
    rest = "any other language's" if limits.others == "largest" else "the other languages' on average"
    note = (
        f"on in at least {limits.alpha:g} of the language's training documents, in at most {limits.gamma:g} of {rest}"
    )
    if found.table["share_random"].null_count() < found.table.height:
        note += f", and in at most {limits.beta:g} of the random sequences"
    show(table, note)
    _print_identification(found)
    _print_mix(found)


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)


def _print_identification(found: Languages) -> None:
    import polars as pl
    from rich.table import Table

    whole = found.identification.filter(pl.col("scope").is_in(["all languages", "Latin script"]))
    if whole.is_empty():
        return
    table = Table("language of test documents", "scope", box=None, header_style="bold", pad_edge=False)
    for name in ("features", "macro accuracy", "interval"):
        table.add_column(name, justify="right")
    for row in whole.iter_rows(named=True):
        features = "" if row["features"] is None else f"{row['features']:,}"
        cells = [row["method"], f"{row['scope']} ({row['languages']})", features, f"{row['accuracy']:.3f}"]
        table.add_row(*cells, f"{row['low']:.3f} to {row['high']:.3f}")
    show(table)


def _print_mix(found: Languages) -> None:
    from rich.table import Table
    from rich.text import Text

    if found.mix.is_empty():
        return
    said = "; ".join(f"{printable(name)} {percent(share)}" for name, share in _largest(found.mix))
    table = Table("doc", "language", "and", "words", box=None, header_style="bold", pad_edge=False)
    for row in found.switching.head(_SWITCHING).iter_rows(named=True):
        words = printable(", ".join(row["words"][:8]))
        table.add_row(str(row["doc"]), *(Text(printable(row[name])) for name in ("language", "other")), Text(words))
    show(table, f"{found.switching.height:,} documents seem to have a second language; languages told: {said}")


def _largest(mix: pl.DataFrame) -> list[tuple[str, float]]:
    return list(mix.select("language", "share").head(8).iter_rows())
