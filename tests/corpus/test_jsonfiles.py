from __future__ import annotations

import codecs
import math
from pathlib import Path
from typing import Any

import pytest
from corpus_files import Put, jsonl

from saedata.corpus import jsonfiles
from saedata.corpus.formats import Reader
from saedata.corpus.jsonfiles import parse_json, read_json, read_jsonl
from saedata.corpus.lines import TextFile
from saedata.errors import CorpusError


def columns(path: Path, read: Reader = read_jsonl) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for chunk in read(TextFile(path, path.name)):
        for name, cells in chunk.columns.items():
            found.setdefault(name, []).extend(cells)
    return found


def test_jsonl_skips_blank_lines_and_takes_any_line_end(put: Put) -> None:
    content = codecs.BOM_UTF8 + b'\n{"a": 1}\r\n  \n\t\r\n{"a": 2}\n\n{"a": 3}'
    assert columns(put("x.jsonl", content)) == {"a": [1, 2, 3]}


def test_jsonl_places_count_blank_lines(put: Put) -> None:
    file = TextFile(put("x.jsonl", b'\n{"a": 1}\n\n{"a": 2}\n'), "x.jsonl")
    (chunk,) = [chunk for chunk in read_jsonl(file) if chunk.height]
    assert [chunk.where(i) for i in range(2)] == ["x.jsonl, line 2", "x.jsonl, line 4"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"a": 1', r"broken JSON \(Expecting ',' delimiter at column 8\); mend or remove it"),
        (b"hello", r"broken JSON \(Expecting value at column 1\)"),
        (b'{"a": 1} {"a": 2}', r"broken JSON \(Extra data at column 10\)"),
        (b'{"a": "\xe9t\xe9"}', r"byte 8 \(0xe9\) is not valid UTF-8"),
        (b"[1, 2]", r"holds a list; every document must be an object or a string"),
        (b"17", r"holds a number"),
        (b"[" * 100_000, r"JSON that cannot be read \(.*recursion"),
        (b'{"a": ' + b"1" * 5000 + b"NaN}", r"(broken JSON|JSON that cannot be read)"),
    ],
)
def test_a_broken_line_names_file_and_line(put: Put, line: bytes, complaint: str) -> None:
    path = put("x.jsonl", b'{"a": 0}\n\n' + line + b"\n")
    with pytest.raises(CorpusError, match=rf"^x.jsonl, line 3:? {complaint}"):
        columns(path)


def test_what_python_writes_though_it_is_not_json_is_read() -> None:
    value = parse_json(rb'{"a": NaN, "b": [Infinity, -Infinity], "c": "\ud800x", "d": "\ud83d\ude00"}', "")
    assert value == {"a": None, "b": [math.inf, -math.inf], "c": "\ufffdx", "d": "😀"}


def test_bare_strings_and_null_are_documents(put: Put) -> None:
    assert columns(put("x.jsonl", b'"one"\nnull\n{"text": "two"}\n')) == {"text": ["one", None, "two"]}


def test_a_json_array_of_objects_and_strings(put: Put) -> None:
    path = put("x.json", codecs.BOM_UTF8 + b' [\n {"text": "one", "n": [1]},\n "two", null]\n')
    assert columns(path, read_json) == {"text": ["one", "two", None], "n": [[1], None, None]}


def test_an_array_longer_than_a_chunk_keeps_its_order_and_places(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfiles, "CHUNK_ROWS", 2)
    path = put("x.json", b'["a", "b", "c", 5]')
    with pytest.raises(CorpusError, match=r"^x.json, item 4 holds a number"):
        columns(path, read_json)


def test_a_json_file_that_starts_with_an_object_is_read_as_lines(put: Put) -> None:
    assert columns(put("x.json", jsonl({"a": 1}, {"a": 2})), read_json) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{\n  "data": []\n}\n', r"^x.json is not a list of objects; write a JSON array, or JSON Lines"),
        (b"17", r"^x.json is not a list of objects or strings; write a JSON array"),
        (b'"hello"', r"^x.json is not a list"),
        (b'[{"a": 1},\n {"a": }]', r"^x.json: broken JSON \(Expecting value at line 2, column 8\)"),
        (b"[1, 2]", r"^x.json, item 1 holds a number; every document must be"),
        (b'["a", [1]]', r"^x.json, item 2 holds a list"),
        (b'["\xff"]', r"^x.json: byte 3 \(0xff\) is not valid UTF-8"),
        (b'{"a": 1}\n{"a": \n', r"^x.json, line 2: broken JSON"),
    ],
)
def test_a_json_file_that_is_no_list_says_what_is_wrong(put: Put, content: bytes, complaint: str) -> None:
    with pytest.raises(CorpusError, match=complaint):
        columns(put("x.json", content), read_json)


def test_a_json_file_without_content_has_no_documents(put: Put) -> None:
    assert columns(put("x.json", b" \n"), read_json) == {}
    assert columns(put("y.json", b"[]"), read_json) == {}


def test_an_array_beyond_the_bound_is_told_to_be_json_lines(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfiles, "MAX_ARRAY", 1 << 20)
    path = put("x.json", b"[" + b" " * (1 << 20) + b"]")
    with pytest.raises(CorpusError, match=r"^x.json is larger than 1 MiB; write it as JSON Lines"):
        columns(path, read_json)


def test_an_array_on_one_line_may_be_longer_than_a_line_of_jsonl(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saedata.corpus.lines.MAX_LINE", 10)
    assert columns(put("x.json", b'["a document of some length"]'), read_json) == {
        "text": ["a document of some length"]
    }
