"""Opening a frame: fast, and refusing what is not whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saedata.errors import FrameError
from saedata.frame import Embeddings, is_frame, open_frame


def test_opening_reads_no_data_and_takes_milliseconds(frame: Embeddings):
    assert frame.path
    for kind in ("documents", "activations"):
        for part in (frame.path / kind).iterdir():
            part.write_bytes(b"x" * part.stat().st_size)
    since = time.perf_counter()
    opened = open_frame(frame.path)
    assert time.perf_counter() - since < 0.05
    assert (opened.n_documents, opened.n_features, opened.name) == (7, 8, "answers")
    with pytest.raises(FrameError, match="saedata verify"):
        _ = opened.documents


def test_name_can_be_chosen(frame: Embeddings):
    assert frame.path
    assert open_frame(str(frame.path), name="mine").name == "mine"
    assert repr(open_frame(frame.path)) == "Embeddings('answers', 7 documents, 8 features)"


@pytest.mark.parametrize(
    "name",
    [
        "documents/part-00001.parquet",
        "activations/part-00002.parquet",
        "by_feature/docs.npy",
        "by_feature/offsets.npy",
        "features.parquet",
    ],
)
def test_missing_or_cut_files_are_named(name: str, frame: Embeddings):
    assert frame.path
    file = frame.path / name
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(FrameError, match=f"{name} has {len(content) - 1} bytes instead of {len(content)}"):
        open_frame(frame.path)
    file.unlink()
    with pytest.raises(FrameError, match=f"{name} is missing"):
        open_frame(frame.path)


def test_what_is_no_frame(tmp_path: Path):
    with pytest.raises(FrameError, match=r"x.sae does not exist; make one with `saedata embed"):
        open_frame(tmp_path / "x.sae")
    with pytest.raises(FrameError, match=r"has no manifest\.json"):
        open_frame(tmp_path)


def test_unfinished_frame_says_how_to_go_on(frame_parts: Callable[..., Any], tmp_path: Path):
    parts = frame_parts([("a", {0: 1.0})] * 5)
    with parts.open(tmp_path / "a.sae") as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    with pytest.raises(FrameError, match=r"unfinished \(3 documents so far\); run the same embed command"):
        open_frame(tmp_path / "a.sae")


def test_postings_of_another_frame_are_refused(make_frame: Callable[..., Embeddings]):
    one = make_frame("one.sae", [("a", {0: 1.0, 1: 1.0})])
    two = make_frame("two.sae", [("a", {3: 1.0})])
    opened = open_frame(one.path or "")
    shutil.copy((two.path or Path()) / "by_feature/docs.npy", (one.path or Path()) / "by_feature/docs.npy")
    with pytest.raises(FrameError, match=r"docs.npy: it holds uint32\[1\], not uint32\[2\]"):
        opened.top_documents(0)


def test_is_frame(frame: Embeddings, tmp_path: Path):
    assert is_frame(frame.path)
    assert is_frame(str(frame.path))
    for other in (tmp_path, ["a"], None, "a text that is\0no path", "x" * 9999, frame):
        assert not is_frame(other)
