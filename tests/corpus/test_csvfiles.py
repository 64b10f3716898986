from __future__ import annotations

import codecs
import csv
from pathlib import Path

import pytest
from corpus_files import Put

from saedata.corpus.csvfiles import read_csv, read_tsv
from saedata.corpus.formats import Reader
from saedata.corpus.lines import TextFile
from saedata.errors import CorpusError


def columns(path: Path, read: Reader = read_csv) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for chunk in read(TextFile(path, path.name)):
        assert chunk.untyped
        for name, cells in chunk.columns.items():
            found.setdefault(name, []).extend(cells)
    return found


def test_quotes_line_ends_and_the_byte_order_mark(put: Put) -> None:
    content = codecs.BOM_UTF8 + b'id,text\r\n1,"a, ""b""\r\nc"\r\n\r\n2, spaced \r\n3,\r\n'
    assert columns(put("x.csv", content)) == {
        "id": ["1", "2", "3"],
        "text": ['a, "b"\r\nc', " spaced ", None],
    }


def test_short_rows_are_filled_with_null(put: Put) -> None:
    assert columns(put("x.csv", "a,b,c\n1,2\n")) == {"a": ["1"], "b": ["2"], "c": [None]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(put: Put, delimiter: str) -> None:
    content = f"a{delimiter}b\n1{delimiter}2\n"
    assert columns(put("x.csv", content)) == {"a": ["1"], "b": ["2"]}


def test_tsv_keeps_commas(put: Put) -> None:
    assert columns(put("x.tsv", "a,1\tb\nx, y\tz\n"), read_tsv) == {"a,1": ["x, y"], "b": ["z"]}


def test_a_column_without_a_name_gets_one(put: Put) -> None:
    assert list(columns(put("x.csv", ",text\n0,hello\n"))) == ["column_1", "text"]


def test_only_a_header_means_no_rows(put: Put) -> None:
    assert columns(put("x.csv", "a,b\n")) == {"a": [], "b": []}
    assert columns(put("y.csv", "")) == {}


def test_places_are_lines_not_rows(put: Put) -> None:
    file = TextFile(put("x.csv", 'a\n"one\ntwo"\nthree\n'), "x.csv")
    (chunk,) = read_csv(file)
    assert [chunk.where(i) for i in range(2)] == ["x.csv, line 2", "x.csv, line 4"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a,b\n1,2\n1,2,3\n", r"line 3: 3 fields, but the header names 2 columns; put fields that hold"),
        (
            b'a,b\n1,2\n3,"never closed\n4,5\n',
            r"line 3: broken CSV \(unexpected end of data\); check",
        ),
        (b'a,b\n1,"x"y\n', r"line 2: broken CSV"),
        (b"a,b\n1,caf\xe9\n", r"line 2: byte 6 \(0xe9\) is not valid UTF-8"),
        (b"a,a\n1,2\n", r"line 1: the column 'a' appears twice; rename one"),
    ],
)
def test_a_broken_row_names_file_and_line(put: Put, content: bytes, complaint: str) -> None:
    with pytest.raises(CorpusError, match=rf"^x.csv, {complaint}"):
        columns(put("x.csv", content))


def test_a_field_may_be_longer_than_pythons_own_limit(put: Put) -> None:
    before = csv.field_size_limit()
    text = "long " * 50_000
    try:
        assert columns(put("x.csv", f"text\n{text}\n")) == {"text": [text]}
    finally:
        csv.field_size_limit(before)
