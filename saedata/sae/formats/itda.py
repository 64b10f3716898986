"""ITDA (`atoms.pt`, `atom_indices.pt`, `metadata.yaml`): hidden states as a dictionary (2505.17769)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.sae.architectures import ITDA

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "ITDA (atoms.pt + metadata.yaml)"
_DEFAULT_STEPS = 40


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("")


def build(found: Opened) -> SAE:
    """The dictionary in such files."""
    atoms = found.take("", None, None)
    d_sae, d_in = atoms.shape
    about = {key: value for key, value in found.config.items() if isinstance(value, str | int | float)}
    return ITDA(
        W_enc=atoms.T,
        b_enc=atoms.new_zeros(d_sae),
        W_dec=atoms,
        b_dec=atoms.new_zeros(d_in),
        mean=atoms.new_zeros(d_in),
        metadata=about,
        steps=found.number(found.config, "k") or _DEFAULT_STEPS,
    )
