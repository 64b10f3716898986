from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest
from report_pages import MakeFrame, rows

from saedata.errors import InputError
from saedata.reports import report
from saedata.reports.output import check_output, write_atomically


def test_a_folder_is_refused_before_any_work(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder; give the name of an HTML file"):
        check_output(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        check_output(tmp_path / "nowhere" / "r.html")
    with pytest.raises(InputError, match="there is no folder"):
        check_output(tmp_path / "r.html" / "r.html")


def test_a_folder_without_rights_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="no permission"):
        check_output(tmp_path / "r.html")


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


def test_a_report_replaces_an_older_one_and_has_ordinary_rights(make_frame: MakeFrame, tmp_path: Path):
    frame = make_frame("a.sae", rows(3, {0: 2}, name="a"))
    (tmp_path / "plain").touch()
    path = tmp_path / "r.html"
    path.write_text("old")
    assert report(frame, out=str(path)) == path
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
