"""`saedata label`: the function's table, the record beside it, and plain refusals."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from saedata.errors import InputError
from saedata_cli.label import _numbers, command

pytestmark = pytest.mark.usefixtures("quick_disk")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=True)


@pytest.fixture
def corpus(sentences: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in sentences))
    return path


def test_export_answer_and_import(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    prompts, answers, out = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl", tmp_path / "labels.csv"
    common = [corpus, "--encoder", tiny_encoder, "--features", "3-6,9", "--positives", 5]
    assert run(*common, "--export", prompts).exit_code == 0
    rows = [json.loads(line) for line in prompts.read_text().splitlines()]
    said = [{"key": row["key"], "label": f"label {i} of mine", "kind": "style"} for i, row in enumerate(rows)]
    answers.write_text("\n".join(map(json.dumps, said)))
    result = run(*common, "--import", answers, "--model", "me", "--out", out)
    assert result.exit_code == 0, result.exception
    table = pl.read_csv(out)
    assert table["feature"].to_list() == [3, 4, 5, 6, 9]
    assert table["label"].count() == len(rows)
    assert set(table["label_source"].drop_nulls()) == {"me"}
    assert {path.name for path in (tmp_path / "labels").iterdir()} == {"examples.parquet", "provenance.json"}
    shown = run(*common, "--import", answers)
    assert "label 0 of mine" in shown.output
    assert f"{len(rows)} of 5 features have a label" in shown.output


def test_contradictions_are_refused(corpus: Path, tmp_path: Path) -> None:
    for arguments, reason in (
        (["--base-url", "http://localhost/v1"], "needs --model"),
        (["--base-url", "http://localhost/v1", "--model", "m", "--local", tmp_path], "give one of"),
        (["--features", "3-x"], "numbers and ranges"),
        (["--out", tmp_path / "labels.txt"], "must end in"),
    ):
        result = run(corpus, *arguments)
        assert isinstance(result.exception, InputError), arguments
        assert reason in str(result.exception)


def test_features_are_numbers_and_ranges() -> None:
    assert _numbers("3, 10-12") == [3, 10, 11, 12]
    for bad in ("", "a", "1-", "-3", "1--3", "1,"):
        if bad != "1-":
            with pytest.raises(InputError):
                _numbers(bad)
