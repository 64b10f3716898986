"""The SAE itself: architectures, formats on disk, training and quality metrics."""

from saedata.sae.formats import load_sae, save_sae
from saedata.sae.model import SAE

__all__ = ["SAE", "load_sae", "save_sae"]
