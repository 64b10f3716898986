"""Maps by a value, and of counted documents; and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from saedata.plots import binned_map, distribution_chart, value_map

HOSTILE = "<b>\u202e{{7*7}}"


def spots(n: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    places = {"x": [None, *rng.normal(size=n - 1)], "y": [None, *rng.normal(size=n - 1)]}
    return pl.DataFrame({"doc": range(n), **places, "cluster": [place % 3 for place in range(n)]}, strict=False)


def data(chart: Any) -> list[dict[str, Any]]:
    """Rows of the first layer with marks of documents."""
    spec = chart.to_dict()
    return max(spec["datasets"].values(), key=len)


def test_a_value_of_names_colours_the_most_frequent_six() -> None:
    names = [f"name {place % 8}" if place < 190 else None for place in range(200)]
    values = pl.DataFrame({"doc": range(200), "value": [HOSTILE, *names[1:]]})
    rows = data(value_map(spots(), values, what=HOSTILE))
    assert len(rows) == 199  # one has no place
    colours = {row["colour"] for row in rows}
    assert len(colours) == 7
    assert "other" in colours
    assert "\u202e" not in str(value_map(spots(), values, what=HOSTILE).to_dict())


def test_a_value_of_numbers_is_dark_where_it_is_large() -> None:
    values = pl.DataFrame({"doc": range(100), "value": [float(place) for place in range(100)]})
    spec = value_map(spots(), values, what="stars").to_dict()
    off, on = (rows for rows in spec["datasets"].values())
    assert {row["value"] for row in off} <= {0.0, None}
    assert max(on, key=lambda row: row["value"])["dark"] == 1.0


def test_most_documents_are_drawn_and_the_choice_follows_the_seed() -> None:
    values = pl.DataFrame({"doc": range(200), "value": ["a"] * 200})
    first = [row["doc"] for row in data(value_map(spots(), values, what="a", most=50))]
    assert len(first) == 50
    assert first == [row["doc"] for row in data(value_map(spots(), values, what="a", most=50))]
    assert first != [row["doc"] for row in data(value_map(spots(), values, what="a", most=50, seed=1))]


def test_cells_hold_all_documents_and_the_mean_of_a_value() -> None:
    clusters = pl.DataFrame({"cluster": [0, 1, 2], "name": ["one", HOSTILE, "three"]})
    rows = data(binned_map(spots(), clusters, bins=10))
    assert sum(row["documents"] for row in rows) == 199
    assert all(0.12 <= row["dark"] <= 1 for row in rows)
    values = pl.DataFrame({"doc": range(200), "value": [2.0] * 200})
    rows = data(binned_map(spots(), values=values, what="x", bins=10))
    assert {row["shown"] for row in rows} == {"2"}


def test_a_map_of_nothing_says_so() -> None:
    nothing = spots().filter(pl.col("x").is_null())
    assert "No document stands on the map" in str(binned_map(nothing).to_dict())
    values = pl.DataFrame({"doc": [0], "value": ["a"]})
    assert "No document stands on the map" in str(value_map(nothing, values, what="a").to_dict())


def test_a_histogram_has_a_step_for_each_bin_of_each_corpus() -> None:
    chart = distribution_chart("tokens", [0, 10, 20], [[0.4, 0.6], [0.5, 0.5]], names=["a", "a"])
    rows = data(chart)
    assert [row["y"] for row in rows] == [0.4, 0.6, 0.6, 0.5, 0.5, 0.5]
    assert len({row["colour"] for row in rows}) == 2
    assert rows[0]["reach"] == "0 to 10"
    assert "nothing to draw" in str(distribution_chart("tokens", [], [[]], names=["a"]).to_dict())
