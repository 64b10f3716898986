"""Small hand-made sparse frames, for every test that needs one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from frame_parts import FrameParts, Row

from saedata.frame import Embeddings

pytest_plugins = ["tiny_models", "dashboard_fixtures"]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command's --quiet and its handler end with the test."""
    logger = logging.getLogger("saedata")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


MakeFrame = Callable[..., Embeddings]


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: no test pulls the plug."""
    monkeypatch.setattr(os, "fsync", os.fstat)


@pytest.fixture
def make_frame(tmp_path: Path, quick_disk: None) -> MakeFrame:
    """Write and open a frame: ``make_frame("a.sae", [("a text", {3: 1.5})], user={"model": ["a"]})``."""

    def make(name: str, rows: Sequence[Row], *, append: bool = False, **settings: Any) -> Embeddings:
        return FrameParts(rows, **settings).write(tmp_path / name, append=append)

    return make


@pytest.fixture
def frame_parts(quick_disk: None) -> type[FrameParts]:
    """The pieces of a frame, for tests that write it step by step."""
    return FrameParts
