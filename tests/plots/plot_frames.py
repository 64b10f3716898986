"""Tiny tables like those the analyses return, with labels of one's choice."""

from __future__ import annotations

from typing import Any

import polars as pl

from saedata.analysis.correlate import SCHEMA as PAIRS
from saedata.analysis.correlate.columns import SCHEMA as COLUMNS
from saedata.analysis.correlate.groups import SCHEMA as GROUPS
from saedata.analysis.diff.columns import SCHEMA as DIFF
from saedata.analysis.diff.trend import TREND_SCHEMA
from saedata.analysis.overlap import SCHEMA as OVERLAP

LABELS = ("apologises", "lists", "hedges", "asks back", "warns")


def filled(schema: pl.Schema | dict[str, pl.DataType], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a schema; what is not given is null."""
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def differences(labels: tuple[str, ...] = LABELS, *, group: str | None = None, q: float = 0.001) -> pl.DataFrame:
    sizes = (0.5, -0.4, 0.3, -0.2, 0.05)
    rows = [
        {
            "feature": feature,
            "label": label,
            "target": 0.5 + size / 2,
            "other": 0.5 - size / 2,
            "difference": size,
            "low": size - 0.1,
            "high": size + 0.1,
            "p": q,
            "q": q if abs(size) > 0.1 else 0.5,
            "target_documents": 40,
            "other_documents": 40,
            "other_name": "the rest" if group else "flint",
            "finding": feature,
        }
        for feature, (label, size) in enumerate(zip(labels, sizes, strict=True))
    ]
    table = filled(DIFF, rows)
    return table if group is None else table.select(pl.lit(group).alias("group"), pl.all())


def trends(labels: tuple[str, ...] = LABELS, groups: tuple[str, ...] = ("2021", "2022", "2023")) -> pl.DataFrame:
    rows = [
        {
            "feature": feature,
            "label": label,
            "trend": slope,
            "trend_low": slope - 0.02,
            "trend_high": slope + 0.02,
            "trend_p": 0.001,
            "trend_q": 0.01,
            "first": 0.4,
            "last": 0.4 + 2 * slope,
            "shares": [0.4, 0.4 + slope, 0.4 + 2 * slope],
            "groups": list(groups),
            "documents": [10, 20, 30],
        }
        for feature, (label, slope) in enumerate(zip(labels, (0.1, -0.1, 0.05, -0.05, 0.02), strict=True))
    ]
    return filled(TREND_SCHEMA, rows)


def pairs(labels: tuple[str, ...] = LABELS) -> pl.DataFrame:
    rows = []
    for place, (a, b) in enumerate(((0, 1), (0, 2), (1, 2), (3, 4), (1, 4))):
        together = place < 4
        rows.append(
            {
                "feature_a": a,
                "label_a": labels[a],
                "feature_b": b,
                "label_b": labels[b],
                "direction": "together" if together else "apart",
                "npmi": 0.6 - 0.1 * place if together else -1.0,
                "lift": 3.0 if together else 0.0,
                "p_a_given_b": 0.5,
                "p_b_given_a": 0.6 if together else 0.0,
                "documents": 12 if together else 0,
                "documents_a": 20 + place,
                "documents_b": 24,
                "expected": 4.0,
                "p": 1e-6,
                "q": 1e-4 if place != 3 else 0.4,
                "tested": 10,
                "label_similarity": None if place == 2 else 0.1 * place,
                "interesting": None if place in (2, 3, 4) else 0.5 - 0.1 * place,
                "evidence": [],
            }
        )
    return filled(PAIRS, rows)


def groups(labels: tuple[str, ...] = LABELS) -> pl.DataFrame:
    rows = [
        {
            "group": feature // 3,
            "feature": feature,
            "label": label,
            "links": 2,
            "strength": 1.0,
            "size": 3 - feature // 3,
        }
        for feature, label in enumerate(labels)
    ]
    return filled(GROUPS, rows)


def columns(labels: tuple[str, ...] = LABELS, column: str = "year", value: str = "x") -> pl.DataFrame:
    rows = [
        {
            "column": column,
            "value": value if place % 2 else None,
            "feature": place,
            "label": label,
            "direction": "together" if size > 0 else "apart",
            "correlation": size,
            "lift": 2.0 if place % 2 else None,
            "p_feature_given_value": 0.4 if place % 2 else None,
            "p": 0.001,
            "q": 0.01,
            "tested": 50,
        }
        for place, (label, size) in enumerate(zip(labels, (0.5, -0.4, 0.3, -0.2, 0.1), strict=True))
    ]
    return filled(COLUMNS, rows)


def covered() -> pl.DataFrame:
    share = [0.3, 0.6, 0.9, 1.0]
    return pl.DataFrame(
        {
            "documents": [1, 2, 3, 4],
            "features": [10 * one for one in share],
            "coverage": share,
            "of_encoder": [one / 2 for one in share],
            "redundancy": [0.7] * 4,
        }
    )


def selected() -> pl.DataFrame:
    return pl.DataFrame({"doc": [5, 1], "rank": [1, 2], "gain": [4.0, 2.0], "coverage": [0.5, 0.75]})


def curve() -> pl.DataFrame:
    return pl.DataFrame({"documents": [1, 2], "selected": [0.5, 0.75], "random": [0.25, 0.5]})


def overlaps(a: str = "willow", b: str = "flint") -> pl.DataFrame:
    shares = {"documents": 10, "features": 40, "shared": 20, "overlap": 0.5, "low": 0.4, "high": 0.6}
    return filled(OVERLAP, [{"corpus": a, "other": b} | shares, {"corpus": b, "other": a} | shares])
