"""`saedata search`: the function's frame, in words and in files."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from polars.testing import assert_frame_equal
from search_frames import ROWS, USER, corpus, text_vectors, vectors

from saedata.analysis.search import search
from saedata.errors import InputError
from saedata_cli.search import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Embeddings:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("saedata.sentences.embed_sentences", vectors)
    monkeypatch.setattr("saedata.analysis.search.texts._text_vector", lambda text: text_vectors([text])[0])
    monkeypatch.setattr("saedata.dense.embed_documents", text_vectors)
    user = USER | {"tags": [["x"], [], None, ["y", None], [], [], []], "meta": [{"k": i} for i in range(7)]}
    rows = [("[bold]maybe\x1b[31m " + (text or ""), values) for text, values in ROWS]
    return corpus(make_frame, rows=rows, user=user)


def run(frame: Embeddings, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, [str(frame.path), *arguments])


def test_a_table_for_people(frame: Embeddings):
    shown = run(frame, "hedging", "--method", "sae", "--per-phrase", "2")
    assert shown.exit_code == 0, shown.output
    assert "[bold]maybe" in shown.output
    assert "\x1b[31m" not in shown.output
    assert "3 documents, the best first" in shown.output
    assert "in the query first: hedging; doubt" in shown.output


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["hedging AND code"], {"query": "hedging AND code"}),
        (["code", "--method", "sae+bm25", "--limit", "2"], {"query": "code", "method": "sae+bm25", "limit": 2}),
        (["code", "--weights", "sae=.3, bm25=2"], {"query": "code", "weights": {"sae": 0.3, "bm25": 2}}),
        (["code", "--feedback", "3"], {"query": "code", "feedback": 3}),
        (["--like", "2", "--like", "6"], {"like": [2, 6]}),
        (["--feature", "4", "--feature", "5", "--method", "sae"], {"features": [4, 5], "method": "sae"}),
        (["--kind", "tone", "--method", "sae"], {"kinds": ["tone"], "method": "sae"}),
        (["code", "--not", "loops", "--temperature", "1"], {"query": "code", "without": "loops", "temperature": 1}),
        (["code", "--where", "stars>2", "--where", "model=a"], {"query": "code", "filter": ["stars>2", "model=a"]}),
        (["5.2", "--least", "-1", "--threshold", "1.5"], {"query": "5.2", "least": -1, "threshold": 1.5}),
    ],
)
def test_files_hold_what_the_function_gives(
    frame: Embeddings, tmp_path: Path, arguments: list[str], options: dict[str, Any]
):
    out = tmp_path / "hits.parquet"
    done = run(frame, *arguments, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert_frame_equal(pl.read_parquet(out), search(frame, **options))


def test_csv_and_json(frame: Embeddings, tmp_path: Path):
    found = search(frame, "code", per_phrase=2)
    for name in ("hits.csv", "hits.json"):
        assert run(frame, "code", "--per-phrase", "2", "--out", str(tmp_path / name)).exit_code == 0
    table = pl.read_csv(tmp_path / "hits.csv")
    assert table["doc"].to_list() == found["doc"].to_list()
    assert table.filter(doc=2)["features"][0] == "code; loops"
    assert table.filter(doc=2)["meta"][0] == '{"k":2}'
    assert pl.read_json(tmp_path / "hits.json")["score"].to_list() == pytest.approx(found["score"].to_list())
    assert run(frame, "code", "--json").output.startswith("[{")


def test_the_page(frame: Embeddings, tmp_path: Path):
    page = tmp_path / "hits.html"
    done = run(frame, "code", "--plot", str(page), "--out", str(tmp_path / "hits.csv"))
    assert done.exit_code == 0, done.output
    assert "<mark" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing is asked"),
        (['"code" AND'], "at character 11"),
        (["code", "--method", "word2vec"], "no method 'word2vec'"),
        (["code", "--weights", "sae"], "--weights is 'sae'; name each ranking once, with a number"),
        (["code", "--weights", "sae=1,sae=2"], "name each ranking once"),
        (["code", "--weights", "sae=nan"], "name each ranking once"),
        (["code", "--weights", "sae=-1"], "the weight of sae is -1.0"),
        (["code", "--where", "colour=red"], "no column 'colour'"),
        (["code", "--plot", "hits.png"], "must end in .html"),
        (["code", "--model", "m"], "--base-url and --model belong together"),
        (["code", "--out", "hits.txt"], "must end in"),
    ],
)
def test_bad_input(frame: Embeddings, arguments: list[str], message: str):
    done = run(frame, *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert not Path("hits.png").exists()


def test_defaults_are_those_of_the_function():
    given = {name: one.default for name, one in inspect.signature(search).parameters.items()}
    for option in command.params:
        if option.name in given and isinstance(option.default, int | float | str):
            assert option.default == given[option.name], option.name
    assert {"least", "per_phrase", "temperature", "limit", "method"} <= {option.name for option in command.params}


def test_an_unknown_phrase_is_told_and_the_others_rank(frame: Embeddings, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("WARNING", logger="saedata"):
        assert run(frame, "5.3", "--least", "0.9").exit_code == 0
    assert "only dense and bm25 rank" in caplog.text
