from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from corpus_files import Put, frame, jsonl, texts

from saedata.corpus import arrow, csvfiles, frames, jsonfiles, read_corpus, textfiles
from saedata.errors import CorpusError

ROWS: list[dict[str, Any]] = [
    {"text": "one", "n": 1, "tags": ["a"]},
    {"text": None, "n": 2, "tags": None},
    {"text": "", "n": None, "tags": []},
    {"text": "two words", "n": 4, "tags": ["b", "c"]},
    {"text": "one", "n": 5, "tags": ["a"]},
]


def sha(source: Any, **options: Any) -> str:
    return read_corpus(source, **options).sha256


def test_counts_include_empty_documents() -> None:
    corpus = read_corpus(ROWS)
    assert (corpus.documents, corpus.characters) == (5, 15)
    assert texts(corpus) == ["one", None, "", "two words", "one"]


def test_reserved_names_are_changed_with_a_warning() -> None:
    row = {
        "id": "a",
        "doc": 1,
        "text": "t",
        "tokens": 2,
        "user_tokens": 3,
        "user_tokens_2": 4,
        "features_on": 5,
    }
    corpus = read_corpus([{**row, "variance_unexplained": 0.5, "body": "b"}], text="body")
    assert list(corpus.columns) == [
        "id",
        "user_doc",
        "user_text",
        "user_tokens_3",
        "user_tokens",
        "user_tokens_2",
        "user_features_on",
        "user_variance_unexplained",
    ]
    assert corpus.warnings[2] == "column 'tokens' was renamed to 'user_tokens_3'"
    assert len(corpus.warnings) == 5
    assert frame(corpus).row(0) == ("b", "a", 1, "t", 2, 3, 4, 5, 0.5)


def test_the_hash_does_not_depend_on_names_formats_or_cuts(put: Put, tmp_path: Path) -> None:
    expected = sha(ROWS)
    pl.DataFrame(ROWS).write_parquet(tmp_path / "x.parquet")
    assert sha(tmp_path / "x.parquet") == expected
    assert sha(put("one.jsonl", jsonl(*ROWS))) == expected
    assert sha(put("two.json.zst", b"[" + b",".join(jsonl(row) for row in ROWS) + b"]")) == expected
    assert sha([put("1.jsonl", jsonl(*ROWS[:2])), put("2.jsonl.gz", jsonl(*ROWS[2:]))]) == expected


def test_the_hash_does_not_depend_on_chunks(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        put("x.jsonl", jsonl(*ROWS)),
        put("x.csv", "text,n\none,1\ntwo,x\n,3\nfour,2\n"),
        put("x.txt", "one\ntwo\n\nfour\n"),
    ]
    pl.DataFrame(ROWS).write_parquet(files[0].with_name("x.parquet"))
    sources = [*files, files[0].with_name("x.parquet"), ROWS]
    expected = [read_corpus(source) for source in sources]
    for module in (jsonfiles, csvfiles, textfiles, frames):
        monkeypatch.setattr(module, "CHUNK_ROWS", 2)
    monkeypatch.setattr(arrow, "BATCH_ROWS", 2)
    for source, before in zip(sources, expected, strict=True):
        after = read_corpus(source)
        assert after.sha256 == before.sha256
        assert after.columns == before.columns
        assert (after.documents, after.characters) == (before.documents, before.characters)
        assert frame(after).equals(frame(before))


def test_the_hash_depends_on_content_order_and_what_is_read() -> None:
    other = [
        ROWS[::-1],
        ROWS[:4],
        [{**row, "n": 9} for row in ROWS],
        [{**row, "text": (row["text"] or "") + " "} for row in ROWS],
        [{"text": row["text"], "m": row["n"], "tags": row["tags"]} for row in ROWS],
        [{**row, "n": row["n"] and float(row["n"])} for row in ROWS],
        [{**row, "extra": None} for row in ROWS],
    ]
    assert len({sha(rows) for rows in [ROWS, *other]}) == len(other) + 1
    pair = [{"prompt": "a", "response": "b"}]
    assert len({sha(pair), sha(pair, roles="user"), sha(pair, roles=("user", "assistant"))}) == 3
    chat = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    assert len({sha(chat), sha(chat, roles="user"), sha(chat, roles=("user", "assistant"))}) == 3
    assert sha(chat, roles=("user", "assistant")) == sha(chat, roles=("gpt", "human"))


def test_null_and_empty_texts_hash_apart() -> None:
    assert sha(["a", None]) != sha(["a", ""])


def test_the_way_text_files_are_read_is_in_the_hash(put: Put) -> None:
    path = put("x.txt", "one\ntwo\n")
    assert sha(path) != sha(path, text_files="files")


def test_a_limit_stops_early(put: Put) -> None:
    path = put("x.jsonl", jsonl(*ROWS * 1000) + b"this is never read\n")
    corpus = read_corpus(path, limit=5)
    assert texts(corpus) == [row["text"] for row in ROWS]
    assert corpus.sha256 == sha(ROWS)
    assert read_corpus(path, limit=2).sha256 == sha(ROWS[:2])
    assert read_corpus(ROWS, limit=100).documents == 5


def test_a_limit_over_several_files(put: Put, tmp_path: Path) -> None:
    put("c/1.txt", "a\nb\n")
    put("c/2.txt", "c\nd\n")
    put("c/3.txt", b"\xff")
    assert texts(read_corpus(tmp_path / "c", limit=3)) == ["a", "b", "c"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(CorpusError, match=rf"^the limit is {limit}, but at least 1 document must be read$"):
        read_corpus(["a"], limit=limit)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", '{"text": null}\n{"text": ""}\n'),
        ("x.jsonl", '{"messages": [], "text": null}\n'),
        ("x.jsonl", '{"messages": [{"role": "assistant", "content": null}]}\n{"messages": null}\n'),
        ("x.json", "[null]"),
        ("x.csv", "text,n\n,1\n,2\n"),
        ("x.txt", "\n\n"),
    ],
)
def test_a_corpus_without_text_is_refused(put: Put, name: str, content: str) -> None:
    with pytest.raises(CorpusError, match=r"^no document of x has text: \d rows, all empty in '\w+(\[assistant\])?'$"):
        read_corpus(put(name, content))


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.txt", "x.jsonl.gz", "x.csv.zst"])
def test_a_corpus_without_documents_is_refused(put: Put, name: str) -> None:
    with pytest.raises(CorpusError, match=r"^x holds no documents$"):
        read_corpus(put(name, ""))


def test_a_broken_last_line_is_found_before_the_first_batch(put: Put) -> None:
    path = put("x.jsonl", jsonl(*ROWS * 1000) + b'{"text": "cut')
    with pytest.raises(CorpusError, match=r"x.jsonl, line 5001: broken JSON \(Unterminated string"):
        read_corpus(path)


def written(rows: pl.DataFrame, ending: str) -> str:
    if ending == "txt":
        return "\n".join(rows["text"])
    return rows.write_csv() if ending == "csv" else rows.write_ndjson()


PEAK = """
import re, sys
from pathlib import Path
from saedata.corpus import read_corpus
corpus = read_corpus(sys.argv[1])
assert sum(batch.height for batch in corpus.batches(256)) == corpus.documents
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's peak memory of a process")
@pytest.mark.parametrize("name", ["{}.jsonl.gz", "{}.csv", "{}.txt.zst", "{}.parquet"])
def test_memory_does_not_grow_with_the_corpus(put: Put, tmp_path: Path, name: str) -> None:
    text = "The lamp over the harbour door had been out since Tuesday. " * 10
    peaks = []
    for copies in (20_000, 120_000):
        rows = pl.DataFrame({"text": [text] * copies, "n": range(copies)})
        path = tmp_path / name.format(copies)
        if path.suffix == ".parquet":
            rows.write_parquet(path, row_group_size=20_000)
        else:
            put(path.name, written(rows, path.name.split(".")[1]))
        command = [sys.executable, "-c", PEAK, str(path)]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 40_000, "70 MB of text must not be held in memory"
