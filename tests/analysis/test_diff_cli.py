"""`saedata diff`: the options that compare otherwise, what people see, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import saedata
from saedata.analysis.diff import diff, findings, trend
from saedata_cli.diff import command

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPTS = 120


@pytest.fixture
def frames(make_frame: Callable[..., Any], tmp_path: Path) -> tuple[Path, Path]:
    """Two corpora of 120 answers: 0 and 1 go together and differ, 2 follows length, 3 rises with the year."""
    rng = np.random.default_rng(1)
    for name, share, words in (("kind", 0.7, (5, 31)), ("cold", 0.2, (10, 41))):
        lengths, year = rng.integers(*words, PROMPTS), rng.integers(2001, 2005, PROMPTS)
        on = np.zeros((PROMPTS, 5), dtype=bool)
        on[:, 0] = rng.random(PROMPTS) < share
        on[:, 1] = on[:, 0] ^ (rng.random(PROMPTS) < 0.03)
        on[:, 2] = rng.random(PROMPTS) < lengths / 41
        on[:, 3] = rng.random(PROMPTS) < (year - 2000) / 5
        on[:, 4] = rng.random(PROMPTS) < 0.5
        texts = [" ".join([f"{name}{i}", *["word"] * (n - 1)]) for i, n in enumerate(lengths.tolist())]
        rows = [
            (text, {int(f): 1.0 + i % 7 for f in np.flatnonzero(row)})
            for i, (text, row) in enumerate(zip(texts, on, strict=True))
        ]
        user = {
            "id": list(range(PROMPTS)), "year": year.tolist(),
            "author": [f"writer {i % 10}" for i in range(PROMPTS)],
        }  # fmt: skip
        make_frame(f"{name}.sae", rows, features=5, shard=50, user=user)
    return tmp_path / "kind.sae", tmp_path / "cold.sae"


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, [str(a) for a in arguments])


@pytest.mark.parametrize(
    "options",
    [
        {"pair": "id"},
        {"adjust": "length"},
        {"adjust": "year"},
        {"cluster": "author"},
        {"effects": False},
        {},
        {"pair": "id", "cluster": "author"},
        {"pair": "id", "adjust": "length"},
        {"adjust": "year", "cluster": "author"},
        {"pair": "id", "adjust": "length", "cluster": "author"},
    ],
)
def test_json_is_exactly_the_functions_frame(frames: tuple[Path, Path], options: dict[str, Any]):
    words = [w for k, v in options.items() for w in ((f"--{k}", v) if v is not False else (f"--no-{k}",))]
    result = run(*frames, *words, "--json")
    assert result.exit_code == 0, result.output
    expected = diff(*(saedata.open(path) for path in frames), **options)
    got = json.loads(result.stdout)
    assert list(got[0]) == expected.columns
    for name in ("feature", "difference", "p", "q", "length_explains", "finding", "other_evidence"):
        assert [row[name] for row in got] == expected[name].to_list()


def test_the_trend_is_exactly_the_functions_frame(frames: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "trend.parquet"
    result = run(frames[0], "--by", "year", "--trend", "--out", out)
    assert result.exit_code == 0, result.output
    expected = trend(saedata.open(frames[0]), by="year")
    assert pl.read_parquet(out).drop("label").equals(expected.drop("label"))
    shown = run(frames[0], "--by", "year", "--trend").output
    assert "2001" in shown
    assert "Cochran-Armitage" in shown


def test_people_see_one_row_for_each_finding(frames: tuple[Path, Path]):
    table = diff(*(saedata.open(path) for path in frames))
    significant = table.filter(pl.col("q") < 0.05)
    assert findings(significant).height == significant.height - 1
    folded = " ".join(run(*frames).output.split())
    assert "(+1 similar)" in folded
    assert f"{significant.height} of 5 features tested" in folded
    assert f"in {significant.height - 1} findings" in folded
    unfolded = run(*frames, "--unfold").output
    assert "similar)" not in unfolded
    assert unfolded.count("feature 0") == unfolded.count("feature 1") == 1


def test_people_are_told_about_length_and_about_power(frames: tuple[Path, Path]):
    table = diff(*(saedata.open(path) for path in frames))
    plain = " ".join(run(*frames).output.split())
    assert table["length_explains"].sum() == 1
    assert "1 plain difference(s) at q < 0.05 are gone among documents of similar length" in plain
    assert "see --adjust length" in plain
    assert "a feature on in 5.0 % of the other is found with a chance of 80 % from +" in plain
    adjusted = " ".join(run(*frames, "--adjust", "length").output.split())
    assert "left out above" in adjusted
    assert "are among documents of similar length" in adjusted


def test_too_few_documents_are_said_to_be_too_few(make_frame: Callable[..., Any], tmp_path: Path):
    for name in ("a", "b"):
        make_frame(f"{name}.sae", [(f"{name} {i}", {0: 1.0}) for i in range(1)], features=2)
    result = run(tmp_path / "a.sae", tmp_path / "b.sae")
    assert "there are too few documents" in " ".join(result.output.split())


def test_rows_without_partner_are_told_in_one_sentence(frames: tuple[Path, Path], make_frame: Callable[..., Any]):
    user = {"id": list(range(30)), "year": [1] * 30, "author": ["x"] * 30}
    make_frame("few.sae", [(f"few {i}", {0: 1.0}) for i in range(30)], features=5, user=user)
    result = run(frames[0], frames[0].with_name("few.sae"), "--pair", "id")
    assert result.exit_code == 0, result.output
    assert ".py" not in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trend"], "needs --by"),
        (["--trend", "--by", "year"], "without more than one corpus"),
        (["--pair", "year"], "must be different in every row"),
        (["--trend", "--by", "year", "--adjust", "length"], "without --adjust"),
    ],
)
def test_what_does_not_go_together_is_refused(frames: tuple[Path, Path], options: list[str], message: str):
    result = run(*frames, *options)
    assert result.exit_code != 0
    assert message in str(result.exception)


def test_people_are_told_what_pairs_and_clusters_could_have_found(frames: tuple[Path, Path]):
    for options in (["--pair", "id"], ["--cluster", "author"], ["--adjust", "length"]):
        shown = " ".join(run(*frames, *options).output.split())
        assert "of 5 features tested differ" in shown
        assert "with 5 tests and intervals as wide as these, a feature on in" in shown
    table = diff(*(saedata.open(path) for path in frames), cluster="author")
    nearest = table.sort((pl.col("other") - 0.05).abs(), "feature")["detectable"][0]
    shown = " ".join(run(*frames, "--cluster", "author").output.split())
    assert f"from {100 * nearest:+.1f} points on" in shown


def test_pairs_are_shown_side_by_side_with_one_reading_of_each_frame(
    frames: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    calls = []
    passages = saedata.Embeddings.passages
    monkeypatch.setattr(
        saedata.Embeddings, "passages", lambda frame, *given: calls.append(frame.name) or passages(frame, *given)
    )
    shown = run(*frames, "--pair", "id", "--unfold").output
    assert "where the sides differ most" in shown
    assert calls == ["kind", "cold"]
    best = diff(*(saedata.open(path) for path in frames), pair="id").row(0, named=True)
    line = next(line for line in shown.splitlines() if f"kind{best['target_evidence'][0]} " in line)
    assert f"cold{best['other_evidence'][0]}" in line.split(" | ")[1]


def test_a_trend_takes_clusters(frames: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "trend.parquet"
    assert run(frames[0], "--by", "year", "--trend", "--cluster", "author", "--out", out).exit_code == 0
    expected = trend(saedata.open(frames[0]), by="year", cluster="author")
    assert pl.read_parquet(out).drop("label").equals(expected.drop("label"))
