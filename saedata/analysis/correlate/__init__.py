"""What goes together: features with features, features with columns, and groups of features."""

from saedata.analysis.correlate.columns import correlate_columns
from saedata.analysis.correlate.features import correlate
from saedata.analysis.correlate.groups import concept_groups
from saedata.analysis.correlate.pairs import SCHEMA

__all__ = ["SCHEMA", "concept_groups", "correlate", "correlate_columns"]
