"""Text, labels, names and columns are written by strangers: on the page they are text and nothing else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hostile_pages import DISTURBING, PAYLOADS, checked
from report_pages import MakeFrame, Rows, rows

from saedata.frame import Embeddings, open_frame
from saedata.reports import report


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
    soup = checked(path)
    visible = payload.split("\u202e")[0]
    assert soup.get_text().count(visible) >= 8  # names, label, token, columns, text, encoder, command
    for chart in soup.select("#chart .chart, #common .chart"):
        assert " ".join(visible.split())[:20] in chart.get_text()


def test_titles_too(hostile: list[Embeddings], payload: str, tmp_path: Path):
    soup = checked(report(*hostile, out=tmp_path / "r.html", title=payload))
    assert soup.title.get_text().startswith(payload.split("\u202e")[0])
