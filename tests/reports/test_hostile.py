"""Text, labels, names and columns are written by strangers: on the page they are text and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from report_pages import MakeFrame, Rows, page, rows

from saedata.frame import Embeddings, open_frame
from saedata.reports import report

PAYLOADS = (
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</text></svg><script>alert(2)</script>",
    "]]><foreignObject><iframe src=javascript:alert(1)>",
    "{{ 7 * 7 }}{% for x in ().__class__.__mro__ %}",
    'id="common" url(#clip1) &lt;b&gt; &#60;b&#62;',
    "javascript:alert(1) =cmd|'/c calc'!A1 <!-- --> <base href=//evil>",
)
DISTURBING = "\u202egnp.\u2066\x1b[31m\x00\x9b\u2028"
PAGE = re.compile(
    "html|head|meta|title|style|body|main|header|section|article|figure|figcaption|div|p|span|bdi|h[1-4]"
    "|table|thead|tbody|tr|th|td|details|summary|blockquote|mark|dl|dt|dd|code|pre"
    "|svg|g|path|line|text|rect|defs|clippath"
)


@pytest.fixture(params=PAYLOADS)
def payload(request: pytest.FixtureRequest):
    return request.param + DISTURBING


@pytest.fixture
def hostile(payload: str, make_frame: MakeFrame):
    def documents(count: int, other: int, name: str) -> Rows:
        return [(f"{payload} {text} {payload}", on) for text, on in rows(20, {0: count, 1: other, 2: 20}, name=name)]

    labels = pl.DataFrame(
        {"feature": [0, 1], "label": [payload, None], "kind": [payload] * 2, "tokens": [None, [payload, ", "]]},
        schema_overrides={"feature": pl.UInt32, "tokens": pl.List(pl.String)},
    )
    user = {payload: [payload] * 20, "user_text": [payload] * 20}
    made = {"shard": 64, "labels": labels, "user": user, "encoder": {"name": payload, "reader": payload}}
    frames = make_frame("a.sae", documents(19, 1, "a"), **made), make_frame("b.sae", documents(1, 18, "b"), **made)
    return [open_frame(frame.path, name=f"{name}{payload}") for frame, name in zip(frames, "ab", strict=True)]


@pytest.mark.parametrize("sides", [1, 2])
def test_payloads_stay_text(hostile: list[Embeddings], payload: str, sides: int, tmp_path: Path):
    path = report(*hostile[:sides], out=tmp_path / "r.html", command=payload)
    source, soup = path.read_text("utf-8"), page(path)
    assert all(PAGE.fullmatch(tag.name) for tag in soup.find_all(True))
    attributes = {name for tag in soup.find_all(True) for name in tag.attrs}
    assert not [name for name in attributes if name.startswith("on") or name in ("href", "src", "xlink:href", "srcset")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]", source)
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    visible = payload.split("\u202e")[0]
    assert soup.get_text().count(visible) >= 8  # names, label, token, columns, text, encoder, command
    for chart in soup.select("#chart .chart, #common .chart"):
        assert " ".join(visible.split())[:20] in chart.get_text()


def test_titles_too(hostile: list[Embeddings], payload: str, tmp_path: Path):
    soup = page(report(*hostile, out=tmp_path / "r.html", title=payload))
    assert soup.title.get_text().startswith(payload.split("\u202e")[0])
    assert all(PAGE.fullmatch(tag.name) for tag in soup.find_all(True))
