"""What is built from a frame's texts on demand and kept: one part for each shard, and an index over all parts.

It lies in a folder of the frame or, where the frame cannot be written, in the cache. Parts are made shard by shard,
written under a temporary name, renamed and only then listed, so that a run that was stopped goes on where it was.
A part belongs to the text of its shard: after documents were appended only the new shards are made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from saedata.frame import disk
from saedata.frame.layout import PARTIAL, is_part
from saedata.frame.lock import lock_folder
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from saedata.frame.stored import StoredFrame

LIST, INDEX = "parts.json", "index.json"


@dataclass(frozen=True)
class Part:
    """One part: the hash of the shard's documents file, and size and hash of its own file."""

    source: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Recipe:
    """How something is built from texts.

    Parameters
    ----------
    folder
        Its name, within the frame.
    stage
        What the progress bar says, e.g. "embedding texts".
    made_with
        What decides the content of parts and index, as plain JSON values.
    make
        Turns the texts of a shard (None becomes "") into a table.
    build
        Builds the index: called with the folder, the files of all parts, the number of the first document of each
        and, last, the number of all; and with the number of parts that the index there covers already (0: there is
        none).
    """

    folder: str
    stage: str
    made_with: dict[str, Any]
    make: Callable[[list[str]], pl.DataFrame]
    build: Callable[[Path, list[Path], Sequence[int], int], None]


def derived_folder(frame: StoredFrame, recipe: Recipe) -> Path:
    """Find what a recipe makes of a frame, or make what is missing of it.

    Parameters
    ----------
    frame
        The frame.
    recipe
        What to make.

    Returns
    -------
    pathlib.Path
        The folder with the index.

    Raises
    ------
    FrameError
        The disk is full, or another process is making the same.
    """
    sources = [shard.documents_sha256 for shard in frame.manifest.shards]
    own = frame.layout.root / recipe.folder
    kept = _cached(frame, recipe.folder)
    for folder in (own, kept):
        if _indexed(folder, recipe) == sources:
            return folder
    folder = own if _writable(own) else kept
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _make_parts(frame, recipe, folder, sources)
            _make_index(frame, recipe, folder, sources)
    return folder


def part_file(folder: Path, index: int) -> Path:
    """File of one part."""
    return folder / f"part-{index:05d}.parquet"


def _cached(frame: StoredFrame, name: str) -> Path:
    from saedata.folders import cache_folder

    key = hashlib.sha256(str(frame.layout.root.resolve()).encode()).hexdigest()
    return cache_folder() / "derived" / key[:24] / name


def _writable(folder: Path) -> bool:
    return os.access(folder if folder.is_dir() else folder.parent, os.W_OK | os.X_OK)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = lock_folder(folder)
    try:
        yield
    finally:
        os.close(lock)


def _read(path: Path, recipe: Recipe) -> Any:
    """What a file of ours lists; nothing where it is missing, broken, or made by another recipe."""
    try:
        found = orjson.loads(path.read_bytes())
        return found["parts"] if found["made_with"] == recipe.made_with else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(path: Path, recipe: Recipe, parts: Any) -> None:
    content = orjson.dumps({"made_with": recipe.made_with, "parts": parts}, option=orjson.OPT_SORT_KEYS)
    disk.write_file(path, lambda file: file.write(content))


def _indexed(folder: Path, recipe: Recipe) -> list[str]:
    """Sources of the parts that the index in a folder covers."""
    found = _read(folder / INDEX, recipe)
    return [source for source in found if isinstance(source, str)]


def _usable(folder: Path, recipe: Recipe, sources: list[str]) -> list[Part]:
    """Parts that need not be made again: up to the first that is missing, damaged, or of another text."""
    usable: list[Part] = []
    for number, (listed, source) in enumerate(zip(_read(folder / LIST, recipe), sources, strict=False)):
        try:
            part = Part(**listed)
            file = part_file(folder, number)
            same = part.source == source and file.stat().st_size == part.bytes and disk.sha256_file(file) == part.sha256
        except (TypeError, OSError):
            break
        if not same:
            break
        usable.append(part)
    return usable


def _make_parts(frame: StoredFrame, recipe: Recipe, folder: Path, sources: list[str]) -> None:
    parts = _usable(folder, recipe, sources)
    disk.remove([file for file in folder.iterdir() if is_part(file.name) and file.name not in _names(folder, parts)])
    left = int(frame.starts[-1] - frame.starts[len(parts)])
    with progress(recipe.stage, total=left, unit="documents") as done:
        for number in range(len(parts), len(sources)):
            with disk.reading(frame.layout.documents(number)):
                table = pl.read_parquet(frame.layout.documents(number), columns=["text"], glob=False)
            texts = table["text"].fill_null("")
            file = part_file(folder, number)
            disk.write_parquet(file, recipe.make(texts.to_list()))
            parts.append(Part(sources[number], file.stat().st_size, disk.sha256_file(file)))
            _write(folder / LIST, recipe, [asdict(part) for part in parts])
            done(len(texts))


def _names(folder: Path, parts: list[Part]) -> set[str]:
    return {part_file(folder, number).name for number in range(len(parts))}


def _make_index(frame: StoredFrame, recipe: Recipe, folder: Path, sources: list[str]) -> None:
    there = _indexed(folder, recipe)
    covered = len(there) if there == sources[: len(there)] else 0
    disk.remove([folder / INDEX, *(file for file in folder.iterdir() if file.name.endswith(PARTIAL))])
    files = [part_file(folder, number) for number in range(len(sources))]
    recipe.build(folder, files, frame.starts.tolist(), covered)
    _write(folder / INDEX, recipe, sources)
