"""Columns of the results."""

from __future__ import annotations

import polars as pl

SCHEMA = pl.Schema(
    {
        "hypothesis": pl.String(),
        "property": pl.String(),
        "more_in": pl.String(),
        "features": pl.List(pl.UInt32()),
        "target": pl.Float64(),
        "other": pl.Float64(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "verdict": pl.String(),
        "target_yes": pl.UInt32(),
        "other_yes": pl.UInt32(),
        "target_unsure": pl.UInt32(),
        "other_unsure": pl.UInt32(),
        "target_unanswered": pl.UInt32(),
        "other_unanswered": pl.UInt32(),
        "target_documents": pl.UInt32(),
        "other_documents": pl.UInt32(),
        "other_name": pl.String(),
        "decided_difference": pl.Float64(),
        "decided_low": pl.Float64(),
        "decided_high": pl.Float64(),
    }
)
"""Columns of `Hypotheses.table`; with `by` a column ``group`` stands before them."""

USAGE_SCHEMA = pl.Schema(
    {
        "step": pl.String(),
        "model": pl.String(),
        "prompts": pl.UInt32(),
        "known": pl.UInt32(),
        "failed": pl.UInt32(),
        "unusable": pl.UInt32(),
        "prompt_tokens": pl.UInt64(),
        "completion_tokens": pl.UInt64(),
        "cost": pl.Float64(),
    }
)
"""Columns of `Hypotheses.usage`."""
