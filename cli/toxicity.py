"""`saedata toxicity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.options import corpus_options, leave_defaults, open_all, table_options
from saedata_cli.output import check_out, check_save, emit, emit_beside, percent, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from saedata.analysis.toxicity import Toxicity

Command = Any  # click's decorators are untyped where they are stacked

_MORE = ("features", "overlap", "efficiency", "fairness", "layers", "curves", "leaks")
"""Tables that --out writes beside the figures, where they are not empty."""

_FEATURES = 3


def _fitting(command: Command) -> Command:
    """How rules, heads and baselines are fitted."""
    for option in (
        click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals."),
        click.option("--resamples", type=int, default=1000, show_default=True, help="Of the bootstrap."),
        click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents per feature."),
        click.option("--repeats", type=int, default=3, show_default=True, help="Parts of each size to learn from."),
        click.option("--documents", type=int, default=10_000, show_default=True, help="Most of each language."),
        click.option("--efficiency/--no-efficiency", default=True, help="Learn again from 1, 3, 10 and 30 %."),
        click.option("--transfer/--no-transfer", default=True, help="Judge each language's detectors on the others."),
        click.option("--identity", type=click.Path(path_type=Path), metavar="FILE", help="Words for groups of people."),
        click.option("--lexicon", type=click.Path(path_type=Path), metavar="FILE", help="Toxic words, as a baseline."),
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            metavar="NAME",
            help="Only this; may be repeated; none: no baseline. Default: dense, character TF-IDF, learned lexicon.",
        ),
        click.option("--head-k", "head_ks", multiple=True, type=int, metavar="K", help="1, 2, 5, 10, 64, 256, 1024."),
        click.option(
            "--k", "ks", multiple=True, type=int, metavar="K", help="Features of a rule; repeat. 1, 2, 5, 10."
        ),
    ):
        command = option(command)
    return command


def _splitting(command: Command) -> Command:
    """Which documents choose and which judge."""
    for option in (
        click.option(
            "--leaks",
            type=click.Choice(["keep", "drop"]),
            default="keep",
            show_default=True,
            help="Evaluation documents that are in the discovery too: keep them and warn, or drop them.",
        ),
        click.option("--test", type=float, default=0.2, show_default=True, help="Share of the documents that judge."),
        click.option("--split", metavar="COL", help="Column that says train or test; default: by a hash of the text."),
    ):
        command = option(command)
    return command


def _saving(command: Command) -> Command:
    """Detectors and spans."""
    for option in (
        click.option("--spans", is_flag=True, help="With --out x.csv: toxic spans of every document, in x.spans.csv."),
        click.option(
            "--save-kind",
            type=click.Choice(["head", "rule"]),
            default="head",
            show_default=True,
            help="Logistic regression, or any of a few features.",
        ),
        click.option("--save-language", metavar="NAME", help="Whose detector; default: of all languages."),
        click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write one: .json, for classify."),
    ):
        command = option(command)
    return command


@click.command("toxicity")
@click.argument("corpora", metavar="FRAME...", nargs=-1, required=True)
@click.option("--label", required=True, metavar="COL", help="Column that says what is toxic.")
@click.option("--language", metavar="COL", help="Column with the language; default: one for all.")
@click.option("--positive", metavar="VALUE", help="The value that is toxic, against all others.")
@_splitting
@_fitting
@click.option("--seed", type=int, default=0, show_default=True)
@_saving
@corpus_options
@table_options
@plot_option
def command(
    corpora: tuple[str, ...],
    save: Path | None,
    save_language: str | None,
    save_kind: Any,
    spans: bool,  # noqa: FBT001
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Tell what is toxic in each language, by few features, beside dense vectors and words.

    Several FRAMEs are layers of one corpus, of which the best is chosen. --out x.csv writes the figures, and
    x.features.csv, x.overlap.csv, x.efficiency.csv, x.fairness.csv, x.layers.csv, x.curves.csv, x.leaks.csv beside it.
    """
    from saedata.analysis.toxicity import toxicity

    check_out(out)
    _check_save(save, out, spans=spans)
    leave_defaults(options, "ks", "head_ks", "baselines")
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = toxicity(frames, **options)
    if save is not None:
        found.save(save, language=save_language, kind=save_kind)
        click.echo(f"{save}: the {save_kind} of {save_language or 'all languages'}", err=True)
    emit(found.table, out=out, as_json=as_json, people=lambda: _print(found))
    emit_beside({name: getattr(found, name) for name in _MORE}, out=out)
    if out is not None and spans:
        emit(found.spans(language=save_language), out=out.with_suffix(f".spans{out.suffix}"), as_json=False)
    draw(plot, lambda: _pictures(found))


def _check_save(save: Path | None, out: Path | None, *, spans: bool) -> None:
    """Refuse what cannot be written, before any work is done."""
    check_save(save)
    if spans and out is None:
        msg = "--spans needs --out FILE, beside which they are written"
        raise InputError(msg)


def _pictures(found: Toxicity) -> list[Any]:
    from saedata.plots.toxicity import efficiency_chart, precision_chart, toxic_roc_chart, transfer_chart

    charts = [transfer_chart(found.table)] if found.overlap.height else []
    charts += [toxic_roc_chart(found.curves, found.table), precision_chart(found.curves, found.table)]
    return [*charts, efficiency_chart(found.efficiency)] if found.efficiency.height else charts


def _print(found: Toxicity) -> None:
    import polars as pl
    from rich.table import Table

    same = pl.col("train_language") == pl.col("test_language")
    mean = (pl.col("train_language") == "each its own") & pl.col("best") & pl.col("k").is_null()
    # of one language there is no mean
    own = found.table.filter((same | mean) & pl.col("best"))
    methods = own["method"].unique(maintain_order=True).to_list()
    table = Table("language", box=None, header_style="bold", pad_edge=False)
    for name in (*methods, "AUC of the head"):
        table.add_column(name, justify="right")
    tested = own["test_language"].unique(maintain_order=True).to_list()
    for language in sorted(tested, key=lambda name: name == "mean"):
        rows = {row["method"]: row for row in own.filter(pl.col("test_language") == language).iter_rows(named=True)}
        cells = [_cell(rows.get(name)) for name in methods]
        table.add_row(printable(language), *cells, f"{rows['head']['auc']:.3f}" if "head" in rows else "")
    show(table, *_notes(found))
    _print_features(found)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["f1"] is None:
        return ""
    if row["method"] not in ("OR rule", "head"):
        return f"{row['f1']:.3f}"
    k = f" k={row['k']}" if row["k"] else ""
    return f"{row['f1']:.3f} ({row['low']:.3f} to {row['high']:.3f}){k}"


def _notes(found: Toxicity) -> list[str]:
    import polars as pl

    notes = ["F1 of the toxic class on evaluation documents (bootstrap intervals); all is chosen on the discovery"]
    for name in ("all others", "all languages"):
        means = found.table.filter(pl.col("train_language") == name, pl.col("test_language") == "mean")
        said = ", ".join(f"{method} {f1:.3f}" for method, f1 in means.select("method", "f1").iter_rows())
        if said:
            notes.append(f"learnt from {name}, mean over languages: {said}")
    sides = found.fairness.filter(pl.col("method") == "head", pl.col("difference").is_not_null())
    if sides.height:
        row = sides.row(-1, named=True)
        notes.append(
            f"clean documents said to be toxic by the head: {percent(row['fpr_mentioned'])} of {row['mentioned']:,} "
            f"that mention an identity, {percent(row['fpr_others'])} of {row['others']:,} that do not (difference "
            f"{row['low']:+.3f} to {row['high']:+.3f})"
        )
    if found.layers.height:
        row = found.layers.filter("chosen").row(0, named=True)
        notes.append(f"layer {row['layer']} ({row['frame']}) was chosen of {found.layers['frame'].n_unique()}")
    if found.leaks.height:
        notes.append(f"{found.leaks.height:,} evaluation documents are in the discovery too, equal or nearly")
    return notes


def _print_features(found: Toxicity) -> None:
    from rich.table import Table
    from rich.text import Text

    top = found.features.filter(found.features["rank"] <= _FEATURES)
    table = Table("language", "feature", box=None, header_style="bold", pad_edge=False)
    for name in ("toxic", "clean", "difference"):
        table.add_column(name, justify="right")
    table.add_column("evidence")
    for row in top.iter_rows(named=True):
        cells = [printable(row["language"]), printable(row["label"]), percent(row["toxic"]), percent(row["clean"])]
        cells += [f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"]
        table.add_row(*(Text(cell) for cell in cells), ", ".join(map(str, row["evidence"])))
    show(table, f"features whose shares differ most between toxic and clean discovery documents, {_FEATURES} each")
