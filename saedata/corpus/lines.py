"""Bytes of a file, decompressed as a stream, cut into lines of bounded length, and decoded as UTF-8."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from saedata.errors import CorpusError

MAX_LINE = 64 << 20
_BUFFER = 1 << 18
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True)
class TextFile:
    """A file of text, perhaps compressed.

    Parameters
    ----------
    path
        Where it is.
    shown
        What messages call it.
    compression
        "gzip", "zstd" or None.
    """

    path: Path
    shown: str
    compression: str | None = None


def compression_of(suffix: str) -> str | None:
    """Name the compression that a file ending stands for.

    Parameters
    ----------
    suffix
        The last ending of a file name, with its dot.

    Returns
    -------
    str or None
        None for a file that is not compressed.

    Examples
    --------
    >>> compression_of(".zst"), compression_of(".jsonl")
    ('zstd', None)
    """
    return _COMPRESSIONS.get(suffix.lower())


@contextmanager
def open_bytes(file: TextFile) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressing as it is read (memory does not grow with the file).

    Parameters
    ----------
    file
        What to open.

    Yields
    ------
    BinaryIO
        A buffered stream of the decompressed bytes.

    Raises
    ------
    CorpusError
        When the file cannot be read, or its compression is damaged or cut short; also while it is being read.
    """
    try:
        with _raw(file) as stream:
            yield stream
    except OSError as error:
        reason = error.strerror or str(error)
        damaged = f" ({file.compression} data damaged or cut short?)" if file.compression else ""
        msg = f"{file.shown} cannot be read: {reason}{damaged}"
        raise CorpusError(msg) from error


def _raw(file: TextFile) -> BinaryIO:
    if file.compression is None:
        return file.path.open("rb", buffering=_BUFFER)
    import pyarrow as pa

    # Arrow's streams, because they notice a stream that is cut short; zstandard's reader stops silently.
    stream = pa.CompressedInputStream(pa.OSFile(str(file.path)), file.compression)
    return cast(BinaryIO, io.BufferedReader(stream, _BUFFER))


def read_lines(file: TextFile) -> Iterator[tuple[int, bytes]]:
    """Read a file line by line, with the line ends as they are and without a byte order mark.

    Parameters
    ----------
    file
        What to read.

    Yields
    ------
    tuple of int and bytes
        Line number from 1, and the line.

    Raises
    ------
    CorpusError
        When the file cannot be read, is UTF-16, or has a line of more than 64 MiB.
    """
    with open_bytes(file) as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                msg = f"{file.shown}, line {number}: over {MAX_LINE >> 20} MiB long; split it, or use Parquet"
                raise CorpusError(msg)
            yield number, without_mark(line, file) if number == 1 else line


def read_whole(file: TextFile, bound: int, advice: str) -> bytes:
    """Read a whole file of bounded size, without its byte order mark.

    Parameters
    ----------
    file
        What to read.
    bound
        Largest size in bytes, after decompression.
    advice
        What to do with a larger one, for the message.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    CorpusError
        When it cannot be read or is larger.
    """
    with open_bytes(file) as stream:
        content = stream.read(bound + 1)
    if len(content) > bound:
        msg = f"{file.shown} is larger than {bound >> 20} MiB; {advice}"
        raise CorpusError(msg)
    return without_mark(content, file)


def without_mark(start: bytes, file: TextFile) -> bytes:
    """Take the UTF-8 byte order mark from the first bytes of a file, and refuse that of UTF-16.

    Parameters
    ----------
    start
        The first bytes of the file.
    file
        The file, for the message.

    Returns
    -------
    bytes
        The bytes after the mark.

    Raises
    ------
    CorpusError
        For a UTF-16 file.
    """
    if start.startswith(_OTHER_BOMS):
        msg = f"{file.shown} is UTF-16, not UTF-8; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"
        raise CorpusError(msg)
    return start.removeprefix(_BOM)


def decode(data: bytes, where: str) -> str:
    r"""Decode UTF-8, saying where it is broken.

    Parameters
    ----------
    data
        A line or a file.
    where
        Its place, for the message: "notes.txt, line 3".

    Returns
    -------
    str
        The text.

    Raises
    ------
    CorpusError
        When the bytes are not UTF-8.

    Examples
    --------
    >>> decode(b"caf\xc3\xa9", "notes.txt, line 3")
    'café'
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        msg = f"{where}: byte {error.start + 1} (0x{data[error.start]:02x}) is not valid UTF-8; save the file as UTF-8"
        raise CorpusError(msg) from error
