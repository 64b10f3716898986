"""Labels dealt anew leave nothing to find, and a choice of features that has seen the test documents is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks import shuffled_labels
from benchmarks.shuffled_labels import CONTROL, PART, areas, chosen_on_all, dealt, figures, sentences
from saedata.probing.features import Columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

TRAIN, TEST, FEATURES, RUNS = 100, 200, 600, 3
BAND = 0.07
"""The mean of three areas has a standard deviation of 0.024; a leak moves it by more than 0.1."""


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch) -> Embeddings:
    """Features and words that tell nothing."""
    ks = {"mean_difference": (1, 16), "l1": (16,), "mutual_information": (16,)}
    monkeypatch.setattr(shuffled_labels, "KS", ks)
    monkeypatch.setattr(shuffled_labels, "FORMS", ("value",))
    random = np.random.default_rng(0)
    words = np.array(["sun", "rain", "wind", "snow", "fog", "hail"])
    x = np.maximum(random.normal(size=(TRAIN + TEST, FEATURES)) - 0.5, 0)
    texts = [f"{n} {' '.join(words[random.random(6) < 0.5])}" for n in range(len(x))]
    rows = [(text, {int(f): float(row[f]) for f in np.flatnonzero(row)}) for text, row in zip(texts, x, strict=True)]
    user = dealt(texts, train=TRAIN, runs=RUNS).drop("text").to_dict(as_series=False)
    return make_frame("nothing.sae", rows, features=FEATURES, shard=100, user=user)


def means(frame: Embeddings, **options: Any) -> dict[str, float]:
    found = [areas(frame, run, **options) for run in range(RUNS)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def test_labels_are_dealt_anew_and_half_yes():
    table = dealt([f"text {n}" for n in range(60)], train=20, runs=3)
    labels = table.drop("text", PART)
    assert labels.filter(table[PART] == "train").sum().row(0) == (10, 10, 10)
    assert labels.filter(table[PART] == "test").sum().row(0) == (20, 20, 20)
    assert len(set(zip(*labels.rows(), strict=True))) == 3


def test_the_texts_are_sentences_of_the_samples():
    texts = sentences()
    assert len(texts) == len(set(texts)) == shuffled_labels.TRAIN + shuffled_labels.TEST
    assert min(map(len, texts)) >= shuffled_labels.SHORTEST


def test_no_way_of_choosing_features_finds_anything(frame: Embeddings):
    found = means(frame, baselines=("TF-IDF", "majority"))
    assert len(found) == 8
    for name, value in found.items():
        assert value == pytest.approx(0.5, abs=BAND), name


def test_features_chosen_on_the_test_documents_too_are_found_out(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    """The same runs of `probe`, with one leak: the ranking sees all documents and labels."""
    rows, honest = frame.to_csr(), Columns.features.__func__  # type: ignore[attr-defined]
    found = []
    for run in range(RUNS):
        y = frame.documents[f"shuffled_{run:02}"].to_numpy().astype(np.int64)

        def leaky(cls: Any, _rows: Any, _y: Any, *options: Any, y: Any = y) -> Columns:
            return honest(cls, rows, y, *options)

        assert chosen_on_all(frame, y, np.arange(TRAIN + TEST) >= TRAIN) > 0.5 + BAND
        with monkeypatch.context() as patch:
            patch.setattr(Columns, "features", classmethod(leaky))
            found.append(areas(frame, run, baselines=()))
    for select in ("mean difference", "l1", "mutual information"):
        assert np.mean([one[f"SAE, k=16, {select}"] for one in found]) > 0.5 + BAND, select


def test_figures_say_what_may_be_and_what_must_be():
    good, bad, control = figures({"kNN": [0.51, 0.5], "MLP": [0.6, 0.5], CONTROL: [0.7, 0.7]})
    assert (good.verdict, bad.verdict, control.verdict) == ("pass", "MISS", "pass")
    assert bad.value == pytest.approx(0.05)
    assert "2 runs, mean 0.5500, standard error 0.0500" in bad.n
    assert figures({CONTROL: [0.5, 0.5]})[0].verdict == "MISS"
