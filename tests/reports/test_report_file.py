from __future__ import annotations

import stat
from pathlib import Path

from report_pages import MakeFrame, rows

from saedata.reports import report


def test_a_report_replaces_an_older_one_and_has_ordinary_rights(make_frame: MakeFrame, tmp_path: Path):
    frame = make_frame("a.sae", rows(3, {0: 2}, name="a"))
    (tmp_path / "plain").touch()
    path = tmp_path / "r.html"
    path.write_text("old")
    assert report(frame, out=str(path)) == path
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
