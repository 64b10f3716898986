"""The encoder that a frame was made with, and what it says of every token."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from saedata.errors import EncoderError
from saedata.frame.reencode import check_one_encoder, other_weights, reads_chats

if TYPE_CHECKING:
    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.reader import Precision

TOKENS = pl.Schema(
    {"doc": pl.UInt32(), "feature": pl.UInt32(), "value": pl.Float32(), "start": pl.UInt32(), "stop": pl.UInt32()}
)


def encoder_of(frame: Embeddings, encoder: LoadedEncoder | None = None) -> LoadedEncoder:
    """Load the encoder of a frame, once per process.

    Parameters
    ----------
    frame
        Made with it.
    encoder
        The encoder, if it is loaded already.

    Raises
    ------
    EncoderError
        It cannot be had here, or has other weights than the frame was made with.
    """
    check_one_encoder(frame.encoder)
    info = frame.encoder
    loaded = encoder or _load(info.name, "bfloat16" if info.precision == "bfloat16" else "float32")
    if (loaded.sae_sha256, loaded.reader.sha256) != (info.sae_sha256, info.reader_sha256):
        raise EncoderError(other_weights(info.name))
    return loaded


@lru_cache(maxsize=1)
def _load(name: str, precision: Precision) -> LoadedEncoder:
    from saedata.encoders import load_encoder

    return load_encoder(name, precision=precision)


def token_rows(frame: Embeddings, *, encoder: LoadedEncoder | None = None) -> pl.DataFrame:
    """Read the documents of a frame again: every token's features.

    Parameters
    ----------
    frame
        Few documents: all is in memory.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    polars.DataFrame
        ``doc``, ``feature``, ``value``, ``start``, ``stop``.

    Raises
    ------
    EncoderError
        See `encoder_of`.
    """
    from saedata.encode import encode_windows

    if reads_chats(frame.encoder):
        each = [frame.tokens(doc, encoder=encoder).with_columns(doc=pl.lit(doc)) for doc in frame.doc_numbers.tolist()]
        return pl.concat([pl.DataFrame(schema=TOKENS), *(one.select(list(TOKENS)).cast(TOKENS) for one in each)])
    loaded = encoder_of(frame, encoder)
    table = frame.scan_documents().select("doc", pl.col("text").fill_null("")).sort("doc").collect()
    windows = list(loaded.reader.windows(table["text"].to_list()))
    rows = encode_windows(windows, loaded.reader, loaded.sae).frame()
    return rows.with_columns(doc=table["doc"].gather(rows["doc"])).select(list(TOKENS)).cast(TOKENS)
