"""`saedata toxicity` and `saedata languages`: the functions' frames, in words and in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from language_frames import language_frame
from polars.testing import assert_frame_equal
from toxic_frames import toxic_frame

from saedata.analysis.classify import classify
from saedata.analysis.languages import languages
from saedata.analysis.toxicity import toxicity
from saedata.errors import InputError
from saedata.frame import Embeddings
from saedata_cli import languages as languages_cli
from saedata_cli import toxicity as toxicity_cli

MakeFrame = Callable[..., Embeddings]

TOXIC = ["--label", "toxic", "--language", "lang", "--k", "1", "--k", "2", "--head-k", "2", "--resamples", "20"]
TOXIC += ["--baseline", "learned lexicon", "--repeats", "1"]
TONGUES = ["--language", "lang", "--random-sequences", "0", "--resamples", "20", "--baseline", "none"]


@pytest.fixture(autouse=True)
def two_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saedata.probing.linear.FOLDS", 2)


def run(frame: Embeddings, *arguments: str, command: str = "toxicity") -> Result:
    commands = {"toxicity": toxicity_cli.command, "languages": languages_cli.command}
    return CliRunner(env={"COLUMNS": "200"}).invoke(commands[command], [str(frame.path), *arguments])


def test_toxicity_writes_files(make_frame: MakeFrame, tmp_path: Path):
    frame = toxic_frame(make_frame)
    out, saved, plot = tmp_path / "t.parquet", tmp_path / "rule.json", tmp_path / "t.svg"
    given = ["--out", str(out), "--save", str(saved), "--save-kind", "rule", "--plot", str(plot), "--spans"]
    done = run(frame, *TOXIC, *given, "--save-language", "en")
    assert done.exit_code == 0, done.output
    expected = toxicity(
        frame,
        label="toxic",
        language="lang",
        ks=(1, 2),
        head_ks=(2,),
        resamples=20,
        baselines=("learned lexicon",),
        repeats=1,
    )
    assert_frame_equal(pl.read_parquet(out), expected.table)
    for name in ("features", "overlap", "efficiency", "fairness", "curves"):
        assert_frame_equal(pl.read_parquet(tmp_path / f"t.{name}.parquet"), getattr(expected, name))
    assert_frame_equal(pl.read_parquet(tmp_path / "t.spans.parquet"), expected.spans(language="en"))
    assert not (tmp_path / "t.layers.parquet").exists()
    assert_frame_equal(classify(frame, saved), classify(frame, expected.detector("en", kind="rule")))
    picture = plot.read_text()
    assert "What detectors of one language find in another" in picture
    assert "How many documents are needed" in picture


def test_toxicity_for_people(make_frame: MakeFrame):
    user = {"note": ["[bold]\x1b[31m" if n % 2 else "plain" for n in range(120)]}
    frame = toxic_frame(make_frame, user=user)
    shown = run(frame, *TOXIC, "--no-efficiency", "--no-transfer")
    assert shown.exit_code == 0, shown.output
    for said in (
        "OR rule",
        "mean",
        "learnt from all languages",
        "F1 of the toxic class",
        "feature 3",
        "learned lexicon",
    ):
        assert said in shown.output
    odd = run(
        frame, *TOXIC[:2], "--language", "note", *TOXIC[4:], "--no-efficiency", "--no-transfer", "--leaks", "drop"
    )
    assert "\x1b[31m" not in odd.output


def test_languages_writes_files(make_frame: MakeFrame, tmp_path: Path):
    frame = language_frame(make_frame)
    out, saved, plot = tmp_path / "l.parquet", tmp_path / "l.json", tmp_path / "l.svg"
    given = ["--out", str(out), "--save", str(saved), "--plot", str(plot), "--apply", str(frame.path)]
    done = run(frame, *TONGUES, *given, command="languages")
    assert done.exit_code == 0, done.output
    expected = languages(frame, language="lang", random_sequences=0, resamples=20, baselines=(), apply=frame)
    assert_frame_equal(pl.read_parquet(out), expected.table)
    for name in ("counts", "matrix", "convergence", "identification", "mix"):
        assert_frame_equal(pl.read_parquet(tmp_path / f"l.{name}.parquet"), getattr(expected, name))
    assert "Where the features of each language are on" in plot.read_text()
    assert "How many documents of a language are enough" in plot.read_text()
    assert expected.detector is not None
    assert_frame_equal(classify(frame, saved), classify(frame, expected.detector))


def test_languages_for_people(make_frame: MakeFrame):
    shown = run(language_frame(make_frame), *TONGUES, command="languages")
    assert shown.exit_code == 0, shown.output
    for said in ("the most selective", "on or off", "Latin script (2)", "seem to have a second language", "de 33.3 %"):
        assert said in shown.output


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("toxicity", ["--label", "colour"], "has no column 'colour'"),
        ("toxicity", ["--label", "toxic", "--save", "x.pkl"], "the name must end in .json"),
        ("toxicity", ["--label", "toxic", "--save", "no/x.json"], "there is no folder no"),
        ("toxicity", ["--label", "toxic", "--spans"], "--spans needs --out"),
        ("toxicity", ["--label", "toxic", "--out", "x.txt"], "must end in"),
        ("languages", ["--language", "colour"], "has no column 'colour'"),
        ("languages", ["--language", "lang", "--save", "x.pkl"], "the name must end in .json"),
        ("languages", ["--language", "lang", "--save", "no/x.json"], "there is no folder no"),
    ],
)
def test_bad_input(make_frame: MakeFrame, command: str, arguments: list[str], message: str):
    done = run(toxic_frame(make_frame, each=20), *arguments, command=command)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
