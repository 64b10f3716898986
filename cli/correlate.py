"""`saedata correlate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import check_out, emit, excerpt, number, percent, printable, show
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked

_SNIPPET = 24


def reading_options(command: Command) -> Command:
    """`corpus_options`, but --limit is about pairs here, and how much is read has a name of its own."""
    command = corpus_options(command)
    params = command.__click_params__
    params[:] = [one for one in params if one.name != "limit"]
    return click.option(
        "--limit-documents",
        type=click.IntRange(1),
        metavar="N",
        help="Read only the first N documents of a raw corpus (what --limit is elsewhere).",
    )(command)


def pair_options(command: Command) -> Command:
    """Options that `correlate` and `audit` share."""
    for option in (
        click.option(
            "--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print."
        ),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents per pair."),
        click.option(
            "--max-similarity", type=float, metavar="COS", help="Leave out pairs whose labels are more alike."
        ),
        click.option("--level", type=float, default=0.05, show_default=True, help="What q must be below."),
        click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's."),
        click.option(
            "--duplicates",
            type=click.Choice(["once", "keep"]),
            default="once",
            show_default=True,
            help="Exact duplicate documents count once, or each.",
        ),
        click.option(
            "--strata",
            type=click.IntRange(1),
            default=10,
            show_default=True,
            metavar="N",
            help="Compare within N strata of document length; 1: all together.",
        ),
        click.option(
            "--min-documents",
            type=click.IntRange(1),
            default=10,
            show_default=True,
            metavar="N",
            help="Test features that are on in so many (with --cluster, in so many clusters).",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=1000,
            show_default=True,
            metavar="N",
            help="Rows of the result, all pairs being tested; for documents to read see --limit-documents.",
        ),
        click.option(
            "--cluster", metavar="COL", help="Documents of equal value are not independent, such as an author's."
        ),
        click.option(
            "--direction",
            type=click.Choice(["both", "together", "apart"]),
            default="both",
            show_default=True,
            help="Pairs on together more often than expected, less often, or both.",
        ),
    ):
        command = option(command)
    return command


@click.command("correlate")
@click.argument("corpus")
@click.option(
    "--column", "columns", multiple=True, metavar="COL", help="Features against this column; may be repeated."
)
@click.option(
    "--max-touching",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Leave out pairs that are on the same or adjacent tokens more often.",
)
@click.option("--groups", is_flag=True, help="Collect the features of the result into concept groups.")
@pair_options
@reading_options
@table_options
@plot_option
def command(
    corpus: str,
    columns: tuple[str, ...],
    groups: bool,  # noqa: FBT001
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit_documents: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Find features that go together, or keep apart, more than the lengths of documents explain.

    The most interesting pairs come first: much together, with unlike labels. With --column, features are held
    against the values of columns instead.
    """
    from saedata.analysis.correlate import concept_groups, correlate, correlate_columns

    check_out(out)
    if columns and options["cluster"]:
        msg = "--cluster goes without --column: columns are tested document by document"
        raise InputError(msg)
    frames = open_all((corpus,), encoder=encoder, text=text, roles=roles, limit=limit_documents)
    level = options["level"]
    if columns:
        shared = ("min_documents", "limit", "strata", "duplicates", "threshold", "evidence")
        found = correlate_columns(frames[0], columns, **{name: options[name] for name in shared})
        emit(found, out=out, as_json=as_json, people=lambda: _print_columns(found, frames[0], top, level))
        draw(plot, lambda: [_plots().column_chart(found, alpha=level)])
        return
    pairs = correlate(frames[0], **options)
    if groups:
        members = concept_groups(pairs, level=level, seed=options["seed"])
        emit(members, out=out, as_json=as_json, people=lambda: _print_groups(members, top))
        draw(plot, lambda: [_plots().concept_chart(pairs, members, alpha=level, seed=options["seed"])])
        return
    emit(pairs, out=out, as_json=as_json, people=lambda: print_pairs(pairs, frames, top, level))
    draw(plot, lambda: [chart(pairs, alpha=level) for chart in (_plots().pair_chart, _plots().link_chart)])


def _plots() -> Any:
    from saedata import plots

    return plots


def print_pairs(found: pl.DataFrame, frames: Sequence[Embeddings], top: int, level: float) -> None:
    """Show the first pairs to people; `frames` are where a and b are on, or the one frame of both."""
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    heads = ("prompt", "response") if len(frames) == 2 else ("a", "b")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for name in ("NPMI", "lift", "both", "expected", "similarity", "q"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("where they are strongest")
    significant = found.filter(pl.col("q") < level)
    shown = significant.head(top)
    texts = _texts(shown, frames)
    for row in shown.iter_rows(named=True):
        cells = [printable(row["label_a"]), printable(row["label_b"]), f"{row['npmi']:+.2f}", f"{row['lift']:.1f}"]
        cells += [f"{row['documents']:,}", f"{row['expected']:,.1f}", _optional(row["label_similarity"])]
        table.add_row(*(Text(cell) for cell in [*cells, number(row["q"])]), _snippets(row, texts))
    tested = found["tested"][0] if found.height else 0
    show(
        table,
        f"{tested:,} pairs of features tested; {significant.height:,} of the {found.height:,} rows have q < {level:g} "
        f"(Benjamini-Hochberg); {shown.height:,} shown",
    )


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _texts(shown: pl.DataFrame, frames: Sequence[Embeddings]) -> list[dict[int, str]]:
    """Texts of each row's first document, by number, for a and for b."""
    import polars as pl

    texts = []
    for side, frame in zip("ab", (frames[0], frames[-1]), strict=True):
        docs = shown["evidence"].list.first().struct.field(f"doc_{side}").drop_nulls().unique().implode()
        table = frame.scan_documents().filter(pl.col("doc").is_in(docs)).select("doc", pl.col("text").fill_null(""))
        texts.append(dict(table.collect().iter_rows()))
    return texts


def _snippets(row: dict[str, Any], texts: list[dict[int, str]]) -> Any:
    """Text around the strongest token of a, and around that of b, in the same document."""
    from rich.text import Text

    if not row["evidence"]:
        return Text("")
    best = row["evidence"][0]
    parts: list[Any] = []
    for side, by_number in zip("ab", texts, strict=True):
        text, start, stop = by_number[best[f"doc_{side}"]], best[f"start_{side}"], best[f"stop_{side}"]
        before, word, after = excerpt(text, start, stop, width=_SNIPPET)
        parts += [before, (word, "bold yellow"), after, " | "]
    return Text.assemble(*parts[:-1])


def _print_columns(found: pl.DataFrame, frame: Embeddings, top: int, level: float) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    table = Table("column", "value", "label", box=None, header_style="bold", pad_edge=False)
    for name in ("correlation", "with value", "lift", "q"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("where it is strongest")
    significant = found.filter(pl.col("q") < level)
    shown = significant.head(top)
    for row, quote in zip(shown.iter_rows(named=True), _quotes(shown, frame), strict=True):
        share = row["p_feature_given_value"]
        cells = [row["column"], row["value"] or "", row["label"], f"{row['correlation']:+.2f}"]
        cells += ["" if share is None else percent(share), _optional(row["lift"]), number(row["q"])]
        table.add_row(*(Text(printable(cell)) for cell in cells), quote)
    tested = found["tested"][0] if found.height else 0
    show(table, f"{tested:,} tests; {significant.height:,} of the {found.height:,} rows have q < {level:g}")


def _quotes(shown: pl.DataFrame, frame: Embeddings) -> list[Any]:
    """Text around the strongest token of each row's first document; one reading for all rows."""
    import polars as pl
    from rich.text import Text

    rows = shown.with_row_index("at").filter(pl.col("evidence").list.len() > 0)
    found = frame.passages(rows["feature"].to_list(), rows["evidence"].list.first().to_list())
    quotes = [Text("")] * shown.height
    for at, row in zip(rows["at"].to_list(), found.iter_rows(named=True), strict=True):
        before, word, after = excerpt(row["text"] or "", row["start"], row["stop"], width=_SNIPPET)
        quotes[at] = Text.assemble(before, (word, "bold yellow"), after)
    return quotes


def _print_groups(found: pl.DataFrame, top: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("group", "features", "strongest", box=None, header_style="bold", pad_edge=False)
    groups = found.group_by("group", maintain_order=True).agg("label")
    for number_, names in groups.head(top).iter_rows():
        table.add_row(str(number_), f"{len(names):,}", Text(printable("; ".join(names[:6]))))
    show(table, f"{groups.height:,} groups of {found.height:,} features")
