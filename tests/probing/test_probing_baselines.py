"""Every method: finds what is there, finds nothing in shuffled labels, and never sees the test documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from saedata.analysis.probe.methods import BASELINES, Fit, Material, fit_methods
from saedata.probing import baselines
from saedata.probing.baselines import Learner, boosting_name, learners, tune
from saedata.probing.features import Form
from saedata.probing.linear import splits
from saedata.probing.targets import quality

WORDS = np.array(["sun", "rain", "wind"], dtype=object)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few settings, trees and epochs: the tests are about what is read, not about how well it is tuned."""
    monkeypatch.setattr(baselines, "TREES", ((0.3, 2),))
    monkeypatch.setattr(baselines, "ALPHAS", (1e-2,))
    monkeypatch.setattr(baselines, "COMPONENTS", (1, 4))
    monkeypatch.setattr(baselines, "_ROUNDS", 15)
    monkeypatch.setattr(baselines, "_EPOCHS", 40)


def documents(kind: str, rows: int, *, seed: int) -> tuple[Material, Any]:
    """Feature 7, dense column 2 and a word tell the label; of three classes each has its own."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rows) if kind == "regression" else rng.permutation(np.arange(rows) % (2 + (kind == "multi")))
    told = np.eye(3)[y] if kind != "regression" else np.stack([y, -y, y], axis=1)
    x = np.maximum(rng.normal(size=(rows, 30)) - 0.5, 0)
    x[:, 7:10] = np.maximum(x[:, 7:10] + 2 * told, 0)
    dense = rng.normal(size=(rows, 6)).astype(np.float32)
    dense[:, 2:5] += 2 * told
    word = WORDS[y if kind != "regression" else (y > 0).astype(int)]
    texts = word + np.array([f" day{rng.integers(9)}" for _ in range(rows)], dtype=object)
    inputs = dict.fromkeys(("mean", "max", "last", "sentence"), dense) | {"texts": texts, "none": np.zeros(rows)}
    return Material(sparse.csr_matrix(x.astype(np.float32)), inputs, np.arange(rows)), y


def fitted(material: Material, y: Any, train: Any, test: Any, **options: Any) -> list[Fit]:
    settings: dict[str, Any] = {"ks": (1, 4), "forms": (Form(),), "baselines": BASELINES, "seed": 0} | options
    return fit_methods(material, y[train], (train, test), done=lambda _: None, **settings)


@pytest.mark.parametrize("kind", ["binary", "multi", "regression"])
def test_every_method_finds_what_is_there(quick: None, kind: str):
    material, y = documents(kind, 200, seed=0)
    train, test = np.arange(100), np.arange(100, 200)
    for fit in fitted(material, y, train, test):
        found = quality(fit.prediction.scores, y[test])
        nothing = 0.0 if kind == "regression" else 0.5
        if fit.method == "majority":
            assert found == pytest.approx(nothing, abs=0.05)
        else:
            assert found > nothing + 0.2, fit.method
        if kind != "regression":
            assert fit.prediction.probabilities is not None
            np.testing.assert_allclose(fit.prediction.probabilities.sum(1), 1)


def test_shuffled_labels_leave_nothing_to_find(quick: None):
    """Mean of four runs, each tested on 2 400 rows: the standard error is about 0.006 for a method."""
    areas: dict[str, list[float]] = {}
    for seed in range(4):
        material, y = documents("binary", 2440, seed=seed)
        y = np.random.default_rng(seed).permutation(y)
        once = [name for name in BASELINES if name not in ("dense max", "last token", "sentence embedding")]
        for fit in fitted(material, y, np.arange(40), np.arange(40, 2440), baselines=once):
            areas.setdefault(f"{fit.method} {fit.k or ''}", []).append(quality(fit.prediction.scores, y[40:]))
    assert len(areas) == 10
    for name, values in areas.items():
        assert np.mean(values) == pytest.approx(0.5, abs=0.02), name


@pytest.mark.parametrize("select", ["mean_difference", "l1", "mutual_information"])
def test_test_documents_change_nothing(quick: None, select: Any):
    material, y = documents("binary", 80, seed=1)
    other, _ = documents("multi", 80, seed=2)
    train, test = np.arange(40), np.arange(40, 80)
    mixed = Material(
        sparse.vstack([material.sae[:40], other.sae[40:]], format="csr"),
        {name: np.concatenate([rows[:40], other.inputs[name][40:]]) for name, rows in material.inputs.items()},
        material.groups,
    )
    forms = (Form(0.3, relative=True, select=select),)
    lexical = ("TF-IDF", "PCA", "kNN") if select == "mean_difference" else ()
    one, two = (fitted(m, y, train, test, forms=forms, baselines=lexical) for m in (material, mixed))
    for a, b in zip(one, two, strict=True):
        assert (a.chosen, a.validation) == (b.chosen, b.validation)
        assert np.abs(a.prediction.scores - b.prediction.scores).max() > 0
        if a.probe is not None and b.probe is not None:
            np.testing.assert_array_equal(a.probe.model.coef_, b.probe.model.coef_)


def test_gradient_boosting_bears_the_name_of_its_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert boosting_name() == "HistGradientBoosting"
    assert "HistGradientBoosting" in learners()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    assert boosting_name() == "XGBoost"


def test_scikit_learns_trees_too(quick: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(baselines, "boosting_name", lambda: "HistGradientBoosting")
    material, y = documents("binary", 150, seed=4)
    rows = material.inputs["mean"]
    found = tune(learners()["HistGradientBoosting"], rows[:100], y[:100], splits(y[:100], range(100)), seed=0)
    assert quality(found.predict(rows[100:]).scores, y[100:]) > 0.8


def test_the_best_setting_is_taken():
    """A learner that predicts with its setting as a weight: the largest ranks best, of equal ones the first."""
    y = np.arange(40) % 2

    def learn(_rows: Any, _y: Any, settings: Any, _seed: int) -> Any:
        for setting in settings:
            yield lambda some, weight=setting: baselines.prediction(weight * some, np.stack([1 - some, some], axis=1))

    found = tune(Learner((-1.0, 0.5, 2.0), learn), y.astype(float), y, splits(y, range(40)), seed=0)
    assert (found.setting, found.score) == ("0.5", 1.0)
