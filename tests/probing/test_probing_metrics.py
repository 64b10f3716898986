"""Figures and their intervals, against scikit-learn and against rows that are written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as known

from saedata.probing.calibration import Calibration
from saedata.probing.metrics import METRICS, Prediction, curves, evaluate, figures
from saedata.probing.targets import kind_of

RNG = np.random.default_rng(0)


def two(rows: int = 80) -> tuple[Any, Prediction]:
    y = RNG.integers(0, 2, rows)
    p = np.round(np.clip(RNG.normal(0.4 + 0.3 * y, 0.25), 0.01, 0.99), 1)  # many equal scores
    return y, Prediction(p, np.stack([1 - p, p], axis=1))


def several(rows: int = 90) -> tuple[Any, Prediction]:
    y = RNG.integers(0, 3, rows)
    p = RNG.dirichlet([1, 1, 1], rows) + np.eye(3)[y] / 2
    p /= p.sum(1, keepdims=True)
    return y, Prediction(p, p)


def number(rows: int = 70) -> tuple[Any, Prediction]:
    y = RNG.normal(size=rows)
    return y, Prediction(y + RNG.normal(size=rows), None)


def expected(y: Any, said: Prediction) -> dict[str, float]:
    if said.probabilities is None:
        r = float(np.corrcoef(y, said.scores)[0, 1])
        return {
            "r2": known.r2_score(y, said.scores),
            "correlation": r,
            "mae": known.mean_absolute_error(y, said.scores),
        }
    if said.scores.ndim > 1:
        return {
            "macro auc": known.roc_auc_score(y, said.scores, multi_class="ovr"),
            "macro f1": known.f1_score(y, said.classes, average="macro"),
            "accuracy": known.accuracy_score(y, said.classes),
            "brier": float(np.square(said.probabilities - np.eye(3)[y]).sum(1).mean()),
        }
    return {
        "auc": known.roc_auc_score(y, said.scores),
        "average precision": known.average_precision_score(y, said.scores),
        "f1": known.f1_score(y, said.scores >= 0.5),
        "accuracy": known.accuracy_score(y, said.scores >= 0.5),
        "brier": known.brier_score_loss(y, said.scores),
    }


@pytest.mark.parametrize("make", [two, several, number])
def test_figures_are_scikit_learns(make: Any):
    y, said = make()
    found = figures(y, said, np.ones((1, len(y))))
    assert tuple(found) == METRICS[kind_of(y)]
    for name, value in expected(y, said).items():
        assert found[name][0] == pytest.approx(value), name


@pytest.mark.parametrize("make", [two, several, number])
def test_weights_are_repeated_rows(make: Any):
    y, said = make()
    weights = RNG.integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    repeated = Prediction(said.scores[rows], None if said.probabilities is None else said.probabilities[rows])
    plain = figures(y[rows], repeated, np.ones((1, len(rows))))
    for name, value in figures(y, said, weights[None].astype(float)).items():
        assert value[0] == pytest.approx(plain[name][0]), name


def test_calibration_error_by_hand():
    p = np.array([0.92, 0.98, 0.12, 0.18])
    said = Prediction(p, np.stack([1 - p, p], axis=1))
    found = figures(np.array([1, 0, 0, 0]), said, np.ones((1, 4)))
    assert found["ece"][0] == pytest.approx(0.5 * abs(0.95 - 0.5) + 0.5 * 0.15)


def test_intervals_cover_the_truth():
    """Scores normal with means 0 and 1: the area is 0.760 (the normal distribution at 1 / sqrt 2)."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = np.arange(120) % 2
        said = Prediction(rng.normal(y), np.full((120, 2), 0.5))
        (found,) = evaluate(y, [said], np.arange(120), resamples=200, seed=seed)
        low, high = found["auc"].interval("auc", 0.95)
        hits += low <= 0.7602 <= high
    assert 53 <= hits <= 60


def test_differences_are_paired_and_groups_are_drawn_together():
    y, said = two(200)
    worse = Prediction(said.scores + 1e-6 * RNG.normal(size=200), said.probabilities)
    one, other = evaluate(y, [said, worse], np.arange(200), resamples=100, seed=0)
    gap = one["auc"].less(other["auc"])
    assert np.ptp(gap.resampled) < 0.3 * np.ptp(one["auc"].resampled)
    (alone,) = evaluate(np.repeat(y[:40], 5), [Prediction(np.repeat(said.scores[:40], 5), np.repeat(said.probabilities[:40], 5, axis=0))], np.repeat(np.arange(40), 5), resamples=300, seed=0)  # fmt: skip # noqa: E501
    (spread,) = evaluate(y[:40], [Prediction(said.scores[:40], said.probabilities[:40])], np.arange(40), resamples=300, seed=0)  # fmt: skip # noqa: E501
    np.testing.assert_allclose(alone["auc"].resampled, spread["auc"].resampled)


def test_curves_are_scikit_learns():
    y, said = two()
    found = curves(y, said)
    false, true, _ = known.roc_curve(y, said.scores, drop_intermediate=False)
    np.testing.assert_allclose(found["roc"][:2], [false, true])
    precision, recall, _ = known.precision_recall_curve(y, said.scores)
    np.testing.assert_allclose(found["pr"][:2], [recall[-2::-1], precision[-2::-1]])
    assert found["calibration"][2].sum() == len(y)


def test_calibration_finds_the_line_and_keeps_the_order():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-(3 * scores - 1)))).astype(int)
    found = Calibration.of(scores / 1000, y)
    assert (found.slope / 1000, found.offset) == (pytest.approx(3, abs=0.15), pytest.approx([-1], abs=0.1))
    assert Calibration.of(-scores, y).slope == 0  # never turned round


def test_calibration_of_separated_and_of_several_classes():
    y = np.arange(20) // 10
    known_odds = Calibration.of(y.astype(float), y)
    yes = known_odds.probabilities(y.astype(float))[:, 1]
    np.testing.assert_allclose(yes, np.where(y, 11 / 12, 1 / 12), atol=0.01)  # Platt's targets
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(20_000, 3))
    drawn = np.array([rng.choice(3, p=p) for p in Calibration(2.0, np.array([0, 0, 1])).probabilities(logits)[:4000]])
    found = Calibration.of(logits[:4000], drawn)
    assert found.slope == pytest.approx(2, abs=0.2)
    assert (found.offset[1:] - found.offset[0]).tolist() == pytest.approx([0, 1], abs=0.2)
