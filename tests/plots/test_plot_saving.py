from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import plot_frames as tables
import pytest
from bs4 import BeautifulSoup

from saedata import plots
from saedata.errors import InputError
from saedata.plots.saving import inline_svg
from saedata.plots.theme import DARK


@pytest.fixture(scope="module")
def charts():
    table = tables.differences()
    return [plots.difference_chart(table), plots.volcano_chart(table)]


def test_a_page_holds_everything_it_needs(charts: list[object], tmp_path: Path):
    path = tmp_path / "a.html"
    plots.save_chart(charts, path)
    text = path.read_text("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.select("[src], [href], link, iframe, img")
    policy = soup.select_one("meta[http-equiv]")["content"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    ran = [script.string for script in soup.select("script") if script.get("type") is None]
    for script in ran:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    specs = json.loads(soup.select_one("#specs").string)
    assert [spec["width"] for spec in specs] == ["container", "container"]
    assert [one.get_text() for one in soup.select("h1")] == [
        "Largest differences: target against flint",
        "Size of each difference, and evidence for it: target against flint",
    ]


def test_a_drawing_follows_light_and_dark(charts: list[object], tmp_path: Path):
    path = tmp_path / "a.svg"
    plots.save_chart(charts, str(path))
    root = ET.parse(path).getroot()
    style = root.find("{http://www.w3.org/2000/svg}style").text
    colours = {
        value
        for element in root.iter()
        for key in ("fill", "stroke")
        if (value := element.get(key)) not in (None, "none", "transparent", "#000")
    }
    assert colours <= set(DARK)
    for colour in colours:
        assert f'[fill="{colour}"]{{fill:{DARK[colour]}}}' in style
    assert len(root.findall("{http://www.w3.org/2000/svg}svg")) == 2
    ids = re.findall(r'\bid="([^"]+)"', path.read_text())
    assert len(ids) == len(set(ids))


def test_a_picture_has_twice_the_pixels(charts: list[object], tmp_path: Path):
    plots.save_chart(charts[0], tmp_path / "a.png")
    plots.save_chart(charts[0], tmp_path / "a.svg")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    width = float(ET.parse(tmp_path / "a.svg").getroot().get("width"))
    assert struct.unpack(">I", content[16:20])[0] == pytest.approx(2 * width, abs=2)


def test_the_same_chart_gives_the_same_bytes(tmp_path: Path):
    for name in ("a.html", "b.html", "a.svg", "b.svg"):
        plots.save_chart(plots.pair_chart(tables.pairs()), tmp_path / name)
    for ending in ("html", "svg"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.html.gz", "a.PNGX"])
def test_other_endings_are_refused(charts: list[object], tmp_path: Path, name: str):
    with pytest.raises(InputError, match=r"must end in \.html, \.png or \.svg"):
        plots.save_chart(charts, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_half_written(charts: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.svg").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match="No space left"):
        plots.save_chart(charts[0], tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.svg"]


def test_inside_a_page_a_chart_has_no_title_of_its_own(charts: list[object]):
    drawn = inline_svg(charts[0], "mine")
    assert "Largest differences" not in drawn
    assert all(one.startswith("mine-") for one in re.findall(r'\bid="([^"]+)"', drawn))
