"""Deciding what a run does with the folder it is told to write: begin, continue, append, or refuse."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from saedata.errors import FrameError
from saedata.frame.compare import (
    column_differences,
    corpus_difference,
    encoder_differences,
    value_differences,
)
from saedata.frame.layout import Layout, is_part, partial
from saedata.frame.parsing import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.frame.manifest import Manifest


def existing_manifest(out: Path) -> Manifest | None:
    """Read the manifest in a folder; None where a frame can be begun, as in an empty folder.

    Raises
    ------
    FrameError
        The folder holds something else, or the manifest cannot be used.
    """
    layout = Layout(out)
    if layout.manifest.is_file():
        return read_manifest(layout.manifest)
    if any(entry != partial(layout.manifest) for entry in out.iterdir()):
        msg = f"{out} exists and is not a frame; choose another --out"
        raise FrameError(msg)
    return None


def check_place(out: Path) -> None:
    """Find out before any work is done whether a frame can be written at a path.

    Raises
    ------
    FrameError
        A file is in the way, or the folder cannot be written.
    """
    place = out
    while not place.exists() and place.parent != place:
        place = place.parent
    if not place.is_dir():
        what = "is a file, not a frame" if place == out else f"cannot be made: {place} is a file"
        msg = f"{out} {what}; choose another --out"
        raise FrameError(msg)
    if not os.access(place, os.W_OK | os.X_OK):
        msg = f"cannot write {out}: permission denied in {place}; choose another --out"
        raise FrameError(msg)


def planned_manifest(out: Path, there: Manifest | None, here: Manifest, *, append: bool) -> Manifest:
    """Decide from which manifest a run goes on.

    Parameters
    ----------
    out
        The frame's folder, for the message.
    there
        The manifest in it; None: there is none.
    here
        The manifest of a run that begins now, with one corpus and no shards.
    append
        Whether the corpus is to be added to those that are there.

    Raises
    ------
    FrameError
        The folder belongs to another run; says in what it differs.
    """
    if there is None:
        return here
    _check_same_run(out, there, here)
    if not append:
        _check_same_corpus(out, there, here)
        return there
    if not there.complete:
        _check_continued(out, there, here)
        return there
    if here.corpora[0] in there.corpora:
        msg = f"{out} already holds this corpus; appending it again would count its documents twice"
        raise FrameError(msg)
    corpora = there.corpora + here.corpora
    return dataclasses.replace(there, corpora=corpora, complete=False, duplicates=None, derived={})


def leftovers(layout: Layout, manifest: Manifest) -> list[Path]:
    """Files of this writer's own making that a killed run left behind and the manifest does not list."""
    found = [partial(layout.manifest), *(partial(path) for path in layout.derived().values())]
    for folder, path in (
        (layout.documents_folder, layout.documents),
        (layout.activations_folder, layout.activations),
    ):
        listed = {path(shard.index) for shard in manifest.shards}
        if folder.is_dir():
            found += [entry for entry in folder.iterdir() if is_part(entry.name) and entry not in listed]
    return [path for path in found if path.exists()]


def _check_same_run(out: Path, there: Manifest, here: Manifest) -> None:
    found = (
        encoder_differences(there.encoder, here.encoder)
        + value_differences(there.options, here.options)
        + column_differences(dict(there.columns), dict(here.columns))
    )
    if found:
        _refuse(out, found)


def _check_same_corpus(out: Path, there: Manifest, here: Manifest) -> None:
    if len(there.corpora) > 1:
        state = f"{len(there.corpora)} corpora there (some were appended), one here"
        _refuse(out, [state])
    if found := corpus_difference(there.corpora[0], here.corpora[0]):
        _refuse(out, found)


def _check_continued(out: Path, there: Manifest, here: Manifest) -> None:
    if there.corpora[-1] != here.corpora[0]:
        msg = f"{out} is unfinished: first run again the command that was interrupted, then append"
        raise FrameError(msg)


def _refuse(out: Path, found: list[str]) -> None:
    msg = f"{out} was made by another run: {'; '.join(found)}; choose another --out or remove it"
    raise FrameError(msg)
