"""Saying in words how two runs differ."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from saedata.frame.manifest import CorpusInfo, EncoderInfo

COMPARABLE = ("reader_sha256", "sae_sha256", "layer", "hook", "threshold", "pooling", "precision")
"""Fields of an encoder that decide a document's numbers; its name and labels do not."""

_HASHES = {
    "reader_sha256": "other reader weights",
    "sae_sha256": "other SAE weights",
    "labels_sha256": "other feature labels",
}


def encoder_differences(
    there: EncoderInfo,
    here: EncoderInfo,
    *,
    only: Collection[str] | None = None,
    words: tuple[str, str] = ("there", "here"),
) -> list[str]:
    """List how two encoders differ, one phrase each.

    Parameters
    ----------
    there, here
        The two encoders.
    only
        Fields to look at; all of them by default.
    words
        What to call the two sides.

    Examples
    --------
    >>> from saedata.frame.manifest import EncoderInfo
    >>> one = EncoderInfo("minilm", "MiniLM", 4, "out", 384, 4096, "jumprelu", "a", "b")
    >>> encoder_differences(one, dataclasses.replace(one, layer=5))
    ['layer 4 there, 5 here']
    """
    return value_differences(
        {name: value for name, value in dataclasses.asdict(there).items() if only is None or name in only},
        {name: value for name, value in dataclasses.asdict(here).items() if only is None or name in only},
        words=words,
    )


def value_differences(
    there: Mapping[str, Any],
    here: Mapping[str, Any],
    *,
    words: tuple[str, str] = ("there", "here"),
) -> list[str]:
    """List how two sets of named values differ, one phrase each."""
    names = [*there, *(name for name in here if name not in there)]
    return [
        _HASHES.get(name) or f"{name} {_show(there, name)} {words[0]}, {_show(here, name)} {words[1]}"
        for name in names
        if there.get(name) != here.get(name) or (name in there) != (name in here)
    ]


def corpus_difference(there: CorpusInfo, here: CorpusInfo) -> list[str]:
    """Say that a corpus is another one, and how that shows."""
    if there == here:
        return []
    if there.text_column != here.text_column:
        return [f"text column {there.text_column!r} there, {here.text_column!r} here"]
    if there.documents != here.documents:
        return [f"a corpus of {there.documents} documents there, of {here.documents} here"]
    return ["another corpus there (the texts, other columns or reading options differ)"]


def column_differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Say which of the user's columns differ in name, type or order."""
    changed = value_differences(
        {f"column {name!r}": kind for name, kind in there.items()},
        {f"column {name!r}": kind for name, kind in here.items()},
    )
    if changed or list(there) == list(here):
        return changed
    return [f"columns in the order {', '.join(there)} there, {', '.join(here)} here"]


def _show(values: Mapping[str, Any], name: str) -> str:
    return str(values[name]) if name in values else "absent"
