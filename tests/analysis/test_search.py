"""Search, against scores computed the slow way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from search_frames import ROWS, corpus, labels, rank_weights, score, text_vectors, vectors

from saedata.analysis.search import QueryError, query_features, scores, search
from saedata.analysis.search.fusion import LEARNED, WEIGHTS
from saedata.analysis.search.hits import NAMED
from saedata.errors import FrameError, InputError
from saedata.frame import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeFrame = Callable[..., Embeddings]


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model is loaded: phrases and texts are embedded by hand."""

    def embed(texts: Any) -> Any:
        try:
            return vectors(texts)
        except (KeyError, ValueError):
            return text_vectors(texts)

    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("saedata.sentences.embed_sentences", embed)
    monkeypatch.setattr("saedata.analysis.search.texts._text_vector", lambda text: text_vectors([text])[0])
    monkeypatch.setattr("saedata.dense.embed_documents", text_vectors)


@pytest.fixture
def frame(make_frame: MakeFrame) -> Embeddings:
    return corpus(make_frame)


def by_sae(frame: Embeddings, query: str = "", **options: Any) -> pl.DataFrame:
    return search(frame, query, method="sae", **({"per_phrase": 2} | options))


def ranking(total: Any) -> list[int]:
    order = np.argsort(-total, kind="stable")
    return [int(doc) for doc in order if total[doc] > 0]


def test_one_phrase(frame: Embeddings):
    found = by_sae(frame, "hedging", temperature=0.5)
    expected = score(frame, [0, 1], rank_weights(2, 0.5))
    assert found["doc"].to_list() == ranking(expected) == [0, 1, 4]
    np.testing.assert_allclose(found["score"], expected[[0, 1, 4]], rtol=1e-6)
    assert found["text"].to_list() == [ROWS[doc][0] for doc in (0, 1, 4)]
    assert found.columns == [
        "doc", "score", "text", "features", "rank_sae", "rank_dense", "rank_bm25", "model", "stars"
    ]  # fmt: skip
    assert found["rank_sae"].to_list() == [1, 2, 3]
    assert found["rank_dense"].null_count() == 3
    assert found["model"].to_list() == ["a", "b", "a"]


def test_what_speaks_for_a_document(frame: Embeddings):
    found = by_sae(frame, "hedging")
    weights = rank_weights(2)
    assert found.schema["features"] == NAMED
    assert [len(one) for one in found["features"]] == [1, 2, 2]
    first, second = found["features"][1].to_list()
    assert (first["feature"], first["label"], first["value"]) == (0, "hedging", 2.0)
    assert first["weight"] == pytest.approx(weights[0])
    text = found["text"][1]
    assert text[first["start"] : first["stop"]] == "perhaps"  # feature 0 is strongest on the first word
    assert (second["feature"], text[second["start"] : second["stop"]]) == (1, "loops")
    assert by_sae(frame, "hedging", explain=False)["features"].list.len().to_list() == [0, 0, 0]


def test_both_either_and_not(frame: Embeddings):
    hedging, code = (score(frame, features, rank_weights(2)) for features in ([0, 1], [2, 3]))
    both = by_sae(frame, "hedging AND code")
    assert both["doc"].to_list() == [1]
    assert both["score"][0] == pytest.approx(np.sqrt(hedging * code)[1], rel=1e-5)
    either = by_sae(frame, "hedging OR code")
    expected = np.maximum(hedging, code)
    assert either["doc"].to_list() == ranking(expected)
    np.testing.assert_allclose(either["score"], expected[either["doc"].to_numpy()], rtol=1e-5)
    without = by_sae(frame, 'hedging AND NOT "3.3"')  # the five nearest features are all those with a label
    assert without.is_empty()


def test_not_takes_away_what_has_one_of_the_nearest_features(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saedata.analysis.search.plan.NOT_FEATURES", 2)
    assert by_sae(frame, "hedging AND NOT code")["doc"].to_list() == [0, 4]
    assert by_sae(frame, "hedging AND NOT (code OR sports)")["doc"].to_list() == [0]
    # sports: features 4 and, next to it, 3; nothing has both sides of the second NOT but document 4 has sports
    assert by_sae(frame, "hedging AND NOT (code AND sports)")["doc"].to_list() == [0, 1, 4]
    assert by_sae(frame, "hedging AND NOT NOT code")["doc"].to_list() == [1]
    passes = np.array([True, False, False, True, True, True, False])
    hedging, sports = (score(frame, features, rank_weights(2)) for features in ([0, 1], [4, 3]))
    found = by_sae(frame, "(hedging AND NOT code) OR sports")
    assert found["doc"].to_list() == ranking(np.maximum(hedging * passes, sports))
    table = query_features(frame, "hedging AND NOT code", per_phrase=1)
    assert table.select("feature", "wanted", "weight").rows() == [(0, True, 1.0), (2, False, 0.0), (3, False, 0.0)]


@pytest.mark.parametrize(
    ("query", "position", "reason"),
    [
        ("NOT code", 4, "nothing is looked for"),
        ("hedging OR NOT code", 8, "cannot be one side of OR"),
        ("NOT (hedging AND NOT code)", 5, "cannot be one side of OR"),
        ("hedging AND", 11, "the query ends"),
        (" OR ".join(["hedging"] * 65), 64 * 11, "here begins phrase 65, and 64 are the most"),
    ],
)
@pytest.mark.parametrize("method", ["sae", "fusion"])
def test_queries_that_cannot_be_read(frame: Embeddings, query: str, position: int, reason: str, method: str):
    with pytest.raises(QueryError, match=reason) as told:
        search(frame, query, method=method)
    assert told.value.position == position


def test_features_by_number_and_by_kind(frame: Embeddings):
    found = by_sae(frame, features=[5, 4])
    expected = score(frame, [5, 4], [0.5, 0.5])
    assert found["doc"].to_list() == ranking(expected)
    assert found["features"][0].to_list()[0]["label"].startswith("feature 5") == (found["doc"][0] == 6)
    assert by_sae(frame, features=4)["doc"].to_list() == [3, 4]
    kinds = by_sae(frame, kinds="format")
    assert kinds["doc"].to_list() == ranking(score(frame, [2, 3], [0.5, 0.5]))
    assert by_sae(frame, "1.6", kinds="tone", least=-1)["doc"].to_list() == [1, 4, 0]
    with pytest.raises(FrameError, match="feature 6 does not exist"):
        by_sae(frame, features=6)


def test_query_features_and_numbers_add_up(frame: Embeddings):
    found = by_sae(frame, "hedging", features=[4])
    total = (score(frame, [0, 1], rank_weights(2)) + score(frame, [4], [1.0])) / 2
    assert found["doc"].to_list() == ranking(total)
    np.testing.assert_allclose(found["score"], total[found["doc"].to_numpy()], rtol=1e-5)


def test_more_like_these(frame: Embeddings):
    found = by_sae(frame, like=2)
    assert found["doc"].to_list()[0] in (1, 6)
    assert 2 not in found["doc"]
    assert set(query_features(frame, like=[2])["feature"]) == {2, 3}
    assert by_sae(frame, like=[2, 6])["doc"].to_list() == [1]
    with pytest.raises(InputError, match="no document 7 to be like; a numbers them from 0 to 6"):
        by_sae(frame, like=7)
    with pytest.raises(InputError, match="no feature sets these documents apart"):
        by_sae(frame, like=5)


def test_the_threshold(make_frame: MakeFrame):
    frame = corpus(make_frame, encoder={"threshold": 1.5})
    assert by_sae(frame, "hedging")["doc"].to_list() == [0, 1]
    assert by_sae(frame, "hedging", threshold=0.0)["doc"].to_list() == [0, 1, 4]
    assert by_sae(frame, "hedging", threshold=3.0)["doc"].to_list() == [0]


@pytest.mark.parametrize("condition", ["model=a", ["model = a", "stars>=1"], pl.col("model") == "a"])
@pytest.mark.parametrize("method", ["sae", "dense", "bm25", "fusion"])
def test_filters(frame: Embeddings, condition: Any, method: str):
    found = search(frame, "hedging OR code", method=method, filter=condition)
    assert set(found["model"]) == {"a"}
    if method == "sae":
        assert found["doc"].to_list() == [2, 0, 4]


def test_views(make_frame: MakeFrame, frame: Embeddings):
    view = frame.filter(pl.col("stars") > 1)
    assert by_sae(view, "hedging")["doc"].to_list() == [1, 4]
    other = corpus(make_frame, "b", rows=ROWS[:3], user={"model": ["c"] * 3, "stars": [9] * 3})
    both = Embeddings.concat([frame, other])
    found = by_sae(both, features=[0])
    assert found["doc"].to_list() == [0, 7, 1, 8, 4]
    assert search(both, "loops and code", method="dense", limit=2)["doc"].to_list() == [2, 9]
    for method in ("bm25", "fusion"):
        assert {2, 9} <= set(search(both, "code", method=method)["doc"])
    assert search(both, like=[9], method="dense", limit=1)["doc"].to_list() == [2]


def test_words(frame: Embeddings):
    found = search(frame, "the river of code", method="bm25")
    assert found["doc"].to_list() == [6, 0, 1, 2] or found["doc"].to_list()[0] == 6
    assert found["score"].is_sorted(descending=True)
    assert found["rank_bm25"].to_list() == list(range(1, found.height + 1))
    assert search(frame, "zebra", method="bm25").is_empty()
    assert 1 in search(frame, like=[2], method="bm25")["doc"]
    assert 2 not in search(frame, like=[2], method="bm25")["doc"]


def test_dense(frame: Embeddings):
    found = search(frame, "loops and code", method="dense")
    assert found["doc"][0] == 2
    assert found["score"][0] == pytest.approx(1, abs=1e-3)
    assert found.height == 7
    assert search(frame, like=[2], method="dense")["doc"][0] != 2


def test_not_counts_for_every_method(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saedata.analysis.search.plan.NOT_FEATURES", 2)
    for method in ("dense", "bm25", "dense+bm25", "fusion"):
        found = search(frame, "hedging AND NOT code", method=method, per_phrase=2)
        assert not {1, 2, 6} & set(found["doc"]), method


def test_fusion_adds_reciprocal_ranks(frame: Embeddings):
    parts = {
        name: search(frame, "code", method=name, per_phrase=2)["doc"].to_list() for name in ("sae", "dense", "bm25")
    }
    for method in ("sae+dense", "dense + bm25", "fusion"):
        names = ("sae", "dense", "bm25") if method == "fusion" else method.replace(" ", "").split("+")
        total = {
            doc: sum(WEIGHTS[n] / (61 + parts[n].index(doc)) for n in names if doc in parts[n]) for doc in range(7)
        }
        found = search(frame, "code", method=method, per_phrase=2)
        assert dict(found.select("doc", "score").rows()) == pytest.approx({d: s for d, s in total.items() if s > 0})
        for name in ("sae", "dense", "bm25"):
            ranks = [
                parts[name].index(doc) + 1 if name in names and doc in parts[name] else None for doc in found["doc"]
            ]
            assert found[f"rank_{name}"].to_list() == ranks


def test_a_weighted_fusion(frame: Embeddings):
    weights = {"sae": 0.7, "bm25": 4}
    parts = {
        name: search(frame, "code", method=name, per_phrase=2)["doc"].to_list() for name in ("sae", "dense", "bm25")
    }
    counted = {"sae": 0.7, "dense": WEIGHTS["dense"], "bm25": 4.0}
    total = {
        doc: sum(w / (61 + parts[n].index(doc)) for n, w in counted.items() if doc in parts[n]) for doc in range(7)
    }
    found = search(frame, "code", weights=weights, per_phrase=2)
    assert dict(found.select("doc", "score").rows()) == pytest.approx({d: s for d, s in total.items() if s > 0})
    assert found["score"].is_sorted(descending=True)
    alone = search(frame, "code", method="sae+dense", weights={"dense": 1e9}, per_phrase=2)
    assert alone["doc"].to_list() == parts["dense"]


@pytest.mark.parametrize(
    ("weights", "method", "message"),
    [
        (
            {"sae": 1, "words": 1},
            "fusion",
            "a weight for 'words', but the rankings that are fused are sae, dense, bm25",
        ),
        ({"sae": 1}, "dense+bm25", "a weight for 'sae', but the rankings that are fused are dense, bm25"),
        ({"sae": 1}, "sae", "sae is asked for alone; leave them out"),
        ({"sae": 0}, "fusion", "the weight of sae is 0; it must be a number above 0, or sae left out"),
        ({"bm25": float("inf")}, "fusion", "the weight of bm25 is inf"),
        ({"bm25": "1"}, "fusion", "the weight of bm25 is '1'"),
        ([1, 2, 3], "fusion", "it must say what each ranking counts"),
    ],
)
def test_weights_that_cannot_be(frame: Embeddings, weights: Any, method: str, message: str):
    with pytest.raises(InputError, match=message):
        search(frame, "code", method=method, weights=weights)


def learned_weights(frame: Embeddings, docs: list[int]) -> Any:
    """Weights of features learned from documents, the slow way."""
    dense = frame.to_csr().toarray()
    on = dense > 0
    scaled = dense / [np.quantile(column[column > 0], 0.9) for column in dense.T]
    worth = np.maximum(scaled[docs].mean(0) - scaled.mean(0), 0) * np.log(len(dense) / on.sum(0))
    return worth / worth.sum()


def test_features_are_learned_from_the_first_documents(frame: Embeddings):
    first = by_sae(frame, "hedging")["doc"].to_list()[:2]
    again = ranking(score(frame, range(6), learned_weights(frame, first)))[:2]
    weights = learned_weights(frame, again)
    found = by_sae(frame, "hedging", feedback=2, limit=7)
    total = score(frame, range(6), weights)
    assert found["doc"].to_list() == ranking(total)
    np.testing.assert_allclose(found["score"], total[found["doc"].to_numpy()], rtol=1e-5)
    told = {one["feature"]: one["weight"] for row in found["features"] for one in row}
    assert told == pytest.approx({feature: weights[feature] for feature in told})


def test_learned_features_count_more_in_a_fusion(frame: Embeddings):
    found = search(frame, "code", feedback=3, per_phrase=2)
    sums = {"sae": LEARNED, "dense": WEIGHTS["dense"], "bm25": WEIGHTS["bm25"]}
    for row in found.iter_rows(named=True):
        ranks = {name: row[f"rank_{name}"] for name in sums}
        expected = sum(weight / (60 + ranks[name]) for name, weight in sums.items() if ranks[name])
        assert row["score"] == pytest.approx(expected)
    given = search(frame, "code", feedback=3, per_phrase=2, weights={"sae": 1})
    first = given.row(0, named=True)
    assert first["score"] == pytest.approx(1 / (60 + first["rank_sae"]) + 1 / (60 + first["rank_dense"]) + 0.1 / 61)


def test_feedback_keeps_to_not_and_filters(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saedata.analysis.search.plan.NOT_FEATURES", 1)
    for method in ("sae", "fusion"):
        found = search(frame, "hedging AND NOT code", method=method, per_phrase=2, feedback=2)
        assert not {1, 2, 6} & set(found["doc"]), method
        assert set(search(frame, "hedging", method=method, feedback=2, filter="model=a")["model"]) == {"a"}


def test_feedback_without_anything_to_learn(frame: Embeddings):
    assert by_sae(frame, "hedging", feedback=3, filter="stars>5").is_empty()
    with pytest.warns(UserWarning, match="only dense and bm25 rank the documents at first"):
        found = search(frame, "5.3", least=0.9, feedback=2)
    assert found["rank_sae"].null_count() < found.height


def test_limit(frame: Embeddings):
    assert search(frame, "code", limit=2)["doc"].to_list() == search(frame, "code")["doc"].to_list()[:2]
    assert by_sae(frame, "hedging", limit=1)["doc"].to_list() == [0]


def test_a_phrase_that_no_label_is_near(frame: Embeddings):
    with pytest.raises(InputError, match=r'no feature has a label near "5\.3"; the nearest labels are "hedging"'):
        search(frame, "5.3", method="sae", least=0.9)
    with pytest.warns(UserWarning, match="only dense and bm25 rank"):
        found = search(frame, "5.3", least=0.9)
    assert found["rank_sae"].null_count() == found.height > 0


def test_a_frame_without_labels(make_frame: MakeFrame):
    frame = make_frame("b.sae", ROWS, features=6)
    with pytest.raises(InputError, match="no feature has a label"):
        search(frame, "code", method="sae")
    with pytest.warns(UserWarning, match="only dense and bm25 rank"):
        assert search(frame, "code")["rank_bm25"][0] == 1
    assert by_sae(frame, features=[4])["doc"].to_list() == [3, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing is asked"),
        ({"method": "dense"}, "dense rank by words: give a query"),
        ({"method": "dense+bm25", "features": 3}, "dense and bm25 rank by words"),
        ({"query": "code", "method": "tfidf"}, "no method 'tfidf'; choose from fusion, sae, dense, bm25"),
        ({"query": "code", "method": "sae+"}, "no method ''"),
        ({"query": "code", "limit": 0}, "limit is 0"),
        ({"query": "code", "feedback": -1}, "feedback is -1; it must be 0 or more"),
        ({"query": "code", "feedback": 5, "method": "dense+bm25"}, "dense and bm25 rank without features; add sae"),
        ({"query": "code", "temperature": 0}, "temperature is 0"),
        ({"query": "code", "per_phrase": 0}, "per_phrase is 0"),
        ({"query": "code", "kinds": "mood"}, 'no features of kind "mood"'),
        ({"query": "code", "filter": "year=3"}, "no column 'year' to filter by; the columns are doc, text"),
        ({"query": "code", "filter": pl.col("year") == 3}, "cannot filter a"),
        ({"query": "code", "filter": "stars>many"}, "column 'stars' holds Int64, and 'many' cannot be compared"),
        ({"query": "code", "filter": "stars"}, "not of the form COL=VALUE"),
    ],
)
def test_bad_input(frame: Embeddings, options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        search(frame, **options)


def test_an_empty_frame(make_frame: MakeFrame):
    with pytest.raises(InputError, match="a has no documents, so there is nothing to search in"):
        search(corpus(make_frame, rows=[], user={}), "code")


def test_a_query_of_ten_thousand_characters(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "saedata.sentences.embed_sentences",
        lambda texts: vectors(["code"] * len(texts)) if len(texts) == 1 else vectors(texts),
    )
    found = search(frame, "river code " * 1000, per_phrase=2)
    assert found["doc"][0] == 6


@pytest.mark.parametrize("query", ["hedging", "hedging AND code OR sports", "hedging AND NOT sports"])
def test_blocks_and_threads_change_nothing(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, query: str):
    rng = np.random.default_rng(0)
    rows = [("text", {f: float(rng.integers(1, 5)) for f in range(6) if rng.random() < 0.4}) for _ in range(300)]
    frame = make_frame("n.sae", rows, features=6, labels=labels(), shard=64)
    monkeypatch.setattr("saedata.analysis.search.plan.NOT_FEATURES", 1)
    whole = by_sae(frame, query, limit=25)
    monkeypatch.setattr(scores, "BLOCK", 7)
    cut = by_sae(frame, query, limit=25)
    assert cut.equals(whole)
    assert by_sae(frame, query, limit=300)["doc"].to_list()[:25] == whole["doc"].to_list()
    if query == "hedging":
        slow = score(frame, [0, 1], rank_weights(2))
        np.testing.assert_allclose(whole["score"], np.sort(slow)[::-1][:25], rtol=1e-5)


def test_appended_documents_are_found(make_frame: MakeFrame, frame: Embeddings):
    search(frame, "code")
    more: list[Any] = [("code and code and loops", {2: 9.0, 3: 9.0})]
    longer = corpus(make_frame, rows=more, user={"model": ["z"], "stars": [7]}, append=True)
    found = search(longer, "code", per_phrase=2)
    assert found.row(0, named=True) | {"features": None} == found.row(0, named=True) | {"features": None, "doc": 7}
    assert found.select("rank_sae", "rank_bm25").row(0) == (1, 1)


def test_a_users_column_with_a_name_of_ours(make_frame: MakeFrame):
    frame = corpus(make_frame, user={"score": list("abcdefg")})
    found = by_sae(frame, "hedging")
    assert found["score_document"].to_list() == ["a", "b", "e"]
