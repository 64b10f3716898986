"""`separability`: distances by hand, what chance gives, frames with planted features, and what it refuses."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.spatial.distance import jensenshannon
from scipy.stats import kstest, wasserstein_distance
from separability_units import CONCEPTS, Matrix, planted, real_shaped

from saedata.analysis.separability import result, separability
from saedata.analysis.separability.divergence import Chances, Concepts, divergences
from saedata.analysis.separability.halves import held_out
from saedata.analysis.separability.intervals import distance_interval, variances
from saedata.analysis.separability.labels import evenly
from saedata.analysis.separability.measure import Estimator, measure
from saedata.analysis.separability.overlap import shared_units
from saedata.analysis.separability.states import cut
from saedata.analysis.separability.units import Column
from saedata.errors import EncoderError, InputError
from saedata.probing.labelled import Labelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.analysis.separability import Separability
    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

PLAIN = Estimator(10, "quantile", 200, 0)
ALONE: dict[str, Any] = {"label": "topic", "against": ()}


def test_distances_are_scipys():
    counts = np.array([[5, 1, 0], [3, 2, 8], [2, 7, 2]])
    y = np.repeat(np.arange(3), [10, 10, 10])
    shares = counts / 10
    own = divergences(counts, Concepts.of(y))
    between = [jensenshannon(shares[:, c], np.delete(shares, c, axis=1).mean(axis=1), base=2) for c in range(3)]
    np.testing.assert_allclose(np.sqrt(own[1:]), between)
    entropy = [-(p[p > 0] * np.log2(p[p > 0])).sum() for p in (*shares.T, shares.mean(axis=1))]
    assert own[0] == pytest.approx((entropy[3] - np.mean(entropy[:3])) / np.log2(3))
    two = divergences(counts[:, :2], Concepts.of(y[:20]))
    np.testing.assert_allclose(np.sqrt(two), jensenshannon(*shares[:, :2].T, base=2))


def test_empirical_priors_weigh_by_documents():
    counts = np.array([[5, 10], [5, 20]])
    y = np.repeat([0, 1], [10, 30])
    own = divergences(counts, Concepts.of(y, np.array([0.25, 0.75])))
    entropy = [-(p * np.log2(p)).sum() for p in (np.array([0.5, 0.5]), np.array([1, 2]) / 3, np.array([15, 25]) / 40)]
    np.testing.assert_allclose(own, entropy[2] - 0.25 * entropy[0] - 0.75 * entropy[1])


def test_chance_is_the_mean_over_all_permutations():
    y, state = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    concepts = Concepts.of(y)
    every = [np.bincount(state * 3 + np.array(one), minlength=9).reshape(3, 3) for one in itertools.permutations(y)]
    exact = divergences(np.array(every), concepts)
    found = Chances(concepts, draws=20_000, seed=1).of(np.bincount(state))
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), atol=0.004)
    np.testing.assert_allclose(found.variance, exact.var(axis=0), rtol=0.05)


def test_units_with_nearly_the_same_sizes_share_their_chance():
    concepts = Concepts.of(np.repeat([0, 1, 2], [5000, 4000, 1000]))
    chances = Chances(concepts, draws=4000, seed=0)
    one = chances.of(np.array([7000, 1000, 1000, 1000]))
    assert chances.of(np.array([6999, 1000, 1001, 1000])) is one
    assert chances.of(np.array([1001, 6999, 1000, 1000])) is one
    exact = Chances(concepts, draws=4000, seed=1).of(np.array([6940, 1020, 1020, 1020]))
    np.testing.assert_allclose(exact.mean, one.mean, rtol=0.04)
    assert chances.of(np.array([9970, 10, 10, 10])) is not chances.of(np.array([9969, 10, 10, 11]))


def test_where_labels_say_nothing_nothing_is_found():
    values, y = real_shaped(150, 4, 400, seed=3)
    shuffled = np.random.default_rng(0).permutation(y)
    found = measure(Matrix(values), np.arange(len(y)), shuffled, PLAIN)
    p = found.p[found.live & (found.documents >= 20)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert p.min() > 0.05 / 400 / 5
    live = found.live
    assert np.sqrt(found.found[live, 0]).mean() > 0.05
    assert found.js[live, 0].mean() < 0.03
    excess = found.found[live] - found.expected[live]
    assert (np.abs(excess.mean(axis=0)) < 0.12 * found.expected[live].mean(axis=0)).all()


@pytest.mark.parametrize("sparse", [True, False])
def test_figures_are_stable_from_500_documents_of_each_concept_on(sparse: bool):
    many, labels = real_shaped(5000, 4, 120, seed=0)
    if not sparse:
        many = np.log1p(many[:, :40]) + np.random.default_rng(1).normal(0, 0.5, (len(many), 40)).astype(np.float32)
    truth = measure(Matrix(many, sparse), np.arange(len(labels)), labels, PLAIN)
    known = truth.live
    for each in (500, 1500):
        rng = np.random.default_rng(each)
        corrected, raw, best = [], [], []
        for _ in range(2):
            rows = np.sort(np.concatenate([5000 * c + rng.permutation(5000)[:each] for c in range(4)]))
            found = measure(Matrix(many, sparse), rows, labels[rows], PLAIN)
            corrected.append(found.js[found.live, 0].mean())
            raw.append(np.sqrt(found.found[found.live, 0]).mean())
            best.append(found.js[truth.js[:, 0].argsort()[-10:], 0].mean())
        assert np.abs(np.array(corrected) - truth.js[known, 0].mean()).max() < 0.01
        assert np.abs(np.array(best) - np.sort(truth.js[:, 0])[-10:].mean()).max() < 0.015
        if each == 500:
            assert np.mean(raw) - np.sqrt(truth.found[known, 0]).mean() > 0.008


def test_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(6), size=(40, 3)).transpose(0, 2, 1)  # units, states, concepts
    labels = np.repeat(np.arange(3), 300)
    concepts = Concepts.of(labels)
    held = []
    for unit in shares:
        truth = divergences(unit * 1e9, Concepts(concepts.sizes * 0 + 10**9, concepts.priors, concepts.against))
        for _ in range(15):
            counts = np.stack([rng.multinomial(300, unit[:, c]) for c in range(3)], axis=1)
            chance = Chances(concepts, draws=50, seed=0).of(counts.sum(axis=1))
            variance = variances(counts, concepts)
            low, high = distance_interval(divergences(counts, concepts), chance.mean, variance, level=0.9)
            held.append((low <= np.sqrt(truth)) & (np.sqrt(truth) <= high))
    assert np.mean(held) == pytest.approx(0.9, abs=0.04)


def test_wasserstein_is_scipys():
    values, y = real_shaped(60, 3, 40, seed=5)
    found = measure(Matrix(values), np.arange(len(y)), y, PLAIN)
    for unit in np.flatnonzero(found.live):
        own = y == found.concept[unit]
        expected = wasserstein_distance(values[own, unit], values[~own, unit])
        assert found.wasserstein[unit] == pytest.approx(expected, rel=1e-5)
        assert found.spread[unit] == pytest.approx(values[:, unit].astype(float).std(), rel=1e-5)
    dense = measure(Matrix(values - 1, sparse=False), np.arange(len(y)), y, PLAIN)
    live = found.live & (found.concept == dense.concept)
    np.testing.assert_allclose(dense.wasserstein[live], found.wasserstein[live], rtol=1e-4)


def test_both_kinds_of_units_have_equally_many_states():
    values = np.random.default_rng(0).random(400)
    y = np.repeat([0, 1], 200)
    every = Column(0, np.arange(400), values)
    half = Column(0, np.arange(0, 400, 2), values[::2])
    concepts = Concepts.of(y)
    assert PLAIN.table(every, y, concepts, sparse=False).shape == (11, 2)
    table = PLAIN.table(half, y, concepts, sparse=True)
    assert table.shape == (11, 2)
    assert table[0].tolist() == [100, 100]
    assert table[1:].sum(axis=1).tolist() == [20] * 10


def test_a_bin_holds_equal_values_only_together():
    values = np.array([1.0, 1, 1, 1, 2, 3, 4, 5])
    assert cut(values, 4, spacing="quantile").tolist() == [1, 1, 1, 1, 2, 2, 3, 3]
    assert cut(values, 4, spacing="width").tolist() == [0, 0, 0, 0, 1, 2, 3, 3]
    assert cut(np.array([2.0, 1.0]), 5, spacing="quantile").tolist() == [1, 0]


def test_the_best_unit_is_chosen_on_the_other_half():
    rng = np.random.default_rng(0)
    values = (rng.random((160, 600)) < 0.2) * (1 + rng.random((160, 600)))
    values[:80, 4] += 1
    y = np.repeat([0, 1], 80)
    halves = (np.arange(0, 160, 2), np.arange(1, 160, 2))
    found = held_out(Matrix(values), y, halves, PLAIN, ("a", "b"))
    assert found["unit"].to_list() == [4] * 4
    noise = held_out(Matrix(np.delete(values, 4, axis=1)), y, halves, PLAIN, ("a", "b"))
    assert noise["js_chosen"].mean() > 0.25
    assert noise["js"].mean() < noise["js_chosen"].mean() / 2
    assert noise.schema == result.HELD_OUT


def test_overlap_by_hand():
    values = np.zeros((20, 6))
    values[:10] = [5, 4, 3, 0, 0, 1]
    values[10:] = [5, 0, 0, 4, 3, 1]
    found = measure(Matrix(values), np.arange(20), np.repeat([0, 1], 10), PLAIN)
    shared = shared_units(found, ("a", "b"), units="SAE", top=3)
    assert shared.rows() == [("SAE", "a", "b", 3, 1, pytest.approx(1 / 3), 0.5)]


def figures(found: Separability, feature: int) -> dict[str, Any]:
    return found.table.row(by_predicate=pl.col("feature") == feature, named=True)


def test_planted_features(make_frame: MakeFrame):
    frame = planted(make_frame)
    found = separability(frame, **ALONE)
    assert found.table.schema == result.TABLE
    assert 9 not in found.table["feature"]
    law, arts, sport = (figures(found, feature) for feature in (3, 5, 7))
    assert (law["concept"], arts["concept"], sport["concept"]) == ("law", "arts", "sport")
    assert law["js_concept"] == pytest.approx(1)
    assert (law["share_inside"], law["share_outside"], law["documents"]) == (1, 0, 80)
    assert (sport["share_inside"], sport["share_outside"]) == (0, pytest.approx(1))
    values = frame.to_csr()[:, 5].toarray().ravel()
    inside = (frame.documents["topic"] == "arts").to_numpy()
    assert arts["mean_inside"] == pytest.approx(values[inside].mean(), rel=1e-6)
    assert arts["wasserstein"] == pytest.approx(wasserstein_distance(values[inside], values[~inside]), rel=1e-5)
    assert arts["wasserstein_scaled"] == pytest.approx(arts["wasserstein"] / values.std(), rel=1e-5)
    assert set(found.table.filter(pl.col("q") < 0.05)["feature"]) == {3, 5, 7}
    assert (found.table["q"] >= found.table["p"]).all()
    assert (found.table["js"] <= found.table["raw"]).all()
    assert (found.table["low"] <= found.table["js"]).all()
    assert (found.table["js"] <= found.table["high"]).all()
    assert found.table["js"].is_sorted(descending=True)
    row = found.summary.row(0, named=True)
    assert (row["units"], row["total"], row["live"], row["dead"], row["concepts"]) == ("SAE", 10, 6, 4, 3)
    assert row["mean"] == pytest.approx(found.table["js"].mean())
    assert row["max"] == pytest.approx(found.table["js"].max())
    for name in ("summary", "units", "held_out", "overlap", "concepts"):
        assert getattr(found, name).schema == getattr(result, name.upper())


def test_what_is_listed_for_a_concept(make_frame: MakeFrame):
    frame = planted(make_frame)
    found = separability(frame, top=2, evidence=2, **ALONE)
    first = found.concepts.filter(rank=1)
    assert first.select("concept", "feature", "direction").rows() == [
        ("arts", 5, "more"),
        ("law", 3, "more"),
        ("sport", 7, "less"),
    ]
    topics = frame.documents["topic"]
    assert {topics[doc] for doc in first["evidence"][1]} == {"law"}
    assert "sport" not in {topics[doc] for doc in first["evidence"][2]}
    assert found.concepts.group_by("concept").len()["len"].max() == 2
    assert first["documents"].to_list() == [80, 80, 80]


def test_the_same_seed_gives_the_same(make_frame: MakeFrame):
    frame = planted(make_frame)
    first, again = (separability(frame, **ALONE) for _ in range(2))
    for name in ("table", "concepts", "summary", "units", "held_out", "overlap"):
        assert_frame_equal(getattr(first, name), getattr(again, name))
    other = separability(frame, seed=1, **ALONE)
    assert not other.table["baseline"].equals(first.table["baseline"])


def test_a_view_gives_what_its_documents_give(make_frame: MakeFrame):
    frame = planted(make_frame, web=[n % 2 == 0 for n in range(240)])
    part = separability(frame.filter(pl.col("web")).select([3, 5]), **ALONE)
    assert set(part.table["feature"]) == {3, 5}
    assert figures(part, 5)["documents"] == 120


def test_dense_units_of_the_same_documents(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    from saedata.probing import dense_layers

    frame = planted(make_frame)
    topics = frame.documents["topic"]
    asked: list[Any] = []

    def vectors(_: Embeddings, docs: Any, *, encoder: Any) -> dict[str, Any]:
        asked.append((docs, encoder))
        noise = np.random.default_rng(0).normal(size=(len(docs), 6)).astype(np.float32)
        told = noise + 9 * np.array([[topics[int(doc)] == "law"] for doc in docs])
        return {"mean": told.astype(np.float32), "max": noise, "last": np.zeros_like(noise)}

    monkeypatch.setattr(dense_layers, "hidden_vectors", vectors)
    found = separability(frame, label="topic", against=("dense max", "dense mean", "dense last"))
    assert found.summary["units"].to_list() == ["SAE", "dense max", "dense mean", "dense last"]
    assert found.summary["total"].to_list() == [10, 6, 6, 6]
    assert found.summary["dead"].to_list() == [4, 0, 0, 6]
    mean = dict(found.summary.select("units", "mean").iter_rows())
    assert mean["dense mean"] > 0.6 > 0.1 > mean["dense max"]
    assert mean["dense last"] is None
    law = found.held_out.filter(concept="law")
    assert law.filter(units="dense mean")["js"].min() > 0.95
    assert law.filter(units="dense mean")["label"].to_list() == [None, None]
    assert law.filter(units="SAE")["label"].to_list() == ["feature 3", "feature 3"] or law["label"][0] is not None
    assert found.units.group_by("units", maintain_order=True).len().rows()[:3] == [
        ("SAE", 6),
        ("dense max", 6),
        ("dense mean", 6),
    ]
    assert len(asked[0][0]) == 240


def test_the_comparison_may_be_of_a_sample(make_frame: MakeFrame):
    frame = planted(make_frame, 1200)
    found = separability(frame, documents=1000, **ALONE)
    assert found.summary["documents"].to_list() == [999]
    assert figures(found, 5)["documents"] == 1200
    y = np.repeat([0, 1, 2], [12, 500, 700])
    chosen = evenly(Labelled("a", "multiclass", np.arange(1212, dtype=np.uint32), y, CONCEPTS), 412, 0)
    assert np.bincount(y[chosen]).tolist() == [12, 200, 200]


def test_options_change_what_they_say(make_frame: MakeFrame):
    frame = planted(make_frame, note=["same", "b", "c"] * 80)
    low = separability(frame, threshold=0, **ALONE)
    assert figures(low, 3)["documents"] == 240
    assert separability(frame, bins=1, **ALONE).table.row(by_predicate=pl.col("feature") == 5, named=True)["js"] == 0
    assert figures(separability(frame, spacing="width", **ALONE), 3)["js_concept"] == pytest.approx(1)
    two = separability(frame, label="topic", positive="law", against=())
    assert set(two.table["concept"]) <= {"law", "not law"}
    assert figures(two, 3)["concept"] == "law"
    empirical = separability(frame, label="topic", positive="law", against=(), priors="empirical")
    assert figures(empirical, 3)["js"] == pytest.approx(np.sqrt(np.log2(3) - 2 / 3), abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "colour"}, "has no column 'colour'"),
        ({"label": "same"}, "has only the value 'one'; at least two must have 10 documents each"),
        ({"label": "rare"}, r"has 2 different values; .* fewer have 'b' \(0, 1, 2\)"),
        ({"label": "each"}, "has 240 different values, which are too many concepts"),
        ({"label": "turns"}, "holds lists"),
        ({"label": "topic", "positive": "poetry"}, "no document with the value 'poetry'; it has 'arts'"),
        ({"label": "topic", "priors": "flat"}, "it must be 'uniform' or 'empirical'"),
        ({"label": "topic", "bins": 0}, "bins is 0"),
        ({"label": "topic", "spacing": "log"}, "it must be 'quantile' or 'width'"),
        ({"label": "topic", "against": ("words",)}, "there are no units .*words.*; there are 'dense max'"),
        ({"label": "topic", "documents": 5}, "at least 1000"),
        ({"label": "topic", "top": -1}, "must be 0 or more"),
        ({"label": "topic", "strongest": 0}, "must be 1 or more"),
        ({"label": "topic", "permutations": 3}, "at least 20"),
        ({"label": "topic", "level": 1}, "between 0 and 1"),
        ({"label": "topic", "threshold": -1}, "must be 0 or more"),
        ({"label": "topic", "threshold": 99}, "no feature is on above 99"),
    ],
)
def test_refusals(make_frame: MakeFrame, options: dict[str, Any], message: str):
    columns: dict[str, list[Any]] = {
        "same": ["one"] * 240,
        "rare": ["b"] * 3 + ["a"] * 237,
        "each": [f"v{n}" for n in range(240)],
        "turns": [["x"]] * 240,
    }
    frame = planted(make_frame, **columns)
    with pytest.raises(InputError, match=message):
        separability(frame, **{"against": ()} | options)


@pytest.mark.parametrize("values", [[True, False], [2, 1], [1.5, 0.5], ["x", "a"]])
def test_values_of_any_kind_are_concepts(make_frame: MakeFrame, values: list[Any]):
    topics = planted(make_frame).documents["topic"].to_list()
    frame = planted(make_frame, name="b.sae", law=[values[topic != "law"] for topic in topics])
    found = separability(frame, label="law", against=())
    said = str(values[0]).lower()
    assert figures(found, 3)["concept"] == said
    assert set(found.concepts["concept"]) == {said, str(values[1]).lower()}


def test_warnings_name_the_documents(make_frame: MakeFrame):
    labels = [None, "c", None, "c", "c", *["a", "b"] * 117, "a"]
    frame = planted(make_frame, note=labels)
    with pytest.warns(UserWarning, match="left out") as caught:
        found = separability(frame, label="note", against=())
    said = [str(one.message) for one in caught]
    assert said == [
        "2 of 240 documents have no value in 'note' and are left out: 0, 2",
        "values of 'note' with fewer than 10 documents are left out: 'c' (1, 3, 4)",
    ]
    assert {one.filename for one in caught} == {__file__}
    assert found.summary["documents"].to_list() == [235]


def test_a_column_without_a_value(make_frame: MakeFrame):
    frame = planted(make_frame, note=[None] * 240)
    with pytest.raises(InputError, match="has no value in any document"), pytest.warns(UserWarning, match="240 of 240"):
        separability(frame, label="note", against=())


def test_an_encoder_that_is_not_here(make_frame: MakeFrame):
    with pytest.raises(EncoderError, match="or compare with no dense units"):
        separability(planted(make_frame), label="topic")
