"""Other labels for a finished frame: whole, verified, and mended after a crash at any step."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from saedata.errors import FrameError
from saedata.frame import Embeddings, open_frame, verify
from saedata.frame.layout import PARTIAL
from saedata.frame.relabel import relabel_frame

LABELS = pl.DataFrame(
    {
        "feature": [0, 2, 3],
        "label": ["apologies", "first person", None],
        "kind": ["tone", "syntax", "topic"],
        "tokens": [["sorry"], None, ["lost"]],
    }
)


def test_labels_get_in_and_everything_else_stays(frame: Embeddings) -> None:
    assert frame.path
    before = frame.features
    after = relabel_frame(frame.path, LABELS).features
    assert after["label"].to_list() == ["apologies", None, "first person", *[None] * 5]
    assert after["kind"].to_list()[:4] == ["tone", None, "syntax", None]
    assert after["tokens"].to_list() == [["sorry"], *before["tokens"].to_list()[1:]]
    statistics = ["feature", "documents", "density", "mean", "max", "q90"]
    assert after.select(statistics).equals(before.select(statistics))
    assert set(verify(frame.path)["verdict"]) == {"ok"}


def test_a_feature_without_a_new_label_keeps_the_old_one(frame: Embeddings) -> None:
    assert frame.path
    relabel_frame(frame.path, LABELS)
    other = pl.DataFrame({"feature": [0, 2], "label": [None, "the word I"], "kind": [None, None]})
    after = relabel_frame(frame.path, other.cast({"label": pl.String, "kind": pl.String})).features
    assert after["label"].to_list()[:3] == ["apologies", None, "the word I"]
    assert after["kind"].to_list()[:3] == ["tone", None, None]  # of a new label everything is new


def test_wrong_labels_change_nothing(frame: Embeddings) -> None:
    assert frame.path
    before = {p: p.read_bytes() for p in frame.path.rglob("*") if p.is_file()}
    for labels in (
        pl.DataFrame({"feature": [8], "label": ["too far"]}),
        pl.DataFrame({"feature": [1, 1], "label": ["twice", "twice"]}),
        pl.DataFrame({"label": ["whose?"]}),
    ):
        with pytest.raises(FrameError):
            relabel_frame(frame.path, labels)
    assert before == {p: p.read_bytes() for p in frame.path.rglob("*") if p.is_file()}


def test_what_is_no_finished_frame_is_refused(tmp_path: Path, frame_parts: Callable[..., Any]) -> None:
    with pytest.raises(FrameError, match="does not exist"):
        relabel_frame(tmp_path / "nowhere", LABELS)
    parts = frame_parts([("a text", {0: 1.0})] * 4)
    with parts.open(tmp_path / "half.sae") as writer:
        writer.write_shard(parts.documents(0, 0), parts.activations(0, 0))
    with pytest.raises(FrameError, match="unfinished"):
        relabel_frame(tmp_path / "half.sae", LABELS)


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_is_mended_by_the_same_call(
    frame: Embeddings, step: int, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    assert frame.path
    calls, real = 0, os.replace

    def crash(*args: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == step and not after:
            raise KeyboardInterrupt
        real(*args, **options)
        if calls == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        if step:
            with pytest.raises(KeyboardInterrupt):
                relabel_frame(frame.path, LABELS)
        else:
            relabel_frame(frame.path, LABELS)
    relabel_frame(frame.path, LABELS)
    assert open_frame(frame.path).features["label"][0] == "apologies"
    assert set(verify(frame.path)["verdict"]) == {"ok"}
    assert not [p for p in frame.path.rglob("*") if p.name.endswith(PARTIAL)]
