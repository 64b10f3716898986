"""What cannot be compared is refused before anything is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.analysis.diff.strata import LENGTH
from saedata.errors import InputError
from saedata.frame.layout import DOCUMENT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.frame.embeddings import Embeddings


def check_sides(target: Embeddings, others: Sequence[Embeddings], by: str | None) -> None:
    """Refuse a comparison without two sides, and sides of other encoders."""
    msg = ""
    if by is None and not others:
        msg = "there is nothing to compare with: give another corpus, or `by` to split this one by a column"
    elif by is not None and others:
        msg = "`by` splits one corpus into groups, so no other corpus goes with it; leave one of the two out"
    if msg:
        raise InputError(msg)
    for other in others:
        target.check_comparable(other)
    if by is not None:
        check_column(target, by, "split it by")


def check_options(target: Embeddings, *, duplicates: str, threshold: float | None, evidence: int, level: float) -> None:
    """Refuse options out of range."""
    msg = ""
    if duplicates not in ("once", "keep"):
        msg = f"duplicates is {duplicates!r}; it must be 'once' or 'keep'"
    elif evidence < 0:
        msg = f"evidence is {evidence}; it must be 0 or more documents"
    elif threshold is not None and not threshold >= 0:
        msg = f"threshold is {threshold}; it must be 0 or more"
    elif not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
    if msg:
        raise InputError(msg)


def check_columns(frames: Sequence[Embeddings], *, pair: str | None, adjust: str | None, cluster: str | None) -> None:
    """Refuse columns that are absent."""
    for frame in frames:
        for column, use in ((pair, "pair by"), (adjust, "adjust for"), (cluster, "take clusters from")):
            if column is not None and not (column == LENGTH and column == adjust):
                check_column(frame, column, use)


def check_column(frame: Embeddings, column: str, use: str) -> None:
    """Refuse a column that is absent or holds lists."""
    columns = frame.scan_documents().collect_schema()
    if column not in columns:
        names = ", ".join(repr(name) for name in columns if name not in DOCUMENT_SCHEMA) or "none of its own"
        msg = f"{frame.name} has no column {column!r} to {use}; its columns are: {names}"
        raise InputError(msg)
    if columns[column].is_nested():
        what = "groups" if "split" in use or "order" in use else "compared"
        msg = f"column {column!r} holds lists or structures, which cannot be {what}; choose one of single values"
        raise InputError(msg)
