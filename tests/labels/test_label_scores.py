"""Embedding scores of labels, and the windows they are made on."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from planted_pools import by_mood, pool_of, two_sided

from saedata.errors import InputError
from saedata.labels.score_windows import draw
from saedata.labels.scores import SCHEMA, mean_scores, score_labels

if TYPE_CHECKING:
    from collections.abc import Sequence


def labels_of(*texts: str | None, kind: str | None = "tone") -> pl.DataFrame:
    rows = [(i, text, kind) for i, text in enumerate(texts)]
    return pl.DataFrame(rows, schema={"feature": pl.UInt32, "label": pl.String, "kind": pl.String}, orient="row")


def test_right_labels_score_one_and_wrong_ones_nought():
    right = score_labels(two_sided(), labels_of("grey", "laughs"), embed=by_mood)
    assert right.schema == pl.Schema(SCHEMA)
    assert right["value"].to_list() == [1.0, 1.0]
    assert right["floor"].to_list() == [0.0, 0.0]  # the only other label is the opposite
    assert right["positives"].to_list() == right["negatives"].to_list() == [50, 50]
    wrong = score_labels(two_sided(), labels_of("laughs", "grey"), embed=by_mood)
    assert wrong["value"].to_list() == [0.0, 0.0]


def test_a_label_that_says_nothing_scores_one_half():
    scores = score_labels(two_sided(), labels_of("of", "laughs"), embed=by_mood)
    assert scores["value"].to_list() == [0.5, 1.0]
    assert scores["floor"].to_list() == [0.0, 0.5]


def test_a_noisy_embedding_gives_one_half_on_average():
    random = np.random.default_rng(0)
    texts = [f"text {i}" for i in range(800)]
    pool = pool_of(texts, [dict.fromkeys(random.permutation(800)[:200].tolist(), 1.0) for _ in range(100)])
    vectors: dict[str, np.ndarray] = {}

    def embed(asked: Sequence[str]):
        return np.stack([vectors.setdefault(text, random.normal(size=64)) for text in asked])

    scores = score_labels(pool, labels_of(*(f"label {i}" for i in range(100))), embed=embed)
    mean = mean_scores(scores).row(0, named=True)
    assert mean["features"] == 100
    # standard error of the mean of 100 AUROCs of 50 against 50 is 0.006
    assert mean["value"] == pytest.approx(0.5, abs=0.03)
    assert mean["floor"] == pytest.approx(0.5, abs=0.03)


def test_few_windows_are_used_as_they_are_and_too_few_give_nothing():
    texts = [f"{'grey' if i < 25 else 'laughs'} {i}" for i in range(60)]
    pool = pool_of(
        texts, [dict.fromkeys(range(20), 1.0), dict.fromkeys(range(9), 1.0), dict.fromkeys(range(55), 1.0), {}]
    )
    scores = score_labels(pool, labels_of("grey", "grey", "laughs", "laughs"), embed=by_mood)
    assert scores["positives"].to_list() == [20, 9, 50, 0]
    assert scores["negatives"].to_list() == [40, 50, 5, 50]
    assert scores["value"].is_null().to_list() == [False, True, True, True]
    assert scores["floor"].is_null().to_list() == [False, True, True, True]
    assert mean_scores(scores).row(0, named=True)["unscored"] == 3


def test_top_decile_is_the_strongest_tenth():
    on = {i: float(i + 1) for i in range(200)}
    texts = ["grey" if 180 <= i < 200 else "laughs" for i in range(400)]  # only the strongest twenty look like it
    pool = pool_of([f"{text} {i}" for i, text in enumerate(texts)], [on])
    scores = score_labels(pool, labels_of("grey"), metrics=("embedding", "embedding_top"), embed=by_mood)
    assert scores["metric"].to_list() == ["embedding", "embedding_top"]
    assert scores["positives"].to_list() == [50, 20]
    assert scores["value"].to_list() == [pytest.approx(0.55), 1.0]  # 5 of 50 are nearer, the rest level
    assert scores["floor"].to_list() == [None, None]  # there is no other label


def test_every_decile_gives_as_many():
    values = np.random.default_rng(1).permutation(1000) + 1.0
    pool = pool_of([f"w {i}" for i in range(2000)], [dict(enumerate(values.tolist()))])
    (sample,) = draw(pool, [0], windows=50, seed=3, shared=100)
    deciles = Counter(((values[sample.positives] - 1) // 100).astype(int).tolist())
    assert deciles == dict.fromkeys(range(10), 5)
    assert len(set(sample.positives.tolist())) == 50
    assert (sample.negatives >= 1000).all()
    assert len(set(sample.negatives.tolist())) == 50
    again = draw(pool, [0], windows=50, seed=3, shared=100)[0]
    np.testing.assert_array_equal(again.positives, sample.positives)
    assert set(draw(pool, [0], seed=4)[0].positives.tolist()) != set(sample.positives.tolist())


def test_the_top_decile_takes_ten_from_outside_the_common_part_but_no_more():
    on = {i: float(i + 1) for i in range(1000)}
    pool = pool_of([f"w {i}" for i in range(2000)], [on])
    few, some, many = (draw(pool, [0], deciles="top", shared=shared)[0].positives for shared in (20, 500, 1900))
    assert (len(few), len(many)) == (10, 50)
    assert 10 < len(some) < 50
    assert min(few.min(), some.min(), many.min()) >= 900


def test_features_share_windows():
    random = np.random.default_rng(2)
    size, features = 6000, 200
    counts = np.geomspace(60, 3000, features).astype(int)
    on = [{int(w): float(random.random()) for w in random.permutation(size)[:n]} for n in counts]
    samples = draw(pool_of([f"w {i}" for i in range(size)], on), range(features), shared=800)
    used = {w for sample in samples for w in (*sample.positives.tolist(), *sample.negatives.tolist())}
    assert all(len(sample.positives) == len(sample.negatives) == 50 for sample in samples)
    assert len(used) < 2700  # 20 000 would be asked for; drawing for each feature alone takes nearly all 6 000


def test_windows_are_embedded_once_for_all_metrics():
    asked: list[str] = []

    def embed(texts: Sequence[str]):
        asked.extend(texts)
        return by_mood(texts)

    score_labels(two_sided(200), labels_of("grey", "laughs"), metrics=("embedding", "embedding_top"), embed=embed)
    assert len(asked) == len(set(asked))


def test_scoring_is_quick_once_texts_are_embedded():
    random = np.random.default_rng(5)
    pool = pool_of([f"w {i}" for i in range(4000)], [dict.fromkeys(range(i, 4000, 7), 1.0) for i in range(200)])
    vectors = random.normal(size=(5000, 384)).astype(np.float32)
    since = time.perf_counter()
    score_labels(pool, labels_of(*map(str, range(200))), embed=lambda texts: vectors[: len(texts)])
    assert time.perf_counter() - since < 10


def test_features_without_a_label_are_left_out():
    scores = score_labels(two_sided(), labels_of(None, "laughs").vstack(labels_of()), embed=by_mood)
    assert scores["feature"].to_list() == [1]
    empty = score_labels(two_sided(), labels_of(None, " "), embed=by_mood)
    assert empty.schema == pl.Schema(SCHEMA)
    assert empty.is_empty()
    assert score_labels(two_sided(), labels_of("grey").drop("kind"), embed=by_mood)["kind"].to_list() == [None]


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="no column 'label'"):
        score_labels(two_sided(), labels_of("a").drop("label"))
    with pytest.raises(InputError, match=r"not of this encoder.*feature 2"):
        score_labels(two_sided(), labels_of("a", "b", "c"))
    with pytest.raises(InputError, match="twice"):
        score_labels(two_sided(), labels_of("a").vstack(labels_of("b")))
    with pytest.raises(InputError, match="no score 'simulation'; known: embedding"):
        score_labels(two_sided(), labels_of("a"), metrics=["simulation"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="9 windows are too few"):
        score_labels(two_sided(), labels_of("a"), windows=9)
    with pytest.raises(InputError, match="language model"):
        score_labels(two_sided(), labels_of("a"), metrics=["fuzzing"])


def test_means_by_kind():
    scores = pl.concat([score_labels(two_sided(), labels_of("grey", "of"), embed=by_mood)])
    scores = scores.with_columns(kind=pl.Series(["tone", "topic"]))
    by_kind = mean_scores(scores, by_kind=True)
    assert by_kind.select("kind", "features", "value").rows() == [("tone", 1, 1.0), ("topic", 1, 0.5)]


def test_the_bundled_sentence_embedding_finds_the_better_label():
    pool = two_sided()
    scores = score_labels(pool, labels_of("gloomy weather at the sea", "cheerful people celebrating"))
    assert (scores["value"] > 0.95).all()
    assert (scores["floor"] < 0.3).all()
