"""Rows that several frame tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from saedata.frame import Embeddings


@pytest.fixture
def rows() -> list[tuple[str | None, dict[int, float]]]:
    """Seven documents in three shards: two empty ones, two pairs of duplicates, features 5 to 7 never on."""
    return [
        ("I am sorry", {0: 1.0, 2: 3.0}),
        ("the cat sat", {1: 2.0, 2: 1.0}),
        ("", {}),
        (None, {}),
        ("sorry again, truly", {0: 2.0, 2: 3.0, 4: 0.5}),
        ("I am sorry", {0: 1.0}),
        ("naïve café ☕ talk", {0: 0.25, 3: 4.0}),
    ]


@pytest.fixture
def user() -> dict[str, list[Any]]:
    """Columns of the user's own, with nulls, lists and structs."""
    return {
        "model": ["a", "a", "b", None, "a", "b", "b"],
        "stars": [1, None, 3, 4, 5, 6, 7],
        "tags": [["x"], [], None, ["y", None], ["z"], [], ["x"]],
        "meta": [{"k": 1}, {"k": None}, None, {"k": 4}, {"k": 5}, {"k": 6}, {"k": 7}],
    }


@pytest.fixture
def frame(
    make_frame: Callable[..., Embeddings],
    rows: list[tuple[str | None, dict[int, float]]],
    user: dict[str, list[Any]],
) -> Embeddings:
    """A finished frame of these rows."""
    return make_frame("answers.sae", rows, user=user)
