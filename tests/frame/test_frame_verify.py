"""Verifying every byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saedata.errors import FrameError
from saedata.frame import Embeddings, verify


def test_whole_frame(frame: Embeddings):
    assert frame.path
    table = verify(frame.path)
    assert table.columns == ["check", "value", "expected", "verdict"]
    assert table["verdict"].unique().to_list() == ["ok"]
    files = {p.relative_to(frame.path).as_posix() for p in frame.path.rglob("*") if p.is_file()}
    assert set(table["check"]) == files - {"manifest.json"} | {"complete"}


def test_each_changed_byte_is_found(frame: Embeddings):
    assert frame.path
    for name in verify(frame.path)["check"].to_list()[1:]:
        file = frame.path / name
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert verify(frame.path).filter(verdict="differs")["check"].to_list() == [name]
        file.unlink()
        assert verify(str(frame.path)).filter(verdict="missing")["check"].to_list() == [name]
        file.write_bytes(content)


def test_unfinished_frame(frame_parts: Callable[..., Any], tmp_path: Path):
    parts = frame_parts([("a", {0: 1.0})] * 5)
    with parts.open(tmp_path / "a.sae") as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    assert verify(tmp_path / "a.sae")["verdict"].to_list() == ["unfinished", "ok", "ok"]


def test_nothing_to_verify(tmp_path: Path):
    with pytest.raises(FrameError, match="cannot read"):
        verify(tmp_path)
