"""Figures of the benchmark of separability: sums over sets, and what counts as above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from separability_units import planted

from benchmarks import separability as module
from benchmarks.harness import Skipped
from benchmarks.separability import first_by_hash, margin, set_figures, won
from saedata.analysis.separability import Separability, separability
from saedata.analysis.separability.result import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings


def summary(**held_out: float) -> pl.DataFrame:
    rows = [
        dict.fromkeys(SUMMARY) | {"units": name.replace("_", " "), "held_out": value, "mean": 1 - value}
        for name, value in held_out.items()
    ]
    return pl.DataFrame(rows, schema=SUMMARY)


def found(**held_out: float) -> Separability:
    none = pl.DataFrame()
    return Separability(none, none, summary(**held_out), none, none, none)


def test_a_set_is_won_against_both_poolings():
    assert margin(summary(SAE=0.5, dense_max=0.2, dense_mean=0.6), "held_out") == pytest.approx(-0.1)
    sets = {"a": found(SAE=0.5, dense_max=0.2, dense_mean=0.6), "b": found(SAE=0.7, dense_max=0.2, dense_mean=0.6)}
    best, mean = won(sets)
    assert (best.value, best.target, best.verdict) == (1, (">=", 4), "MISS")
    assert best.n.endswith("not above: a")
    assert mean.value == 0


def test_texts_are_chosen_by_their_hash_once():
    table = pl.DataFrame({"text": [f"text {n % 30}" for n in range(60)], "label": ["a", "b"] * 30})
    chosen = first_by_hash(table, 10)
    assert chosen["text"].n_unique() == 10
    assert chosen.rows() == first_by_hash(table.reverse(), 10).rows()
    assert chosen["text"].to_list() != sorted(chosen["text"])


def test_figures_of_a_frame(make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch):
    frame = planted(make_frame, label=["a", "b"] * 120)
    one = separability(frame, label="topic", against=())
    figures = {figure.name: figure for figure in set_figures("news", one)}
    assert figures["news, SAE: mean over live units"].value == one.summary["mean"][0]
    assert "6 live units, 4 dead, 240 documents, 3 concepts" in figures["news, SAE: mean over live units"].n

    def vectors(_: Embeddings, docs: Any, *, encoder: Any) -> dict[str, Any]:
        values = np.random.default_rng(0).normal(size=(len(docs), 4)).astype(np.float32)
        return {"max": values, "mean": values}

    monkeypatch.setattr(module, "hidden_vectors", vectors)
    monkeypatch.setattr(module, "EACH", 40)
    monkeypatch.setattr(module, "FEWEST", 60)
    stable = module.stability_figures("news", frame, None)  # type: ignore[arg-type]
    assert [figure.target for figure in stable] == [("<=", 0.01), None] * 3
    assert stable[0].name.startswith("news, SAE: mean over live units")
    assert all(figure.value > 0 for figure in stable)


def test_without_data_it_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAEDATA_BENCH_DATA", raising=False)
    with pytest.raises(Skipped, match="ag_news_test"):
        module.sets()
