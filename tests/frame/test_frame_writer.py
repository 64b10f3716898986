"""Writing a frame: what is on the disk afterwards, continuing, refusing, appending."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saedata.errors import FrameError
from saedata.frame import CorpusInfo, Embeddings, FrameWriter, open_frame
from saedata.frame.layout import ACTIVATION_SCHEMA, DOCUMENT_SCHEMA, FEATURE_SCHEMA

Parts = Callable[..., Any]
Rows = list[tuple[str | None, dict[int, float]]]


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_files_are_plain_parquet_and_numpy_that_any_tool_can_read(frame: Embeddings, tmp_path: Path):
    root = tmp_path / "answers.sae"
    names = {f"{kind}/part-0000{i}.parquet" for kind in ("documents", "activations") for i in range(3)}
    derived = {f"by_feature/{name}.npy" for name in ("offsets", "docs", "values")} | {"features.parquet"}
    assert tree(root).keys() == names | derived | {"manifest.json"}
    documents = pl.read_parquet(root / "documents/part-00000.parquet")
    assert list(documents.schema.items())[:5] == list(DOCUMENT_SCHEMA.items())
    assert documents.columns[5:] == ["model", "stars", "tags", "meta"]
    assert pl.read_parquet(root / "activations/part-00002.parquet").schema == ACTIVATION_SCHEMA
    assert pl.read_parquet(root / "features.parquet").schema == FEATURE_SCHEMA


def test_manifest_says_what_was_written(frame: Embeddings):
    manifest = frame.manifest
    assert manifest.complete
    assert (manifest.documents, manifest.activations, manifest.duplicates) == (7, 10, 2)
    assert [shard.documents for shard in manifest.shards] == [3, 3, 1]
    assert [shard.empty for shard in manifest.shards] == [1, 1, 0]
    assert [shard.windowed for shard in manifest.shards] == [1, 1, 1]
    assert [shard.tokens for shard in manifest.shards] == [6, 6, 4]
    assert manifest.columns[:2] == (("model", "String"), ("stars", "Int64"))


def test_manifest_holds_no_time_host_or_path(frame: Embeddings, tmp_path: Path):
    content = (tmp_path / "answers.sae/manifest.json").read_text()
    assert content.endswith("}\n")
    for word in (str(tmp_path), os.uname().nodename, "answers", "time", "date"):
        assert word not in content


def test_equal_input_gives_equal_bytes(frame_parts: Parts, rows: Rows, user: dict[str, Any], tmp_path: Path):
    for name in ("one.sae", "two.sae"):
        frame_parts(rows, user=user).write(tmp_path / name)
    assert tree(tmp_path / "one.sae") == tree(tmp_path / "two.sae")


def test_many_rows_give_equal_bytes_too(frame_parts: Parts, tmp_path: Path):
    """Enough rows for several row groups, which polars compresses on several threads."""
    numbers = np.random.default_rng(3)
    texts = [" ".join(map(str, line)) for line in numbers.integers(0, 999, (9_000, 30))]
    on = {int(f): float(v) for f, v in zip(range(0, 40, 2), numbers.gamma(1, 1, 20), strict=True)}
    parts = frame_parts([(text, on) for text in texts], features=40, shard=9_000)
    for name in ("one.sae", "two.sae"):
        parts.write(tmp_path / name)
    assert tree(tmp_path / "one.sae") == tree(tmp_path / "two.sae")


def test_user_values_come_back_as_they_were(frame: Embeddings, user: dict[str, list[Any]]):
    assert frame.documents.select(list(user)).to_dict(as_series=False) == user


def test_nothing_is_created_before_the_first_shard(frame_parts: Parts, rows: Rows, tmp_path: Path):
    with frame_parts(rows).open(tmp_path / "deep" / "a.sae"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_reopening_goes_on_after_the_listed_shards(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts, out = frame_parts(rows), tmp_path / "a.sae"
    with parts.open(out) as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    with parts.open(out) as writer:
        assert (writer.done, writer.documents_done, writer.corpus_documents_done) == (1, 3, 3)
        assert not writer.complete


def test_finished_frame_is_not_written_again(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts, out = frame_parts(rows), tmp_path / "a.sae"
    parts.write(out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with parts.open(out) as writer:
        assert (writer.done, writer.complete) == (3, True)
        assert writer.finish().n_documents == 7
        with pytest.raises(FrameError, match=r"is finished; use --append"):
            writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_finish_refuses_while_documents_are_missing(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts = frame_parts(rows)
    with parts.open(tmp_path / "a.sae") as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
        with pytest.raises(FrameError, match="has 3 of the corpus' 7 documents"):
            writer.finish()


def test_corpus_without_documents_gives_a_frame_with_its_columns(
    make_frame: Callable[..., Embeddings],
):
    frame = make_frame("none.sae", [], tables={"model": pl.String(), "n": pl.Int8()})
    assert frame.n_documents == 0
    assert frame.documents.schema == DOCUMENT_SCHEMA | {"model": pl.String(), "n": pl.Int8()}
    assert frame.to_csr().shape == (0, 8)
    assert frame.features["documents"].to_list() == [0] * 8
    assert frame.features["density"].to_list() == [0.0] * 8
    assert frame.features["q90"].null_count() == 8
    assert frame.documents_on(threshold=0.5).tolist() == [0] * 8
    assert frame.unique_documents().tolist() == []
    assert frame.top_documents(0).columns[-3:] == ["text", "model", "n"]


def test_shards_without_activations(make_frame: Callable[..., Embeddings]):
    frame = make_frame("quiet.sae", [("a", {}), ("b", {})] * 3)
    assert frame.manifest.activations == 0
    assert frame.to_csr().nnz == 0
    assert frame.features["tokens"].null_count() == 8
    assert frame.top_documents([0, 1]).height == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": {"layer": 5}}, "layer 4 there, 5 here"),
        ({"encoder": {"sae_sha256": "0" * 64}}, "other SAE weights"),
        ({"encoder": {"precision": "bfloat16"}}, "precision float32 there, bfloat16 here"),
        ({"encoder": {"layer": 5, "hook": "mlp"}}, "layer 4 there, 5 here; hook resid_post there, mlp here"),
        ({"options": {"shard_documents": 3, "overlap": 0}}, "overlap 32 there, 0 here"),
        ({"options": {"shard_documents": 3}}, "overlap 32 there, absent here"),
        ({"user": {"n": [1, 2, 3, 4, 5, 6, 7]}}, "column 'n' absent there, Int64 here"),
    ],
)
def test_another_run_is_refused_by_name_and_changes_nothing(
    change: dict[str, Any], said: str, frame_parts: Parts, rows: Rows, tmp_path: Path
):
    out = tmp_path / "a.sae"
    frame_parts(rows).write(out)
    (out / "documents/part-00009.parquet").write_bytes(b"not listed")
    before = tree(out)
    with pytest.raises(FrameError) as refusal:
        frame_parts(rows, **change).open(out)
    expected = f"{out} was made by another run: {said}; choose another --out or remove it"
    assert str(refusal.value) == expected
    assert tree(out) == before


def test_another_corpus_is_refused(frame_parts: Parts, rows: Rows, tmp_path: Path):
    frame_parts(rows).write(tmp_path / "a.sae")
    with pytest.raises(FrameError, match="a corpus of 7 documents there, of 6 here"):
        frame_parts(rows[1:]).open(tmp_path / "a.sae")
    with pytest.raises(FrameError, match="another corpus there"):
        frame_parts(rows[::-1]).open(tmp_path / "a.sae")


def test_folder_that_is_no_frame_stays_untouched(frame_parts: Parts, rows: Rows, tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_bytes(b"cat")
    with pytest.raises(FrameError, match="exists and is not a frame"):
        frame_parts(rows).open(tmp_path / "photos")
    assert tree(tmp_path) == {"photos/cat.jpg": b"cat"}


def test_file_in_the_way_is_refused(frame_parts: Parts, rows: Rows, tmp_path: Path):
    (tmp_path / "a.sae").write_bytes(b"mine")
    with pytest.raises(FrameError, match="is a file, not a frame"):
        frame_parts(rows).open(tmp_path / "a.sae")
    with pytest.raises(FrameError, match=r"cannot be made: .*a.sae is a file"):
        frame_parts(rows).open(tmp_path / "a.sae" / "b.sae")
    assert tree(tmp_path) == {"a.sae": b"mine"}


def test_unwritable_place_is_refused_before_any_work(
    frame_parts: Parts, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FrameError, match=f"permission denied in {tmp_path}"):
        frame_parts(rows).open(tmp_path / "a.sae")


def test_empty_folder_is_taken(frame_parts: Parts, rows: Rows, tmp_path: Path):
    (tmp_path / "a.sae").mkdir()
    assert frame_parts(rows).write(tmp_path / "a.sae").n_documents == 7


def test_second_writer_is_refused_and_may_come_when_the_first_has_gone(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts, out = frame_parts(rows), tmp_path / "a.sae"
    with parts.open(out) as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
        with pytest.raises(FrameError, match="another process is writing"):
            parts.open(out)
    parts.write(out)


def test_two_writers_that_began_together_do_not_mix(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts, out = frame_parts(rows), tmp_path / "a.sae"
    with parts.open(out) as slow:
        parts.write(out)
        with pytest.raises(FrameError, match=r"another process has written .* meanwhile"):
            slow.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    assert open_frame(out).n_documents == 7


def test_append_numbers_on_and_equals_the_documents_in_order(
    frame_parts: Parts, rows: Rows, user: dict[str, Any], tmp_path: Path
):
    out = tmp_path / "a.sae"
    more = [("sorry, the cat", {0: 9.0, 1: 1.0}), ("I am sorry", {7: 1.0})]
    frame_parts(rows, user=user).write(out)
    extra = {name: values[:2] for name, values in user.items()}
    frame = frame_parts(more, user=extra).write(out, append=True)
    assert frame.n_documents == 9
    assert frame.documents["doc"].to_list() == list(range(9))
    assert [shard.corpus for shard in frame.manifest.shards] == [0, 0, 0, 1]
    assert [corpus.documents for corpus in frame.manifest.corpora] == [7, 2]
    assert frame.manifest.duplicates == 3
    assert frame.top_documents(0, 1)["doc"].to_list() == [7]
    dense = np.zeros((9, 8), np.float32)
    for doc, (_, values) in enumerate(rows + more):
        dense[doc, list(values)] = list(values.values())
    assert np.array_equal(frame.to_csr().toarray(), dense)


def test_append_begins_where_there_is_nothing(frame_parts: Parts, rows: Rows, tmp_path: Path):
    frame_parts(rows).write(tmp_path / "a.sae")
    frame_parts(rows).write(tmp_path / "b.sae", append=True)
    assert tree(tmp_path / "a.sae") == tree(tmp_path / "b.sae")


def test_append_refuses_what_is_there_already_or_does_not_fit(
    frame_parts: Parts, rows: Rows, user: dict[str, Any], tmp_path: Path
):
    out = tmp_path / "a.sae"
    frame_parts(rows).write(out)
    before = tree(out)
    with pytest.raises(FrameError, match="already holds this corpus"):
        frame_parts(rows).open(out, append=True)
    with pytest.raises(FrameError, match="column 'model' absent there, String here"):
        frame_parts(rows, user={"model": user["model"]}).open(out, append=True)
    with pytest.raises(FrameError, match="layer 4 there, 6 here"):
        frame_parts(rows[:2], encoder={"layer": 6}).open(out, append=True)
    assert tree(out) == before


def test_interrupted_append_must_be_finished_first(frame_parts: Parts, rows: Rows, tmp_path: Path):
    out, more = tmp_path / "a.sae", frame_parts([("b", {1: 1.0})] * 5)
    frame_parts(rows).write(out)
    with more.open(out, append=True) as writer:
        writer.write_shard(more.documents(0, 7), more.activations(0, 7))
    with pytest.raises(FrameError, match=r"unfinished \(10 documents so far\)"):
        open_frame(out)
    with pytest.raises(FrameError, match="is unfinished: first run again"):
        frame_parts([("c", {})]).open(out, append=True)
    with pytest.raises(FrameError, match="2 corpora there"):
        frame_parts(rows).open(out)
    with more.open(out, append=True) as writer:
        assert (writer.done, writer.documents_done, writer.corpus_documents_done) == (4, 10, 3)
    assert more.write(out, append=True).n_documents == 12


def test_labels_are_kept_and_tokens_filled_where_there_are_none(make_frame: Callable[..., Embeddings], rows: Rows):
    labels = pl.DataFrame(
        {
            "feature": [0, 2],
            "label": ["apology", None],
            "label_score": [0.5, None],
            "tokens": [["sorry"], None],
        }
    )
    features = make_frame("a.sae", rows, labels=labels).features
    assert features["label"].to_list() == ["apology"] + [None] * 7
    assert features["tokens"].to_list()[:3] == [["sorry"], ["cat"], ["sorry", "truly", "sat"]]
    assert features["tokens"].null_count() == 3


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"feature": [1, 1], "label": ["a", "b"]}, "at most once"),
        ({"feature": [8], "label": ["a"]}, "from 0 to 7"),
        ({"feature": ["one"], "label": ["a"]}, "cannot be used"),
        ({"label": ["a"]}, "at most once"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: dict[str, Any], said: str, frame_parts: Parts, rows: Rows, tmp_path: Path
):
    with pytest.raises(FrameError, match=said):
        frame_parts(rows, labels=pl.DataFrame(labels)).write(tmp_path / "a.sae")
    assert frame_parts(rows).write(tmp_path / "a.sae").n_documents == 7


def test_reserved_column_is_refused(frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts = frame_parts(rows)
    with pytest.raises(FrameError, match="cannot be called 'tokens'"):
        FrameWriter.open(
            tmp_path / "a.sae",
            encoder=parts.info,
            corpus=CorpusInfo(**parts.corpus),
            options={},
            columns={"tokens": pl.String()},
        )
