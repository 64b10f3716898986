"""The corpora that the dashboard shows, shared by all visitors."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from saedata.errors import MismatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from saedata.frame import Embeddings


@dataclass
class _Shelf:
    frames: dict[str, Embeddings] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)


_shelf = _Shelf()
_contents: WeakKeyDictionary[Embeddings, str] = WeakKeyDictionary()
"""Hashes of frames, which never change; of a million documents one takes some milliseconds, and pages ask often."""


def start(frames: Iterable[Embeddings], folders: Sequence[Path] = (), sources: Sequence[str] = ()) -> None:
    """Show these frames, under names that differ, and no others."""
    with _shelf.lock:
        _shelf.frames, _shelf.sources, _shelf.folders = {}, {}, tuple(folders)
    for place, frame in enumerate(frames):
        add(frame, source=sources[place] if place < len(sources) else None)
    with _shelf.lock:
        _shelf.given = tuple(_shelf.frames)


def add(frame: Embeddings, *, source: str | None = None) -> str:
    """Show one more frame; gives the name it is shown under. The same frame again takes its own place."""
    with _shelf.lock:
        name, place = frame.name, 2
        while name in _shelf.frames and _shelf.frames[name].path != frame.path:
            name, place = f"{frame.name} ({place})", place + 1
        frame.name = name
        _shelf.frames[name] = frame
        if source is not None:
            _shelf.sources[name] = source
    return name


def frames() -> dict[str, Embeddings]:
    """All frames by name, in the order in which they were given."""
    return dict(_shelf.frames)


def source(frame: Embeddings) -> str:
    """What a frame is called in a command: as it was given, else its folder."""
    return _shelf.sources.get(frame.name, str(frame.path or frame.name))


def folders() -> tuple[Path, ...]:
    """Folders whose files may be embedded."""
    return _shelf.folders


def comparable(frame: Embeddings) -> list[Embeddings]:
    """The other frames of the same encoder."""
    return [other for name, other in _shelf.frames.items() if name != frame.name and _alike(frame, other)]


def first_and_others() -> list[Embeddings]:
    """What the start page compares: the first frame with those that were given with it, not with later ones."""
    frames = _shelf.frames
    first = next(iter(frames.values()))
    return [first, *(other for other in comparable(first) if other.name in _shelf.given)]


def key(frame: Embeddings) -> str:
    """What results on a frame are kept under: its content and its name, as the name stands in results."""
    if frame not in _contents:
        content = hashlib.sha256(frame.manifest.to_json())
        if not frame.is_whole:
            content.update(frame.doc_numbers.tobytes())
        _contents[frame] = content.hexdigest()[:32]
    return f"{_contents[frame]} {frame.name}"


def _alike(frame: Embeddings, other: Embeddings) -> bool:
    try:
        frame.check_comparable(other)
    except MismatchError:
        return False
    return True
