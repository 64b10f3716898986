"""Plain-language hypotheses about how corpora differ, written and verified by a language model.

The findings of `diff` go to the model in batches (`evidence`, `condense`), which makes hypotheses of them; each is then
judged on documents drawn at random (`sides`), blind to where they are from (`verify`); `verdicts` compares the sides.
"""

from __future__ import annotations

from saedata.hypothesising.columns import SCHEMA, USAGE_SCHEMA
from saedata.hypothesising.main import Hypotheses, hypotheses

__all__ = ["SCHEMA", "USAGE_SCHEMA", "Hypotheses", "hypotheses"]
