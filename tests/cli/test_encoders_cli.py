"""`saedata encoders`: the list, one encoder whole; and `embed` that refuses what does not fit into memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from saedata.errors import EncoderError
from saedata_cli.embed import command as embed
from saedata_cli.encoders import command as encoders


def run(*arguments: object) -> Result:
    return CliRunner().invoke(encoders, [str(a) for a in arguments])


def test_the_list_names_every_pair_with_its_state() -> None:
    shown = run().output
    for word in ("minilm", "gpt2-small", "llama-3.3-70b", "Neuronpedia", "to fetch", "here", "encoders.toml"):
        assert word in shown
    rows = json.loads(run("--json").output)
    columns = {"name", "reader", "layer", "features", "labelled", "labels", "memory", "state", "licence", "about"}
    assert columns == rows[0].keys()


def test_one_encoder_says_where_its_parts_are_from() -> None:
    told = {row["field"]: row["value"] for row in json.loads(run("gemma-3-270m", "--json").output)}
    assert told["gated"] == "google/gemma-3-270m"
    assert "pretrained_saes.yaml" in told["seen in"]
    assert told["not verified"]
    assert "licence" in run("gemma-3-270m").output
    assert isinstance(run("gemma-4").exception, EncoderError)


def test_embed_refuses_what_does_not_fit(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saedata.encoders.needs.free_memory", lambda _device: 1000)
    (tmp_path / "a.txt").write_text("water is hot\n")
    arguments = [str(tmp_path / "a.txt"), "--out", str(tmp_path / "a.sae"), "--encoder", str(tiny_encoder)]
    refused = CliRunner().invoke(embed, arguments)
    assert isinstance(refused.exception, EncoderError)
    assert refused.exception.exit_code == 2
    assert "1.0 kB are free" in str(refused.exception)
    assert not (tmp_path / "a.sae").exists()
    done = CliRunner().invoke(embed, [*arguments, "--no-memory-check"], catch_exceptions=False)
    assert "1 documents" in done.output
