"""Search for documents that have a property: by features, dense vectors, words, or all of them."""

from __future__ import annotations

from saedata.analysis.search.main import query_features, search
from saedata.analysis.search.query import QueryError

__all__ = ["QueryError", "query_features", "search"]
