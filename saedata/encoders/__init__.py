"""Named encoders: a reader, an SAE trained on one of its layers, and the labels of its features."""

from saedata.encoders.encoder import Encoder, Listing
from saedata.encoders.load import LoadedEncoder, load_encoder, load_encoder_reader, load_sae
from saedata.encoders.needs import Need, check_memory, memory_needed
from saedata.encoders.registry import chosen_encoder, custom_encoder, find_encoder, save_encoder
from saedata.encoders.table import describe_encoder, list_encoders

__all__ = [
    "Encoder",
    "Listing",
    "LoadedEncoder",
    "Need",
    "check_memory",
    "chosen_encoder",
    "custom_encoder",
    "describe_encoder",
    "find_encoder",
    "list_encoders",
    "load_encoder",
    "load_encoder_reader",
    "load_sae",
    "memory_needed",
    "save_encoder",
]
