"""The first reading of a corpus: everything is checked, counted and hashed before any work is done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson
import polars as pl

from saedata.corpus import columns as kinds
from saedata.corpus.chat import DEFAULT_ROLES
from saedata.corpus.choosing import choose_text
from saedata.corpus.chunks import check_width, first_rows
from saedata.corpus.columns import ColumnScan, stored_type
from saedata.corpus.corpus import Corpus, Layout, Source
from saedata.corpus.files import are_paths, files_source
from saedata.corpus.frames import object_source
from saedata.corpus.texts import PlainText, TextReader, WithTurns
from saedata.errors import CorpusError

RESERVED = ("doc", "text", "tokens", "features_on", "variance_unexplained")
"""Names that the columns of a sparse frame have."""


def read_corpus(
    source: Any,
    *,
    text: str | None = None,
    roles: Sequence[str] = DEFAULT_ROLES,
    text_files: Literal["lines", "files"] = "lines",
    limit: int | None = None,
    turns: bool = False,
) -> Corpus:
    r"""Read a corpus once, in bounded memory, and find out everything about it that can be wrong.

    Files are Parquet, JSON Lines, JSON arrays, CSV, TSV and plain text, each but Parquet also with .gz or
    .zst; the columns of several files are united. A document is a row; of a conversation it is what `roles`
    say, joined by blank lines. Texts are never altered, but for lone surrogates (U+FFFD, since no file can
    hold them).

    Parameters
    ----------
    source
        A path, folder or glob, or a list of them; "-" for standard input; a polars or pandas frame,
        LazyFrame, pyarrow table or Hugging Face `Dataset`; a list of strings or dictionaries. A list of `str`
        is taken as paths when each of them exists or ends like a corpus file, else as documents;
        `pathlib.Path` objects are always paths.
    text
        Column to read. By default a column of conversations (`messages`, `conversations`), else the response
        of a prompt/response pair, else the only column of strings, else `text`, `content` or `output`.
    roles
        Whose turns to read in conversations: "assistant", "user", ... (aliases such as "gpt" are known).
    text_files
        Whether a .txt file holds one document per line or is one document.
    limit
        Read no more than this many documents, at least 1.
    turns
        Whether the conversation that each text is a part of travels along, in a column `turns`.

    Returns
    -------
    Corpus
        Counts, types, hash, and the documents themselves by `Corpus.batches`.

    Raises
    ------
    CorpusError
        When anything in it cannot be read; the message says what, where, and what to do.

    Examples
    --------
    >>> corpus = read_corpus([{"prompt": "Hi", "response": "Hello!", "model": "a"}, {"response": None}])
    >>> corpus.documents, corpus.characters, corpus.text_column, list(corpus.columns)
    (2, 6, 'response', ['prompt', 'model'])
    """
    if isinstance(roles, str):
        roles = (roles,)
    if limit is not None and limit < 1:
        msg = f"the limit is {limit}, but at least 1 document must be read"
        raise CorpusError(msg)
    origin = _resolve(source, text_files)
    scan = _scan(origin, limit)
    reader, warnings = choose_text(scan.columns, text, roles)
    if turns:
        reader = WithTurns(reader)
    layout, renamed = _layout(scan.columns, reader)
    counts, missing = _measure(origin, reader, scan)
    if not counts.filled:
        msg = f"no document of {origin.name} has text: {scan.documents} rows, all empty in {reader.label!r}"
        raise CorpusError(msg)
    return Corpus(
        name=origin.name,
        sha256=_hash(scan.columns, reader),
        documents=scan.documents,
        characters=counts.characters,
        text_column=reader.label,
        columns=layout.types,
        warnings=(*origin.warnings, *warnings, *renamed, *missing),
        _source=origin,
        _layout=layout,
    )


def _resolve(source: Any, text_files: Literal["lines", "files"]) -> Source:
    if isinstance(source, str | Path):
        return files_source([source], text_files=text_files)
    if are_paths(source):
        return files_source(source, text_files=text_files)
    return object_source(source)


@dataclass(frozen=True)
class _Scan:
    columns: dict[str, ColumnScan]
    documents: int


@dataclass(frozen=True)
class _Counts:
    filled: int
    characters: int


def _scan(source: Source, limit: int | None) -> _Scan:
    columns: dict[str, ColumnScan] = {}
    rows = 0
    for chunk in first_rows(source.chunks(), limit):
        for name in chunk.columns:
            if name not in columns:
                columns[name] = ColumnScan(name)
                columns[name].skip(rows)
        check_width(len(columns), chunk.where(0))
        for name, scan in columns.items():
            cells = chunk.columns.get(name)
            if cells is None:
                scan.skip(chunk.height)
            else:
                scan.update(cells, untyped=chunk.untyped)
        rows += chunk.height
    if not rows:
        msg = f"{source.name} holds no documents"
        raise CorpusError(msg)
    return _Scan(columns, rows)


def _measure(source: Source, reader: TextReader, scan: _Scan) -> tuple[_Counts, list[str]]:
    """Count texts; where they are not simply a column of strings, the corpus is read again to check each."""
    if isinstance(reader, PlainText) and scan.columns[reader.column].kind == kinds.TEXT:
        found = scan.columns[reader.column]
        return _Counts(found.filled, found.characters), []
    filled = characters = 0
    for chunk in first_rows(source.chunks(), scan.documents):
        lengths = [len(document) for document in reader.read(chunk)["text"] if document]
        filled += len(lengths)
        characters += sum(lengths)
    return _Counts(filled, characters), reader.check()


def _layout(columns: dict[str, ColumnScan], reader: TextReader) -> tuple[Layout, list[str]]:
    others = {name: scan.kind for name, scan in columns.items() if name not in reader.used}
    kept = {name: kind for name, kind in others.items() if kind != kinds.BINARY}
    names: dict[str, str] = {}
    warnings = [f"column {name!r} holds binary data and was left out" for name in others if name not in kept]
    for name in kept:
        names[name] = _free_name(name, {*RESERVED, *reader.added}, taken={*kept, *names.values(), *reader.added})
        if names[name] != name:
            warnings.append(f"column {name!r} was renamed to {names[name]!r}")
    types: dict[str, pl.DataType] = dict.fromkeys(reader.added, kinds.TEXT)
    types |= {names[name]: stored_type(kind) for name, kind in kept.items()}
    return Layout(reader, names, types), warnings


def _free_name(name: str, reserved: set[str], taken: set[str]) -> str:
    if name not in reserved:
        return name
    candidate, number = f"user_{name}", 2
    while candidate in taken:
        candidate, number = f"user_{name}_{number}", number + 1
    return candidate


def _hash(columns: dict[str, ColumnScan], reader: TextReader) -> str:
    """Hash the cells of every column, so that the same rows have one hash in whatever files they come."""
    parts = [[name, str(scan.kind), scan.digest()] for name, scan in columns.items()]
    return hashlib.sha256(orjson.dumps([reader.label, parts])).hexdigest()
