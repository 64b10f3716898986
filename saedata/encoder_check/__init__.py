"""Does this SAE belong to this place of this reader? Measured on the user's own text, in seconds.

A wrong layer, hook, scale or model gives numbers that look like any others. What gives it away is the reconstruction:
it is worse than it should be, and the same SAE fits another layer, hook or scale better.
"""

from saedata.encoder_check.main import check_documents, check_encoder

__all__ = ["check_documents", "check_encoder"]
