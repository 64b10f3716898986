"""`saedata correlate` and `saedata audit`: the functions' frames, and tables for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from correlate_frames import frame_of, random_matrix

from saedata.analysis.audit import audit
from saedata.analysis.correlate import concept_groups, correlate, correlate_columns
from saedata.errors import InputError
from saedata_cli import audit as audit_command
from saedata_cli import correlate as correlate_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import click

    from saedata.frame import Embeddings


def run(command: click.Command, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]) -> Embeddings:
    on = random_matrix(3, 200, 12)
    on[:, 3] = on[:, 2]
    on[:, 10] &= ~on[:, 9]
    return frame_of(make_frame, "a", on, user={"good": on[:, 5].tolist()})


def test_correlate_writes_the_functions_frame(frame: Embeddings, tmp_path: Path):
    out = tmp_path / "pairs.parquet"
    run(correlate_command.command, frame.path, "--out", out, "--max-touching", 1, "--limit", 7, "--min-documents", 5)
    expected = correlate(frame, max_touching=1, limit=7, min_documents=5)
    assert pl.read_parquet(out).equals(expected)
    rows = json.loads(run(correlate_command.command, frame.path, "--json", "--direction", "apart", "--strata", 3))
    assert [row["p"] for row in rows] == correlate(frame, direction="apart", strata=3)["p"].to_list()


def test_people_see_pairs_and_how_many_were_tested(frame: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "250")
    shown = run(correlate_command.command, frame.path, "--max-touching", 1, "--min-documents", 1)
    assert "66 pairs of features tested" in shown
    assert "feature 2" in shown
    assert "feature 9" in shown
    assert "-1.00" in shown


def test_columns_and_groups(frame: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "250")
    out = tmp_path / "columns.parquet"
    run(correlate_command.command, frame.path, "--column", "good", "--out", out)
    assert pl.read_parquet(out).equals(correlate_columns(frame, ["good"]))
    shown = run(correlate_command.command, frame.path, "--column", "good")
    assert "good" in shown
    assert "100.0 %" in shown
    pytest.importorskip("igraph")
    found = json.loads(run(correlate_command.command, frame.path, "--groups", "--max-touching", 1, "--json"))
    assert [row["feature"] for row in found] == concept_groups(correlate(frame, max_touching=1))["feature"].to_list()
    assert "groups of" in run(correlate_command.command, frame.path, "--groups", "--max-touching", 1)


def test_audit_writes_the_functions_frame(
    make_frame: Callable[..., Embeddings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "250")
    prompts = random_matrix(11, 160, 5)
    responses = random_matrix(12, 160, 6)
    responses[:, 4] = prompts[:, 2]
    ids = {"id": np.arange(160).tolist()}
    frames = [frame_of(make_frame, name, on, user=ids) for name, on in (("p", prompts), ("r", responses))]
    out = tmp_path / "audit.parquet"
    paths = [one.path for one in frames]
    run(audit_command.command, *paths, "--out", out, "--pair", "id")
    assert pl.read_parquet(out).equals(audit(*frames, pair="id"))
    shown = run(audit_command.command, *paths)
    assert "prompt" in shown
    assert "response" in shown
    assert "pairs of features tested" in shown


def test_limit_is_of_pairs_and_another_option_of_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def opened(corpora: tuple[str, ...], **options: object) -> list[Embeddings]:
        asked.append(options["limit"])
        raise InputError(str(corpora))

    for module in (correlate_command, audit_command):
        monkeypatch.setattr(module, "open_all", opened)
    for command, paths in ((correlate_command.command, ["a"]), (audit_command.command, ["a", "b"])):
        CliRunner().invoke(command, [*paths, "--limit", "7"])
        CliRunner().invoke(command, [*paths, "--limit", "7", "--limit-documents", "30"])
        shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
        assert "for documents to read see --limit-documents" in shown
    assert asked == [None, 30, None, 30]


def test_clusters_reach_the_functions(frame: Embeddings, make_frame: Callable[..., Embeddings], tmp_path: Path):
    on = random_matrix(5, 120, 6)
    clustered = frame_of(make_frame, "c", on, user={"author": [i // 4 for i in range(120)]})
    out = tmp_path / "pairs.parquet"
    run(correlate_command.command, clustered.path, "--out", out, "--cluster", "author", "--max-touching", 1)
    assert pl.read_parquet(out).equals(correlate(clustered, cluster="author", max_touching=1))
    run(audit_command.command, clustered.path, clustered.path, "--out", out, "--cluster", "author")
    assert pl.read_parquet(out).equals(audit(clustered, clustered, cluster="author"))
    refused = CliRunner().invoke(
        correlate_command.command, [str(clustered.path), "--column", "author", "--cluster", "author"]
    )
    assert "--cluster goes without --column" in str(refused.exception)
