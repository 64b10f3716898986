"""How a report was made: encoder, hashes, options, versions, and how to make it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from saedata.reports.groups import wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.frame import EncoderInfo
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

PACKAGES = ("saedata", "polars", "numpy", "scipy", "torch")
"""Whose versions can change a number."""

_OPTIONS = (
    "duplicates",
    "threshold",
    "level",
    "features",
    "examples",
    "pairs",
    "label",
    "toxic",
    "language",
    "seed",
    "title",
)
_ENCODER = ("name", "reader", "layer", "hook", "architecture", "d_in", "d_sae", "pooling", "precision")
_HASHES = ("reader_sha256", "sae_sha256", "labels_sha256")


@dataclass(frozen=True)
class Source:
    """A corpus file (or several read together) behind a frame.

    Parameters
    ----------
    name
        The corpus' name in the report.
    sha256, documents, text_column
        From the frame's manifest.
    """

    name: str
    sha256: str
    documents: int
    text_column: str


@dataclass(frozen=True)
class Origin:
    """Where the numbers come from.

    Parameters
    ----------
    encoder, hashes
        Rows of (name, value).
    threshold
        What an activation exceeds to count as on.
    sources
        The corpora.
    runs
        Options the frames were made with: (corpora alike in them, rows of (name, value)).
    versions
        Packages and their versions.
    command, python
        How to make the report again.
    """

    encoder: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    threshold: float
    sources: tuple[Source, ...]
    runs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    versions: tuple[tuple[str, str], ...]
    command: str
    python: str


def origin(sides: Sequence[Counted], settings: Settings) -> Origin:
    """Describe how the report is made.

    Parameters
    ----------
    sides
        The corpora; all of one encoder.
    settings
        Options of the report.
    """
    encoder = sides[0].frame.encoder
    return Origin(
        encoder=_rows(encoder, _ENCODER),
        hashes=_rows(encoder, _HASHES),
        threshold=sides[0].threshold,
        sources=tuple(source for side in sides for source in _sources(side)),
        runs=_runs(sides),
        versions=tuple((name, _version(name)) for name in PACKAGES),
        command=settings.command or _command(sides, settings),
        python=_python(sides, settings),
    )


def _rows(encoder: EncoderInfo, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    values = ((name, getattr(encoder, name)) for name in names)
    return tuple((name, "none" if value is None else str(value)) for name, value in values)


def _sources(side: Counted) -> list[Source]:
    corpora = side.frame.manifest.corpora
    return [Source(side.name, one.sha256, one.documents, one.text_column) for one in corpora]


def _runs(sides: Sequence[Counted]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for side in sides:
        options = side.frame.manifest.options
        rows = tuple((name, str(value)) for name, value in sorted(options.items()))
        alike.setdefault(rows, []).append(side.name)
    return tuple((", ".join(names), rows) for rows, names in alike.items())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def _folder(side: Counted) -> str:
    """Name the folder without its path, which says nothing elsewhere; a cached frame goes by its corpus."""
    path = side.frame.path
    return path.name if path is not None and path.stem == side.name else side.name


def _changed(sides: Sequence[Counted], settings: Settings) -> dict[str, object]:
    defaults = {field.name: field.default for field in fields(settings)}
    values = {name: getattr(settings, name) for name in _OPTIONS}
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    asked = wanted([side.frame for side in sides])
    return changed if settings.groups == asked else changed | {"groups": settings.groups}


def _command(sides: Sequence[Counted], settings: Settings) -> str:
    options = [word for name, value in _changed(sides, settings).items() for word in _option(name, value)]
    words = ["saedata", "report", *(_folder(side) for side in sides), "--out", "report.html", *options]
    return shlex.join(words)


def _option(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(value)]


def _python(sides: Sequence[Counted], settings: Settings) -> str:
    frames = [f"saedata.open({_folder(side)!r})" for side in sides]
    options = [f"{name}={value!r}" for name, value in _changed(sides, settings).items()]
    arguments = ", ".join([*frames, "out='report.html'", *options])
    return f"saedata.report({arguments})"
