"""Which documents a hypothesis is judged on: drawn at random from every side, without those that gave the idea."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.diff import distinct
from saedata.analysis.diff.check import check_column
from saedata.analysis.diff.columns import REST
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Docs = NDArray[np.uint32]
    Seen = Mapping[int, Sequence[int]]

_ALONE = "__alone"


@dataclass(frozen=True, eq=False)
class Side:
    """Documents of one side of a comparison.

    Attributes
    ----------
    name
        What it is called.
    frame
        Place of its frame among those compared.
    docs
        Numbers of the documents drawn.
    """

    name: str
    frame: int
    docs: Docs


@dataclass(frozen=True, eq=False)
class Comparison:
    """A target and its others.

    Attributes
    ----------
    group
        Which group is the target, where a corpus was split.
    sides
        The target first; where `paired`, equal places belong together.
    paired
        Whether documents belong together.
    seen
        How many of the documents had to be taken that the model has seen as evidence.
    """

    group: str | None
    sides: tuple[Side, ...]
    paired: bool
    seen: int


@dataclass(frozen=True)
class Drawing:
    """How documents are drawn.

    Attributes
    ----------
    documents
        From each side, at most.
    by, pair, cluster
        Columns, as in `diff`; of equal values of `cluster` one document of a side is drawn.
    once
        Whether of equal texts of a side one counts.
    seed
        Of the draw.
    """

    documents: int
    by: str | None
    pair: str | None
    cluster: str | None
    once: bool
    seed: int


def draw(
    frames: Sequence[Embeddings], groups: Sequence[str | None], seen: Mapping[str | None, Seen], how: Drawing
) -> list[Comparison]:
    """Draw documents for every comparison; documents without a token cannot be judged and are left out.

    Parameters
    ----------
    frames
        The target and the others.
    groups
        The targets; [None] where corpora are compared.
    seen
        For each group the numbers of documents shown as evidence, by the place of the frame. They are drawn only
        where there are too few others.
    how
        The options.
    """
    if how.by is not None:
        parts = _documents(frames[0], how).filter(pl.col("group").is_not_null())
        tables = {str(name): part for (name,), part in parts.partition_by("group", as_dict=True).items()}
        place = dict.fromkeys(tables, 0)
    else:
        names = distinct([frame.name for frame in frames])
        tables = {name: _documents(frame, how) for name, frame in zip(names, frames, strict=True)}
        place = {name: at for at, name in enumerate(names)}
    drawn = []
    for number, group in enumerate(groups):
        rng = np.random.default_rng([how.seed, number])
        target = group if group is not None else next(iter(tables))
        others = [name for name in tables if name != target]
        known = seen.get(group, {})
        if how.pair is not None:
            sides, used = _pairs([target, *others], tables, place, known, how, rng)
        elif how.by is not None:
            rest = pl.concat([tables[name] for name in others])
            sides, used = _singles({target: tables[target], REST: rest}, {target: 0, REST: 0}, known, how, rng)
        else:
            sides, used = _singles({name: tables[name] for name in (target, *others)}, place, known, how, rng)
        drawn.append(Comparison(group, sides, how.pair is not None, used))
    return drawn


def _documents(frame: Embeddings, how: Drawing) -> pl.DataFrame:
    """Documents with a text: doc, text (as a hash), group, key and cluster."""
    for column, use in ((how.by, "split it by"), (how.pair, "pair by"), (how.cluster, "take clusters from")):
        if column is not None:
            check_column(frame, column, use)
    columns = {"group": how.by, "key": how.pair, "cluster": how.cluster}
    given = {name: pl.lit(None, pl.String) if column is None else pl.col(column) for name, column in columns.items()}
    lazy = frame.scan_documents().filter(pl.col("tokens") > 0)
    table = lazy.select("doc", text=pl.col("text").hash(), **given).collect(engine="streaming").sort("doc")
    return table.with_columns(pl.selectors.float().fill_nan(None)).with_columns(
        pl.col("group", "key", "cluster").cast(pl.String)
    )


def _singles(
    tables: Mapping[str, pl.DataFrame],
    place: Mapping[str, int],
    known: Seen,
    how: Drawing,
    rng: np.random.Generator,
) -> tuple[tuple[Side, ...], int]:
    sides, used = [], 0
    for name, table in tables.items():
        different = table.unique("text", keep="first", maintain_order=True) if how.once else table
        shown = pl.Series(known.get(place[name], ()), dtype=pl.UInt32)
        some = _some(different.with_columns(seen=pl.col("doc").is_in(shown.implode())), how, rng)
        used += int(some["seen"].sum())
        sides.append(Side(name, place[name], some["doc"].to_numpy()))
    return tuple(sides), used


def _pairs(
    names: Sequence[str],
    tables: Mapping[str, pl.DataFrame],
    place: Mapping[str, int],
    known: Seen,
    how: Drawing,
    rng: np.random.Generator,
) -> tuple[tuple[Side, ...], int]:
    """Pairs that are whole; one is seen where any of its documents is."""
    parts = []
    for side, name in enumerate(names):
        shown = pl.Series(known.get(place[name], ()), dtype=pl.UInt32)
        part = tables[name].filter(pl.col("key").is_not_null())
        if part["key"].is_duplicated().any():
            msg = f"{how.pair!r} has a value in more than one document of {name}, so it does not pair documents"
            raise InputError(msg)
        parts.append(
            part.select(
                "key",
                *([] if side else ["cluster"]),
                pl.col("doc").alias(f"doc_{side}"),
                pl.col("text").alias(f"text_{side}"),
                pl.col("doc").is_in(shown.implode()).alias(f"seen_{side}"),
            )
        )
    whole = reduce(lambda one, two: one.join(two, on="key", how="inner", maintain_order="left"), parts)
    if how.once:
        whole = whole.unique([f"text_{side}" for side in range(len(names))], keep="first", maintain_order=True)
    some = _some(whole.with_columns(seen=pl.any_horizontal(pl.col("^seen_.*$"))), how, rng)
    sides = [Side(name, place[name], some[f"doc_{side}"].to_numpy()) for side, name in enumerate(names)]
    return tuple(sides), int(some["seen"].sum())


def _some(table: pl.DataFrame, how: Drawing, rng: np.random.Generator) -> pl.DataFrame:
    """Random rows, those that were not seen first."""
    mixed = table[rng.permutation(table.height)].sort("seen", maintain_order=True)
    if how.cluster is not None:  # what has no value stands alone
        alone = pl.when(pl.col("cluster").is_null()).then(pl.int_range(pl.len()))
        mixed = mixed.with_columns(alone.alias(_ALONE)).unique(["cluster", _ALONE], keep="first", maintain_order=True)
    return mixed.head(how.documents)
