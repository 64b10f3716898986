from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import cluster_speed
from benchmarks.cluster_speed import (
    CHAT,
    CHATS,
    SHORT,
    SIZES,
    WAYS,
    Cost,
    figures,
    make_frames,
    plot,
    recall,
    slope,
    work,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings


@pytest.fixture
def costs() -> list[Cost]:
    sizes = [*((SHORT, size) for size in SIZES), (CHAT, CHATS)]
    return [Cost(way, kind.name, size, size / 1000, 1.0, busy=4.0) for kind, size in sizes for way in WAYS]


def test_targets_stand_where_they_speak_of(costs: list[Cost]):
    found = figures(costs)
    held = [figure for figure in found if figure.target is not None]
    assert len(held) == 2 * 2 * len(WAYS)
    assert {figure.n for figure in held} == {"100,000 short texts, 2 processors", "20,000 chat answers, 2 processors"}
    assert {figure.verdict for figure in held} == {"pass"}
    assert [figure.value for figure in found if "slope" in figure.name] == [1.0] * len(WAYS)
    assert slope(costs, "hdbscan") == 1.0


def test_plot_holds_every_way(costs: list[Cost], tmp_path: Path):
    plot(costs).save(tmp_path / "plot.svg")
    assert all(way in (tmp_path / "plot.svg").read_text() for way in WAYS)


def test_simulated_frames_are_clustered(
    make_frame: Callable[..., Embeddings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    rng = np.random.default_rng(0)
    rows = [("word " * (i % 7 + 1), {int(f): 1.0 for f in np.flatnonzero(rng.random(30) < 0.3)}) for i in range(60)]
    real = make_frame("real.sae", rows, features=30, shard=60)
    monkeypatch.setattr(cluster_speed, "chat_answers", lambda: real)
    monkeypatch.setattr(cluster_speed, "FEATURES", 900)
    monkeypatch.setattr(cluster_speed, "WARM_UP", 60)
    monkeypatch.setattr(cluster_speed, "RECALLED", 80)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    frames = make_frames(tmp_path, largest=10)
    assert {(kind.name, size) for kind, size in frames} == {
        ("short texts", 60),
        ("short texts", 80),
        ("chat answers", 80),
    }
    assert recall(frames[SHORT, 80]) > 0.99
    work("20 clusters", str(frames[SHORT, 60]))
    told = json.loads(capsys.readouterr().out)
    assert told["clusters"] == 20
    assert told["seconds"] > 0 < told["gigabytes"]
