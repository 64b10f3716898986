"""Encoding one document of a frame again, with the encoder that the frame was made with and no other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError
from saedata.frame.manifest import FAMILY_POOLING

if TYPE_CHECKING:
    import polars as pl

    from saedata.corpus import Conversation
    from saedata.encoders import LoadedEncoder
    from saedata.frame.manifest import EncoderInfo
    from saedata.reader import Precision


def token_activations(
    info: EncoderInfo, document: str | Conversation, encoder: LoadedEncoder | None = None
) -> pl.DataFrame:
    """Find every token's features.

    Parameters
    ----------
    info
        What the frame says about its encoder.
    document
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
        The encoder cannot be found, has other weights than the frame was made with or reads in another way, or there
        is none (merged families).
    """
    # The encoders stand above the frame: they are looked up here only, and only when asked for.
    from saedata.encode import encode_tokens

    check_one_encoder(info)
    precision: Any = info.precision
    loaded = encoder or _load(info.name, precision, reads_chats(info))
    if (loaded.sae_sha256, loaded.reader.sha256) != (info.sae_sha256, info.reader_sha256):
        raise EncoderError(other_weights(info.name))
    if (loaded.reader.hook, loaded.reader.pooling) != (info.hook, info.pooling):
        raise EncoderError(_other_way(info, loaded))
    return encode_tokens(document, loaded.reader, loaded.sae)


def reads_chats(info: EncoderInfo) -> bool:
    """Whether the frame's documents were read in the reader's chat template."""
    return "chat template" in info.pooling


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


def _other_way(info: EncoderInfo, loaded: LoadedEncoder) -> str:
    return (
        f"the encoder {info.name!r} found here reads in another way ({loaded.reader.hook}, {loaded.reader.pooling}) "
        f"than the frame was made in ({info.hook}, {info.pooling}); pass the right one, loaded with load_encoder, "
        "as encoder="
    )


@lru_cache(maxsize=2)
def _load(name: str, precision: Precision, chat_template: bool) -> LoadedEncoder:  # noqa: FBT001
    from saedata.encoders import load_encoder

    return load_encoder(name, precision=precision, chat_template=chat_template)
