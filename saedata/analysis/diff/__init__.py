"""How corpora differ: shares of documents where a feature is on, compared between sides.

`diff` compares corpora, groups of one corpus, or aligned corpora; `trend` looks at ordered groups; `findings` folds
rows that say the same thing. The statistics stand in `compare`, a pure function of counts.
"""

from __future__ import annotations

from saedata.analysis.diff.columns import SCHEMA, Duplicates
from saedata.analysis.diff.compare import Side, compare, rank
from saedata.analysis.diff.findings import findings
from saedata.analysis.diff.main import diff
from saedata.analysis.diff.sides import distinct
from saedata.analysis.diff.trend import TREND_SCHEMA, trend

__all__ = ["SCHEMA", "TREND_SCHEMA", "Duplicates", "Side", "compare", "diff", "distinct", "findings", "rank", "trend"]
