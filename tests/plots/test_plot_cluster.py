from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from saedata.analysis.cluster import result
from saedata.plots import cluster as module
from saedata.plots.cluster import cluster_heat_map, cluster_map
from saedata.plots.saving import save_chart

HOSTILE = "<script>alert(1)</script>\u202e"


def tables(clusters: int = 3, documents: int = 60) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(0)
    label = np.arange(documents) % (clusters + 1) - 1
    spots = {"doc": range(documents), "cluster": label, "x": rng.normal(label * 9, 1), "y": rng.normal(0, 1, documents)}
    strength = [None if c < 0 else 0.5 for c in label]
    spots |= {"strength": strength, "second": [None] * documents, "assigned": [False] * documents}
    rows = pl.DataFrame(spots, schema=result.DOCUMENTS, strict=False)
    rows = pl.concat(
        [rows, rows[:1].with_columns(doc=pl.lit(999, pl.UInt32), x=None, y=None, cluster=pl.lit(-2, pl.Int32))]
    )
    rows = rows.cast(result.DOCUMENTS)  # type: ignore[arg-type]
    names = {"cluster": range(clusters), "name": [f"{HOSTILE} {c}; more" for c in range(clusters)]}
    described = [
        (c, 10 * c + f, f"{HOSTILE} {c} {f}", None, 0.9, 0.1, 0.8 - 0.3 * f, 0.1, 0.9, 0.001, 0.01, 9, 1, 10, 10, True)
        for c in range(clusters)
        for f in range(4)
    ]
    return rows, pl.DataFrame(names), pl.DataFrame(described, schema=result.DESCRIPTIONS, orient="row")


def data_of(chart: Any) -> list[dict[str, Any]]:
    spec = chart.to_dict()
    return [row for rows in spec["datasets"].values() for row in rows]


def test_every_document_on_the_map_is_drawn():
    rows, clusters, _ = tables()
    texts = pl.DataFrame({"doc": range(60), "text": [f"{HOSTILE} {i} " + "long " * 99 for i in range(60)]})
    chart = cluster_map(rows, clusters, texts=texts)
    drawn = [row for row in data_of(chart) if "doc" in row]
    assert [row["doc"] for row in drawn] == list(range(60))
    assert len({(row["colour"], row["shape"]) for row in drawn}) == 4
    assert all(row["stands"] == (None if row["doc"] % 4 == 0 else "50.0%") for row in drawn)
    assert all(len(row["text"]) <= 240 and "\u202e" not in row["text"] for row in drawn)
    assert "60 documents in 3 clusters" in json.dumps(chart.to_dict()["title"])


def test_a_large_map_is_a_sample(monkeypatch: pytest.MonkeyPatch):
    rows, clusters, _ = tables()
    first, second = (cluster_map(rows, clusters, most=20, seed=1) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert len([row for row in data_of(first) if "doc" in row]) == 20
    assert "20 of 60 documents" in json.dumps(first.to_dict()["title"])


def test_the_smaller_clusters_are_grey():
    rows, clusters, _ = tables(30, 310)
    drawn = [row for row in data_of(cluster_map(rows, clusters)) if "doc" in row]
    looks = {int(row["name"].split(":")[0]): (row["colour"], row["shape"]) for row in drawn}
    assert len({looks[c] for c in range(24)}) == 24
    assert {looks[c] for c in (-1, *range(24, 30))} == {(module.MUTED, "circle")}


def test_the_heat_map_takes_features_from_all_clusters():
    _, clusters, described = tables()
    chart = cluster_heat_map(described, clusters, rows=4)
    cells = [row for row in data_of(chart) if "difference" in row]
    assert len(cells) == 4
    assert sorted(row["cluster"] for row in cells) == [0, 0, 1, 2]  # first features of all, then the second of one
    assert "which this describes" in " ".join(chart.to_dict()["title"]["subtitle"])


@pytest.mark.parametrize("ending", ["svg", "html", "png"])
def test_they_can_be_saved(tmp_path: Any, ending: str):
    rows, clusters, described = tables()
    path = tmp_path / f"plot.{ending}"
    save_chart([cluster_map(rows, clusters), cluster_heat_map(described, clusters)], path)
    assert path.stat().st_size > 1000
    if ending != "png":
        assert "<script>alert" not in path.read_text()


def test_nothing_to_draw():
    rows, clusters, described = tables()
    for chart in (cluster_map(rows[60:], clusters), cluster_heat_map(described.clear(), clusters)):
        assert len(data_of(chart)) == 1
