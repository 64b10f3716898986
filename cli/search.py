"""`saedata search`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.choosing import asked_model, choice_options
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import brief, check_out, emit, excerpt, show, told

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


Command = Any  # click's decorators are untyped where they are stacked

_SNIPPET = 45
_NAMED = 3  # features of a document that are printed
_CHOSEN = 12  # features of the query that are printed


def reading_options(command: Command) -> Command:
    """`corpus_options` without --limit, which is about documents found here."""
    command = corpus_options(command)
    params = command.__click_params__
    params[:] = [one for one in params if one.name != "limit"]
    return command


def read_weights(_context: click.Context, _option: click.Parameter, text: str | None) -> dict[str, float] | None:
    """What is typed for --weights, as `search` takes it."""
    if text is None:
        return None
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, sign, number = (piece.strip() for piece in part.partition("="))
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not (name and sign) or math.isnan(weight) or name in weights:
            msg = f"--weights is {text!r}; name each ranking once, with a number: sae=0.3,dense=1,bm25=0.1"
            raise InputError(msg)
        weights[name] = weight
    return weights


@click.command("search")
@click.argument("corpus", metavar="FRAME")
@click.argument("query", default="", metavar="[QUERY]")
@click.option(
    "--method",
    default="fusion",
    show_default=True,
    metavar="METHOD",
    help="fusion, sae, dense, bm25, or several joined by +.",
)
@click.option(
    "--weights",
    callback=read_weights,
    metavar="NAME=W,...",
    help="What rankings count in a fusion; default: sae=0.3,dense=1,bm25=0.1.",
)
@click.option(
    "--feedback",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Learn the features that matter from the N best documents of a first search, e.g. 100 of some thousand.",
)
@click.option("--like", multiple=True, type=int, metavar="DOC", help="More like this document; may be repeated.")
@click.option("--where", "conditions", multiple=True, metavar="COL=VALUE", help="Also != < <= > >=; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Documents to find.")
@click.option("--temperature", type=float, default=0.2, show_default=True, help="Lower: the first features count more.")
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Write a page with marked texts: .html.")
@choice_options
@reading_options
@table_options
def command(
    corpus: str,
    query: str,
    conditions: tuple[str, ...],
    plot: str | None,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Find the documents that have a property, and see which features say so, and where.

    QUERY is a phrase, or phrases joined by AND, OR, NOT and parentheses: '"hedging" AND NOT "code"'.
    """
    from saedata.analysis.search import search
    from saedata.plots.search import check_page, save_hits

    check_out(out)
    if plot is not None:
        check_page(plot)
    model = asked_model(options)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=None)
    with told():
        found = search(frame, query, filter=conditions or None, model=model, **options)
    if plot is not None:
        save_hits(found, plot, query=query)
        click.echo(f"{plot}: {found.height:,} documents", err=True)
    flat = out is not None and out.suffix == ".csv"
    emit(_flat(found) if flat else found, out=out, as_json=as_json, people=lambda: _print(found))


def _flat(found: pl.DataFrame) -> pl.DataFrame:
    """The table as CSV can hold it: labels of the features, and what else is nested as JSON."""
    import polars as pl

    labels = pl.col("features").list.eval(pl.element().struct.field("label")).list.join("; ")
    structs = [name for name, kind in found.schema.items() if isinstance(kind, pl.Struct)]
    lists = [
        name
        for name, kind in found.schema.items()
        if isinstance(kind, pl.List | pl.Array) and kind.inner.is_nested() and name != "features"
    ]
    wrapped = [pl.struct(name).struct.json_encode().alias(name) for name in lists]
    return found.with_columns(labels, *(pl.col(name).struct.json_encode() for name in structs), *wrapped)


def _print(found: pl.DataFrame) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "doc", "score", "text", "what says so", box=None, header_style="bold", pad_edge=False)
    for place, row in enumerate(found.iter_rows(named=True), 1):
        labels = "; ".join(brief(one["label"]) for one in row["features"][:_NAMED])
        cells = [str(place), str(row["doc"]), f"{row['score']:.4g}"]
        table.add_row(*(Text(cell) for cell in cells), _snippet(row), Text(labels, style="dim"))
    show(table, *_notes(found))


def _snippet(row: dict[str, Any]) -> Any:
    """Text around the strongest token of the first feature; without one its beginning."""
    from rich.text import Text

    text = row["text"] or ""
    best = row["features"][0] if row["features"] else {"start": 0, "stop": 0}
    start, stop = best["start"], best["stop"]
    before, word, after = excerpt(text, start, stop, width=_SNIPPET if stop else 2 * _SNIPPET)
    cut = "…" if len(before) < start else "", "…" if stop + len(after) < len(text) else ""
    return Text.assemble(cut[0], before, (word, "bold yellow"), after, cut[1])


def _notes(found: pl.DataFrame) -> list[str]:
    """How many were found, and the features of the query that speak for most of them."""
    import polars as pl

    notes = [f"{found.height:,} documents, the best first"]
    if found["features"].list.len().sum():
        chosen = found.explode("features").unnest("features").drop_nulls("feature")
        often = chosen.group_by("label").agg(pl.len(), pl.col("weight").max()).sort(-pl.col("weight"), "label")
        labels = "; ".join(brief(label) for label in often["label"].head(_CHOSEN))
        notes.append(f"features that say so, those of most weight in the query first: {labels}")
    return notes
