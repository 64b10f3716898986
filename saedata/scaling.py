"""A common scale for activations: each feature in units of what is strong for it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.encode import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from saedata.reader import Reader
    from saedata.sae.model import SAE

STRONG = 0.9
_DOCUMENTS_AT_ONCE = 256


def strong_values(
    texts: Iterable[str | None],
    reader: Reader,
    sae: SAE,
    *,
    tokens: int = 1_000_000,
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """What is strong for each feature: the 90th percentile of its non-zero document maxima.

    With these as `SAE.in_units`, 1.0 means "strong" for every feature, and one threshold serves all of them.

    Parameters
    ----------
    texts
        Documents like those the SAE was trained on; reading ends after `tokens` tokens.
    reader, sae
        A pair.
    progress
        Called with the number of tokens just read.

    Returns
    -------
    numpy.ndarray
        [d_sae], above 0; a feature that was never on has the median of the others.
    """
    parts, read, source = [], 0, iter(texts)
    while read < tokens and (chunk := list(islice(source, _DOCUMENTS_AT_ONCE))):
        encoded = encode(chunk, reader, sae)
        parts.append(encoded.activations.select("feature", "value"))
        now = int(encoded.documents["tokens"].sum())
        read += now
        progress(now)
    strong = np.ones(sae.d_sae, dtype=np.float32)
    if not parts or not (rows := pl.concat(parts)).height:
        return strong
    found = rows.group_by("feature").agg(pl.col("value").quantile(STRONG, "linear"))
    strong[:] = found["value"].median()
    strong[found["feature"].to_numpy()] = found["value"].to_numpy()
    return strong
