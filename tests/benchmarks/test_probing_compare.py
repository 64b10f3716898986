from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks.probing.compare import differences, paired, report, wide
from benchmarks.probing.run import figures


def test_interval_of_a_known_case():
    """Gaps 0 and 1 in equal number: means of resamples are binomial(50, 1/2) / 50, whose quantiles are .36 and .64."""
    found = paired([1.0] * 25 + [0.0] * 25, [0.0] * 50)
    assert (found.mean, found.wins, found.losses, found.tasks) == (0.5, 25, 0, 50)
    assert (found.low, found.high) == (pytest.approx(0.36), pytest.approx(0.64))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    draws = [paired(random.normal(0.1, 1, 40).tolist(), [0.0] * 40) for _ in range(200)]
    assert 0.88 <= np.mean([draw.low <= 0.1 <= draw.high for draw in draws]) <= 0.98


def test_equal_methods_neither_win_nor_lose():
    found = paired([0.7, 0.8], [0.7, 0.8])
    assert (found.low, found.high, found.wins, found.losses) == (0, 0, 0, 0)


def results() -> pl.DataFrame:
    aucs = {
        "SAE k=16": (0.9, 0.7),
        "SAE k=128": (0.95, 0.9),
        "sentence embedding": (0.8, 0.9),
        "sentence embedding, whole text": (0.8, 0.9),
        "dense max": (0.9, 0.8),
    }
    rows = [
        {"task": task, "question": "?", "train": 10, "test": 20, "method": name, "test_auc": values[at]}
        for at, task in enumerate(("easy", "hard"))
        for name, values in aucs.items()
    ]
    return pl.DataFrame(rows)


def test_report_says_where_the_sae_loses():
    table = wide(results(), "test_auc")
    assert table["task"].to_list() == ["easy", "hard"]
    text = report(table, title="T", measure="Test AUC")
    assert "SAE k=16 loses on hard (-0.200)." in text
    assert "SAE k=128 loses nowhere." in text
    assert "| **mean** | | | 0.800 | **0.925** | 0.850 | 0.850 | 0.850 |" in text


def test_figures_have_the_two_targets():
    table = wide(results(), "test_auc")
    found = figures(table)
    verdicts = {figure.name: figure.verdict for figure in found if figure.target}
    assert verdicts == {
        "test AUC, SAE k=16 minus sentence embedding": "MISS",
        "test AUC, SAE k=128 minus dense max": "pass",
    }
    assert differences(table)["SAE k=16", "sentence embedding"].mean == pytest.approx(-0.05)
    assert "2 tasks, 95 % interval -0.2000 to +0.1000; won 1, lost 1" in found[0].n
