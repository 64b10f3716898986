"""Labels that others published: every form they come in, their source, and what cannot be used."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from click.testing import CliRunner

import saedata
from saedata.encoders import load_encoder
from saedata.errors import InputError
from saedata.frame import Embeddings
from saedata.labels.adopt import import_labels
from saedata.labels.published import published_labels
from saedata_cli.label import command


def explanation(index: object, description: str | None, **more: Any) -> dict[str, Any]:
    """A line of Neuronpedia's export of explanations."""
    about = {"modelId": "gpt2-small", "layer": "8-res-jb", "typeName": "oai_token-act-pair"}
    return about | {"index": index, "description": description, "explanationModelName": "gpt-4o-mini"} | more


def lines(*entries: object) -> bytes:
    return b"\n".join(map(orjson.dumps, entries)) + b"\n"


def test_an_export_in_batches(tmp_path: Path) -> None:
    for number, feature in enumerate((2, 0)):
        content = lines(explanation(str(feature), f" label {feature}\n"), explanation("5", None))
        (tmp_path / f"batch-{number}.jsonl.gz").write_bytes(gzip.compress(content))
    table = published_labels(tmp_path, features=8)
    assert table.select("feature", "label").rows() == [(0, "label 0"), (2, "label 2")]
    assert table["label_source"].unique().item() == "Neuronpedia gpt2-small/8-res-jb (gpt-4o-mini, oai_token-act-pair)"
    assert table["label_score"].null_count() == table["kind"].null_count() == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", orjson.dumps([explanation(3, "rain"), explanation("1", "snow")])),
        ("wrapped.json", orjson.dumps({"explanations": [explanation(3, "rain"), explanation(1, "snow")]})),
        ("map.json", orjson.dumps({"3": "rain", "1": "snow", "2": ""})),
        ("in_order.json", orjson.dumps([None, "snow", None, "rain"])),
        ("lines.jsonl", lines({"feature_id": 3, "explanation": "rain"}, {"feature_id": 1, "explanation": "snow"})),
        ("table.csv", b"index_in_sae,label\n3,rain\n1,snow\n"),
    ],
)
def test_every_form_gives_the_same_labels(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    table = published_labels(tmp_path / name, features=4, source="the web")
    assert table.select("feature", "label", "label_source").rows() == [(1, "snow", "the web"), (3, "rain", "the web")]


def test_of_several_labels_the_best_stays(tmp_path: Path) -> None:
    scored = [explanation(1, f"label {s}", scores=[{"value": s}, {"value": 0.1}]) for s in (0.4, 0.8, 0.6)]
    (tmp_path / "a.jsonl").write_bytes(
        lines(explanation(1, "no score"), *scored, explanation(2, "one"), explanation(2, "two"))
    )
    table = published_labels(tmp_path / "a.jsonl")
    assert table["label"].to_list() == ["label 0.8", "one"]
    assert table["label_score"].to_list() == [pytest.approx(0.8), None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", lines(explanation(9, "rain")), "for feature 9, but this encoder has features 0 to 7"),
        ("a.jsonl", lines({"text": "no label at all"}), "holds no labels"),
        ("a.json", orjson.dumps({"text": "no label at all"}), "has no feature number"),
        ("a.jsonl", lines(explanation("x", "rain")), "entry 1: .* has no feature number"),
        ("a.jsonl", lines(explanation(True, "rain")), "entry 1: .* has no feature number"),
        ("a.jsonl", lines(explanation(1, "rain")) + b"{broken", "line 2 is not JSON"),
        ("a.json", b"[1, 2]", "holds a int where a label should be"),
        ("a.jsonl.gz", b"not packed", "cannot be read"),
        ("a.csv", b"", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        published_labels(tmp_path / name, features=8)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of labels"):
        published_labels(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "batch-0.jsonl"
    path.write_bytes(lines(explanation(1, "rain"), explanation(7, "snow")))
    return path


def test_an_encoder_gets_them_and_frames_made_then_show_them(
    tiny_encoder: Path, tmp_path: Path, sentences: list[str], export: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for file in tiny_encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "features.parquet").unlink(missing_ok=True)
    assert import_labels(folder, export).height == 2
    assert not (folder / "features.parquet").exists()  # only when it is wanted
    import_labels(folder, export, apply=True)
    frame = saedata.embed(sentences[:5], encoder=load_encoder(folder, device="cpu"), out=tmp_path / "a.sae")
    named = frame.features.filter(pl.col("label").is_not_null())
    assert named.select("feature", "label").rows() == [(1, "rain"), (7, "snow")]
    assert named["label_source"].str.contains("gpt-4o-mini").all()
    assert frame.features.height == 64  # the others stay, unlabelled


def test_a_frame_gets_them_by_the_command(
    tiny_encoder: Path, tmp_path: Path, sentences: list[str], export: Path
) -> None:
    saedata.embed(sentences[:5], encoder=load_encoder(tiny_encoder, device="cpu"), out=tmp_path / "a.sae")
    arguments = [tmp_path / "a.sae", "--published", export, "--source", "a colleague", "--apply"]
    result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert "2 of 2 features have a label" in result.output
    found = saedata.open(tmp_path / "a.sae").features.filter(pl.col("label").is_not_null())
    assert found.select("feature", "label", "label_source").rows() == [
        (1, "rain", "a colleague"),
        (7, "snow", "a colleague"),
    ]
    assert json.loads((tmp_path / "a.sae" / "manifest.json").read_bytes())["complete"]


def test_labels_of_a_bundled_encoder_are_not_changed(export: Path) -> None:
    assert import_labels("minilm", export).height == 2
    with pytest.raises(InputError, match="the labels of minilm are part of saedata"):
        import_labels("minilm", export, apply=True)


def test_poles_of_a_signed_frame_get_the_label_with_their_sign(
    make_frame: Callable[..., Embeddings], tmp_path: Path
) -> None:
    make_frame(
        "a.sae", [("rain", {1: 2.0}), ("sun", {5: 1.0})], features=8, encoder={"architecture": "itda, both poles"}
    )
    (tmp_path / "labels.json").write_bytes(orjson.dumps({"1": "weather"}))
    import_labels(tmp_path / "a.sae", tmp_path / "labels.json", apply=True)
    found = saedata.open(tmp_path / "a.sae").features.filter(pl.col("label").is_not_null())
    assert found.select("feature", "label").rows() == [(1, "weather (+)"), (5, "weather (−)")]
