"""`select`, `coverage`, `overlap`, `scores` and `duplicates` on the command line: the functions' frames, in words."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from dataset_frames import frame_of
from polars.testing import assert_frame_equal

import saedata
from saedata.analysis.coverage import coverage
from saedata.analysis.document_scores import document_scores
from saedata.analysis.near_duplicates import near_duplicates
from saedata.analysis.overlap import overlap
from saedata.analysis.select import coverage_curve, select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = [f"text {i % 28} of [bold]many[/bold]\x1b[31m" + " word" * (i % 5) for i in range(30)]


@pytest.fixture
def frames(make_frame: Callable[..., Any], tmp_path: Path) -> tuple[Path, Path]:
    on = np.random.default_rng(1).random((30, 12)) < 0.3
    on[7] = on[3]
    frame_of(make_frame, on, texts=TEXTS)
    frame_of(make_frame, on[:9], name="b")
    return tmp_path / "a.sae", tmp_path / "b.sae"


def run(name: str, *arguments: object) -> Result:
    command = importlib.import_module(f"saedata_cli.{name}").command
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, [str(a) for a in arguments])


CASES: list[tuple[str, list[str], Callable[..., pl.DataFrame], dict[str, Any], str]] = [
    ("select", ["--documents", "5"], select, {"documents": 5}, "5 documents chosen, "),
    ("select", ["--documents", "9", "--weights", "rare", "--duplicates", "keep"], select,
     {"documents": 9, "weights": "rare", "duplicates": "keep"}, "[bold]many"),
    ("select", ["--documents", "9", "--curve"], coverage_curve, {"documents": 9}, "as many random ones"),
    ("coverage", ["--threshold", "3.5"], coverage, {"threshold": 3.5}, "half of the features are on in "),
    ("scores", [], document_scores, {}, "30 documents, highest score first; 20 shown"),
    ("scores", ["--per-token", "--weights", "rare"], document_scores, {"per_token": True, "weights": "rare"}, "rank"),
    ("duplicates", ["--similarity", "0.6"], near_duplicates, {"similarity": 0.6}, "of 30 documents are in "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words", "function", "options", "shown"), CASES)
def test_one_corpus(
    frames: tuple[Path, Path], tmp_path: Path, name: str, words: list[str], function: Any, options: Any, shown: str
):
    out = tmp_path / "out.parquet"
    result = run(name, frames[0], *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert_frame_equal(pl.read_parquet(out), function(saedata.open(frames[0]), **options))
    people = run(name, frames[0], *words).output
    assert shown in " ".join(people.split())
    assert "\x1b[31m" not in people


def test_two_corpora(frames: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "out.parquet"
    result = run("overlap", *frames, "--min-documents", 2, "--seed", 4, "--out", out)
    assert result.exit_code == 0, result.output
    expected = overlap(*(saedata.open(path) for path in frames), min_documents=2, seed=4)
    assert_frame_equal(pl.read_parquet(out), expected)
    assert "larger corpora have more features" in run("overlap", *frames).output


def test_pairs_left_out_are_told_in_one_sentence(frames: tuple[Path, Path]):
    result = run("duplicates", frames[0], "--similarity", "0.2", "--max-pairs", "3")
    assert result.exit_code == 0, result.output
    assert ".py" not in result.output


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("select", ["--documents", "900"], "to choose from"),
        ("select", ["--documents", "3", "--weights", "w.txt"], "or a table in a .parquet"),
        ("duplicates", ["--similarity", "2"], "above 0 and at most 1"),
        ("scores", ["--out", "x.docx"], "must end in"),
    ],
)
def test_what_cannot_be_used_is_refused(frames: tuple[Path, Path], name: str, words: list[str], message: str):
    result = run(name, frames[0], *words)
    assert result.exit_code != 0
    assert message in str(result.exception)
