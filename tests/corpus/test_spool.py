from __future__ import annotations

import io
import shutil

import pytest

from saedata.corpus.spool import Spool
from saedata.errors import CorpusError


def test_a_copy_lives_as_long_as_its_spool() -> None:
    spool = Spool.of(io.BytesIO(b"x" * 3_000_000))
    path = spool.path
    assert path.stat().st_size == 3_000_000
    del spool
    assert not path.exists()


def test_a_copy_that_is_gone_already_is_no_trouble() -> None:
    spool = Spool()
    spool.path.unlink()
    del spool


def test_a_full_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fail)
    with pytest.raises(CorpusError, match=r"^the input cannot be copied to .*: No space left on device; save it"):
        Spool.of(io.BytesIO(b"x"))
