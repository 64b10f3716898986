from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from corpus_files import frame, texts

from saedata.corpus import read_corpus
from saedata.errors import CorpusError

Rows = list[dict[str, Any]]


class FakeDataset:
    """What saedata uses of a Hugging Face `Dataset`."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def with_format(self, kind: str) -> FakeDataset:
        assert kind == "arrow"
        return self

    def iter(self, batch_size: int) -> Iterator[pa.Table]:
        for start in range(0, len(self.table), batch_size):
            yield self.table.slice(start, batch_size)


def test_all_kinds_of_frames_read_alike(rows: Rows) -> None:
    table = pl.DataFrame(rows)
    sources = [table, table.lazy(), table.to_pandas(), table.to_arrow(), FakeDataset(table.to_arrow()), rows]
    corpora = [read_corpus(source) for source in sources]
    assert {corpus.name for corpus in corpora} == {"frame"}
    assert len({corpus.sha256 for corpus in corpora}) == 1
    for corpus in corpora:
        assert frame(corpus).equals(table.select("text", "id", "score", "ok"))
        assert corpus.columns == {"id": pl.Int64, "score": pl.Float64, "ok": pl.Boolean}


def test_a_list_of_strings_may_have_holes(tmp_path: Path) -> None:
    corpus = read_corpus(["one", None, "", float("nan"), "two"])
    assert texts(corpus) == ["one", None, "", None, "two"]
    assert (corpus.documents, corpus.characters, corpus.text_column) == (5, 6, "text")


def test_series_are_corpora() -> None:
    assert texts(read_corpus(pl.Series("essay", ["a", "b"]))) == ["a", "b"]
    assert read_corpus(pl.Series("essay", ["a", "b"])).text_column == "essay"
    assert texts(read_corpus(pd.Series(["a", "b"]))) == ["a", "b"]


def test_pandas_objects_dates_categories_and_missing_values() -> None:
    table = pd.DataFrame(
        {
            "text": pd.Series(["a", None, np.nan], dtype=object),
            "mixed": pd.Series([1, "x", None], dtype=object),
            "group": pd.Categorical(["u", None, "v"]),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "score": [0.5, np.nan, 2.0],
            "day": pd.Series(["2024-02-29", None, "2024-03-01"]).astype("datetime64[us]"),
            7: [True, False, True],
        }
    ).set_axis([5, 5, 9])
    corpus = read_corpus(table, text="text")
    found = frame(corpus).to_dict(as_series=False)
    assert found["text"] == ["a", None, None]
    assert found["mixed"] == ["1", "x", None]
    assert found["group"] == ["u", None, "v"]
    assert found["count"] == [1, None, 3]
    assert found["score"] == [0.5, None, 2.0]
    assert [day and day.date() for day in found["day"]] == [date(2024, 2, 29), None, date(2024, 3, 1)]
    assert found["7"] == [True, False, True]


def test_polars_objects_are_read_cell_by_cell() -> None:
    table = pl.DataFrame({"text": ["a", "b"], "thing": pl.Series([{1}, None], dtype=pl.Object)})
    assert frame(read_corpus(table))["thing"].to_list() == ["{1}", None]


def test_dictionaries_may_hold_what_python_has() -> None:
    corpus = read_corpus([{"text": "a", "when": date(2024, 2, 29), "x": np.float32(0.5), "n": {1: (2,)}}])
    assert frame(corpus).row(0) == ("a", "2024-02-29", 0.5, '{"1":[2]}')


def test_lone_surrogates_do_not_travel() -> None:
    corpus = read_corpus([{"text": "a\ud800", "note": "\udfff"}])
    assert frame(corpus, 1).row(0) == ("a\ufffd", "\ufffd")


def test_a_lazy_frame_is_run_once_and_its_copy_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    calls = []

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        calls.append(batch.height)
        return batch

    corpus = read_corpus(pl.LazyFrame({"text": ["a", "b"]}).map_batches(count))
    assert texts(corpus) == ["a", "b"] == texts(corpus)
    assert len(calls) == 1
    assert len(list(tmp_path.iterdir())) == 1
    del corpus
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ([1, 2], r"^document 1 holds a number; every document must be an object or a string$"),
        (["a", ["b"]], r"^document 2 holds a list"),
        (["a", object()], r"^document 2 holds object"),
        (["a"] * 5000 + [b"x"], r"^document 5001 holds bytes"),
        (17, r"^a corpus cannot be read from int; give a path or a frame$"),
        (None, r"^a corpus cannot be read from NoneType"),
        ({"train": 1, "test": 2}, r"^a corpus cannot be read from dict; give one of its parts: train, test$"),
        ((text for text in "ab"), r"^a corpus cannot be read from generator"),
        ([], r"^frame holds no documents$"),
        (pl.DataFrame({"text": []}), r"^frame holds no documents$"),
        (pd.DataFrame([["a", "b"]], columns=["x", "x"]), r"^the pandas frame: the column 'x' appears twice"),
    ],
)
def test_what_is_no_corpus_is_refused(source: object, complaint: str) -> None:
    with pytest.raises(CorpusError, match=complaint):
        read_corpus(source)
