"""`saedata report`: the function's page, with the same options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from probe_frames import planted

import saedata
from saedata_cli.report import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]) -> Embeddings:
    return planted(make_frame)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=True)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], {}),
        (["--no-groups", "--seed", 4], {"groups": False, "seed": 4}),
        (
            ["--label", "toxic", "--toxic", "toxic", "--language", "origin", "--groups"],
            {"label": "toxic", "toxic": "toxic", "language": "origin", "groups": True},
        ),
    ],
)
def test_options_reach_the_function(
    frame: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[object], options: dict[str, object]
):
    calls = []

    def noted(*frames: Embeddings, out: Path, **asked: object) -> Path:
        calls.append(([one.name for one in frames], asked))
        out.write_text("page")
        return out

    monkeypatch.setattr(saedata, "report", noted, raising=False)
    done = run(frame.path, "--out", tmp_path / "r.html", *given)
    assert done.exit_code == 0, done.output
    ((names, asked),) = calls
    assert names == ["a"]
    defaults = {"groups": None, "label": None, "toxic": None, "language": None, "seed": 0}
    assert {name: asked[name] for name in defaults} == defaults | options


def test_a_column_that_is_not_there(frame: Embeddings, tmp_path: Path):
    done = run(frame.path, "--out", tmp_path / "r.html", "--label", "mood")
    assert "label is 'mood', but no corpus has such a column; their columns are: 'toxic'" in str(done.exception)
    assert not (tmp_path / "r.html").exists()


def test_the_page_says_how_to_make_it_again(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch):
    corpus = tmp_path / "a.jsonl"
    rows = [
        {"text": f"water number {i} is {'hot' if i % 2 else 'cold'}", "mood": "hot" if i % 2 else "cold"}
        for i in range(12)
    ]
    corpus.write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr("sys.argv", ["saedata", "report", "a.jsonl", "--label", "mood"])
    done = run(corpus, "--encoder", tiny_encoder, "--out", tmp_path / "r.html", "--label", "mood")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "r.html").read_text()
    assert "saedata report a.jsonl --label mood" in page
    assert "a probe needs at least 10 of each class" in page
