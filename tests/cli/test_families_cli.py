"""`saedata families`: the function's table, the merged frame, and what people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from planted_encoder import at_angles, axis, plant_encoder, planter

import saedata
from saedata.errors import EncoderError, InputError
from saedata.hygiene import feature_hygiene
from saedata_cli.families import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from planted_encoder import PlantFrame

    from saedata.frame import Embeddings

DECODER = np.concatenate([at_angles(0, 0.1), axis(3, 4)])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=True)


@pytest.fixture
def plant_frame(make_frame: Callable[..., Embeddings], tmp_path: Path) -> PlantFrame:
    return planter(make_frame, tmp_path / "planted")


@pytest.fixture
def frame(plant_frame: PlantFrame) -> Embeddings:
    labels = pl.DataFrame({"feature": [0, 1, 2], "label": ["hello", "good\x1b[31m day", "full stop"]})
    rows = [(f"text {i}", {2: 1.0} | ({0: 1.0, 1: 2.0} if i % 2 else {})) for i in range(20)]
    return plant_frame("a", DECODER, rows, labels=labels.cast({"feature": pl.UInt32}))


def test_people_read_families_and_states(frame: Embeddings):
    result = run(frame.path)
    assert result.exit_code == 0, result.exception
    words = " ".join(result.output.split())
    assert "0 2 50.0 % hello | good [31m day" in words
    assert "1 family of 2 features, of 4 in all; 1 largest shown" in words
    assert "always on in at least 95.0 % of the 20 documents 1 full stop" in words
    assert "never on in none 1" in words
    assert "2 features have a near-duplicate" in words
    assert "\x1b[31m" not in result.output


def test_without_families_people_read_how_alike_the_nearest_are(frame: Embeddings):
    words = " ".join(run(frame.path, "--similarity", 0.999).output.split())
    assert words.startswith("no two features are so alike; the most alike that are on have a decoder cosine of 1.00")


def test_out_is_the_functions_table(frame: Embeddings, tmp_path: Path):
    expected = feature_hygiene(frame, similarity=0.999, always=0.4)
    out = tmp_path / "h.parquet"
    assert run(frame.path, "--similarity", 0.999, "--always", 0.4, "--out", out).exit_code == 0
    assert pl.read_parquet(out).equals(expected)
    assert expected["family"].null_count() == 4
    assert run(frame.path, "--out", tmp_path / "h.csv", "--quiet").exit_code == 0
    assert pl.read_csv(tmp_path / "h.csv")["twin"].to_list()[:2] == [1, 0]


def test_merge_writes_a_frame(frame: Embeddings, tmp_path: Path):
    result = run(frame.path, "--merge", tmp_path / "m.sae", "--json")
    assert result.exit_code == 0, result.exception
    merged = saedata.open(tmp_path / "m.sae")
    assert merged.documents_on().tolist() == [10, 0, 20, 0]
    assert "1 family of 2 features" in result.stderr
    refused = run(frame.path, "--similarity", 0.999, "--merge", tmp_path / "n.sae")
    assert isinstance(refused.exception, InputError)


def test_the_encoder_named_on_the_command_line_counts(frame: Embeddings, tmp_path: Path):
    assert run(frame.path, "--encoder", frame.encoder.name).exit_code == 0
    plant_encoder(tmp_path / "other", -DECODER[::-1])
    assert isinstance(run(frame.path, "--encoder", tmp_path / "other").exception, EncoderError)
