"""An encoder whose decoder is written by hand, and frames that are made with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]
    PlantFrame = Callable[..., Embeddings]

WIDTH = 12


def at_angles(*angles: float) -> Array:
    """Directions in a plane, as [len(angles), WIDTH]: the cosine of two is that of the difference of their angles."""
    rows = np.zeros((len(angles), WIDTH))
    rows[:, 0], rows[:, 1] = np.cos(angles), np.sin(angles)
    return rows


def axis(*numbers: int) -> Array:
    """Directions that have nothing in common, nor with those of `at_angles` (from axis 2 on)."""
    return np.eye(WIDTH)[list(numbers)]


def plant_encoder(folder: Path, decoder: Array) -> str:
    """Write an encoder with this decoder; gives the hash of its SAE."""
    import torch

    from saedata.encoders import Encoder, save_encoder
    from saedata.sae import SAE, save_sae
    from saedata.sae.formats import hash_sae

    plain = SAE.random(d_in=decoder.shape[1], d_sae=len(decoder), seed=0)
    save_sae(replace(plain, W_dec=torch.tensor(decoder.copy(), dtype=torch.float32)), folder)
    save_encoder(Encoder("planted", "no-such-reader", 1, folder))
    return hash_sae(folder)


def planter(make_frame: Callable[..., Embeddings], folder: Path) -> PlantFrame:
    """Writes frames whose encoder, in `folder`, has a given decoder: ``plant_frame("a", decoder, rows)``."""

    def plant(name: str, decoder: Array, rows: list[Any], **settings: Any) -> Embeddings:
        encoder = {"name": str(folder), "sae_sha256": plant_encoder(folder, decoder)} | settings.pop("encoder", {})
        return make_frame(f"{name}.sae", rows, features=len(decoder), encoder=encoder, **settings)

    return plant
