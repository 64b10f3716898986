from __future__ import annotations

import codecs
import random
from pathlib import Path

import pytest
import zstandard
from corpus_files import Put

from saedata.corpus import lines
from saedata.corpus.lines import TextFile, decode, open_bytes, read_lines, read_whole
from saedata.errors import CorpusError

PACKINGS = {"": None, ".gz": "gzip", ".zst": "zstd"}


def as_file(path: Path) -> TextFile:
    return TextFile(path, path.name, PACKINGS.get(path.suffix))


@pytest.mark.parametrize("packing", PACKINGS)
def test_lines_come_numbered_with_their_ends(put: Put, packing: str) -> None:
    file = as_file(put("a.x" + packing, b"one\n\r\ntwo\r\nthree"))
    assert list(read_lines(file)) == [(1, b"one\n"), (2, b"\r\n"), (3, b"two\r\n"), (4, b"three")]


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_empty_file_has_no_lines(put: Put, packing: str) -> None:
    assert list(read_lines(as_file(put("a.x" + packing, b"")))) == []


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_streams_packed_one_after_the_other_are_read_to_the_end(put: Put, packing: str) -> None:
    path = put("a.x" + packing, b"one\n")
    path.write_bytes(path.read_bytes() + put("b.x" + packing, b"two\n").read_bytes())
    assert [line for _, line in read_lines(as_file(path))] == [b"one\n", b"two\n"]


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_packed_data_that_is_cut_short_or_damaged_is_refused(put: Put, packing: str) -> None:
    path = put("a.x" + packing, random.Random(0).randbytes(100_000).hex().encode())
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:-1], b"not packed at all"):
        path.write_bytes(broken)
        with pytest.raises(CorpusError, match=rf"^a.x{packing} cannot be read: .*damaged or cut short"):
            list(read_lines(as_file(path)))


def test_a_byte_order_mark_is_dropped_at_the_start_only(put: Put) -> None:
    file = as_file(put("a.x", codecs.BOM_UTF8 + b"one\n" + codecs.BOM_UTF8 + b"two"))
    assert [line for _, line in read_lines(file)] == [b"one\n", codecs.BOM_UTF8 + b"two"]


def test_utf16_is_named(put: Put) -> None:
    file = as_file(put("a.x", "one".encode("utf-16")))
    with pytest.raises(CorpusError, match=r"^a.x is UTF-16, not UTF-8; save it as UTF-8"):
        list(read_lines(file))


def test_a_line_beyond_the_bound_is_refused_even_if_it_never_ends(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1 << 20)
    bomb = zstandard.compress(b"short\n" + bytes(1 << 26))
    path = put("a.x", b"")
    path.write_bytes(bomb)
    with pytest.raises(CorpusError, match=r"^a.x, line 2: over 1 MiB long; split it"):
        list(read_lines(TextFile(path, path.name, "zstd")))


def test_a_line_of_exactly_the_bound_is_read(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 6)
    assert list(read_lines(as_file(put("a.x", b"12345\nab")))) == [(1, b"12345\n"), (2, b"ab")]


def test_a_whole_file_beyond_its_bound_is_refused_with_advice(put: Put) -> None:
    file = as_file(put("a.x", bytes(2 << 20)))
    assert len(read_whole(file, 2 << 20, "split it")) == 2 << 20
    with pytest.raises(CorpusError, match=r"^a.x is larger than 1 MiB; split it$"):
        read_whole(file, 1 << 20, "split it")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot be read: Is a directory"), open_bytes(as_file(tmp_path)):
        pass


def test_invalid_utf8_names_its_place() -> None:
    with pytest.raises(CorpusError, match=r"^notes.txt, line 3: byte 4 \(0xff\) is not valid UTF-8; save"):
        decode(b"abc\xffdef", "notes.txt, line 3")
