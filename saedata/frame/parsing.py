"""Reading a manifest back. Its content is not trusted: every field is checked before anything uses it."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import orjson

from saedata.errors import FrameError
from saedata.frame.manifest import (
    FORMAT,
    SCHEMA_VERSION,
    CorpusInfo,
    EncoderInfo,
    FileInfo,
    Manifest,
    Shard,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

T = TypeVar("T")


def read_manifest(path: Path) -> Manifest:
    """Read a frame's manifest.

    Parameters
    ----------
    path
        The file ``manifest.json``.

    Raises
    ------
    FrameError
        It cannot be read, is not the manifest of a frame, or is of another version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise FrameError(msg) from error
    return parse_manifest(content, source=path)


def parse_manifest(content: bytes, *, source: Path | str) -> Manifest:
    """Read back what `Manifest.to_json` wrote, checking every field.

    Parameters
    ----------
    content
        The file's bytes.
    source
        Where they came from, for the error message.

    Raises
    ------
    FrameError
        It is not the manifest of a frame, or is of another version.
    """
    try:
        raw = _mapping(orjson.loads(content), "its content")
        _check_kind(raw)
        manifest = _manifest(raw)
        _check_order(manifest)
    except (orjson.JSONDecodeError, _InvalidError) as error:
        msg = f"{source} is not the manifest of a usable frame: {error}"
        raise FrameError(msg) from None
    return manifest


class _InvalidError(ValueError):
    """Says which field of a manifest is wrong."""


def _check_kind(raw: dict[str, Any]) -> None:
    if raw.get("format") != FORMAT:
        msg = f"it was not written by saedata ('format' is not {FORMAT!r})"
        raise _InvalidError(msg)
    if raw.get("schema_version") != SCHEMA_VERSION:
        msg = (
            f"it has schema version {raw.get('schema_version')!r}, this saedata reads {SCHEMA_VERSION}; "
            "embed the corpus again or install the saedata that made it"
        )
        raise _InvalidError(msg)


def _manifest(raw: dict[str, Any]) -> Manifest:
    nested: dict[str, Any] = {
        "encoder": _record(EncoderInfo, raw.get("encoder"), "encoder"),
        "corpora": _records(CorpusInfo, raw.get("corpora"), "corpora"),
        "shards": _records(Shard, raw.get("shards"), "shards"),
        "columns": tuple(_column(entry) for entry in _sequence(raw.get("columns"), "columns")),
        "derived": {
            name: _record(FileInfo, entry, name) for name, entry in _mapping(raw.get("derived"), "derived").items()
        },
        "options": _mapping(raw.get("options"), "options"),
    }
    flat = {"complete", "duplicates", "schema_version", "format"}
    _check_names(raw, nested.keys() | flat, "the manifest")
    plain: dict[str, Any] = {name: _typed(raw[name], _hints(Manifest)[name], name) for name in flat}
    return Manifest(**nested, **plain)


def _check_order(manifest: Manifest) -> None:
    """Shards must be numbered without a gap, and belong to a corpus that is listed."""
    if not manifest.corpora:
        msg = "'corpora' is empty"
        raise _InvalidError(msg)
    for index, shard in enumerate(manifest.shards):
        if shard.index != index or shard.corpus >= len(manifest.corpora):
            msg = f"shard {index} is out of order"
            raise _InvalidError(msg)
    if manifest.encoder.d_sae < 1:
        msg = "'d_sae' must be at least 1"
        raise _InvalidError(msg)


def _record(kind: type[T], raw: object, where: str) -> T:
    values = _mapping(raw, where)
    hints = _hints(kind)  # type: ignore[arg-type]  # a type is hashable
    _check_names(values, hints.keys(), where)
    return kind(**{name: _typed(values[name], hint, f"{where}.{name}") for name, hint in hints.items()})


def _records(kind: type[T], raw: object, where: str) -> tuple[T, ...]:
    entries = _sequence(raw, where)
    return tuple(_record(kind, entry, f"{where}[{index}]") for index, entry in enumerate(entries))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    names = {item.name for item in dataclasses.fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}


def _check_names(values: dict[str, Any], expected: Collection[str], where: str) -> None:
    if differing := sorted(set(values) ^ set(expected)):
        msg = f"{where} lacks or should not have {', '.join(map(repr, differing))}"
        raise _InvalidError(msg)


def _typed(value: object, hint: type, where: str) -> object:
    """Check one plain value: counts are not negative, numbers are finite."""
    allowed = (int, float) if hint is float else hint
    good = isinstance(value, allowed) and (hint is bool or not isinstance(value, bool))
    if good and isinstance(value, int | float) and hint is not bool:
        good = math.isfinite(value) and (hint is float or value >= 0)
    if not good:
        msg = f"'{where}' is {str(value)[:40]!r}"
        raise _InvalidError(msg)
    return float(value) if hint is float else value  # type: ignore[arg-type]


def _mapping(raw: object, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        msg = f"{where} is not an object"
        raise _InvalidError(msg)
    return raw


def _sequence(raw: object, where: str) -> list[Any]:
    if not isinstance(raw, list):
        msg = f"'{where}' is not a list"
        raise _InvalidError(msg)
    return raw


def _column(raw: object) -> tuple[str, str]:
    pair = _sequence(raw, "columns")
    if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
        msg = "'columns' is not a list of names and types"
        raise _InvalidError(msg)
    return pair[0], pair[1]
