"""Pictures of `separability`: the tables' numbers, and names that are data and nothing else."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from saedata.analysis.separability.result import CONCEPTS, HELD_OUT, UNITS
from saedata.plots.saving import svg
from saedata.plots.separability import concept_features_chart, held_out_chart, separation_chart

HOSTILE = "</text><script>alert(1)</script> datum.q"
KINDS = ("SAE", "dense max", "dense mean")


def units() -> pl.DataFrame:
    rows = [
        {"units": kind, "unit": n, "js": n / 20 + place / 10} for place, kind in enumerate(KINDS) for n in range(10)
    ]
    return pl.DataFrame([dict.fromkeys(UNITS) | row for row in rows], schema=UNITS)


def held_out(concepts: int = 3) -> pl.DataFrame:
    rows = [
        {"units": kind, "concept": f"{HOSTILE} {c}", "half": half, "unit": c, "label": "tea" if kind == "SAE" else None}
        | {"js": 0.1 * c + 0.2 * (half == 1), "low": 0.1 * c, "high": 0.1 * c + 0.1 * half}
        for kind in KINDS
        for c in range(concepts)
        for half in (1, 2)
    ]
    return pl.DataFrame([dict.fromkeys(HELD_OUT) | row for row in rows], schema=HELD_OUT)


def concepts(number: int = 3) -> pl.DataFrame:
    rows = [
        {"concept": f"c{c} {HOSTILE}", "rank": rank, "feature": 7, "label": HOSTILE, "js": 0.9 / rank, "q": 0.0}
        | {"direction": "less" if rank == 2 else "more", "share_inside": 0.5, "share_outside": 0.1, "baseline": 0.1}
        | {"low": 0.1, "high": 0.95}
        for c in range(number)
        for rank in range(1, 11)
    ]
    return pl.DataFrame([dict.fromkeys(CONCEPTS) | row for row in rows], schema=CONCEPTS)


def data(chart: Any, field: str) -> pl.DataFrame:
    sets = [pl.DataFrame(rows) for rows in chart.to_dict()["datasets"].values() if rows and field in rows[0]]
    return max(sets, key=len)


def test_the_curve_counts_units():
    rows = data(separation_chart(units()), "count").filter(colour="dense max")
    assert rows["at"][0] == 0
    assert rows["share"][0] == 1
    near = rows.filter(pl.col("at") >= 0.4).row(0, named=True)
    assert near["count"] == sum(n / 20 + 0.1 >= near["at"] for n in range(10))
    assert rows["count"].min() == 1
    marks = data(separation_chart(units()), "mean_text")
    assert marks.filter(colour="SAE")["js"][0] == pytest.approx(0.225)


def test_a_row_for_each_concept_with_every_kind_of_units():
    rows = data(held_out_chart(held_out()), "which")
    assert rows["row"].n_unique() == 3
    assert rows["colour"].unique(maintain_order=True).to_list() == list(KINDS)
    best = rows.filter(pl.col("colour") == "SAE").row(0, named=True)
    assert best["label"].endswith("2")
    assert best["js"] == pytest.approx(0.3)
    assert (best["low"], best["high"]) == (pytest.approx(0.2), pytest.approx(0.4))
    assert best["which"] == "2: tea"
    assert rows.filter(colour="dense max")["which"][0] == "2"
    assert data(held_out_chart(held_out(30)), "which")["row"].n_unique() == 20


def test_each_concept_has_its_turn():
    rows = data(concept_features_chart(concepts()), "inside")
    assert rows.height == 24
    assert rows["colour"].value_counts()["count"].to_list() == [8, 8, 8]
    many = data(concept_features_chart(concepts(8)), "inside")
    assert many.filter(pl.col("colour") == "other concepts").height == 6
    assert set(many.filter(direction="less")["filled"]) == {0.15}
    assert set(many["interval"]) == {"0.100 to 0.950"}


@pytest.mark.parametrize(
    "chart",
    [
        lambda: separation_chart(units(), label=HOSTILE),
        lambda: held_out_chart(held_out()),
        lambda: concept_features_chart(concepts(8)),
        lambda: separation_chart(units().clear()),
        lambda: held_out_chart(held_out().clear()),
        lambda: concept_features_chart(concepts().clear()),
    ],
)
def test_they_are_drawn_and_nothing_in_a_name_is_obeyed(chart: Any):
    picture = svg([chart()])
    assert "<script" not in picture
    assert picture.count("<svg") >= 1
