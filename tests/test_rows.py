from __future__ import annotations

import errno
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dataset_frames import frame_of

from saedata import incidence, rows
from saedata.counted import counted
from saedata.errors import FrameError
from saedata.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

ON = np.random.default_rng(0).random((90, 30)) < np.linspace(0, 0.4, 30)


@pytest.fixture(params=[10**9, 0], ids=["memory", "file"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "KEPT_BYTES", request.param)
    monkeypatch.setattr(incidence, "BLOCK", 16)


def test_every_document_has_its_features(make_frame: MakeFrame, kept: None):
    for threshold, features in ((None, ON), (15.5, ON & (np.arange(30) >= 15)), (99.0, ON & False)):
        found = Rows.of(counted(frame_of(make_frame, ON), duplicates="keep", threshold=threshold))
        assert found.sizes.tolist() == features.sum(axis=1).tolist()
        assert found.features.tolist() == np.nonzero(features)[1].tolist()
        assert len(found) == 90


def test_sums(make_frame: MakeFrame, kept: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "BLOCK", 7)
    worth = np.arange(30) / 3
    found = Rows.of(counted(frame_of(make_frame, ON), duplicates="keep", threshold=None))
    np.testing.assert_allclose(found.sums(worth), ON @ worth)


def test_a_full_disk_gets_a_sentence(make_frame: MakeFrame, kept: None, monkeypatch: pytest.MonkeyPatch):
    frame = frame_of(make_frame, ON)
    monkeypatch.setattr(rows, "KEPT_BYTES", 0)

    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, _data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(FrameError, match="No space left on device; set TMPDIR"):
        Rows.of(counted(frame, duplicates="keep", threshold=None))
