from __future__ import annotations

from pathlib import Path

import pytest
from corpus_files import Put

from saedata.corpus import textfiles
from saedata.corpus.formats import Reader
from saedata.corpus.lines import TextFile
from saedata.corpus.textfiles import read_text_file, read_text_lines
from saedata.errors import CorpusError


def documents(path: Path, read: Reader = read_text_lines) -> list[str]:
    return [cell for chunk in read(TextFile(path, path.name)) for cell in chunk.columns["text"]]


def test_every_line_is_a_document_and_only_its_end_is_cut(put: Put) -> None:
    path = put("x.txt", " one \n\ntwo\r\n\tthree\x0b\u2028four\rfive\nsix\r")
    assert documents(path) == [" one ", "", "two", "\tthree\x0b\u2028four\rfive", "six\r"]


def test_a_last_line_end_makes_no_document(put: Put) -> None:
    assert documents(put("x.txt", "one\n")) == ["one"]
    assert documents(put("y.txt", "")) == []


def test_a_file_as_one_document_is_not_altered(put: Put) -> None:
    assert documents(put("x.txt", "one\r\n\ntwo\n"), read_text_file) == ["one\r\n\ntwo\n"]


def test_places_go_on_over_chunks(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "CHUNK_ROWS", 2)
    chunks = list(read_text_lines(TextFile(put("x.txt", "a\nb\nc\n"), "x.txt")))
    assert [chunk.where(0) for chunk in chunks] == ["x.txt, line 1", "x.txt, line 3"]


@pytest.mark.parametrize(
    ("read", "complaint"),
    [
        (read_text_lines, r"^x.txt, line 2: byte 4 \(0xe9\) is not valid UTF-8; save the file as UTF-8$"),
        (read_text_file, r"^x.txt: byte 7 \(0xe9\) is not valid UTF-8"),
    ],
)
def test_latin_1_is_refused_with_its_place(put: Put, read: Reader, complaint: str) -> None:
    with pytest.raises(CorpusError, match=complaint):
        documents(put("x.txt", b"un\ncaf\xe9\n"), read)
