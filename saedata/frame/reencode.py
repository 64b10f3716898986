"""Encoding one document of a frame again, with the encoder that the frame was made with and no other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from saedata.errors import EncoderError

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
        The encoder cannot be found, or has other weights than the frame was made with.
    """
    # The encoders stand above the frame: they are looked up here only, and only when asked for.
    from saedata.encode import encode_tokens

    loaded = encoder or _load(info.name, info.precision)
    if (loaded.sae_sha256, loaded.reader.sha256) != (info.sae_sha256, info.reader_sha256):
        msg = (
            f"the encoder {info.name!r} found here has other weights than the frame was made with; "
            "pass the right one, loaded with load_encoder, as encoder="
        )
        raise EncoderError(msg)
    return encode_tokens(text, loaded.reader, loaded.sae)


@lru_cache(maxsize=2)
def _load(name: str, precision: str) -> LoadedEncoder:
    from saedata.encoders import load_encoder

    return load_encoder(name, precision="bfloat16" if precision == "bfloat16" else "float32")
