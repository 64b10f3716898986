from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from corpus_files import Put, frame, jsonl, texts

from saedata.corpus import read_corpus
from saedata.errors import CorpusError

ROWS = [{"text": f"document {i}", "n": i if i % 3 else None, "late": "x" if i > 4000 else None} for i in range(5000)]


@pytest.mark.parametrize("size", [1, 7, 2047, 2048, 2049, 4096, 5000, 100_000])
def test_batches_have_the_size_asked_for_and_one_schema(size: int) -> None:
    rows = ROWS[:100] if size == 1 else ROWS
    corpus = read_corpus(rows)
    schema = pl.Schema([("text", pl.String()), *corpus.columns.items()])
    batches = list(corpus.batches(size))
    assert [batch.height for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= batches[-1].height <= size
    assert all(batch.schema == schema for batch in batches)
    assert pl.concat(batches)["text"].to_list() == [row["text"] for row in rows]


@pytest.mark.parametrize("skip", [0, 1, 2047, 2048, 2049, 4999, 5000, 6000])
def test_skipped_documents_are_left_out(skip: int) -> None:
    corpus = read_corpus(ROWS)
    batches = list(corpus.batches(1000, skip=skip))
    found = [text for batch in batches for text in batch["text"]]
    assert found == [row["text"] for row in ROWS[skip:]]
    assert [batch.height for batch in batches[:-1]] == [1000] * (len(batches) - 1)


def test_batches_of_no_documents_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"^a batch of 0 documents cannot be made"):
        list(read_corpus(["a"]).batches(0))


def test_a_corpus_is_read_again_and_again(put: Put) -> None:
    corpus = read_corpus(put("x.jsonl.gz", jsonl(*ROWS)))
    first, second = corpus.batches(100), corpus.batches(100)
    assert next(first).equals(next(second))
    assert frame(corpus).equals(frame(corpus, 17))


def test_files_with_other_columns_are_united(put: Put, tmp_path: Path) -> None:
    put("c/1.jsonl", jsonl({"text": "a", "n": 1, "x": True}))
    put("c/2.csv", "m,n,text\nw,0.5,b\n")
    put("c/3.txt", "c\n")
    corpus = read_corpus(tmp_path / "c")
    assert corpus.columns == {"n": pl.Float64, "x": pl.Boolean, "m": pl.String}
    assert frame(corpus).to_dict(as_series=False) == {
        "text": ["a", "b", "c"],
        "n": [1.0, 0.5, None],
        "x": [True, None, None],
        "m": [None, "w", None],
    }


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, None, 2], pl.Int64, [1, None, 2]),
        ([1, 0.5], pl.Float64, [1.0, 0.5]),
        ([True, False], pl.Boolean, [True, False]),
        ([1, "a", None], pl.String, ["1", "a", None]),
        ([True, 1], pl.String, ["true", "1"]),
        ([[1], {"a": "ü"}], pl.String, ["[1]", '{"a":"ü"}']),
        ([None, None], pl.String, [None, None]),
        ([2**63, 1], pl.String, ["9223372036854775808", "1"]),
    ],
)
def test_types_are_unified_over_the_whole_corpus(
    put: Put, values: list[object], dtype: type[pl.DataType], expected: list[object]
) -> None:
    files = [put(f"{i}.jsonl", jsonl({"text": "a", "x": value})) for i, value in enumerate(values)]
    corpus = read_corpus(files)
    assert corpus.columns == {"x": dtype}
    assert frame(corpus)["x"].to_list() == expected


def test_texts_are_not_altered(put: Put) -> None:
    odd = [" \t lead and trail \n", "\r\n", "e\u0301 stays two", "\ufeff mark", "nul\0", "\u2028", "😀"]
    assert texts(read_corpus(put("x.jsonl", jsonl(*({"text": text} for text in odd))))) == odd
    assert texts(read_corpus(odd)) == odd
    assert texts(read_corpus(pl.DataFrame({"text": odd}))) == odd


def test_a_file_that_grows_meanwhile_is_read_as_far_as_it_was(put: Put) -> None:
    path = put("x.jsonl", jsonl(*ROWS))
    corpus = read_corpus(path)
    with path.open("ab") as file:
        file.write(jsonl({"text": "more"}))
    assert frame(corpus).height == 5000


def test_a_file_that_changes_meanwhile_is_noticed(put: Put) -> None:
    path = put("x.jsonl", jsonl({"text": "a", "n": 1}, {"text": "b", "n": 2}))
    corpus = read_corpus(path)
    put("x.jsonl", jsonl({"text": "a", "n": 1}))
    with pytest.raises(CorpusError, match=r"^the corpus x was changed while it was being read; run the command"):
        list(corpus.batches())
    put("x.jsonl", jsonl({"text": "a", "n": 1}, {"text": "b", "n": "two"}))
    with pytest.raises(CorpusError, match=r"^the corpus x was changed"):
        list(corpus.batches())


def test_a_corpus_shows_its_facts_only() -> None:
    shown = repr(read_corpus(["a"]))
    assert "documents=1" in shown
    assert "_source" not in shown
