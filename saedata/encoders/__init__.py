"""Named encoders: a reader, an SAE trained on one of its layers, and the labels of its features."""

from saedata.encoders.load import LoadedEncoder, load_encoder, load_encoder_reader, load_sae
from saedata.encoders.registry import (
    Encoder,
    chosen_encoder,
    custom_encoder,
    find_encoder,
    list_encoders,
    save_encoder,
)

__all__ = [
    "Encoder",
    "LoadedEncoder",
    "chosen_encoder",
    "custom_encoder",
    "find_encoder",
    "list_encoders",
    "load_encoder",
    "load_encoder_reader",
    "load_sae",
    "save_encoder",
]
