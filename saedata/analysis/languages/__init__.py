"""Features of languages: on in one, off in the others and on random tokens."""

from __future__ import annotations

from saedata.analysis.languages.main import languages
from saedata.analysis.languages.result import Languages

__all__ = ["Languages", "languages"]
