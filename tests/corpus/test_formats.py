from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard
from corpus_files import Put, frame, jsonl, texts

from saedata.corpus import read_corpus
from saedata.corpus.arrow import read_parquet
from saedata.corpus.formats import KNOWN, Reader, reader_for, sniff
from saedata.corpus.jsonfiles import read_json, read_jsonl
from saedata.corpus.textfiles import read_text_file, read_text_lines
from saedata.errors import CorpusError

TABLE = pl.DataFrame(
    {
        "text": ["one, two", "ünï\n灯", None],
        "n": [1, 2, 3],
        "share": [0.5, None, 1e-3],
        "ok": [True, False, None],
    }
)


def as_csv(separator: str) -> bytes:
    return TABLE.write_csv(separator=separator).encode()


def as_parquet() -> bytes:
    sink = io.BytesIO()
    TABLE.write_parquet(sink)
    return sink.getvalue()


WRITERS: dict[str, Callable[[], bytes]] = {
    ".parquet": as_parquet,
    ".jsonl": lambda: jsonl(*TABLE.iter_rows(named=True)),
    ".ndjson": lambda: jsonl(*TABLE.iter_rows(named=True)),
    ".json": lambda: TABLE.write_json().encode(),
    ".csv": lambda: as_csv(","),
    ".tsv": lambda: as_csv("\t"),
}
NAMES = [ending for ending in KNOWN if not ending.startswith((".txt", ".pq"))]


@pytest.mark.parametrize("ending", NAMES)
def test_every_format_gives_the_same_documents(put: Put, ending: str) -> None:
    content = WRITERS["." + ending.split(".")[1]]()
    corpus = read_corpus(put("data.v2" + ending, content))
    assert (corpus.documents, corpus.characters, corpus.text_column) == (3, 13, "text")
    assert frame(corpus).equals(TABLE)
    assert corpus.columns == {"n": pl.Int64, "share": pl.Float64, "ok": pl.Boolean}


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_plain_text_is_lines_or_files(put: Put, packing: str) -> None:
    path = put("a.txt" + packing, "one\n\ntwo\n")
    assert texts(read_corpus(path)) == ["one", "", "two"]
    assert texts(read_corpus(path, text_files="files")) == ["one\n\ntwo\n"]


def test_endings_may_be_in_capitals(put: Put) -> None:
    assert texts(read_corpus(put("A.TXT", "one"))) == ["one"]


@pytest.mark.parametrize("name", ["notes.docx", "notes", "a.gz", "a.parquet.gz", "data.arrow"])
def test_an_unknown_ending_lists_the_known_ones(put: Put, name: str) -> None:
    path = put(name, "one")
    with pytest.raises(CorpusError, match=rf"^{path} has an ending that is not known; .*\.jsonl\.zst"):
        read_corpus(path)


def test_readers_of_text_are_an_option(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert reader_for(path, text_files="lines")[1] is read_text_lines
    assert reader_for(path, text_files="files")[1] is read_text_file


@pytest.mark.parametrize(
    ("content", "reader"),
    [
        (b'{"a": 1}\n', read_jsonl),
        (b'\xef\xbb\xbf\n {"a": 1}\n', read_jsonl),
        (b' [{"a": 1}]', read_json),
        (b"PAR1....PAR1", read_parquet),
        (b"Once upon a time\n", read_text_lines),
        (b"", read_text_lines),
    ],
)
def test_a_stream_is_read_by_how_it_starts(tmp_path: Path, content: bytes, reader: Reader) -> None:
    path = tmp_path / "stream"
    path.write_bytes(content)
    assert sniff(path, "standard input")[1] is reader
    if not content.startswith(b"PAR1"):
        for packed in (gzip.compress(content), zstandard.compress(content)):
            path.write_bytes(packed)
            assert sniff(path, "standard input")[1] is reader
