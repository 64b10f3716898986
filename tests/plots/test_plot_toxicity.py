"""Pictures of `toxicity` and `languages`: the tables' numbers, and names that are data and nothing else."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from saedata.analysis.languages.result import CONVERGENCE, MATRIX
from saedata.analysis.toxicity.result import CURVES, EFFICIENCY, TABLE
from saedata.plots.languages import convergence_chart, selectivity_chart
from saedata.plots.saving import svg
from saedata.plots.toxicity import efficiency_chart, precision_chart, toxic_roc_chart, transfer_chart

HOSTILE = "</text><script>alert(1)</script> datum.q"
LANGUAGES = ("de", HOSTILE)


def table() -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for train in (*LANGUAGES, "all others"):
        for test in (*LANGUAGES, "mean"):
            for method, k in (("head", 10), ("OR rule", 2), ("dense", None)):
                f1 = 0.9 if train == test else 0.6
                row = {"train_language": train, "test_language": test, "method": method, "k": k, "best": True}
                rows.append(row | {"f1": f1, "low": f1 - 0.1, "high": f1 + 0.05, "auc": 0.95, "train": 80, "test": 20})
    return pl.DataFrame([dict.fromkeys(TABLE) | row for row in rows], schema=TABLE)


def curves() -> pl.DataFrame:
    rows = [
        (language, method, k, kind, x, min(1.5 * x, 1), 1 - x)
        for language in LANGUAGES
        for method, k in (("head", 10), ("OR rule", 2), ("dense", None))
        for kind in ("roc", "pr")
        for x in (0, 0.5, 1.0)
    ]
    return pl.DataFrame(rows, schema=CURVES, orient="row")


def efficiency() -> pl.DataFrame:
    rows = [
        (language, method, share, int(100 * share), 0.5 + share / 3, 0.4, 0.9, 0.6 + share * 0.4)
        for language in (*LANGUAGES, "mean")
        for method in ("OR rule", "head")
        for share in (0.1, 0.3, 1.0)
    ]
    return pl.DataFrame(rows, schema=EFFICIENCY, orient="row")


def matrix() -> pl.DataFrame:
    rows = [(a, b, 0.9 if a == b else 0.02, 3) for a in LANGUAGES for b in LANGUAGES]
    return pl.DataFrame(rows, schema=MATRIX, orient="row")


def convergence() -> pl.DataFrame:
    rows = [(one, n, 4.5, 1 - 1 / n) for one in (*LANGUAGES, "mean") for n in (10, 50)]
    return pl.DataFrame(rows, schema=CONVERGENCE, orient="row")


def data(chart: Any, field: str) -> pl.DataFrame:
    sets = [pl.DataFrame(rows) for rows in chart.to_dict()["datasets"].values() if rows and field in rows[0]]
    return max(sets, key=len)


def test_the_heat_map_has_the_tables_cells():
    rows = data(transfer_chart(table()), "judged")
    assert rows.height == 6
    own = rows.filter(pl.col("learnt") == "de", pl.col("judged") == "de")
    assert own.select("f1", "f1_text", "interval").row(0) == (0.9, "0.900", "0.800 to 0.950")
    assert rows.filter(pl.col("learnt") == "all others")["f1"].to_list() == [0.6, 0.6]


@pytest.mark.parametrize("draw", [toxic_roc_chart, precision_chart])
def test_curves_are_of_one_language(draw: Any):
    rows = data(draw(curves(), table(), language="de"), "colour")
    assert set(rows["colour"]) == {"SAE, 10 features", "OR rule", "dense"}
    assert rows.filter(colour="dense")["y"].to_list() == [0, 0.75, 1]


def test_efficiency_is_the_mean_of_the_languages():
    rows = data(efficiency_chart(efficiency()), "share")
    assert rows.select("colour", "share").rows() == [(m, s) for m in ("OR rule", "head") for s in (0.1, 0.3, 1.0)]
    assert "mean over 2 languages" in str(efficiency_chart(efficiency()).to_dict()["title"])


def test_the_matrix_and_its_convergence():
    rows = data(selectivity_chart(matrix()), "share")
    assert rows.filter(pl.col("language") == "de", pl.col("other") == "de")["share"].item() == 0.9
    assert rows.height == 4
    assert data(convergence_chart(convergence()), "jaccard").filter(colour="mean")["documents"].to_list() == [10, 50]


@pytest.mark.parametrize(
    "chart",
    [
        lambda: transfer_chart(table()),
        lambda: toxic_roc_chart(curves(), table(), language=HOSTILE),
        lambda: efficiency_chart(efficiency(), language=HOSTILE),
        lambda: selectivity_chart(matrix()),
        lambda: convergence_chart(convergence()),
        lambda: transfer_chart(table().clear()),
        lambda: precision_chart(curves().clear(), table().clear()),
        lambda: efficiency_chart(efficiency().clear()),
        lambda: selectivity_chart(matrix().clear()),
        lambda: convergence_chart(convergence().clear()),
    ],
)
def test_they_are_drawn_and_nothing_in_a_name_is_obeyed(chart: Any):
    picture = svg([chart()])
    assert "<script" not in picture
    assert picture.count("<svg") >= 1
