"""`correlate` as a whole, against the slow way, and what it drops and shows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from correlate_frames import frame_of, null_distribution, random_matrix
from polars.testing import assert_frame_equal

from saedata.analysis.correlate import SCHEMA, correlate
from saedata.errors import InputError
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]

EVERYTHING = {"limit": 10**6, "max_touching": None, "embed": None, "coupled_features": 0, "min_documents": 1}


def by_pair(table: pl.DataFrame) -> dict[tuple[int, int], dict]:
    return {(row["feature_a"], row["feature_b"]): row for row in table.iter_rows(named=True)}


@pytest.fixture
def mixed():
    """200 documents of 5 lengths, 12 features: 2 and 3 go together, 9 and 10 keep apart, 11 is on everywhere."""
    on = random_matrix(3, 200, 12)
    on[:, 3] = on[:, 2] | (on[:, 3] & (np.arange(200) % 3 == 0))
    on[:, 10] &= ~on[:, 9]
    on[:, 11] = True
    return on, np.repeat([4, 8, 12, 20, 40], 40)


def test_four_documents_by_hand(make_frame: Callable[..., Embeddings]):
    on = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1], [0, 0, 1]], dtype=bool)
    table = correlate(frame_of(make_frame, "a", on), strata=1, **EVERYTHING)
    assert table.schema == SCHEMA
    row = by_pair(table)[0, 1]
    assert (row["documents"], row["documents_a"], row["documents_b"], row["tested"]) == (2, 3, 2, 3)
    assert row["p_a_given_b"] == 1.0
    assert row["p_b_given_a"] == pytest.approx(2 / 3)
    assert row["co"] == 1.0
    assert row["lift"] == pytest.approx(2 * 4 / (3 * 2))
    assert row["npmi"] == pytest.approx(np.log(4 / 3) / np.log(2))
    assert row["expected"] == pytest.approx(1.5)
    assert row["p"] == pytest.approx(0.5)  # of 6 ways to choose the documents of feature 1, 3 lie within feature 0's
    assert row["q"] == 1.0
    assert row["direction"] == "together"
    assert row["interesting"] is None


def test_every_statistic_equals_the_slow_way(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    table = correlate(frame_of(make_frame, "a", on, words=words), strata=5, **EVERYTHING)
    stratum = np.repeat(np.arange(5), 40)
    sizes = np.bincount(stratum)
    rows, doubled = by_pair(table), {}
    assert set(rows) == set(itertools.combinations(range(11), 2))  # feature 11 is never off
    for (a, b), row in rows.items():
        x, y = on[:, a], on[:, b]
        both, n = int((x & y).sum()), len(on)
        margins = [np.bincount(stratum, side).astype(int) for side in (x, y)]
        chances = null_distribution(*margins, sizes)
        expected = float((margins[0] * margins[1] / sizes).sum())
        together = both > expected + 1e-9
        p = chances[both:].sum() if together else chances[: both + 1].sum()
        assert row["direction"] == ("together" if together else "apart")
        assert row["documents"] == both
        assert row["expected"] == pytest.approx(expected)
        assert row["p"] == pytest.approx(p, rel=0.05)
        assert row["npmi"] == pytest.approx(
            np.log(both / n / (x.mean() * y.mean())) / -np.log(both / n) if both else -1.0
        )
        assert row["lift"] == pytest.approx(both / n / (x.mean() * y.mean()))
        assert row["p_a_given_b"] == pytest.approx(both / y.sum())
        assert row["p_b_given_a"] == pytest.approx(both / x.sum())
        assert row["co"] == max(row["p_a_given_b"], row["p_b_given_a"])
        assert row["tested"] == 55
        doubled[a, b] = min(1.0, 2 * row["p"])
    q = benjamini_hochberg(list(doubled.values()))
    np.testing.assert_allclose([rows[pair]["q"] for pair in doubled], q, rtol=2.5e-4)


def test_pairs_that_never_meet_are_found(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    found = correlate(frame_of(make_frame, "a", on, words=words), direction="apart", embed=None)
    first = found.row(0, named=True)
    assert (first["feature_a"], first["feature_b"], first["documents"]) == (9, 10, 0)
    assert first["npmi"] == -1.0
    assert first["lift"] == 0.0
    assert first["q"] < 1e-6
    assert first["expected"] > 10
    assert first["evidence"] == []
    assert found["direction"].unique().to_list() == ["apart"]


def test_length_alone_is_no_link(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(0)
    words = np.repeat(np.arange(2, 42, 2), 40)
    on = rng.random((800, 30)) < np.linspace(0.005, 0.02, 30) * words[:, None]
    frame = frame_of(make_frame, "a", on, words=words)
    options = EVERYTHING | {"direction": "together"}
    assert (correlate(frame, strata=20, **options)["q"] < 0.05).sum() == 0
    assert (correlate(frame, strata=1, **options)["q"] < 0.05).mean() > 0.3


def test_rows_are_ordered_and_limited(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    frame = frame_of(make_frame, "a", on, words=words)
    every = correlate(frame, **EVERYTHING)
    significant = every.filter(pl.col("q") < 0.05)
    assert every.head(significant.height).equals(significant)
    together = significant.filter(pl.col("direction") == "together")
    apart = significant.filter(pl.col("direction") == "apart")
    assert together.height >= 1
    assert apart.height >= 1
    assert significant.equals(pl.concat([together, apart]))
    assert together["npmi"].is_sorted(descending=True)
    assert apart["npmi"].is_sorted()
    assert every["p"].tail(-significant.height).is_sorted()
    two = correlate(frame, **EVERYTHING | {"limit": 2})
    assert two["direction"].to_list() == ["together", "apart"]
    assert_frame_equal(two, pl.concat([together.head(1), apart.head(1)]), check_exact=True)
    one = correlate(frame, **EVERYTHING | {"limit": 1})
    assert one.height == 1
    assert (every["tested"] == 55).all()


def test_rare_and_constant_features_are_not_tested(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    table = correlate(frame_of(make_frame, "a", on, words=words), **EVERYTHING | {"min_documents": 15})
    kept = set(np.flatnonzero((on.sum(axis=0) >= 15) & (on.sum(axis=0) < 200)).tolist())
    assert kept < set(range(11))
    assert set(table["feature_a"]) | set(table["feature_b"]) == kept
    assert table["tested"][0] == len(kept) * (len(kept) - 1) // 2


def test_a_view_tests_its_features_in_its_documents(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    frame = frame_of(make_frame, "a", on, words=words, user={"half": [i % 2 for i in range(200)]})
    view = frame.filter(pl.col("half") == 0).select([2, 3, 5])
    alone = frame_of(make_frame, "b", on[::2], words=words[::2])
    table = correlate(view, **EVERYTHING)
    assert set(by_pair(table)) == {(2, 3), (2, 5), (3, 5)}
    other = by_pair(correlate(alone.select([2, 3, 5]), **EVERYTHING))
    for pair, row in by_pair(table).items():
        assert {k: v for k, v in row.items() if k != "evidence"} == {
            k: v for k, v in other[pair].items() if k != "evidence"
        }
        assert all(doc["doc_a"] % 2 == 0 for doc in row["evidence"])


def test_duplicates_and_threshold(make_frame: Callable[..., Embeddings]):
    on = np.array([[1, 1], [1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    texts = ["one", "one", "two", "three", "four"]
    frame = frame_of(make_frame, "a", on, texts=texts)
    assert correlate(frame, **EVERYTHING)["documents"].to_list() == [1]
    assert correlate(frame, duplicates="keep", **EVERYTHING)["documents"].to_list() == [2]
    # feature 0 has values 1, feature 1 has 1.125
    assert correlate(frame, threshold=1.05, **EVERYTHING).is_empty()


def test_pairs_on_the_same_or_adjacent_tokens_are_dropped(make_frame: Callable[..., Embeddings]):
    # feature f is strongest on word f, counted round and round: 0 and 3 share a word, 0 and 1 are next to each other
    rng = np.random.default_rng(1)
    on = np.tile(rng.random((100, 1)) < 0.5, (1, 5))
    texts = [f"a{i} b{i} c{i}" if i % 2 else f"a{i} b{i}   c{i} " for i in range(100)]
    frame = frame_of(make_frame, "a", on, texts=texts)
    every = by_pair(correlate(frame, embed=None, max_touching=None))
    assert every[0, 3]["touching"] == 1.0
    assert every[0, 1]["touching"] == 1.0
    assert every[1, 2]["touching"] == pytest.approx(0.5, abs=0.25)  # three spaces between them in every second text
    assert every[0, 2]["touching"] == 0.0
    kept = set(by_pair(correlate(frame, embed=None, max_touching=0.9)))
    assert kept == {(0, 2), (1, 2), (2, 3), (2, 4)}


def test_evidence_has_both_features_and_their_spans(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    frame = frame_of(make_frame, "a", on, words=words)
    table = correlate(frame, evidence=2, **EVERYTHING)
    spans = {(row["doc"], row["feature"]): row for row in frame.scan().collect().iter_rows(named=True)}
    shown = 0
    for (a, b), row in by_pair(table).items():
        assert len(row["evidence"]) == min(2, row["documents"])
        for one in row["evidence"]:
            shown += 1
            assert one["doc_a"] == one["doc_b"]
            for side, feature in (("a", a), ("b", b)):
                stored = spans[one[f"doc_{side}"], feature]
                assert (one[f"start_{side}"], one[f"stop_{side}"]) == (stored["start"], stored["stop"])
    assert shown > 50
    assert correlate(frame, evidence=0, **EVERYTHING)["evidence"].list.len().sum() == 0


def test_evidence_is_where_the_weaker_one_is_strongest(make_frame: Callable[..., Embeddings]):
    values = [{0: 4.0, 1: 1.0}, {0: 3.0, 1: 9.0}, {0: 1.0, 1: 10.0}, {0: 4.0}, {1: 2.0}, {}]
    frame = make_frame("a.sae", [(f"text {i} here", on) for i, on in enumerate(values)])
    table = correlate(frame, **EVERYTHING)
    # relative to the maxima 4 and 10: min(1, .1), min(.75, .9), min(.25, 1)
    assert [one["doc_a"] for one in table["evidence"][0]] == [1, 2, 0]


def labels(kinds: dict[int, str], names: dict[int, str]) -> pl.DataFrame:
    numbers = sorted(kinds.keys() | names.keys())
    rows = [(f, names.get(f), kinds.get(f)) for f in numbers]
    return pl.DataFrame(rows, schema={"feature": pl.UInt32, "label": pl.String, "kind": pl.String}, orient="row")


def test_features_of_dropped_kinds_are_not_tested(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    known = labels({2: "syntax", 4: "token", 5: "topic"}, {})
    frame = frame_of(make_frame, "a", on, words=words, labels=known)
    found = correlate(frame, **EVERYTHING)
    assert set(found["feature_a"]) | set(found["feature_b"]) == {0, 1, 3, 5, 6, 7, 8, 9, 10}
    assert found["tested"][0] == 36
    kept = correlate(frame, **EVERYTHING | {"drop_kinds": ()})
    assert kept["tested"][0] == 55
    assert correlate(frame, **EVERYTHING | {"drop_kinds": ("topic",)})["tested"][0] == 45


def test_interesting_pairs_have_unlike_labels(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(2)
    on = rng.random((300, 6)) < 0.1
    on[:, 1], on[:, 3], on[:, 5] = on[:, 0], on[:, 2], on[:, 4]
    on[:30, 5] = rng.random(30) < 0.5  # this pair's NPMI is lower
    names = {0: "cats", 1: "kittens", 2: "cats", 3: "tax law", 4: "tax law", 5: "baking"}
    vectors = {"cats": [1, 0, 0], "kittens": [0.8, 0.6, 0], "tax law": [0, 0, 1], "baking": [0, 1, 0]}
    frame = frame_of(make_frame, "a", on, labels=labels({}, names))
    seen: list[str] = []

    def embed(texts: Sequence[str]):
        seen.extend(texts)
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    options = {"max_touching": None, "direction": "together", "embed": embed}
    table = correlate(frame, **options)
    assert sorted(seen) == sorted(vectors)  # each text once
    top = table.filter(pl.col("q") < 0.05)
    pairs = list(zip(top["feature_a"], top["feature_b"], strict=True))
    assert pairs.index((2, 3)) == 0
    assert pairs.index((4, 5)) < pairs.index((0, 1))
    rows = by_pair(table)
    assert rows[0, 1]["label_similarity"] == pytest.approx(0.8)
    assert rows[0, 1]["interesting"] == pytest.approx(rows[0, 1]["npmi"] * 0.2)
    assert rows[2, 3]["interesting"] == pytest.approx(rows[2, 3]["npmi"])
    assert (rows[2, 3]["label_a"], rows[2, 3]["label_b"]) == ("cats", "tax law")
    assert (0, 1) not in by_pair(correlate(frame, max_similarity=0.5, **options))


def test_looking_at_fewer_labels_changes_nothing(
    make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("saedata.analysis.correlate.pairs.STEP", 5)
    rng = np.random.default_rng(4)
    on = rng.random((400, 60)) < 0.08
    for first in range(0, 60, 3):  # threes that go together, the later the less
        keep = rng.random((400, 2)) < 1 - first / 90
        on[:, first + 1 : first + 3] = on[:, [first]] & keep
    names = {f: f"name {f}" for f in range(60)}
    frame = frame_of(make_frame, "a", on, labels=labels({}, names))
    vectors = rng.normal(size=(60, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> Array:
        seen.extend(texts)
        return np.stack([vectors[int(text.split()[1])] for text in texts])

    options = {"direction": "together", "max_touching": None, "embed": embed, "coupled_features": 0}
    every = correlate(frame, **options)
    looked_at = len(seen)
    seen.clear()
    few = correlate(frame, limit=5, **options)
    assert_frame_equal(few, every.head(5), check_exact=True)
    assert 10 <= len(seen) < looked_at


def test_couplings_leave_indirect_links_out(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(3)
    flip = lambda x, share: np.where(rng.random(len(x)) < share, rng.random(len(x)) < x.mean(), x)  # noqa: E731
    chain = [rng.random(3000) < 0.3]
    for _ in range(2):
        chain.append(flip(chain[-1], 0.4))
    frame = frame_of(make_frame, "a", np.stack(chain, axis=1))
    rows = by_pair(correlate(frame, **EVERYTHING | {"coupled_features": 300}))
    assert all(rows[pair]["q"] < 1e-6 for pair in ((0, 1), (1, 2), (0, 2)))
    assert rows[0, 1]["coupling"] > 0.3
    assert rows[1, 2]["coupling"] > 0.3
    assert abs(rows[0, 2]["coupling"]) < 0.05
    two = by_pair(correlate(frame, **EVERYTHING | {"coupled_features": 2}))
    assert sorted(row["coupling"] is None for row in two.values()) == [False, True, True]
    none = correlate(frame, **EVERYTHING)
    assert none["coupling"].null_count() == 3


def test_two_calls_give_the_same_frame(make_frame: Callable[..., Embeddings], mixed: tuple[Array, Array]):
    on, words = mixed
    frame = frame_of(make_frame, "a", on, words=words)
    first, second = (correlate(frame, embed=None, min_documents=3) for _ in range(2))
    assert_frame_equal(first, second, check_exact=True)


def test_nothing_to_test_gives_an_empty_frame(make_frame: Callable[..., Embeddings]):
    frame = frame_of(make_frame, "a", np.ones((5, 3), dtype=bool))
    for options in ({}, {"min_documents": 1}):
        found = correlate(frame, embed=None, **options)
        assert found.is_empty()
        assert found.schema == SCHEMA


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "sideways"}, "direction is 'sideways'"),
        ({"min_documents": 0}, "min_documents is 0"),
        ({"limit": 0}, "limit is 0"),
        ({"strata": 0}, "strata is 0"),
        ({"level": 1.5}, "level is 1.5"),
        ({"evidence": -1}, "evidence is -1"),
        ({"coupled_features": -1}, "coupled_features is -1"),
        ({"duplicates": "twice"}, "duplicates is 'twice'"),
        ({"threshold": -1.0}, "threshold is -1.0; it must"),
    ],
)
def test_bad_options_are_refused(make_frame: Callable[..., Embeddings], options: dict[str, Any], words: str):
    frame = frame_of(make_frame, "a", random_matrix(0, 10, 3))
    with pytest.raises(InputError, match=words):
        correlate(frame, **options)


def test_a_view_without_documents_is_refused(make_frame: Callable[..., Embeddings]):
    frame = frame_of(make_frame, "a", random_matrix(0, 10, 3))
    with pytest.raises(InputError, match="a has no documents"):
        correlate(frame.filter(pl.col("doc") > 100))


def test_ten_planted_documents_among_a_thousand_come_out_on_top(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(5)
    words = rng.integers(10, 120, 1000)
    topic = rng.integers(0, 8, 1000)
    # features of eight topics, on more often in longer texts, and names that are alike within a topic
    density = np.where(topic[:, None] == np.arange(120) % 8, 0.25, 0.01) * (0.5 + words[:, None] / 100)
    on = rng.random((1000, 120)) < density
    on[:, 3:5] = rng.random((1000, 2)) < 0.005  # of different topics, rare ...
    on[rng.permutation(1000)[:10], 3:5] = True  # ... and both in ten documents
    names = {f: f"topic {f % 8}" for f in range(120)}
    frame = frame_of(make_frame, "a", on, words=words, labels=labels({}, names))
    axes = np.eye(8, dtype=np.float32)
    table = correlate(frame, embed=lambda texts: axes[[int(text[-1]) for text in texts]], max_touching=None)
    top = table.head(20)
    assert (3, 4) in set(zip(top["feature_a"], top["feature_b"], strict=True))
    assert by_pair(table)[3, 4]["interesting"] > 0.5
