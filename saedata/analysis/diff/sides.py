"""Which documents stand on which side, and how often each counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.diff.columns import FEWEST_DOCUMENTS, MOST_GROUPS, REST, Duplicates
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings

    Documents = Callable[[], NDArray[np.uint32] | None]
    Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pile:
    """The documents of one side; they are listed only when somebody wants evidence (None: all of the frame)."""

    name: str
    frame: Embeddings
    docs: Documents


@dataclass(frozen=True, eq=False)
class Source:
    """A frame and the boxes that its documents are counted in, each document in one at most.

    Parameters
    ----------
    frame
        Where the documents are.
    codes
        int32 [extent of the frame]: the box of each document, -1 for those that do not count.
    boxes
        How many there are.
    parts
        How many boxes that follow each other make a group.
    """

    frame: Embeddings
    codes: Codes
    boxes: int = 1
    parts: int = 1

    @property
    def groups(self) -> Codes:
        """int32 [extent of the frame]: the group of each document, -1 for those that do not count."""
        return self.codes // self.parts


@dataclass(frozen=True, eq=False)
class Comparison:
    """One target against others; numbers of piles."""

    group: str | None
    target: int
    others: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Design:
    """All piles of a comparison, and how they follow from what is counted.

    A pile is a sum of boxes: `arrange` turns the counts of all sources, each an array [boxes, ...], into one
    array [piles, ...].
    """

    piles: tuple[Pile, ...]
    comparisons: tuple[Comparison, ...]
    sources: tuple[Source, ...]
    arrange: Callable[[Sequence[NDArray[Any]]], NDArray[Any]]

    @property
    def frames(self) -> list[Embeddings]:
        """The frames that are read."""
        return [source.frame for source in self.sources]


def between_corpora(frames: Sequence[Embeddings], duplicates: Duplicates) -> Design:
    """Each corpus is a pile; the first is the target."""
    names = distinct([frame.name for frame in frames])
    counted = [_counted(frame, name, duplicates) for frame, name in zip(frames, names, strict=True)]
    piles = [Pile(name, frame, partial(_same, docs)) for name, frame, docs in zip(names, frames, counted, strict=True)]
    sources = [Source(frame, _codes(frame, docs)) for frame, docs in zip(frames, counted, strict=True)]
    comparison = Comparison(None, 0, tuple(range(1, len(frames))))
    return Design(tuple(piles), (comparison,), tuple(sources), np.concatenate)


def _same(docs: NDArray[np.uint32] | None) -> NDArray[np.uint32] | None:
    return docs


def _counted(frame: Embeddings, name: str, duplicates: Duplicates) -> NDArray[np.uint32] | None:
    different = frame.path is not None and frame.manifest.duplicates == 0  # known since the frame was written
    docs = frame.unique_documents() if duplicates == "once" and not different else None
    documents = frame.n_documents if docs is None else len(docs)
    if documents == 0:
        msg = f"{name} has no documents, so there is nothing to compare; give a corpus with at least one"
        raise InputError(msg)
    return None if documents == frame.n_documents else docs


def _codes(frame: Embeddings, docs: NDArray[np.uint32] | None, codes: NDArray[np.integer] | int = 0) -> Codes:
    boxes = np.full(frame.extent, -1, dtype=np.int32)
    boxes[frame.doc_numbers if docs is None else docs] = codes
    return boxes


def distinct(names: Iterable[str]) -> list[str]:
    """Tell equal names apart: a, a (2), a (3)."""
    seen: Counter[str] = Counter()
    given: list[str] = []
    for name in names:
        seen[name] += 1
        given.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return given


def between_groups(frame: Embeddings, by: str, duplicates: Duplicates) -> tuple[Design, list[str]]:
    """Each group of a column against the rest of the documents; also names the groups that are too small.

    A text weighs once in the rest, and it is in the rest unless this group alone has it.
    """
    members = group_members(frame, by, duplicates)
    names = group_names(members, by)
    groups = len(names)
    mine = [Pile(name, frame, partial(_docs_of, members, code)) for code, name in enumerate(names)]
    rest = [Pile(REST, frame, partial(_docs_of_rest, members, code)) for code in range(groups)]
    # Nobody else's text is also the first of its kind: three boxes for each group tell all that is needed.
    boxes = members["code"] * 3 + members["first"].cast(pl.UInt32) + members["only"].cast(pl.UInt32)
    source = Source(frame, _codes(frame, members["doc"].to_numpy(), boxes.to_numpy()), 3 * groups, parts=3)
    sizes = np.bincount(members["code"].to_numpy(), minlength=groups)
    kept = [code for code in range(groups) if sizes[code] >= FEWEST_DOCUMENTS]
    comparisons = tuple(Comparison(names[code], code, (groups + code,)) for code in kept)
    design = Design((*mine, *rest), comparisons, (source,), _groups_and_rests)
    return design, [name for code, name in enumerate(names) if code not in kept]


def by_group(frame: Embeddings, members: pl.DataFrame, groups: int) -> Source:
    """Put every member into the box of its group."""
    return Source(frame, _codes(frame, members["doc"].to_numpy(), members["code"].to_numpy()), groups)


def _groups_and_rests(counted: Sequence[NDArray[Any]]) -> NDArray[Any]:
    (boxes,) = counted
    shared_first_only = boxes.reshape(-1, 3, *boxes.shape[1:])
    of_first = shared_first_only[:, 1:].sum(axis=(0, 1))
    return np.concatenate([shared_first_only.sum(axis=1), of_first - shared_first_only[:, 2]])


def group_members(frame: Embeddings, by: str, duplicates: Duplicates) -> pl.DataFrame:
    """Documents that count: doc, group, code (place of the group by value), key (of the text), first, only.

    A text weighs once in each group. `first` marks one document for each text, `only` those texts that
    no other group has.
    """
    # 64-bit hashes instead of texts keep this small
    key = pl.col("text").fill_null("").hash() if duplicates == "once" else pl.col("doc").cast(pl.UInt64)
    dtype = frame.scan_documents().collect_schema()[by]
    group = pl.col(by).fill_nan(None) if dtype.is_float() else pl.col(by)
    documents = frame.scan_documents().select("doc", group=group, key=key)
    return (
        documents.filter(pl.col("group").is_not_null())
        .collect(engine="streaming")
        .sort("doc")
        .unique(["group", "key"], keep="first", maintain_order=True)
        .with_columns(
            code=_order(pl.col("group"), dtype).rank("dense").cast(pl.UInt32) - 1,
            first=pl.col("key").is_first_distinct(),
            only=pl.len().over("key") == 1,
            group=pl.col("group").cast(pl.String),
        )
    )


def _order(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """What can be ranked in the order of the values."""
    return column.cast(pl.UInt8) if dtype == pl.Boolean else column


def group_names(members: pl.DataFrame, by: str) -> list[str]:
    """Name the groups, by code; refuse what is no split."""
    table = members.group_by("code").agg(pl.col("group").first()).sort("code")
    names: list[str] = table["group"].to_list()
    if len(names) > MOST_GROUPS:
        msg = (
            f"column {by!r} has {len(names)} different values, and at most {MOST_GROUPS} groups can be "
            "compared; choose a column with fewer, or filter the documents first"
        )
        raise InputError(msg)
    if len(names) < 2 or members["code"].value_counts()["count"].max() < FEWEST_DOCUMENTS:  # type: ignore[operator]
        msg = (
            f"column {by!r} does not split the documents into groups of at least {FEWEST_DOCUMENTS}: "
            f"{len(names)} different value(s) in {members.height} documents; choose another column"
        )
        raise InputError(msg)
    return names


def _docs_of(members: pl.DataFrame, code: int) -> NDArray[np.uint32]:
    return members.filter(pl.col("code") == code)["doc"].to_numpy()


def _docs_of_rest(members: pl.DataFrame, code: int) -> NDArray[np.uint32]:
    rest = members.filter(pl.col("code") != code)
    return rest.unique("key", keep="first", maintain_order=True)["doc"].to_numpy()
