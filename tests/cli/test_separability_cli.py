"""`saedata separability`: the function's frames, in words and in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner, Result
from polars.testing import assert_frame_equal
from separability_units import planted

from saedata.analysis.separability import concept_mask, separability
from saedata.errors import InputError
from saedata_cli.separability import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]) -> Embeddings:
    return planted(make_frame, note=["[bold]a\x1b[31m", "b"] * 120)


def run(frame: Embeddings, *arguments: str) -> Result:
    given = [str(frame.path), "--against", "none", *arguments]
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, given)


def test_files(frame: Embeddings, tmp_path: Path):
    out, plot = tmp_path / "s.parquet", tmp_path / "s.svg"
    done = run(frame, "--label", "topic", "--mask", "law", "--out", str(out), "--plot", str(plot))
    assert done.exit_code == 0, done.output
    expected = separability(frame, label="topic", against=())
    assert_frame_equal(pl.read_parquet(out), expected.table)
    for name in ("concepts", "summary", "units", "held_out", "overlap"):
        assert_frame_equal(pl.read_parquet(tmp_path / f"s.{name}.parquet"), getattr(expected, name))
    mask = concept_mask(frame, label="topic", concept="law")
    assert_frame_equal(pl.read_parquet(tmp_path / "s.mask.parquet"), mask.scores(frame))
    assert "How well single units separate" in plot.read_text()
    assert "3 pictures" in done.stderr
    assert run(frame, "--label", "topic", "--out", str(tmp_path / "s.csv")).exit_code == 0
    assert pl.read_csv(tmp_path / "s.concepts.csv")["evidence"].str.contains("; ").any()


def test_json(frame: Embeddings):
    done = run(frame, "--label", "topic", "--json", "--quiet")
    rows = json.loads(done.stdout)
    assert {"feature", "label", "js", "baseline", "concept"} <= set(rows[0])


def test_words_for_people(frame: Embeddings):
    done = run(frame, "--label", "note", "--mask", "b")
    assert isinstance(done.exception, InputError), "no feature tells these labels apart"
    shown = run(frame, "--label", "note")
    assert shown.exit_code == 0, shown.output
    assert "\x1b[31m" not in shown.output
    masked = run(frame, "--label", "topic", "--mask", "law", "--top", "1")
    for said in ("best, held out", "chosen on one half and scored on the other", "feature 3", "law", "APP-style, ours"):
        assert said in masked.output
    assert run(frame, "--label", "topic", "--top", "0").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "colour"], "has no column 'colour'"),
        (["--label", "topic", "--mask", "poetry"], "has no concept 'poetry' with enough documents; it has 'arts'"),
        (["--label", "topic", "--out", "x.txt"], "must end in"),
    ],
)
def test_bad_input(frame: Embeddings, arguments: list[str], message: str):
    done = run(frame, *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
