"""`saedata probe` and `saedata classify`: the functions' frames, in words and in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner, Result
from polars.testing import assert_frame_equal
from probe_frames import planted

from saedata.analysis.classify import classify
from saedata.analysis.probe import probe
from saedata.errors import InputError
from saedata_cli import classify as classify_cli
from saedata_cli import probe as probe_cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings

QUICK = [
    "--k",
    "1",
    "--k",
    "4",
    "--form",
    "value",
    "--resamples",
    "20",
    "--baseline",
    "TF-IDF",
    "--baseline",
    "majority",
]


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]) -> Embeddings:
    return planted(make_frame, 80, note=["[bold]a\x1b[31m", "b"] * 40)


def run(frame: Embeddings, *arguments: str, command: str = "probe") -> Result:
    commands = {"probe": probe_cli.command, "classify": classify_cli.command}
    return CliRunner(env={"COLUMNS": "200"}).invoke(commands[command], [str(frame.path), *arguments])


def test_files_and_a_saved_probe(frame: Embeddings, tmp_path: Path):
    out, saved, plot = tmp_path / "p.parquet", tmp_path / "toxic.json", tmp_path / "p.svg"
    given = ["--label", "toxic", "--out", str(out), "--save", str(saved), "--save-k", "4", "--plot", str(plot)]
    done = run(frame, *QUICK, *given)
    assert done.exit_code == 0, done.output
    expected = probe(frame, label="toxic", ks=(1, 4), forms=("value",), resamples=20, baselines=("TF-IDF", "majority"))
    assert_frame_equal(pl.read_parquet(out), expected.table)
    assert_frame_equal(pl.read_parquet(tmp_path / "p.features.parquet"), expected.features)
    assert_frame_equal(pl.read_parquet(tmp_path / "p.curves.parquet"), expected.curves)
    assert "How many features predict the label" in plot.read_text()
    scored = run(frame, "--detector", str(saved), "--out", str(tmp_path / "s.parquet"), command="classify")
    assert scored.exit_code == 0, scored.output
    assert_frame_equal(pl.read_parquet(tmp_path / "s.parquet"), classify(frame, expected.detectors[4]))
    shown = run(frame, "--detector", str(saved), "--top", "3", command="classify")
    assert "toxic of 80 documents, highest scores first" in shown.output
    assert run(frame, "--detector", str(saved), "--out", str(tmp_path / "s.csv"), command="classify").exit_code == 0
    assert "feature 7" in pl.read_csv(tmp_path / "s.csv")["features"].drop_nulls().str.join()[0]


def test_tables_for_people(frame: Embeddings):
    shown = run(frame, *QUICK, "--label", "note", "--arrows")
    assert shown.exit_code == 0, shown.output
    assert "\x1b[31m" not in shown.output
    for said in ("SAE k=4", "TF-IDF", "quiver + SAE", "settings by cross-validation", "features of the probe with k="):
        assert said in shown.output
    several = run(frame, *QUICK, "--label", "topic")
    assert "macro auc" in several.output


def test_a_regime_for_people(frame: Embeddings, tmp_path: Path):
    plot = tmp_path / "p.svg"
    shown = run(
        frame, *QUICK[:8], "--baseline", "majority", "--label", "toxic", "--regime", "scarcity", "--plot", str(plot)
    )
    assert shown.exit_code == 0, shown.output
    assert "16 documents" in shown.output
    assert "Scarcity" in plot.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "colour"], "has no column 'colour'"),
        (["--label", "toxic", "--save", "x.pkl"], "the name must end in .json"),
        (["--label", "toxic", "--save", "no/x.json"], "there is no folder no"),
        (["--label", "toxic", "--save-k", "4"], "--save-k needs --save"),
        (["--label", "toxic", "--save", "x.json", "--regime", "scarcity"], "goes with the regime normal"),
        (["--label", "toxic", "--out", "x.txt"], "must end in"),
    ],
)
def test_bad_input(frame: Embeddings, arguments: list[str], message: str):
    done = run(frame, "--baseline", "none", *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    missing = run(frame, "--detector", "none.json", command="classify")
    assert "cannot read the detector none.json" in str(missing.exception)
