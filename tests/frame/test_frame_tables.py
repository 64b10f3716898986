"""Tables that would make a wrong frame are refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from saedata.errors import FrameError

ROWS = [("one two", {0: 1.0, 3: 2.0}), ("three", {1: 1.0})]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pl.col("doc") + 1, "numbered on from 0"),
        (pl.col("text").str.len_chars().alias("text"), "column 'text' as UInt32, not as String"),
        (pl.lit(1).alias("more"), "column 'more' as Int32, not as absent"),
        (pl.col("tokens").cast(pl.Int64), "column 'tokens' as Int64, not as UInt32"),
    ],
)
def test_documents(change: pl.Expr, said: str, frame_parts: Callable[..., Any], tmp_path: Path):
    parts = frame_parts(ROWS)
    with parts.open(tmp_path / "a.sae") as writer, pytest.raises(FrameError, match=said):
        writer.write_shard(parts.documents(0, 0).with_columns(change), parts.activations(0, 0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.with_columns(pl.col("doc") + 1), "documents outside the shard"),
        (lambda t: t.with_columns(pl.col("feature") + 5), "features above 7"),
        (lambda t: t.with_columns(pl.lit(float("nan"), pl.Float32).alias("value")), "not finite"),
        (lambda t: t.with_columns(pl.lit(float("inf"), pl.Float32).alias("value")), "not finite"),
        (lambda t: t.with_columns(pl.lit(None, pl.Float32).alias("value")), "nulls"),
        (lambda t: t.reverse(), "not sorted by doc and feature"),
        (lambda t: pl.concat([t, t[-1:]]), "there twice"),
        (lambda t: t.with_columns(start=pl.col("stop"), stop=pl.col("start")), "stop before they start"),
        (lambda t: t.drop("stop"), "column 'stop' as absent, not as UInt32"),
    ],
)
def test_activations(
    change: Callable[[pl.DataFrame], pl.DataFrame],
    said: str,
    frame_parts: Callable[..., Any],
    tmp_path: Path,
):
    parts = frame_parts(ROWS)
    with parts.open(tmp_path / "a.sae") as writer, pytest.raises(FrameError, match=said):
        writer.write_shard(parts.documents(0, 0), change(parts.activations(0, 0)))
    assert not list(tmp_path.iterdir())
