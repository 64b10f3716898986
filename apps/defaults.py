"""Options with which pages ask before anybody changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata_apps import limits
from saedata_apps.columns import groupings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.frame import Embeddings

EVIDENCE = 5
"""Documents shown of each side of a comparison."""


def compare_options(target: Embeddings) -> dict[str, Any]:
    """Of `diff`: in large corpora without mean activations, which need every activation."""
    return {"evidence": EVIDENCE} | ({} if target.n_documents < limits.MANY else {"effects": False})


def is_quick(frames: Sequence[Embeddings], options: dict[str, Any]) -> bool:
    """Whether a comparison needs but a moment: few documents, or only the counts that every frame holds."""
    counts = options.get("effects") is False and options.keys() <= {"effects", "evidence", "duplicates"}
    return counts or sum(frame.n_documents for frame in frames) <= limits.MANY


def map_options(frame: Embeddings) -> dict[str, Any]:
    """Of `cluster`: compared with the columns that make groups, and of large corpora a sample."""
    columns = groupings(frame)
    options: dict[str, Any] = {"columns": columns} if columns else {}
    return options | ({"sample": limits.SAMPLE} if frame.n_documents > limits.LARGE else {})
