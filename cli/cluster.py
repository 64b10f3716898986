"""`saedata cluster`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata_cli.choosing import asked_model, choice_options
from saedata_cli.dataset import counting_options, first_words
from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import brief, check_out, emit, emit_beside, percent, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.analysis.cluster import Clustering
    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked

_MORE = ("clusters", "descriptions", "tree", "features", "agreement", "stability", "summary")
"""Tables that --out writes beside the documents, where they are not empty."""

_SHOWN = 8


def _grouping(command: Command) -> Command:
    """How documents are compared and grouped."""
    for option in (
        click.option("--neighbours", type=int, metavar="N", help="Of each document, for map and graph; default: 15."),
        click.option(
            "--weights",
            metavar="equal|rare|near|FILE",
            help="What a feature counts: 1, density ** -0.5, the more the nearer to --about (the default with it), "
            "or a table with the columns feature and weight.",
        ),
        click.option("--binary/--values", default=True, show_default=True, help="Compare on and off, or activations."),
        click.option("--similarity", type=click.Choice(["jaccard", "cosine"]), default="jaccard", show_default=True),
        click.option(
            "--noise",
            type=click.Choice(["keep", "assign"]),
            default="keep",
            show_default=True,
            help="Documents in no dense group: keep them apart, or give them to their neighbours' clusters.",
        ),
        click.option(
            "--resolution", type=float, default=1.0, show_default=True, help="Of leiden: larger, more groups."
        ),
        click.option("--smallest", type=int, metavar="N", help="Documents of the smallest group; default: 1 %, 10."),
        click.option(
            "--method",
            type=click.Choice(["auto", "hdbscan", "spectral", "kmeans", "leiden"]),
            default="auto",
            show_default=True,
            help="auto: hdbscan; with --clusters spectral, above 20,000 documents kmeans.",
        ),
        click.option("--clusters", type=int, metavar="N", help="How many; default: as many as there are."),
    ):
        command = option(command)
    return command


@click.command("cluster")
@click.argument("corpus", metavar="FRAME")
@click.option("--about", multiple=True, metavar="TEXT", help="In what groups shall differ, e.g. tone; repeat.")
@choice_options
@_grouping
@click.option("--held-out", is_flag=True, help="Test descriptions in documents that the clusters were not made from.")
@click.option("--agree", "columns", multiple=True, metavar="COL", help="Compare clusters with a column; repeat.")
@click.option(
    "--stability", type=int, metavar="N", help="Subsamples to group again; default: 20 up to 2,000 documents."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Clusters to print.")
@counting_options
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Group documents by their features, or by those that are about what you name.

    --out x.csv writes the documents, and x.clusters.csv, x.descriptions.csv and so on beside it.
    """
    from saedata.analysis.cluster import cluster

    check_out(out)
    model = asked_model(options)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = cluster(frame, model=model, **options)
    emit(found.documents, out=out, as_json=as_json, people=lambda: _print(found, frame, top))
    emit_beside({name: getattr(found, name) for name in _MORE}, out=out)
    draw(plot, lambda: _pictures(found, frame))


def _pictures(found: Clustering, frame: Embeddings) -> list[Any]:
    from saedata.plots.cluster import cluster_heat_map, cluster_map

    texts = frame.scan_documents().select("doc", "text").collect()
    return [
        cluster_map(found.documents, found.clusters, texts=texts),
        cluster_heat_map(found.descriptions, found.clusters),
    ]


def _print(found: Clustering, frame: Embeddings, top: int) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    table = Table("cluster", "documents", "share", box=None, header_style="bold", pad_edge=False)
    for name in ("name", "features", "typical document"):
        table.add_column(name)
    clusters = found.clusters.filter(pl.col("cluster") >= 0)
    shown = pl.concat([clusters.head(top), found.clusters.filter(pl.col("cluster") < 0)])
    words = first_words(frame, shown["typical"].explode().drop_nulls())
    for row in shown.iter_rows(named=True):
        cells = [str(row["cluster"]), f"{row['documents']:,}", percent(row["share"]), row["name"]]
        cells += ["; ".join(map(brief, row["features"][:3])), words[row["typical"][0]] if row["typical"] else ""]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    show(table, *_notes(found, clusters.height, min(top, clusters.height)))


def _notes(found: Clustering, clusters: int, shown: int) -> list[str]:
    """What is said under the table."""
    import polars as pl

    about = found.summary.row(0, named=True)
    notes = [
        f"{clusters:,} clusters of {about['documents']:,} documents by {about['method']}, {shown:,} shown; "
        f"{percent(about['noise'])} in no cluster"
    ]
    if about["outside"]:
        notes.append(f"{percent(about['outside'])} of the documents have none of the chosen features on: group -2")
    phrases = found.features.filter(pl.col("phrase").is_not_null() | pl.lit(about["features"] <= _SHOWN))
    if phrases.height:
        labels = "; ".join(map(brief, phrases["label"].head(_SHOWN)))
        more = f" and {phrases.height - _SHOWN:,} more" if phrases.height > _SHOWN else ""
        notes.append(f"compared by {about['features']:,} features: {labels}{more}")
    notes += [
        f"agreement with {row['column']}: ARI {row['ari']:.3f}, AMI {row['ami']:.3f}"
        for row in found.agreement.drop_nulls("ari").iter_rows(named=True)
    ]
    if about["ari"] is None:
        notes.append("stability was not measured; --stability 20 groups 20 subsamples")
    else:
        notes.append(f"stability: mean ARI {about['ari']:.3f} over {found.stability.height} subsamples of 80 %")
    if about["held_out"]:
        listed = found.descriptions.height
        significant = found.descriptions.filter(pl.col("q") < 0.05).height
        notes.append(f"{significant:,} of {listed:,} differences listed are at q < 0.05 in held-out documents")
    else:
        notes.append("clusters were made from these features in these documents: q describes; --held-out tests")
    return notes
