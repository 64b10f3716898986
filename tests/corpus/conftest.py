"""Small corpora in a temporary folder."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import zstandard
from corpus_files import Put


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".gz"):
            data = gzip.compress(data)
        if name.endswith(".zst"):
            data = zstandard.compress(data)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """Three documents, of which one has no text."""
    return [
        {"id": 1, "text": "The ferry leaves at nine.", "score": 0.5, "ok": True},
        {"id": 2, "text": None, "score": 1.5, "ok": False},
        {"id": 3, "text": "It was late: ünder the pier, 灯 burned.", "score": None, "ok": None},
    ]
