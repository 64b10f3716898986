"""`saedata families`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata_cli.options import corpus_options, open_all, table_options
from saedata_cli.output import brief, check_out, emit, percent, show

if TYPE_CHECKING:
    import polars as pl

    from saedata.frame import Embeddings

_NAMES = 4
"""Labels printed for a family or a state."""

_NAME = 60
"""Characters of a label that are printed."""


@click.command("families")
@click.argument("corpus", metavar="FRAME")
@click.option(
    "--similarity",
    type=float,
    default=0.5,
    show_default=True,
    help="Decoder cosine from which two features count as alike.",
)
@click.option(
    "--always",
    type=float,
    default=0.95,
    show_default=True,
    help="A feature on in this share of the documents is always on.",
)
@click.option("--threshold", type=float, help="A feature is on above this; default: the encoder's.")
@click.option(
    "--merge",
    "merged",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a frame in which each family is one feature.",
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Families to print.")
@corpus_options
@table_options
@click.pass_context
def command(
    ctx: click.Context,
    corpus: str,
    similarity: float,
    always: float,
    threshold: float | None,
    merged: Path | None,
    top: int,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find features that are never or always on, near-duplicates, and families of features for one concept."""
    from saedata.hygiene import feature_hygiene
    from saedata.merging import merge_families

    check_out(out)
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    chosen = ctx.get_parameter_source("encoder") is not click.core.ParameterSource.DEFAULT
    found = feature_hygiene(
        frame, similarity=similarity, always=always, threshold=threshold, encoder=encoder if chosen else None
    )
    emit(found, out=out, as_json=as_json, people=lambda: _print(found, frame, top, always))
    if merged is not None:
        merge_families(frame, merged, families=found)
        click.echo(f"{merged}: {_merged(found)}", err=True)


def _print(found: pl.DataFrame, frame: Embeddings, top: int, always: float) -> None:
    families = _families(found)
    if families.height:
        show(_family_table(families.head(top)), f"{_merged(found)}; {min(top, families.height):,} largest shown")
    elif found["cosine"].count():
        nearest = found["cosine"].max()
        click.echo(f"no two features are so alike; the most alike that are on have a decoder cosine of {nearest:.2f}\n")
    relations = dict(found["relation"].value_counts().iter_rows())
    show(
        _state_table(found, frame, always),
        f"{relations.get('duplicate', 0):,} features have a near-duplicate (alike, and on in the same documents); "
        f"{relations.get('split', 0):,} share a concept with their twin (alike, and on in different documents)",
    )


def _families(found: pl.DataFrame) -> pl.DataFrame:
    """Families, the largest first: their labels, the densest member's first."""
    import polars as pl

    members = found.filter(pl.col("family").is_not_null()).sort("density", "feature", descending=[True, False])
    families = members.group_by("family", maintain_order=True).agg(
        "label", size=pl.len(), density=pl.col("density").max()
    )
    return families.sort("size", "density", "family", descending=[True, True, False])


def _family_table(families: pl.DataFrame) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("family", box=None, header_style="bold", pad_edge=False)
    for name in ("features", "densest"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("members")
    for row in families.iter_rows(named=True):
        cells = (str(row["family"]), f"{row['size']:,}", percent(row["density"]), _listed(row["label"], row["size"]))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _state_table(found: pl.DataFrame, frame: Embeddings, always: float) -> Any:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    meanings = {
        "always on": f"in at least {percent(always)} of the {frame.n_documents:,} documents",
        "live": "in fewer",
        "never on": "in none",
    }
    table = Table("state", "on", box=None, header_style="bold", pad_edge=False)
    table.add_column("features", justify="right", no_wrap=True)
    table.add_column("such as")
    for state, meaning in meanings.items():
        there = found.filter(pl.col("state") == state).sort("density", "feature", descending=[True, False])
        names = _listed(there["label"].head(_NAMES).to_list(), there.height) if state == "always on" else ""
        table.add_row(*(Text(cell) for cell in (state, meaning, f"{there.height:,}", names)))
    return table


def _merged(found: pl.DataFrame) -> str:
    members = found["family"].drop_nulls()
    count = members.n_unique()
    families = "family" if count == 1 else "families"
    return f"{count:,} {families} of {len(members):,} features, of {found.height:,} in all"


def _listed(labels: list[str], size: int) -> str:
    """The first labels, and how many more there are."""
    shown = [brief(label, _NAME) for label in labels[:_NAMES]]
    more = size - len(shown)
    return " | ".join(shown) + (f" | {more:,} more" if more > 0 else "")
