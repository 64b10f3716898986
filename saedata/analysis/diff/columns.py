"""Columns of the results, and the numbers that bound a comparison."""

from __future__ import annotations

from typing import Literal

import polars as pl

Duplicates = Literal["once", "keep"]

SCHEMA = pl.Schema(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "target": pl.Float64(),
        "other": pl.Float64(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "target_on": pl.UInt32(),
        "other_on": pl.UInt32(),
        "target_documents": pl.UInt32(),
        "other_documents": pl.UInt32(),
        "other_name": pl.String(),
        "target_evidence": pl.List(pl.UInt32()),
        "other_evidence": pl.List(pl.UInt32()),
        "log_odds_ratio": pl.Float64(),
        "log_odds_low": pl.Float64(),
        "log_odds_high": pl.Float64(),
        "hedges_g": pl.Float64(),
        "length_difference": pl.Float64(),
        "length_p": pl.Float64(),
        "length_q": pl.Float64(),
        "length_explains": pl.Boolean(),
        "finding": pl.UInt32(),
        "tested": pl.UInt32(),
        "detectable": pl.Float64(),
    }
)
"""Columns of `diff`; with `by` a column ``group`` stands before them."""

ALPHA = 0.05
"""A difference stands out where its q is below this."""

MOST_GROUPS = 50
FEWEST_DOCUMENTS = 2
REST = "the rest"
