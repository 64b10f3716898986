"""From what the user names (files, folders, globs, standard input) to the files to read, in a fixed order."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from saedata.corpus.chunks import Chunk
from saedata.corpus.formats import KNOWN, Reader, TextFiles, reader_for, sniff
from saedata.corpus.lines import TextFile
from saedata.corpus.spool import Spool
from saedata.errors import CorpusError

STDIN = "-"
_MAGIC = "*?["
_LONGEST_PATH = 4096


@dataclass(frozen=True)
class FilesSource:
    """A corpus in files, read one after the other.

    Parameters
    ----------
    name
        Name for people.
    files
        Each file with the function that reads it.
    warnings
        What was left aside.
    """

    name: str
    files: tuple[tuple[TextFile, Reader], ...]
    warnings: tuple[str, ...] = ()
    _spools: tuple[Spool, ...] = field(default=(), repr=False)

    def chunks(self) -> Iterator[Chunk]:
        """Read all files from the start.

        Yields
        ------
        Chunk
            Rows in order.
        """
        for file, read in self.files:
            yield from read(file)


def are_paths(source: object) -> TypeGuard[Sequence[str | Path]]:
    """Tell a list of paths from a list of documents.

    Parameters
    ----------
    source
        Anything.

    Returns
    -------
    bool
        True for a list with a `Path` in it, or of strings that all exist as files or end like a corpus file.

    Raises
    ------
    CorpusError
        When some strings are data files and others are not.

    Examples
    --------
    >>> are_paths(["answers.jsonl", "more.csv.gz"]), are_paths(["Good morning.", "Good night."])
    (True, False)
    """
    if not isinstance(source, list | tuple) or not all(isinstance(item, str | Path) for item in source):
        return False
    if any(isinstance(item, Path) for item in source):
        return True
    text = next((item for item in source if not _is_like_path(item)), None)
    data = next((item for item in source if _has_ending(item) and _exists(item)), None)
    if text is not None and data is not None:
        msg = (
            f"the list mixes files ({data}) and {text[:40]!r}, which is no file; check that path, "
            "or give only pathlib.Path objects or only documents"
        )
        raise CorpusError(msg)
    return bool(source) and text is None


def _is_like_path(item: str) -> bool:
    return item == STDIN or (" " not in item and _has_ending(item)) or _exists(item)


def _has_ending(item: str) -> bool:
    return item.lower().endswith(KNOWN)


def _exists(item: str) -> bool:
    try:
        return len(item) < _LONGEST_PATH and Path(item).exists()
    except OSError:  # too long for a file name, say
        return False


def files_source(sources: Sequence[str | Path], *, text_files: TextFiles) -> FilesSource:
    """Find the files that paths, folders and globs stand for.

    Parameters
    ----------
    sources
        Paths, folders (read recursively), globs, or "-" for standard input.
    text_files
        Whether a plain text file is one document per line ("lines") or one document ("files").

    Returns
    -------
    FilesSource
        Files in the order of `sources`, within a folder or glob sorted by path.

    Raises
    ------
    CorpusError
        When something is missing, empty, or of an unknown kind.
    """
    files: list[tuple[TextFile, Reader]] = []
    spools: list[Spool] = []
    warnings: list[str] = []
    for source in map(str, sources):
        spool = _spool_of(source)
        if spool:
            spools.append(spool)
            files.append(sniff(spool.path, _shown(source)))
        else:
            paths, left = _expand(source)
            files += [reader_for(path, text_files=text_files) for path in paths]
            warnings += _left_aside(source, left)
    name = _name([str(source) for source in sources])
    return FilesSource(name, tuple(files), tuple(warnings), tuple(spools))


def _spool_of(source: str) -> Spool | None:
    if source == STDIN:
        return Spool.of(sys.stdin.buffer)
    path = Path(source)
    # Neither file nor folder: a pipe, as in `saedata embed <(zcat ...)`, which can be read only once.
    if _exists(source) and not path.is_file() and not path.is_dir():
        with path.open("rb") as stream:
            return Spool.of(stream)
    return None


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else source


def _name(sources: list[str]) -> str:
    first = "stdin" if sources[0] == STDIN else _stem(Path(sources[0]))
    return first if len(sources) == 1 else f"{first}+{len(sources) - 1}"


def _stem(path: Path) -> str:
    if any(mark in path.name for mark in _MAGIC) and not path.exists():
        path = path.parent
    name = path.name.strip(".") or path.resolve().name or "corpus"
    return name.split(".")[0] or name if path.is_file() else name


def _expand(source: str) -> tuple[list[Path], list[Path]]:
    """Split what a source stands for into files to read and files left aside."""
    path = Path(source)
    if _exists(source) and path.is_dir():
        _refuse_frame(path)
        return _known(_walk(path), f"the folder {source} holds no file to read")
    if _exists(source):
        return [path], []
    if not any(mark in source for mark in _MAGIC):
        raise CorpusError(_missing(source))
    found = [inner for match in _glob(path) for inner in (_walk(match) if match.is_dir() else [match])]
    return _known(sorted(set(found)), f"nothing to read matches {source}")


def _refuse_frame(path: Path) -> None:
    if (path / "manifest.json").is_file() and (path / "documents").is_dir():
        msg = f"{path} is a sparse frame, not a corpus; open it with saedata.open"
        raise CorpusError(msg)


def _walk(folder: Path) -> list[Path]:
    """List files below a folder; hidden ones (.x, _SUCCESS) and sparse frames are no part of a corpus."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._" and not name.endswith(".sae")]
        found += [Path(parent, name) for name in names if name[0] not in "._"]
    return sorted(found)


def _glob(pattern: Path) -> Iterable[Path]:
    base = Path(pattern.anchor)
    return base.glob(str(pattern.relative_to(base)))


def _known(paths: Iterable[Path], complaint: str) -> tuple[list[Path], list[Path]]:
    files: list[Path] = []
    left: list[Path] = []
    for path in paths:
        (files if path.is_file() and path.name.lower().endswith(KNOWN) else left).append(path)
    if not files:
        msg = f"{complaint}; known endings are: {', '.join(KNOWN)}"
        raise CorpusError(msg)
    return files, left


def _left_aside(source: str, left: list[Path]) -> list[str]:
    if not left:
        return []
    names = ", ".join(path.name for path in left[:3]) + (", ..." if len(left) > 3 else "")
    return [f"{len(left)} file(s) in {source} are of no known kind and were not read: {names}"]


def _missing(source: str) -> str:
    if "://" in source:
        return f"{source} is an address, and only local files are read; download it first"
    folder = Path(source).parent
    _, folders, names = next(os.walk(folder), ("", [], []))
    near = difflib.get_close_matches(Path(source).name, folders + names, 3)
    likely = " or ".join(str(folder / name) for name in near)
    return f"there is no file {source[:200]}; " + (f"did you mean {likely}?" if near else "check the path")
