"""What is commonly done instead: log-odds of words with an informative prior, and plain differences of shares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from saedata.frame import Embeddings

PRIOR_WORDS = 500
"""Words that the prior is worth."""

Z = 1.96
POINTS = 0.03
"""Difference of shares from which Jiang et al. (2025) look at a feature."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def words(text: str) -> list[str]:
    """Words in lower case.

    Examples
    --------
    >>> words("Don't, in 1999: a bee's")
    ["don't", 'in', 'a', "bee's"]
    """
    return _WORD.findall(text.casefold())


def log_odds(first: Sequence[str], second: Sequence[str]) -> pl.DataFrame:
    """Words that one side uses more, by the log-odds ratio with an informative Dirichlet prior, weighted by idf.

    Parameters
    ----------
    first, second
        Texts.

    Returns
    -------
    polars.DataFrame
        ``word``, ``z`` (above 0: more in the first), ``idf``; largest ``|z| idf`` first.

    Notes
    -----
    Monroe, Colaresi and Quinn (2008), Fightin' Words, equations 16 and 20 to 22. The prior is the share of each word
    in both sides together.
    """
    sides = [[words(text) for text in texts] for texts in (first, second)]
    counts = [Counter(word for document in side for word in document) for side in sides]
    in_documents = Counter(word for side in sides for document in side for word in set(document))
    vocabulary = sorted(in_documents)
    y = np.array([[count[word] for word in vocabulary] for count in counts], dtype=np.float64)
    prior = y.sum(axis=0) * (PRIOR_WORDS / max(y.sum(), 1))
    seen = y + prior
    odds = np.log(seen / (seen.sum(axis=1, keepdims=True) - seen))
    z = (odds[0] - odds[1]) / np.sqrt((1 / seen).sum(axis=0))
    documents = len(first) + len(second)
    idf = np.log(documents / np.array([in_documents[word] for word in vocabulary], dtype=np.float64))
    table = pl.DataFrame({"word": vocabulary, "z": z, "idf": idf}, schema_overrides={"word": pl.String})
    return table.sort(-(pl.col("z").abs() * pl.col("idf")), "word")


def plain_difference(first: Embeddings, second: Embeddings) -> pl.DataFrame:
    """Features by the difference of their shares, without a test: ``feature``, ``difference``, largest first."""
    shares = [frame.documents_on() / frame.n_documents for frame in (first, second)]
    table = pl.DataFrame({"feature": np.arange(len(shares[0]), dtype=np.uint32), "difference": shares[0] - shares[1]})
    return table.filter(pl.col("difference").abs() >= POINTS).sort(-pl.col("difference").abs(), "feature")
