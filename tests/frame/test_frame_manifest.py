"""The manifest: round trip, and distrust of what is read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from saedata.errors import FrameError
from saedata.frame import Embeddings
from saedata.frame.parsing import parse_manifest, read_manifest


def test_round_trip(frame: Embeddings):
    content = frame.manifest.to_json()
    assert parse_manifest(content, source="x") == frame.manifest
    assert parse_manifest(content, source="x").to_json() == content
    assert list(orjson.loads(content)) == sorted(orjson.loads(content))


def changed(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def change(raw: Any) -> None:
        for key in parents:
            raw = raw[int(key) if key.isdigit() else key]
        raw[int(last) if last.isdigit() else last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", "zip", "not written by saedata"),
        ("schema_version", 2, "has schema version 2, this saedata reads 1"),
        ("schema_version", None, "has schema version None"),
        ("encoder.layer", "4", "'encoder.layer' is '4'"),
        ("encoder.layer", -1, "'encoder.layer' is '-1'"),
        ("encoder.layer", True, "'encoder.layer' is 'True'"),
        ("encoder.d_sae", 0, "'d_sae' must be at least 1"),
        ("encoder.threshold", "high", "'encoder.threshold' is 'high'"),
        ("encoder.extra", 1, "encoder lacks or should not have 'extra'"),
        ("encoder", [], "encoder is not an object"),
        ("corpora", {}, "'corpora' is not a list"),
        ("corpora", [], "'corpora' is empty"),
        ("shards.1.index", 0, "shard 1 is out of order"),
        ("shards.1.corpus", 1, "shard 1 is out of order"),
        ("shards.0.documents", 1.5, r"'shards\[0\].documents' is '1.5'"),
        ("shards.0", 7, r"shards\[0\] is not an object"),
        ("columns", [["model"]], "'columns' is not a list of names and types"),
        ("derived", {"../../etc/passwd": {"bytes": "1", "sha256": ""}}, "passwd"),
        ("complete", 1, "'complete' is '1'"),
        ("duplicates", -1, "'duplicates' is '-1'"),
        ("unknown", 1, "the manifest lacks or should not have 'unknown'"),
    ],
)
def test_every_field_is_checked(path: str, value: object, said: str, frame: Embeddings):
    raw = orjson.loads(frame.manifest.to_json())
    changed(path, value)(raw)
    with pytest.raises(FrameError, match=said):
        parse_manifest(orjson.dumps(raw), source="x")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": "saedata-frame"}'])
def test_what_is_no_manifest_is_one_sentence(content: bytes):
    with pytest.raises(FrameError, match=r"x\.json is not the manifest of a usable frame") as refusal:
        parse_manifest(content, source="x.json")
    assert "\n" not in str(refusal.value)


def test_every_missing_field_is_named(frame: Embeddings):
    for name in orjson.loads(frame.manifest.to_json()).keys() - {"format", "schema_version"}:
        raw = orjson.loads(frame.manifest.to_json())
        del raw[name]
        with pytest.raises(FrameError, match=name):
            parse_manifest(orjson.dumps(raw), source="x")


def test_absent_file(tmp_path: Any):
    with pytest.raises(FrameError, match="No such file"):
        read_manifest(tmp_path / "manifest.json")
