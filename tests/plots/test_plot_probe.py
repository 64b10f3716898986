"""Pictures of `probe`: the table's numbers, and names that are data and nothing else."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from saedata.analysis.probe.result import TABLE
from saedata.plots.probe import calibration_chart, k_chart, pr_chart, regime_chart, roc_chart
from saedata.plots.saving import svg
from saedata.probing.curves import CURVES

HOSTILE = "</text><script>alert(1)</script> datum.q"
METHODS = ("dense mean", "PCA", "kNN", "MLP", "TF-IDF", "majority", "quiver", "quiver + SAE")


def table(*, regime: str = "normal", settings: tuple[str, ...] = ("all",), metric: str = "auc") -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for setting in settings:
        about = {"task": HOSTILE, "kind": "binary", "regime": regime, "setting": setting, "metric": metric}
        about |= {"train": 90, "test": 30, "low": 0.4, "high": 0.95}
        rows += [about | {"method": "SAE", "k": k, "value": 0.6 + k / 100, "best": k == 4} for k in (1, 4, 16)]
        rows += [
            about | {"method": name, "value": 0.9 - n / 20, "best": False, "difference": n / 20 - 0.2}
            for n, name in enumerate(METHODS)
        ]
    return pl.DataFrame([dict.fromkeys(TABLE) | row for row in rows], schema=TABLE)


def curves() -> pl.DataFrame:
    names = [("SAE", 1), ("SAE", 4), *((name, None) for name in METHODS[:6])]
    kinds = ("roc", "pr", "calibration")
    rows = [
        (method, k, kind, x, min(1.5 * x, 1), 1 - x) for method, k in names for kind in kinds for x in (0, 0.5, 1.0)
    ]
    return pl.DataFrame(rows, schema=CURVES, orient="row")


def data(chart: Any, field: str) -> pl.DataFrame:
    sets = [pl.DataFrame(rows) for rows in chart.to_dict()["datasets"].values() if rows and field in rows[0]]
    return max(sets, key=len)


def test_the_k_curve_has_the_tables_numbers():
    rows = data(k_chart(table()), "colour")
    sparse = rows.filter(pl.col("colour") == "features (SAE)")
    assert sparse.select("k", "value").rows() == [(1, 0.61), (4, 0.64), (16, 0.76)]
    assert rows["colour"].unique(maintain_order=True).to_list()[1:] == list(METHODS[:5])
    assert rows.filter(colour="dense mean")["k"].to_list() == [1, 16]


def test_quivers_are_no_baselines():
    high = table().with_columns(value=pl.when(pl.col("method").str.starts_with("quiver")).then(0.99).otherwise("value"))
    assert not data(k_chart(high), "colour")["colour"].str.starts_with("quiver").any()


@pytest.mark.parametrize("draw", [roc_chart, pr_chart, calibration_chart])
def test_curves_are_of_the_probe_that_validates_best(draw: Any):
    rows = data(draw(curves(), table()), "colour")
    assert rows["colour"].unique(maintain_order=True).to_list() == ["SAE, 4 features", *METHODS[:5]]
    assert rows.filter(colour="PCA")["y"].to_list() == [0, 0.75, 1]


def test_a_regime():
    rows = data(regime_chart(table(regime="label_noise", settings=("0% wrong", "10% wrong"))), "step")
    assert rows["step"].unique(maintain_order=True).to_list() == ["0% wrong", "10% wrong"]
    assert "SAE, 16 features" in rows["colour"]
    low = data(regime_chart(table(metric="brier", settings=("a", "b"))), "step")
    assert "majority" in low["colour"]
    assert "dense mean" not in low["colour"]


@pytest.mark.parametrize(
    "chart",
    [
        lambda: k_chart(table()),
        lambda: roc_chart(curves(), table()),
        lambda: regime_chart(table()),
        lambda: k_chart(table().clear()),
        lambda: roc_chart(curves().clear(), table()),
        lambda: regime_chart(table().clear()),
    ],
)
def test_they_are_drawn_and_nothing_in_a_name_is_obeyed(chart: Any):
    picture = svg([chart()])
    assert "<script" not in picture
    assert picture.count("<svg") >= 1
