from __future__ import annotations

import errno
from pathlib import Path

import pytest

from saedata.errors import InputError
from saedata.plots.files import check_place, write_atomically


def test_a_folder_is_refused_before_any_work(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder; give the name of an HTML file"):
        check_place(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        check_place(tmp_path / "nowhere" / "r.html")
    with pytest.raises(InputError, match="there is no folder"):
        check_place(tmp_path / "r.html" / "r.html")


def test_a_folder_without_rights_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="no permission"):
        check_place(tmp_path / "r.html")


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_report_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
):
    path = tmp_path / "r.html"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(broken, fail)
    with pytest.raises(InputError, match=r"cannot write .*r\.html: No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]
