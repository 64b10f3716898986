"""Frames of multilingual corpora: ready ones, or embedded into the cache once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import saedata
from benchmarks.harness import Skipped
from saedata.errors import EncoderError

if TYPE_CHECKING:
    import polars as pl

    from saedata.frame import Embeddings

ENCODER = "multilingual"


def frame_of(name: str, table: pl.DataFrame, *, text: str = "text") -> Embeddings:
    """Open ``NAME.sae`` of the folder that SAEDATA_BENCH_FRAMES names, or embed a table into the cache.

    Parameters
    ----------
    name
        Of the corpus.
    table
        Its documents; a ready frame must have as many.
    text
        Column with the text.
    """
    ready = Path(os.environ.get("SAEDATA_BENCH_FRAMES", "."), f"{name}.sae")
    if "SAEDATA_BENCH_FRAMES" in os.environ and ready.exists():
        return saedata.open(ready)
    try:
        return saedata.embed(table, text=text, encoder=os.environ.get("SAEDATA_BENCH_ENCODER", ENCODER))
    except EncoderError as error:
        msg = f"the encoder cannot be had here: {error}"
        raise Skipped(msg) from error
