"""Arithmetic of the comparison with BERTopic."""

from __future__ import annotations

import numpy as np

from benchmarks.against_bertopic import Found, compared


def test_both_lose_the_same_share():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    sure = np.array([0.9, 0.8, 0.7, 0.1, 0.9, 0.8, 0.7, 0.2])
    wrong_where_weak = Found(np.array([0, 0, 0, 1, 1, 1, 1, 0]), sure, 1.0, 2.0)
    noisy = Found(np.array([0, 0, 1, -1, 1, 1, 0, -1]), sure, 3.0, 4.0)
    figures = {figure.name: figure for figure in compared("c", labels, wrong_where_weak, noisy)}
    assert figures["c: ARI at equal noise, ours"].value == 1.0
    assert figures["c: ARI at equal noise, BERTopic"].value < 0.5
    assert figures["c: own share of noise, ours"].value == 0.0
    assert figures["c: own share of noise, BERTopic"].value == 0.25
    assert "25% left out of both" in figures["c: ARI at equal noise, ours"].n
