"""Several frames of one corpus, one for each layer: the one whose best feature tells most is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.toxicity.result import LAYERS
from saedata.analysis.toxicity.rule import differences
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_matrix

    from saedata.analysis.toxicity.documents import Documents
    from saedata.frame import Embeddings

_SEEDS = (20_021, 40_013)


def check_layers(frames: Sequence[Embeddings]) -> None:
    """Refuse frames of different corpora.

    Raises
    ------
    InputError
        There is none, or their documents differ.
    """
    if not frames:
        msg = "there is no frame to look at; give one, or one for each layer"
        raise InputError(msg)
    first = _hashed(frames[0]) if len(frames) > 1 else pl.DataFrame()
    for other in frames[1:]:
        if not first.equals(_hashed(other)):
            msg = (
                f"{frames[0].name} and {other.name} have different documents; "
                "several frames must be layers of one corpus, in the same order"
            )
            raise InputError(msg)


def _hashed(frame: Embeddings) -> pl.DataFrame:
    text = pl.col("text").fill_null("")
    return frame.scan_documents().select("doc", *(text.hash(seed).alias(str(seed)) for seed in _SEEDS)).collect()


def layer_rows(frames: Sequence[Embeddings], docs: Documents) -> pl.DataFrame:
    """The largest difference of shares, in the discovery documents, of every frame and language.

    Parameters
    ----------
    frames
        One for each layer.
    docs
        The documents.

    Returns
    -------
    polars.DataFrame
        As `LAYERS`; chosen is the frame with the largest mean over the languages, of equal ones the first.

    Notes
    -----
    Qwen-Scope (2605.11887) chooses the layer l with the largest d(l) = max_f Delta_f.
    """
    rows = []
    for frame in frames:
        matrix = matrix_of(frame, docs)
        for one, name in enumerate(docs.names):
            at = docs.discovery(one)
            gaps = differences(matrix[at], docs.y[at], frame.threshold)
            best = int(np.argmax(gaps))
            rows.append((frame.encoder.layer, frame.name, name, best, float(gaps[best]), False))
    table = pl.DataFrame(rows, schema=LAYERS, orient="row")
    place = np.repeat(np.arange(len(frames)), len(docs.names))
    means = np.bincount(place, table["difference"].to_numpy()) / len(docs.names)
    return table.with_columns(chosen=pl.Series(place == np.argmax(means)))


def matrix_of(frame: Embeddings, docs: Documents) -> csr_matrix:
    """Features of the documents, by position."""
    return frame.filter(pl.col("doc").is_in(pl.Series(docs.found.docs).implode())).to_csr()
