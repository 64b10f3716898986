"""The benchmark of search: what it simulates, and how it reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import search_speed, search_work
from benchmarks.simulated import Mixture, Profile


def mixture() -> Mixture:
    profile = Profile(np.linspace(0.01, 0.5, 20), np.linspace(0.5, 1.5, 40), np.ones(10))
    return Mixture.of(profile, features=30, mean_on=6, tokens=10, seed=1)


def test_texts_are_the_same_each_time_and_hold_the_words_of_labels():
    shard = search_work.worded(mixture())
    documents, activations = shard(64, 400)
    again, _ = shard(64, 400)
    assert documents.equals(again)
    words = " ".join(documents["text"]).split()
    assert len(words) == 400 * search_work.WORDS_IN_TEXT
    assert set(search_work.LABEL_WORDS) <= set(words)
    assert activations.height > 0


def test_vectors_depend_on_the_texts_alone():
    texts = [f"text {n}" for n in range(8)]
    vectors = search_work.simulated_vectors(texts)
    np.testing.assert_array_equal(vectors, search_work.simulated_vectors(texts))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert not np.array_equal(vectors, search_work.simulated_vectors(["other", *texts[1:]]))


def test_phrases():
    asked = list(search_work.phrases(30, 0))
    assert asked == list(search_work.phrases(30, 0))
    assert len(set(asked)) > 20
    assert all(set(phrase.split()) <= set(search_work.LABEL_WORDS) for phrase in asked)


def costs(seconds: float) -> dict[str, Any]:
    each = {name: [seconds] * 60 for name in ("scoring", "sae", "dense", "bm25", "fusion", "top")}
    build = {"words": 10.0, "dense": 20.0, "gigabytes": 0.5}
    return {"build": build, "search": each | {"cold": 1.0, "open": 0.1, "loading": 0.5, "gigabytes": 0.4}}


def test_figures_have_targets_at_the_largest_size():
    found = search_speed.figures({10_000: costs(0.001), search_speed.SIZES[-1]: costs(0.1)})
    small = [one for one in found if one.n.startswith("10,000 documents")]
    large = [one for one in found if one.n.startswith("1,000,000 documents")]
    assert {one.verdict for one in small} == {""}
    verdicts = {one.name: one.verdict for one in large}
    assert verdicts[f"{search_speed.NAMES['scoring']}, p50"] == "MISS"
    assert verdicts[f"{search_speed.NAMES['sae']}, p99"] == "pass"
    assert verdicts["building the indexes of words and dense vectors"] == "pass"
    slopes = [one for one in found if one.name.endswith("slope")]
    assert [one.value for one in slopes] == pytest.approx([1.0] * 5)
