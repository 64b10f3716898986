from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal
from scipy.special import expit, logit

from benchmarks import simulated
from benchmarks.chat_answers import paired
from benchmarks.simulated import Authors, Mixture, Profile, labels, moved, write
from saedata.frame import Embeddings


@pytest.fixture
def profile() -> Profile:
    densities = np.sort(np.random.default_rng(0).beta(0.5, 2, 80))
    return Profile(densities, np.sort(np.random.default_rng(1).gamma(2, 0.5, 400)), np.linspace(0.5, 1.5, 10))


@pytest.fixture
def mixture(profile: Profile) -> Mixture:
    return Mixture.of(profile, features=300, mean_on=60, tokens=30)


def drawn(mixture: Mixture | Authors, documents: int) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    table, activations = mixture.shard(0, documents)
    on = np.zeros((documents, mixture.encoder.d_sae), dtype=np.bool_)
    on[activations["doc"].to_numpy(), activations["feature"].to_numpy()] = True
    return table, on


def test_log_odds_are_moved_to_their_totals():
    odds = np.random.default_rng(2).normal(0, 2, (3, 50))
    found = expit(moved(odds, np.array([1.0, 20.0, 45.0])))
    np.testing.assert_allclose(found.sum(axis=1), [1, 20, 45], rtol=1e-6)
    shift = moved(odds, np.array([1.0, 20.0, 45.0])) - odds
    np.testing.assert_allclose(shift, shift[:, :1] * np.ones(50), atol=1e-9)


def test_as_many_features_with_as_many_on_have_the_same_densities():
    densities = np.linspace(0.05, 0.8, 40)
    profile = Profile(densities, np.ones(1000), np.ones(10))
    np.testing.assert_allclose(profile.stretched(40, densities.sum()), densities, atol=0.03)
    many = profile.stretched(400, 10 * densities.sum())
    assert many.sum() == pytest.approx(10 * densities.sum())
    np.testing.assert_allclose(many[::10], densities, atol=0.05)


def test_profile_of_a_frame(make_frame: Callable[..., Embeddings]):
    words = [1] * 5 + [3] * 5
    rows = [(" ".join(["word"] * n), {0: 1.0} | ({1: 1.0, 2: 1.0} if n == 3 else {})) for n in words]
    profile = Profile.of(make_frame("a.sae", rows, features=4))
    assert profile.densities.tolist() == [0, 0.5, 0.5, 1]
    assert profile.lengths.tolist() == [0.5] * 5 + [1.5] * 5
    assert profile.on.tolist() == [0.5] * 5 + [1.5] * 5


def test_documents_follow_the_profile(profile: Profile, mixture: Mixture):
    table, on = drawn(mixture, 4000)
    assert on.sum() / 4000 == pytest.approx(60, rel=0.05)
    np.testing.assert_array_equal(table["features_on"], on.sum(axis=1))
    found, expected = np.sort(on.mean(axis=0)), profile.stretched(300, 60)
    assert np.abs(found - expected).max() < 0.08
    order = np.argsort(table["tokens"].to_numpy(), kind="stable")
    by_length = on.sum(axis=1)[order]
    assert by_length[-400:].mean() / by_length[:400].mean() == pytest.approx(3, rel=0.2)


def test_topics_tie_features_together(mixture: Mixture):
    _, on = drawn(mixture, 4000)
    often = on[:, (on.mean(axis=0) > 0.05) & (on.mean(axis=0) < 0.5)]
    spread = np.corrcoef(often.T)[np.triu_indices(often.shape[1], 1)].std()
    assert spread > 1.2 / np.sqrt(4000)


def test_spans_lie_in_the_texts_and_texts_differ(mixture: Mixture):
    table, activations = mixture.shard(500, 200)
    assert table["text"].n_unique() == 200
    assert table["doc"].to_list() == list(range(500, 700))
    assert activations["stop"].max() <= table["text"].str.len_chars().min()
    assert (activations["value"] > 0).all()
    assert set(table["side"]) == {"a", "b"}


def test_an_interrupted_frame_is_continued(mixture: Mixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(simulated, "SHARD", 40)

    def breaks(first: int, size: int) -> simulated.Tables:
        if first == 80:
            raise KeyboardInterrupt
        return mixture.shard(first, size)

    settings = {"documents": 100, "encoder": mixture.encoder, "labels": labels(300)}
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.sae", shard=breaks, **settings)
    frame = write(tmp_path / "a.sae", shard=mixture.shard, **settings)
    straight = write(tmp_path / "b" / "a.sae", shard=mixture.shard, **settings)
    assert frame.n_documents == 100
    assert_frame_equal(frame.scan().collect(), straight.scan().collect())
    assert frame.features["label"].n_unique() == 300


def test_authors_have_habits_that_do_not_depend_on_the_shard(tmp_path: Path):
    authors = Authors(documents=400, features=30, spread=2.0)
    table, on = drawn(authors, 800)
    assert table["author"].to_list() == [0] * 400 + [1] * 400
    one, two = on[:400].mean(axis=0), on[400:].mean(axis=0)
    assert np.abs(logit(np.clip(one, 0.01, 0.99)) - logit(np.clip(two, 0.01, 0.99))).mean() > 1
    _, later = authors.shard(400, 400)
    again = np.bincount(later["feature"].to_numpy(), minlength=30) / 400
    np.testing.assert_allclose(again, two, atol=0.12)


def test_answers_to_one_prompt_are_paired():
    rows = [(f"m{model}", prompt, f"{model} {prompt}") for prompt in range(6) for model in range(5)]
    table = pl.DataFrame(rows, schema=["model", "prompt_id", "output"], orient="row")
    table = table.with_columns(output=pl.when(pl.col("prompt_id") == 2).then(pl.lit(" ")).otherwise("output"))
    found = paired(table, prompts=4)
    assert found.height == 4 * 4
    assert 2 not in found["prompt_id"]
    pairs = found.group_by("pair").agg(pl.len(), pl.col("prompt_id", "model").n_unique())
    assert pairs.select("len", "prompt_id", "model").unique().rows() == [(2, 1, 2)]
    assert found.equals(paired(table.sample(fraction=1.0, shuffle=True, seed=1), prompts=4))
