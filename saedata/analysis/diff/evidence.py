"""Names of the features, and the documents that show what a row speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.analysis.diff.access import described
from saedata.frame.features import feature_name_expr, names_across

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.diff.sides import Design, Pile
    from saedata.frame.embeddings import Embeddings

NO_EVIDENCE = pl.DataFrame(
    schema={"group": pl.String, "feature": pl.UInt32, "doc": pl.List(pl.UInt32)},
)


def named(table: pl.DataFrame, frames: Sequence[Embeddings]) -> pl.DataFrame:
    """Add label and kind, and leave out features that are not selected in every frame."""
    features = names_across([described(frame) for frame in frames])
    names = features.select("feature", "kind", label=feature_name_expr())
    return table.join(names, on="feature", how="inner", maintain_order="left")


def with_evidence(table: pl.DataFrame, design: Design, *, n: int, rows: int, above: float) -> pl.DataFrame:
    """Name the strongest documents of the first rows; more would cost time that nobody reads."""
    found: dict[str, list[pl.DataFrame]] = {"target": [NO_EVIDENCE], "other": [NO_EVIDENCE]}
    head = table.head(rows if n else 0)
    for one in design.comparisons:
        mine = head.filter(pl.col("group").eq_missing(pl.lit(one.group, pl.String)))
        found["target"].append(_strongest(design.piles[one.target], mine, one.group, n, above))
        for pile in (design.piles[other] for other in one.others):
            decided = mine.filter(pl.col("other_name") == pile.name)
            found["other"].append(_strongest(pile, decided, one.group, n, above))
    return joined(table, {side: pl.concat(lists) for side, lists in found.items()})


def joined(table: pl.DataFrame, found: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Add the lists of documents of both sides; empty where there are none."""
    for side, lists in found.items():
        lists = lists.rename({"doc": f"{side}_evidence"})
        table = table.join(lists, on=["group", "feature"], how="left", nulls_equal=True, maintain_order="left")
    nothing = pl.lit([], pl.List(pl.UInt32))
    return table.with_columns(pl.col(f"{side}_evidence").fill_null(nothing) for side in found)


def _strongest(pile: Pile, rows: pl.DataFrame, group: str | None, n: int, above: float) -> pl.DataFrame:
    if rows.is_empty():
        return NO_EVIDENCE
    top = pile.frame.strongest(rows["feature"].to_list(), n, docs=pile.docs(), threshold=above)
    lists = top.group_by("feature", maintain_order=True).agg("doc")
    return lists.select(pl.lit(group, pl.String).alias("group"), "feature", "doc").cast(NO_EVIDENCE.schema)
