"""What is toxic, in any language: few features, and the dense and lexical methods that they are held against."""

from __future__ import annotations

from saedata.analysis.toxicity.main import toxicity
from saedata.analysis.toxicity.result import Toxicity
from saedata.analysis.toxicity.spans import toxic_spans

__all__ = ["Toxicity", "toxic_spans", "toxicity"]
