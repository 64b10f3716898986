"""Several rankings of documents into one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from saedata.analysis.search.scores import Ranking

PARTS = ("sae", "dense", "bm25")
"""Rankings that can be fused; "fusion" is all three."""

DEPTH = 1000
"""Documents of each ranking that count in a fusion, at least."""

RRF = 60
"""Constant of reciprocal rank fusion: how little first places count more than those after them."""

WEIGHTS = {"sae": 0.3, "dense": 1.0, "bm25": 0.1}
"""What each ranking counts where nothing else is said.

Chosen on 37 phrases for properties of documents (`benchmarks/retrieval`), where they lead to a mean average precision
of .337, equal weights to .311 and dense vectors alone to .327; anything near them does as well.
"""

LEARNED = 3.0
"""What the features' ranking counts where they are learned from documents, chosen on the same phrases."""


def rankings_of(method: str) -> tuple[str, ...]:
    """The rankings of a method, in the order of `PARTS`.

    Examples
    --------
    >>> rankings_of("bm25+dense"), rankings_of("fusion")
    (('dense', 'bm25'), ('sae', 'dense', 'bm25'))
    """
    asked = PARTS if method == "fusion" else tuple(method.replace(" ", "").split("+"))
    if unknown := [one for one in asked if one not in PARTS]:
        msg = f"there is no method {unknown[0]!r}; choose from fusion, {', '.join(PARTS)}, or join some by +"
        raise InputError(msg)
    return tuple(part for part in PARTS if part in asked)


def checked_weights(
    weights: Mapping[str, float] | None, methods: tuple[str, ...], *, learned: bool = False
) -> dict[str, float]:
    """What each of some rankings counts: `WEIGHTS`, but for those that are named.

    Parameters
    ----------
    weights
        By name.
    methods
        The rankings that are fused.
    learned
        Whether features are those that were learned from documents.

    Raises
    ------
    InputError
        There is only one ranking, one is named that is not among them, or a weight is no number above 0.

    Examples
    --------
    >>> checked_weights({"bm25": 1}, ("dense", "bm25"))
    {'dense': 1.0, 'bm25': 1.0}
    """
    given = {} if weights is None else weights
    msg = ""
    if not isinstance(given, Mapping):
        msg = f'weights is {given!r}; it must say what each ranking counts, e.g. {{"sae": 0.3, "dense": 1}}'
    elif given and len(methods) == 1:
        msg = f"weights are for rankings that are fused, and {methods[0]} is asked for alone; leave them out"
    elif unknown := [name for name in given if name not in methods]:
        msg = f"there is a weight for {unknown[0]!r}, but the rankings that are fused are {', '.join(methods)}"
    elif wrong := [name for name, weight in given.items() if not _positive(weight)]:
        name = wrong[0]
        msg = f"the weight of {name} is {given[name]!r}; it must be a number above 0, or {name} left out of the method"
    if msg:
        raise InputError(msg)
    usual = WEIGHTS | ({"sae": LEARNED} if learned else {})
    return {name: float(given.get(name, usual[name])) for name in methods}


def _positive(weight: object) -> bool:
    return isinstance(weight, int | float | np.number) and math.isfinite(float(weight)) and float(weight) > 0


def fused(found: Mapping[str, Ranking], weights: Mapping[str, float], limit: int) -> pl.DataFrame:
    """Fuse rankings by weighted reciprocal ranks; the score of a single ranking stays as it is.

    Parameters
    ----------
    found
        Rankings by name.
    weights
        What each counts.
    limit
        Documents to keep.

    Returns
    -------
    polars.DataFrame
        Best first, equal ones by number: ``doc``, ``score``, and for each of `PARTS` its rank, null where it has none.

    Examples
    --------
    >>> ones = np.ones(2)
    >>> rankings = {"sae": (np.array([4, 7]), ones), "bm25": (np.array([7, 9]), ones)}
    >>> fused(rankings, {"sae": 1, "bm25": 1}, 2)["doc"].to_list()
    [7, 4]
    """
    docs = np.unique(np.concatenate([np.zeros(0, np.int64), *(docs for docs, _ in found.values())]))
    total, ranks = np.zeros(len(docs)), {name: np.zeros(len(docs), np.uint32) for name in PARTS}
    for name, (listed, scores) in found.items():
        place = np.searchsorted(docs, listed)
        ranks[name][place] = np.arange(1, len(listed) + 1)
        total[place] += scores if len(found) == 1 else weights[name] / (RRF + ranks[name][place])
    best = np.lexsort((docs, -total))[:limit]
    columns = {"doc": docs[best], "score": total[best]} | {f"rank_{name}": rank[best] for name, rank in ranks.items()}
    table = pl.DataFrame(columns).with_columns(pl.col("doc").cast(pl.UInt32))
    return table.with_columns(pl.when(pl.col(f"rank_{name}") > 0).then(f"rank_{name}") for name in PARTS)
