"""What `Embeddings` answers, on whole frames and on views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from saedata.errors import FrameError, MismatchError
from saedata.frame import Embeddings, open_frame

MakeFrame = Callable[..., Embeddings]
Rows = list[tuple[str | None, dict[int, float]]]


def dense(rows: Rows) -> np.ndarray:
    matrix = np.zeros((len(rows), 8), np.float32)
    for doc, (_, values) in enumerate(rows):
        matrix[doc, list(values)] = list(values.values())
    return matrix


def test_matrix_rows_are_documents(frame: Embeddings, rows: Rows):
    matrix = frame.to_csr()
    assert matrix.dtype == np.float32
    assert matrix.has_sorted_indices
    assert np.array_equal(matrix.toarray(), dense(rows))


def test_scan_is_lazy_and_sorted(frame: Embeddings):
    table = frame.scan()
    assert isinstance(table, pl.LazyFrame)
    assert table.collect().equals(table.collect().sort("doc", "feature"))
    assert table.filter(pl.col("doc") == 4).collect()["feature"].to_list() == [0, 2, 4]


def test_documents_are_read_once(frame: Embeddings):
    assert frame.documents is frame.documents
    assert frame.documents["doc"].to_list() == list(range(7))


def test_documents_on(frame: Embeddings, rows: Rows):
    on = dense(rows)
    assert frame.documents_on().dtype == np.int64
    assert frame.documents_on().tolist() == (on > 0).sum(0).tolist()
    assert frame.documents_on(threshold=1.0).tolist() == (on > 1).sum(0).tolist()
    docs = np.array([6, 0, 4, 4])
    assert frame.documents_on(docs=docs).tolist() == (on[[0, 4, 6]] > 0).sum(0).tolist()
    assert frame.documents_on(docs=docs, threshold=0.5).tolist() == (on[[0, 4, 6]] > 0.5).sum(0).tolist()
    assert frame.documents_on(docs=np.array([], dtype=np.uint32)).sum() == 0


@pytest.mark.parametrize("docs", [[7], [-1], [0.5], ["a"]])
def test_documents_that_do_not_exist(docs: list[Any], frame: Embeddings):
    with pytest.raises(FrameError, match="docs must be document numbers from 0 to 6"):
        frame.documents_on(docs=np.array(docs))


def test_documents_on_in_small_blocks(frame: Embeddings, rows: Rows, monkeypatch: pytest.MonkeyPatch):
    for size in (1, 2, 3):
        monkeypatch.setattr("saedata.frame.postings.BLOCK", size)
        monkeypatch.setattr("saedata.frame.postings.MAPPED", 1)
        assert frame.documents_on(threshold=0.5).tolist() == (dense(rows) > 0.5).sum(0).tolist()


def test_postings_sorted_in_small_groups(
    make_frame: MakeFrame, rows: Rows, frame: Embeddings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("saedata.frame.postings.TOGETHER", 1)
    other = make_frame("other.sae", rows)
    assert other.manifest.derived["by_feature/docs.npy"] == frame.manifest.derived["by_feature/docs.npy"]
    assert other.manifest.derived["by_feature/values.npy"] == frame.manifest.derived["by_feature/values.npy"]


def test_unique_documents_keep_the_first(frame: Embeddings):
    assert frame.unique_documents().tolist() == [0, 1, 2, 4, 6]
    assert frame.filter(pl.col("doc") > 2).unique_documents().tolist() == [3, 4, 5, 6]
    assert Embeddings.concat([frame, frame]).unique_documents().tolist() == [0, 1, 2, 4, 6]


def test_top_documents(frame: Embeddings):
    top = frame.top_documents(0, 3)
    assert top.columns[:7] == ["feature", "rank", "doc", "value", "start", "stop", "text"]
    assert top.columns[7:] == ["model", "stars", "tags", "meta"]
    assert top["doc"].to_list() == [4, 0, 5]
    assert top["rank"].to_list() == [1, 2, 3]
    assert top["value"].to_list() == [2.0, 1.0, 1.0]
    assert [text[a:b] for text, a, b in top.select("text", "start", "stop").rows()] == ["sorry", "I", "I"]


def test_top_documents_of_several_features_read_each_shard_once(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    reads = []
    real = pl.scan_parquet
    monkeypatch.setattr("saedata.frame.top.FEW", 0)
    monkeypatch.setattr(pl, "scan_parquet", lambda path, **how: reads.append(path) or real(path, **how))
    top = frame.top_documents([3, 0, 7, 2], 2)
    assert top.select("feature", "doc").rows() == [(3, 6), (0, 4), (0, 0), (2, 0), (2, 4)]
    assert len(reads) == len(set(reads)) == 6


def test_top_documents_within_some_documents(frame: Embeddings):
    assert frame.top_documents(0, docs=np.array([0, 1, 6]))["doc"].to_list() == [0, 6]
    assert frame.top_documents(0, threshold=1.0)["doc"].to_list() == [4]
    assert frame.filter(pl.col("model") == "b").top_documents(0)["doc"].to_list() == [5, 6]
    assert frame.top_documents(0, docs=np.array([], dtype=np.uint32)).height == 0
    empty = frame.top_documents(7)
    assert empty.schema == frame.top_documents(0).schema


def test_columns_called_like_a_result(make_frame: MakeFrame, rows: Rows):
    frame = make_frame("a.sae", rows, user={"value": list("abcdefg"), "rank": list("tuvwxyz")})
    top = frame.top_documents(3)
    assert top.select("value", "rank", "value_document", "rank_document").rows() == [(4.0, 1, "g", "z")]
    assert frame.top_documents(7).columns == top.columns


@pytest.mark.parametrize("feature", [8, -1, 1.5, "a"])
def test_features_that_do_not_exist(feature: Any, frame: Embeddings):
    with pytest.raises(FrameError, match=f"feature {feature} does not exist: this encoder has features 0 to 7"):
        frame.top_documents([feature])
    with pytest.raises(FrameError, match="does not exist"):
        frame.select([feature])


def test_filter_keeps_numbers(frame: Embeddings, rows: Rows):
    view = frame.filter(pl.col("model") == "b")
    assert view.n_documents == 3
    assert view.path == frame.path
    assert view.documents["doc"].to_list() == [2, 5, 6]
    assert np.array_equal(view.to_csr().toarray(), dense(rows)[[2, 5, 6]])
    assert view.scan().collect()["doc"].unique().sort().to_list() == [5, 6]
    assert view.documents_on().tolist() == (dense(rows)[[2, 5, 6]] > 0).sum(0).tolist()
    twice = view.filter(pl.col("stars") > 3)
    assert twice.documents["doc"].to_list() == [5, 6]
    assert frame.n_documents == 7


def test_filter_that_keeps_nothing(frame: Embeddings):
    view = frame.filter(pl.col("model") == "nobody")
    assert view.n_documents == 0
    assert view.documents.schema == frame.documents.schema
    assert view.scan().collect().height == 0
    assert view.to_csr().shape == (0, 8)
    assert view.features["density"].to_list() == [0.0] * 8
    assert view.to_atlas().schema == frame.to_atlas().schema
    assert view.filter(pl.col("doc") > 1).n_documents == 0


def test_filter_by_an_unknown_column(frame: Embeddings):
    with pytest.raises(FrameError, match=r"cannot filter answers: .*its columns are doc, text, .*, model") as refusal:
        frame.filter(pl.col("modle") == "a")
    assert "\n" not in str(refusal.value)


def test_select_keeps_numbers(frame: Embeddings, rows: Rows):
    view = frame.select([2, 0])
    kept = dense(rows) * np.isin(np.arange(8), [0, 2])
    assert view.n_features == 8
    assert view.features["feature"].to_list() == [0, 2]
    assert np.array_equal(view.to_csr().toarray(), kept)
    assert view.documents_on().tolist() == (kept > 0).sum(0).tolist()
    assert view.scan().collect()["feature"].unique().sort().to_list() == [0, 2]
    with pytest.raises(FrameError, match="feature 1 is not among the selected"):
        view.top_documents(1)
    rare = frame.select(pl.col("density").is_between(0.01, 0.2))
    assert rare.features["feature"].to_list() == [1, 3, 4]
    with pytest.raises(FrameError, match="their columns are feature, label"):
        frame.select(pl.col("dense") > 1)


def test_concat_renumbers(make_frame: MakeFrame, frame: Embeddings, rows: Rows):
    other = make_frame("other.sae", [("new", {7: 1.5}), ("I am sorry", {0: 9.0})], user={"source": ["x", "y"]})
    both = Embeddings.concat([frame.filter(pl.col("doc") >= 4), other, other])
    assert both.path is None
    assert both.name == "answers + other + other"
    assert both.documents["doc"].to_list() == [4, 5, 6, 7, 8, 9, 10]
    assert both.documents["source"].to_list() == [None, None, None, "x", "y", "x", "y"]
    assert both.top_documents(0, 3)["doc"].to_list() == [8, 10, 4]
    assert both.to_csr().toarray()[[3, 6]].tolist() == other.to_csr().toarray().tolist()
    assert both.documents_on().tolist() == (both.to_csr().toarray() > 0).sum(0).tolist()
    assert both.filter(pl.col("source") == "y").documents["doc"].to_list() == [8, 10]
    assert Embeddings.concat([frame], name="one").name == "one"


def test_concat_refuses_what_does_not_belong_together(make_frame: MakeFrame, frame: Embeddings, rows: Rows):
    other = make_frame("other.sae", rows, encoder={"layer": 5})
    with pytest.raises(MismatchError, match="answers and other cannot be compared: layer 4 in answers, 5 in other"):
        Embeddings.concat([frame, other])
    with pytest.raises(MismatchError, match="different features selected"):
        Embeddings.concat([frame, frame.select([1])])
    with pytest.raises(FrameError, match="at least one frame"):
        Embeddings.concat([])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reader_sha256": "0" * 64}, "other reader weights"),
        ({"sae_sha256": "0" * 64}, "other SAE weights"),
        ({"hook": "mlp"}, "hook resid_post in answers, mlp in other"),
        ({"threshold": 0.5}, "threshold 0.0 in answers, 0.5 in other"),
        ({"pooling": "mean"}, "pooling max in answers, mean in other"),
        ({"precision": "bfloat16"}, "precision float32 in answers, bfloat16 in other"),
    ],
)
def test_frames_of_other_encoders_are_not_compared(
    change: dict[str, Any], said: str, make_frame: MakeFrame, frame: Embeddings, rows: Rows
):
    with pytest.raises(MismatchError, match=said):
        frame.check_comparable(make_frame("other.sae", rows, encoder=change))


def test_name_and_labels_do_not_make_encoders_incomparable(make_frame: MakeFrame, frame: Embeddings, rows: Rows):
    same = make_frame("same.sae", rows, encoder={"name": "copy", "labels_sha256": "0" * 64})
    frame.check_comparable(same)


def test_atlas(frame: Embeddings):
    atlas = frame.to_atlas(n=2)
    assert atlas["doc"].to_list() == list(range(7))
    names = [[entry["index"] for entry in row] for row in atlas["features"].to_list()]
    assert names == [[2, 0], [1, 2], [], [], [2, 0], [0], [3, 0]]
    first = atlas["features"].to_list()[1][0]
    assert first == {"feature": "feature 1 · tokens: cat", "source": "tiny", "index": 1}


def test_atlas_keeps_a_column_called_features(make_frame: MakeFrame, rows: Rows):
    frame = make_frame("a.sae", rows, user={"features": list("abcdefg")})
    assert frame.to_atlas()["user_features"].to_list() == list("abcdefg")


def test_pandas(frame: Embeddings):
    table = frame.to_pandas()
    assert table["model"].to_list()[:3] == ["a", "a", "b"]
    assert len(table) == 7


def test_opened_again_it_answers_the_same(frame: Embeddings):
    again = open_frame(frame.path or "")
    assert again.features.equals(frame.features)
    assert again.documents.equals(frame.documents)


def test_postings_are_the_activations_of_one_feature(frame: Embeddings) -> None:
    part = frame.filter(pl.col("doc") > 0)
    for view in (frame, part):
        stored = view.scan().collect()
        for feature in stored["feature"].unique():
            docs, values = view.postings(feature, threshold=0.5)
            expected = stored.filter(pl.col("feature") == feature, pl.col("value") > 0.5)
            assert docs.tolist() == expected["doc"].to_list()
            assert values.tolist() == expected["value"].to_list()
    with pytest.raises(FrameError, match="does not exist"):
        frame.postings(10**6)
    with pytest.raises(FrameError, match="not among the selected"):
        frame.select([0]).postings(1)


def test_numbers_and_shards_follow_a_view(frame: Embeddings) -> None:
    part = frame.filter(pl.col("doc") > 0)
    assert (frame.is_whole, part.is_whole, frame.select([0]).is_whole) == (True, False, False)
    assert part.extent == frame.extent == frame.n_documents
    assert part.doc_numbers.tolist() == list(range(1, frame.n_documents))
    assert frame.doc_numbers.tolist() == list(range(frame.n_documents))
    for view in (frame, part):
        assert pl.concat(shard.activations() for shard in view.shards()).equals(view.scan().collect())
    assert [shard.stored.index for shard in frame.shards()] == list(range(len(frame.manifest.shards)))


def test_passages_are_looked_up_pair_by_pair(frame: Embeddings) -> None:
    stored = {(one["feature"], one["doc"]): one for one in frame.scan().collect().iter_rows(named=True)}
    texts = dict(frame.documents.select("doc", "text").iter_rows())
    last = frame.n_documents - 1
    wanted = [*list(stored)[::-3], (0, last), (1, last), *list(stored)[:2]]
    got = frame.passages(*zip(*wanted, strict=True))
    assert [(row["feature"], row["doc"]) for row in got.iter_rows(named=True)] == wanted
    for row in got.iter_rows(named=True):
        one = stored.get((row["feature"], row["doc"]), dict.fromkeys(("value", "start", "stop")))
        assert [row[name] for name in ("value", "start", "stop")] == [one[name] for name in ("value", "start", "stop")]
        assert row["text"] == texts[row["doc"]]
    assert frame.passages([], []).schema == got.schema
    with pytest.raises(FrameError, match="document 0 is not in this view"):
        frame.filter(pl.col("doc") > 0).passages([1, 1], [1, 0])
