"""Which function reads which file: by its ending, or, for a stream without a name, by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from saedata.corpus.arrow import read_parquet
from saedata.corpus.chunks import Chunk
from saedata.corpus.csvfiles import read_csv, read_tsv
from saedata.corpus.jsonfiles import first_byte, read_json, read_jsonl
from saedata.corpus.lines import TextFile, compression_of
from saedata.corpus.textfiles import read_text_file, read_text_lines
from saedata.errors import CorpusError

Reader = Callable[[TextFile], Iterator[Chunk]]
TextFiles = Literal["lines", "files"]

_STREAMED: dict[str, Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".txt": read_text_lines,
}
_PARQUET = (".parquet", ".pq")
KNOWN = (*_PARQUET, *(name + packed for name in _STREAMED for packed in ("", ".gz", ".zst")))
"""Endings of files that can be read."""

_MAGIC_NUMBERS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PARQUET_MAGIC = b"PAR1"


def reader_for(path: Path, *, text_files: TextFiles) -> tuple[TextFile, Reader]:
    """Choose how to read a file by its ending.

    Parameters
    ----------
    path
        The file.
    text_files
        How plain text is read.

    Returns
    -------
    tuple of TextFile and Reader
        The file and the function that reads it.

    Raises
    ------
    CorpusError
        When the ending is unknown; the message lists the known ones.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes] or [""]
    if suffixes[-1] in _PARQUET:
        return TextFile(path, str(path)), read_parquet
    compression = compression_of(suffixes[-1])
    ending = suffixes[-2] if compression and len(suffixes) > 1 else suffixes[-1]
    read = _STREAMED.get(ending)
    if read is None:
        msg = f"{path} has an ending that is not known; known ones are: {', '.join(KNOWN)}"
        raise CorpusError(msg)
    if read is read_text_lines and text_files == "files":
        read = read_text_file
    return TextFile(path, str(path), compression), read


def sniff(path: Path, shown: str) -> tuple[TextFile, Reader]:
    """Choose how to read a stream by how it starts: JSON Lines, a JSON array, Parquet, else lines of text.

    Parameters
    ----------
    path
        A copy of the stream, perhaps compressed.
    shown
        What messages call it.

    Returns
    -------
    tuple of TextFile and Reader
        The file and the function that reads it.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == _PARQUET_MAGIC:
        return TextFile(path, shown), read_parquet
    packed = next((name for magic, name in _MAGIC_NUMBERS.items() if start.startswith(magic)), None)
    file = TextFile(path, shown, packed)
    readers: dict[bytes, Reader] = {b"{": read_jsonl, b"[": read_json}
    return file, readers.get(first_byte(file), read_text_lines)
