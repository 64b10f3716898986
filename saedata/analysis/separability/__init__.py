"""Which single features tell concepts apart, and whether single dense units do it better."""

from __future__ import annotations

from saedata.analysis.separability.main import separability
from saedata.analysis.separability.mask import ConceptMask, concept_mask
from saedata.analysis.separability.result import Separability

__all__ = ["ConceptMask", "Separability", "concept_mask", "separability"]
