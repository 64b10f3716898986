from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of, slow_greedy
from polars.testing import assert_frame_equal

from saedata import rows
from saedata.analysis import select as module
from saedata.analysis.select import coverage_curve, select
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

BY_HAND = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 0]], dtype=bool)


def random_on(seed: int, documents: int = 60, features: int = 40) -> Any:
    rng = np.random.default_rng(seed)
    return rng.random((documents, features)) < np.linspace(0.01, 0.3, features)


def test_four_documents_by_hand(make_frame: MakeFrame):
    found = select(frame_of(make_frame, BY_HAND), documents=3)
    expected = {"doc": [1, 0, 3], "rank": [1, 2, 3], "gain": [3.0, 1.0, 0.0], "coverage": [0.75, 1.0, 1.0]}
    # Then: document 2 adds 1 / 2 for feature 0, document 3 adds 1 / 2 + 1 / 2 for features 2 and 3.
    schema = {"doc": pl.UInt32, "rank": pl.UInt32, "gain": pl.Float64, "coverage": pl.Float64}
    assert_frame_equal(found, pl.DataFrame(expected, schema=schema))


def test_the_users_weights_by_hand(make_frame: MakeFrame, tmp_path: Path):
    frame = frame_of(make_frame, BY_HAND)
    weights = pl.DataFrame({"feature": [0, 1, 4], "weight": [5.0, 2.0, 100.0]})
    found = select(frame, documents=2, weights=weights)
    assert found["doc"].to_list() == [0, 2]  # all is covered by the first; then 5 / 2 against 2 / 2
    assert found["gain"].to_list() == [7.0, 0.0]
    weights.write_csv(tmp_path / "weights.csv")
    assert_frame_equal(select(frame, documents=2, weights=tmp_path / "weights.csv"), found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weights", ["equal", "rare"])
def test_lazy_equals_slow_greedy(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, seed: int, weights: Any):
    on = random_on(seed)
    monkeypatch.setattr(module, "STEP", 7)
    weight = np.ones(40) if weights == "equal" else np.sqrt(60 / np.maximum(on.sum(axis=0), 1))
    chosen, gains = slow_greedy(on, weight, 60)
    found = select(frame_of(make_frame, on), documents=60, weights=weights)
    assert found["doc"].to_list() == chosen
    np.testing.assert_allclose(found["gain"], gains, atol=1e-12)
    covered = np.where(on.any(axis=0), weight, 0)
    np.testing.assert_allclose(found["coverage"], np.cumsum(gains) / covered.sum())


def test_fewer_documents_are_the_first_of_more(make_frame: MakeFrame):
    frame = frame_of(make_frame, random_on(9))
    assert_frame_equal(select(frame, documents=11), select(frame, documents=30).head(11))
    assert_frame_equal(select(frame, documents=30), select(frame, documents=30))


@pytest.mark.parametrize("seed", range(10))
def test_at_least_63_percent_of_the_best_choice(make_frame: MakeFrame, seed: int):
    on = random_on(seed, 12, 25)
    weight = np.random.default_rng(seed).random(25)
    table = pl.DataFrame({"feature": np.arange(25), "weight": weight})
    found = select(frame_of(make_frame, on), documents=4, weights=table)
    best = max((weight * on[list(docs)].any(axis=0)).sum() for docs in itertools.combinations(range(12), 4))
    assert (1 - 1 / np.e) * best <= found["gain"].sum() <= best + 1e-12


def test_equal_texts_are_chosen_once(make_frame: MakeFrame):
    frame = frame_of(make_frame, BY_HAND[[1, 1, 0]], texts=["same", "same", "other"])
    assert select(frame, documents=2)["doc"].to_list() == [0, 2]
    assert select(frame, documents=3, duplicates="keep")["doc"].to_list() == [0, 2, 1]
    with pytest.raises(InputError, match="documents is 3; a has 2 to choose from"):
        select(frame, documents=3)


def test_views_thresholds_and_large_corpora(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    on = random_on(4)
    frame = frame_of(make_frame, on, user={"i": list(range(60))})
    view = frame.filter(pl.col("i") >= 20).select(list(range(10, 40)))
    chosen, _ = slow_greedy(on[20:, 10:], np.ones(30), 15)
    found = select(view, documents=15)
    assert found["doc"].to_list() == [20 + doc for doc in chosen]
    above = select(frame, documents=15, threshold=10.5)  # feature f has the value 1 + f
    assert above["doc"].to_list() == slow_greedy(on[:, 10:], np.ones(30), 15)[0]
    monkeypatch.setattr(rows, "KEPT_BYTES", 0)
    assert_frame_equal(select(view, documents=15), found)


def test_the_curve_is_above_random(make_frame: MakeFrame):
    on = random_on(2, 30, 12)
    frame = frame_of(make_frame, on)
    curve = coverage_curve(frame, documents=30)
    assert curve["selected"].to_list() == select(frame, documents=30)["coverage"].to_list()
    assert (curve["selected"] >= curve["random"] - 1e-12).all()
    pairs = [on[[a, b]].any(axis=0).sum() for a, b in itertools.combinations(range(30), 2)]
    assert curve["random"][1] == pytest.approx(np.mean(pairs) / on.any(axis=0).sum())
    assert curve["random"][-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"documents": 0}, "it must be 1 to that"),
        ({"documents": 2, "duplicates": "twice"}, "'once' or 'keep'"),
        ({"documents": 2, "threshold": -1.0}, "it must be 0 or more"),
        ({"documents": 2, "weights": "loud"}, "must be 'equal', 'rare', or a table"),
        ({"documents": 2, "weights": "none.csv"}, "cannot read weights from none.csv"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [1]})}, "needs the columns feature and weight"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": ["x"], "weight": [1]})}, "must hold whole numbers"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [1], "weight": [None]})}, "no nulls"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [5], "weight": [1]})}, "feature 5, but .* 0 to 4"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [1, 1], "weight": [1, 2]})}, "feature 1 more than once"),
        (
            {"documents": 2, "weights": pl.DataFrame({"feature": [1], "weight": [-1]})},
            "weight of feature 1 is negative",
        ),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [1], "weight": [np.inf]})}, "not a finite number"),
        ({"documents": 2, "weights": pl.DataFrame({"feature": [4], "weight": [1.0]})}, "nothing to cover"),
    ],
)
def test_bad_input_gets_a_sentence(make_frame: MakeFrame, options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        select(frame_of(make_frame, BY_HAND), **options)


def test_no_documents(make_frame: MakeFrame):
    with pytest.raises(InputError, match="a has no documents"):
        select(frame_of(make_frame, BY_HAND).filter(pl.col("doc") > 9), documents=1)
