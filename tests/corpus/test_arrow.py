from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import Put, frame

from saedata.corpus import read_corpus
from saedata.errors import CorpusError


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_every_kind_of_string_is_text(tmp_path: Path) -> None:
    words = ["one", None, "two"]
    for i, kind in enumerate(
        [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
    ):
        array = pa.array(words, pa.string()).cast(kind) if i < 3 else pa.array(words).dictionary_encode()
        corpus = read_corpus(write(tmp_path / f"{i}.parquet", text=array, other=array))
        assert frame(corpus).to_dict(as_series=False) == {"text": words, "other": words}
        assert corpus.columns == {"other": pl.String}


def test_times_are_kept_and_numbers_have_one_width(tmp_path: Path) -> None:
    table = pl.DataFrame({"text": ["a"], "day": ["2024-02-29"], "time": ["2024-02-29T12:30"]}).with_columns(
        pl.col("day").str.to_date(),
        pl.col("time").str.to_datetime(time_unit="ns", time_zone="UTC"),
        small=pl.lit(3, pl.UInt8),
        half=pl.lit(0.5, pl.Float32),
        price=pl.lit("1.25").cast(pl.Decimal(10, 2)),
        color=pl.lit("red").cast(pl.Categorical),
        large=pl.lit(2**63, pl.UInt64),
    )
    table.write_parquet(tmp_path / "a.parquet")
    corpus = read_corpus(tmp_path / "a.parquet")
    assert corpus.columns == {
        "day": pl.Date,
        "time": pl.Datetime("ns", "UTC"),
        "small": pl.Int64,
        "half": pl.Float64,
        "price": pl.Float64,
        "color": pl.String,
        "large": pl.String,
    }
    row = frame(corpus).row(0, named=True)
    assert row["time"] == table["time"][0]
    assert (row["small"], row["half"], row["price"], row["large"]) == (3, 0.5, 1.25, "9223372036854775808")


def test_nested_columns_travel_as_json(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        text=pa.array(["a", "b"]),
        tags=pa.array([["x", "y"], []]),
        info=pa.array([{"k": 1, "s": None}, None]),
    )
    found = frame(read_corpus(path)).to_dict(as_series=False)
    assert found["tags"] == ['["x","y"]', "[]"]
    assert found["info"] == ['{"k":1,"s":null}', None]


def test_binary_columns_are_left_out_with_a_warning(tmp_path: Path) -> None:
    image = pa.array([{"bytes": b"\x89PNG", "path": "a.png"}])
    path = write(tmp_path / "a.parquet", text=pa.array(["a"]), raw=pa.array([b"\x00"]), image=image)
    corpus = read_corpus(path)
    assert corpus.columns == {}
    assert corpus.warnings == (
        "column 'raw' holds binary data and was left out",
        "column 'image' holds binary data and was left out",
    )


def test_conversations_as_structs(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    path = write(tmp_path / "a.parquet", messages=pa.array([turns, None, []]), n=pa.array([1, 2, 3]))
    corpus = read_corpus(path)
    assert corpus.text_column == "messages[assistant]"
    assert frame(corpus).to_dict(as_series=False) == {
        "text": ["Hello.", None, None],
        "prompt": ["Hi", None, None],
        "n": [1, 2, 3],
    }


def test_a_file_that_is_not_parquet_is_named(put: Put) -> None:
    path = put("a.parquet", b"PAR1 but then nothing that makes sense PAR1")
    with pytest.raises(CorpusError, match=rf"^{path} is not readable as Parquet \(.*\); check that it was"):
        read_corpus(path)


def test_a_damaged_page_is_found_before_anything_is_done(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    lines = [f"sentence number {i}" for i in range(50_000)]
    pl.DataFrame({"text": lines}).write_parquet(path, row_group_size=10_000)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"a.parquet is not readable as Parquet"):
        read_corpus(path)


def test_strings_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    raw = pa.array([b"fine", b"caf\xe9"], pa.binary())
    path = write(tmp_path / "a.parquet", text=pa.Array.from_buffers(pa.string(), 2, raw.buffers()))
    with pytest.raises(CorpusError, match=r"a.parquet is not readable as Parquet \(.*UTF8"):
        read_corpus(path)


def test_a_number_where_text_was_asked_for_names_the_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=pa.array(["a"]), n=pa.array([5]))
    with pytest.raises(CorpusError, match=r"a.parquet, row 1: the column 'n' holds a number there, not text"):
        read_corpus(path, text="n")
