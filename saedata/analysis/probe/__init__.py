"""What predicts a label: few features, and the dense and lexical methods that they are held against."""

from __future__ import annotations

from saedata.analysis.probe.main import probe
from saedata.analysis.probe.result import Probing

__all__ = ["Probing", "probe"]
