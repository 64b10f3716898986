"""Figures of the comparison with sae-probes, and that it is skipped without the package."""

from __future__ import annotations

import importlib.util
from typing import Any

import polars as pl
import pytest

from benchmarks import sae_probes
from benchmarks.harness import Skipped
from benchmarks.sae_probes import own_figures, protocol_figures, selection_figures


def found() -> pl.DataFrame:
    """Two tasks; with L1 one area of four is away, where the other chose another C."""
    rows: list[dict[str, Any]] = []
    for task in ("one", "two"):
        for penalty, k in (("l2", 1), ("l2", 16), ("l2", 128), ("l1", 16), ("l1", 128)):
            away = 0.03 if (task, penalty, k) == ("two", "l1", 128) else 0.001
            row = {"task": task, "penalty": penalty, "k": k, "train": 100, "test": 50, "c": 1.0}
            row |= {"same": k != 128 or task == "two", "tied": True, "converged": k != 128 or penalty == "l2"}
            row |= {"theirs": 0.8, "ours": 0.8 + away, "same_c": 0.801, "own": None if k == 1 else 0.79}
            rows.append(row)
    return pl.DataFrame(rows)


def test_selections_that_differ_in_equal_scores_are_told():
    either, same = selection_figures(found())
    assert (either.value, either.verdict) == (1.0, "pass")
    assert "6 selections: 2 tasks x 3 numbers of features; 1 differ in features of equal score, 0 in others" in either.n
    assert same.value == pytest.approx(5 / 6)


def test_areas_that_are_apart_are_counted():
    named = {figure.name: figure for figure in protocol_figures(found())}
    assert named["test AUC, its protocol, L2: within 0.005 of its own"].verdict == "pass"
    apart = named["test AUC, its protocol, L1: within 0.005 of its own"]
    assert (apart.value, apart.verdict, apart.n) == (0.75, "MISS", "3 of 4 (task, k)")
    assert named["test AUC, its protocol, L1: the same with the C that it chose"].value == 1
    assert named["test AUC, its protocol, L1: the same where its fit converged"].n == "2 of 2 (task, k)"
    assert named["test AUC, its protocol, L1: largest difference"].value == pytest.approx(0.03)
    assert named["test AUC, its protocol, L1: ours minus its, mean"].value == pytest.approx(0.033 / 4)


def test_our_own_protocol_is_paired_with_its():
    figures = own_figures(found())
    assert len(figures) == 4
    assert {figure.verdict for figure in figures} == {"MISS"}
    assert figures[0].value == pytest.approx(-0.01)
    assert figures[0].n.startswith("2 tasks")


def test_without_the_package_it_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Skipped, match="sae-probes"):
        sae_probes.measure()
