"""`saedata diff --hypotheses`: against a real server that misbehaves, and without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesising.hypothesis_models import Model, claims, planted
from labels.endpoint_server import Server, answer, completion, drop, half, raw, refuse, serving, stray

from saedata.analysis.diff import diff
from saedata.endpoint import Prompt
from saedata.errors import InputError, SaedataError
from saedata.hypothesising import SCHEMA
from saedata_cli.diff import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-very-secret-0123456789"
SAID = Model(claims(("apologises", "A", [0]), ("mentions rain", "A", [0, 1])))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    with serving() as running:
        running.usual = answer(lambda user: str(SAID.answer(Prompt(_step(user), "", user))))
        yield running


def _step(user: str) -> str:
    return "verify-" if "\n=== " in user else "condense-"


@pytest.fixture
def frames(make_frame: Callable[..., Any], tmp_path: Path) -> tuple[Any, Any]:
    return planted(make_frame)


def run(frames: tuple[Any, Any], *arguments: object) -> Result:
    paths = [str(frame.path) for frame in frames]
    words = [*paths, *map(str, arguments)]
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, words)


def asking(server: Server, *more: object) -> list[object]:
    return ["--hypotheses", 5, "--base-url", server.url, "--model", "m", "--verify-documents", 30, *more]


def test_hypotheses_go_into_a_second_file_beside_the_differences(
    frames: tuple[Any, Any], server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", logger="saedata")
    out = tmp_path / "x.csv"
    result = run(frames, *asking(server, "--out", out, "--price", 2, 8))
    assert result.exit_code == 0, result.output
    assert pl.read_csv(out).height == diff(*frames).height
    table = pl.read_csv(tmp_path / "x.hypotheses.csv")
    assert table.columns == list(SCHEMA)
    assert dict(table.select("property", "verdict").iter_rows()) == {
        "apologises": "confirmed", "mentions rain": "not confirmed",
    }  # fmt: skip
    assert table["features"].to_list() == ["0", "0; 1"]
    assert len(server.requests) == 61
    assert "61 prompts asked" in caplog.text
    assert "610 prompt and 183 completion tokens used, price 0.00" in caplog.text


def test_people_see_both_tables_and_a_second_run_asks_nothing(frames: tuple[Any, Any], server: Server):
    first = " ".join(run(frames, *asking(server)).output.split())
    assert "More often in warm: the text apologises" in first
    assert "features tested differ" in first
    assert "1 of 2 hypotheses confirmed on up to 30 and 30 documents" in first
    asked = len(server.requests)
    assert " ".join(run(frames, *asking(server)).output.split()) == first
    assert len(server.requests) == asked


def test_a_misbehaving_endpoint_changes_no_verdict_and_the_key_is_nowhere(
    frames: tuple[Any, Any], server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    good = run(frames, *asking(server, "--out", tmp_path / "good.parquet"))
    nothing = tmp_path / "journal.jsonl"
    server.acts = [server.usual, refuse(429, f"slow down, {KEY}", Retry_After="0"), refuse(503, Retry_After="0")]
    server.acts += [raw(completion("half", finish="length")), raw(completion('{"1": "yes", "2": "y'))]
    server.acts += [raw(completion(f'{{"1": "yes", "2": "{KEY}"}}'))]
    server.acts += [drop, half, stray, raw(b"{")]
    bad = run(frames, *asking(server, "--out", tmp_path / "bad.parquet", "--journal", nothing, "--concurrency", 2))
    assert good.exit_code == bad.exit_code == 0, bad.output
    one, two = (pl.read_parquet(tmp_path / f"{name}.hypotheses.parquet") for name in ("good", "bad"))
    assert two["verdict"].to_list() == one["verdict"].to_list()
    assert two["target_unanswered"][0] + two["other_unanswered"][0] == 1  # the answer with the key is not kept
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for place in (caplog.text, good.output, bad.output, files.decode("utf-8", "replace")):
        assert KEY not in place


def test_without_an_endpoint_one_sentence_says_so_and_the_differences_stand(
    frames: tuple[Any, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    out = tmp_path / "x.json"
    result = run(frames, "--hypotheses", 5, "--out", out)
    assert result.exit_code == 0
    (said,) = [record.getMessage() for record in caplog.records if "hypotheses" in record.getMessage()]
    assert "they need a language model" in said
    assert len(json.loads(out.read_text())) == diff(*frames).height
    assert not (tmp_path / "x.hypotheses.json").exists()
    assert "features tested differ" in run(frames, "--hypotheses", 5).output


def test_an_endpoint_that_refuses_fails_after_the_differences_are_written(
    frames: tuple[Any, Any], server: Server, tmp_path: Path
):
    server.usual = refuse(401, "bad key")
    out = tmp_path / "x.parquet"
    result = run(frames, *asking(server, "--out", out))
    assert isinstance(result.exception, SaedataError)
    assert "no hypothesis could be made" in str(result.exception)
    assert "does not accept the key" in str(result.exception)
    assert pl.read_parquet(out).height == diff(*frames).height
    assert not (tmp_path / "x.hypotheses.parquet").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hypotheses", 3, "--base-url", "http://localhost/v1"], "go together"),
        (["--hypotheses", 3, "--model", "m"], "go together"),
        (["--hypotheses", 3, "--base-url", "http://localhost/v1", "--model", "m", "--local", "x"], "give one of"),
        (["--base-url", "http://localhost/v1", "--model", "m"], "--base-url goes with --hypotheses"),
        (["--hypotheses", 3, "--trend", "--by", "side"], "goes without --trend"),
        (["--hypotheses", 3, "--json"], "give --out FILE too"),
    ],
)
def test_what_does_not_go_together_is_refused(frames: tuple[Any, Any], options: list[object], message: str):
    result = run(frames, *options)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
