"""A misbehaving endpoint, and a key that must not be seen anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint_server import Server, serving

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server; nothing of this machine's settings stands between it and the client."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serving() as running:
        yield running


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture
def no_key_anywhere(
    key: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Any]:
    """With every logger at its loudest: afterwards the key stands in no record, output or file."""
    caplog.set_level(logging.DEBUG)
    names = ("httpx", "httpcore", "tenacity", "saedata")
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    yield
    seen = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    out, err = capfd.readouterr()
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for place in (seen, out, err, files.decode("utf-8", "replace")):
        assert key not in place
