from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scale_analyses, scale_work
from benchmarks.scale_analyses import CHAT, SHORT, SIZES, Cost, figures, make_frames, parameters, plot, slope
from benchmarks.scale_work import WORK
from saedata.frame import Embeddings


@pytest.fixture
def costs() -> list[Cost]:
    return [
        Cost(work, kind.name, size, seconds=size / 1e5, gigabytes=0.5, busy=3.0)
        for work in WORK
        for kind, size in [*((SHORT, size) for size in SIZES), (CHAT, SIZES[0])]
    ]


def test_targets_stand_at_the_largest_frames_only(costs: list[Cost]):
    found = figures(costs)
    timed = [figure for figure in found if figure.unit == " s"]
    assert len(timed) == 4 * len(WORK)
    assert sum(figure.target is not None for figure in timed) == 2 * len(WORK)
    by_column = [figure for figure in timed if figure.name == "diff by a column, counts" and "1,000,000" in figure.n]
    assert [(figure.value, figure.verdict) for figure in by_column] == [(10.0, "pass")]
    assert found[-1].n == "24 looks between the runs, at most 3 %"


def test_slope_is_that_of_the_short_texts(costs: list[Cost]):
    assert slope(costs, "correlate, all features") == pytest.approx(1)
    assert all(figure.verdict == "pass" for figure in figures(costs) if "slope" in figure.name)


def test_plot_holds_every_cost(costs: list[Cost], tmp_path: Path):
    out = tmp_path / "plot.svg"
    plot(costs).save(out)  # type: ignore[attr-defined]
    assert out.read_text().count("correlate, all features") >= 1


def test_every_work_runs_on_simulated_frames(
    make_frame: Callable[..., Embeddings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    rng = np.random.default_rng(0)
    rows = [
        (" ".join(["word"] * (i % 7 + 1)), {int(f): 1.0 for f in np.flatnonzero(rng.random(30) < 0.3)})
        for i in range(60)
    ]
    real = make_frame("real.sae", rows, features=30, shard=60)
    monkeypatch.setattr(scale_analyses, "chat_answers", lambda: real)
    monkeypatch.setattr(scale_analyses, "FEATURES", 80)
    monkeypatch.setattr(scale_analyses, "WARM_UP", 40)
    monkeypatch.setattr(scale_analyses, "SIZES", (60, 90, 120))
    monkeypatch.setattr(scale_analyses, "SHORT", scale_analyses.Kind("short texts", 10, 5))
    monkeypatch.setattr(scale_analyses, "CHAT", scale_analyses.Kind("chat answers", 30, 50))
    frames = make_frames(tmp_path)
    assert len(frames) == 5
    for (kind, size), path in frames.items():
        for work in WORK:
            if work.startswith("correlate") and size > 40:
                continue
            monkeypatch.setattr("sys.argv", ["scale_work", work, *[str(path)] * parameters(work)])
            scale_work.main()
            found = json.loads(capsys.readouterr().out)
            assert found["rows"] > 0, (work, kind)
            assert found["seconds"] > 0
            assert 0.01 < found["gigabytes"] < 10
