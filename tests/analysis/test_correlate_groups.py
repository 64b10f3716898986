from __future__ import annotations

import sys
from typing import Any

import polars as pl
import pytest

from saedata.analysis.correlate import concept_groups
from saedata.analysis.correlate.groups import SCHEMA
from saedata.errors import InputError, SaedataError


def links(edges: list[tuple[int, int, float]], **columns: object) -> pl.DataFrame:
    table = pl.DataFrame(
        edges, schema={"feature_a": pl.UInt32, "feature_b": pl.UInt32, "npmi": pl.Float64}, orient="row"
    )
    return table.with_columns(
        label_a=pl.format("name {}", "feature_a"),
        label_b=pl.format("name {}", "feature_b"),
        direction=pl.lit("together"),
        q=pl.lit(0.001),
        coupling=pl.col("npmi") / 2,
    ).with_columns(**columns)


TWO = links(
    [(1, 2, 0.8), (2, 3, 0.8), (1, 3, 0.8), (3, 9, 0.05), (8, 9, 0.9), (9, 10, 0.9), (8, 10, 0.9), (8, 11, 0.9)]
)


def test_two_triangles_with_a_thin_bridge():
    pytest.importorskip("igraph")
    table = concept_groups(TWO)
    assert table.schema == SCHEMA
    groups = {group: rows["feature"].sort().to_list() for (group,), rows in table.group_by("group")}
    assert groups == {0: [8, 9, 10, 11], 1: [1, 2, 3]}
    assert table["size"].to_list() == [4] * 4 + [3] * 3
    rows = {row["feature"]: row for row in table.iter_rows(named=True)}
    assert rows[8]["label"] == "name 8"
    assert (rows[8]["links"], rows[8]["strength"]) == (3, pytest.approx(2.7))
    assert (rows[3]["links"], rows[3]["strength"]) == (2, pytest.approx(1.6))  # the bridge is not within
    assert table["feature"][0] == 8


def test_only_significant_links_together_count():
    pytest.importorskip("igraph")
    assert concept_groups(links([(1, 2, 0.5)], q=pl.lit(0.2))).is_empty()
    assert concept_groups(links([(1, 2, 0.5)], direction=pl.lit("apart"))).is_empty()
    assert concept_groups(links([(1, 2, 0.5)], coupling=pl.lit(0.0)), weight="coupling").is_empty()
    assert concept_groups(links([(1, 2, 0.5)]), weight="coupling")["strength"].to_list() == [0.25, 0.25]


def test_a_seed_decides():
    pytest.importorskip("igraph")
    assert concept_groups(TWO, seed=3).equals(concept_groups(TWO, seed=3))
    assert concept_groups(TWO, resolution=5.0)["group"].n_unique() > 2


def test_without_igraph_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(SaedataError, match=r"pip install 'saedata\[groups\]'"):
        concept_groups(TWO)


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (TWO.drop("q"), {}, "no column 'q'"),
        (TWO, {"weight": "lift"}, "weight is 'lift'"),
        (TWO, {"resolution": 0.0}, "resolution is 0.0"),
    ],
)
def test_bad_input(table: pl.DataFrame, options: dict[str, Any], words: str):
    with pytest.raises(InputError, match=words):
        concept_groups(table, **options)
