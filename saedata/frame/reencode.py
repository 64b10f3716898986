"""Encoding one document of a frame again, with the encoder that the frame was made with and no other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from saedata.errors import EncoderError
from saedata.frame.manifest import FAMILY_POOLING

if TYPE_CHECKING:
    import polars as pl

    from saedata.encoders import LoadedEncoder
    from saedata.frame.manifest import EncoderInfo


def token_activations(info: EncoderInfo, text: str, encoder: LoadedEncoder | None = None) -> pl.DataFrame:
    """Find every token's features.

    Parameters
    ----------
    info
        What the frame says about its encoder.
    text
        The document.
    encoder
        The encoder, if it is loaded already; None: it is loaded by its name, once per process.

    Returns
    -------
    polars.DataFrame
        ``token``, ``start``, ``stop``, ``feature``, ``value``.

    Raises
    ------
    EncoderError
        The encoder cannot be found, has other weights than the frame was made with, or there is none (merged
        families).
    """
    # The encoders stand above the frame: they are looked up here only, and only when asked for.
    from saedata.encode import encode_tokens

    check_one_encoder(info)
    loaded = encoder or _load(info.name, info.precision)
    if (loaded.sae_sha256, loaded.reader.sha256) != (info.sae_sha256, info.reader_sha256):
        raise EncoderError(other_weights(info.name))
    return encode_tokens(text, loaded.reader, loaded.sae)


def check_one_encoder(info: EncoderInfo) -> None:
    """Refuse a frame of merged families: its features are no encoder's.

    Raises
    ------
    EncoderError
        The features are sums over families.
    """
    if info.pooling == FAMILY_POOLING:
        msg = (
            "the features of this frame are merged families, which no encoder has: "
            "ask the frame that it was merged from"
        )
        raise EncoderError(msg)


def other_weights(name: str) -> str:
    """Say that an encoder is not the one that a frame was made with."""
    return (
        f"the encoder {name!r} found here has other weights than the frame was made with; "
        "pass the right one, loaded with load_encoder, as encoder="
    )


@lru_cache(maxsize=2)
def _load(name: str, precision: str) -> LoadedEncoder:
    from saedata.encoders import load_encoder

    return load_encoder(name, precision="bfloat16" if precision == "bfloat16" else "float32")
