"""Parts by a hash of the text: the same whatever the order of the documents, and equal texts fall on one side."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]


def text_hashes(texts: Sequence[str], *, seed: int = 0) -> Hashes:
    """Hash texts; those that differ only in case and white space are equal.

    Parameters
    ----------
    texts
        Of the documents.
    seed
        Another one gives another order.

    Returns
    -------
    numpy.ndarray
        uint64 [texts].

    Examples
    --------
    >>> one, same, other = text_hashes(["Good  day", "good day", "Good night"])
    >>> bool(one == same), bool(one == other)
    (True, False)
    """
    salt = seed.to_bytes(8, "little", signed=True)

    def one(text: str) -> bytes:
        normal = " ".join(text.casefold().split())
        return hashlib.blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt).digest()

    return np.frombuffer(b"".join(map(one, texts)), dtype=np.uint64).copy()


def hashed_test(hashes: Hashes, strata: NDArray[np.integer], share: float) -> NDArray[np.bool_]:
    """Take a share of every stratum, those with the smallest hashes.

    Parameters
    ----------
    hashes
        Of the texts.
    strata
        [texts], such as language and class.
    share
        Between 0 and 1; rounded to whole texts, and at least one of each stratum with two or more.

    Examples
    --------
    >>> hashed_test(np.array([5, 1, 9, 2], dtype=np.uint64), np.array([0, 0, 1, 1]), 0.5).tolist()
    [False, True, False, True]
    """
    places, sizes = places_within(hashes, strata)
    wanted = np.clip(np.round(sizes * share), np.minimum(sizes - 1, 1), sizes)
    return np.asarray(places < wanted)


def places_within(hashes: Hashes, strata: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place of each text in its stratum, in the order of the hashes and from 0, and the stratum's size."""
    table = pl.DataFrame({"hash": hashes, "stratum": strata})
    ranks = table.select(
        place=pl.col("hash").rank("ordinal").over("stratum").cast(pl.Int64) - 1,
        size=pl.len().over("stratum").cast(pl.Int64),
    )
    return ranks["place"].to_numpy(), ranks["size"].to_numpy()


def is_first(hashes: Hashes, groups: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell the first of equal texts of each group from its repetitions.

    Examples
    --------
    >>> is_first(np.array([7, 7, 7], dtype=np.uint64), np.array(["de", "en", "de"])).tolist()
    [True, True, False]
    """
    table = pl.DataFrame({"hash": hashes, "group": groups})
    return table.select(pl.struct("hash", "group").is_first_distinct()).to_series().to_numpy()
