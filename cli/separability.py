"""`saedata separability`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata_cli.dataset import counting_options, first_words
from saedata_cli.options import corpus_options, leave_defaults, open_all, table_options
from saedata_cli.output import check_out, emit, emit_beside, number, percent, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    import polars as pl

    from saedata.analysis.separability import Separability
    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked

_MORE = ("concepts", "summary", "units", "held_out", "overlap")
"""Tables that --out writes beside that of the features, where they are not empty."""

_CONCEPTS, _EACH, _DOCUMENTS = 10, 3, 10
_WORDS = 32  # characters of a feature's name where three are listed


def _estimating(command: Command) -> Command:
    """How distances are estimated."""
    for option in (
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals."),
        click.option(
            "--permutations",
            type=int,
            default=200,
            show_default=True,
            help="Of the labels, for what chance gives.",
        ),
        click.option(
            "--spacing",
            type=click.Choice(["quantile", "width"]),
            default="quantile",
            show_default=True,
            help="Bins with equally many values, or of equal width.",
        ),
        click.option("--bins", type=int, default=10, show_default=True, help="Bins of the values, beside off."),
        click.option(
            "--priors",
            type=click.Choice(["uniform", "empirical"]),
            default="uniform",
            show_default=True,
            help="Concepts weigh the same, or as much as they have documents.",
        ),
    ):
        command = option(command)
    return command


def _showing(command: Command) -> Command:
    """What is compared and listed."""
    for option in (
        click.option("--mask", metavar="VALUE", help="Tell too how much of each document speaks for this concept."),
        click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents per feature."),
        click.option(
            "--strongest", type=int, default=50, show_default=True, help="Units of each concept whose overlap is told."
        ),
        click.option(
            "--top", type=click.IntRange(0), default=10, show_default=True, help="Features listed for each concept."
        ),
        click.option(
            "--documents",
            type=int,
            default=20_000,
            show_default=True,
            help="Most documents that are compared with dense units.",
        ),
        click.option(
            "--against",
            multiple=True,
            metavar="UNITS",
            help="Dense units to compare with: dense max, dense mean, dense last; repeat; none. Default: max and mean.",
        ),
    ):
        command = option(command)
    return command


@click.command("separability")
@click.argument("corpus", metavar="FRAME")
@click.option("--label", required=True, metavar="COL", help="Column whose values are the concepts.")
@click.option("--positive", metavar="VALUE", help="One value against all others.")
@_estimating
@_showing
@counting_options
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    mask: str | None,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Tell how well single features separate concepts, and whether dense units do it better.

    --out x.csv writes the features, and x.concepts.csv, x.summary.csv, x.units.csv, x.held_out.csv, x.overlap.csv and
    x.mask.csv beside it.
    """
    from saedata.analysis.separability import separability

    check_out(out)
    leave_defaults(options, "against")
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = separability(frame, **options)
    scores = None if mask is None else _masked(frame, mask, options)
    emit(found.table, out=out, as_json=as_json, people=lambda: _print(found))
    masked = {} if scores is None else {"mask": scores}
    emit_beside({name: getattr(found, name) for name in _MORE} | masked, out=out)
    if out is None and scores is not None and not as_json:
        _print_mask(scores, frame, str(mask))
    draw(plot, lambda: _pictures(found, options["label"]))


def _masked(frame: Embeddings, concept: str, options: dict[str, Any]) -> pl.DataFrame:
    import warnings

    from saedata.analysis.separability import concept_mask

    names = ("label", "positive", "bins", "spacing", "priors", "duplicates", "threshold", "permutations", "seed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # told already
        mask = concept_mask(frame, concept=concept, **{name: options[name] for name in names})
    return mask.scores(frame)


def _pictures(found: Separability, label: str) -> list[Any]:
    from saedata.plots.separability import concept_features_chart, held_out_chart, separation_chart

    return [
        separation_chart(found.units, label=label),
        held_out_chart(found.held_out),
        concept_features_chart(found.concepts),
    ]


def _print(found: Separability) -> None:
    from rich.table import Table

    table = Table("units", box=None, header_style="bold", pad_edge=False)
    for name in ("live", "dead", "mean", "median", "q90", "q99", "max", "by chance", "q < 0.05", "best, held out"):
        table.add_column(name, justify="right")
    for row in found.summary.iter_rows(named=True):
        figures = [_figure(row[name]) for name in ("mean", "q50", "q90", "q99", "max", "baseline")]
        counts = (f"{row['live']:,}", f"{row['dead']:,}")
        table.add_row(row["units"], *counts, *figures, percent(row["separating"]), _figure(row["held_out"]))
    first = found.summary.row(0, named=True)
    show(
        table,
        f"Jensen-Shannon distance of {first['concepts']} concepts in single units, 0 to 1, corrected for chance; "
        f"{first['documents']:,} documents",
        "held out: best unit of each concept, chosen on one half and scored on the other, mean over concepts",
        *_overlaps(found),
    )
    _print_concepts(found.concepts)


def _overlaps(found: Separability) -> list[str]:
    import polars as pl

    shared = found.overlap.group_by("units", maintain_order=True).agg(pl.col("overlap", "chance").mean())
    if shared.is_empty():
        return []
    said = [f"{row['units']} {percent(row['overlap'])} (chance {percent(row['chance'])})" for row in shared.to_dicts()]
    return [f"of the {found.overlap['top'][0]} strongest units two concepts share: {', '.join(said)}"]


def _print_concepts(concepts: pl.DataFrame) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    names = concepts["concept"].unique(maintain_order=True).head(_CONCEPTS)
    rows = concepts.filter(pl.col("concept").is_in(names.implode()), pl.col("rank") <= _EACH)
    if rows.is_empty():
        return
    table = Table(
        "concept", "feature", "js", "interval", "on inside", "on outside", "q", "evidence", box=None, pad_edge=False
    )
    table.header_style = "bold"
    for row in rows.iter_rows(named=True):
        name = printable(row["concept"]) if row["rank"] == 1 else ""
        shares = [percent(row[side]) for side in ("share_inside", "share_outside")]
        cells = [
            name,
            printable(row["label"]),
            _figure(row["js"]),
            f"{row['low']:.3f} to {row['high']:.3f}",
            *shares,
            number(row["q"]),
        ]
        table.add_row(*map(Text, cells), ", ".join(map(str, row["evidence"])))
    more = concepts["concept"].n_unique() - len(names)
    show(table, *([f"{more} more concepts; --out writes all"] if more else []))


def _print_mask(scores: pl.DataFrame, frame: Embeddings, concept: str) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    rows = scores.sort(-pl.col("score"), "doc").head(_DOCUMENTS)
    words = first_words(frame, rows["doc"])
    table = Table("doc", "taken", "text", "features", box=None, header_style="bold", pad_edge=False)
    for row in rows.iter_rows(named=True):
        cells = [
            str(row["doc"]),
            percent(row["score"]),
            words[row["doc"]],
            "; ".join(name[:_WORDS] for name in row["features"]),
        ]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    said = f"what attenuation by the posterior of {concept!r} takes away, most first (APP-style, ours)"
    show(table, f"{said}; mean {percent(float(scores['score'].mean() or 0))}")  # type: ignore[arg-type]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
