"""MAP and P@50 of every method: options are chosen on one half of the queries, and figures are of the other."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import RESULTS, Figure
from benchmarks.retrieval.pools import Pool, for_choosing, pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

METHODS = ("sae", "dense", "bm25", "dense+bm25", "sae+dense", "sae+bm25", "fusion")
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0)
COUNTS = (10, 30, 100, 300)
STYLE = ("style", "tone")
AT, RESAMPLES, SEED = 50, 10_000, 0


@dataclass(frozen=True, eq=False)
class Asked:
    """One query in its pool."""

    pool: str
    kind: str
    query: str
    frame: Embeddings
    relevant: NDArray[np.bool_]

    def ranking(self, method: str, *, temperature: float, per_phrase: int) -> NDArray[np.int64]:
        """Documents, best first; those that a method says nothing of are left out."""
        found = saedata.search(
            self.frame,
            f'"{self.query}"',
            method=method,
            temperature=temperature,
            per_phrase=per_phrase,
            limit=len(self.relevant),
            least=-1.0,
            explain=False,
        )
        return found["doc"].to_numpy().astype(np.int64)


def measure() -> list[Figure]:
    """All figures, and a table of every query."""
    asked = [one for pool in pools() for one in questions(pool)]
    choosing = [one for one in asked if for_choosing(one.query)]
    temperature, count = chosen(choosing)
    told = f"temperature {temperature:g} and {count} features, chosen on {len(choosing)} other queries"
    rows = []
    for one in asked:
        if for_choosing(one.query):
            continue
        for method in METHODS:
            order = one.ranking(method, temperature=temperature, per_phrase=count)
            hits = one.relevant[order]
            scores = {"ap": average_precision(hits, int(one.relevant.sum())), "p50": float(hits[:AT].sum() / AT)}
            rows.append({"pool": one.pool, "kind": one.kind, "query": one.query, "method": method, **scores})
        share = float(one.relevant.mean())
        rows.append(
            {"pool": one.pool, "kind": one.kind, "query": one.query, "method": "random", "ap": share, "p50": share}
        )
    table = pl.DataFrame(rows)
    RESULTS.mkdir(exist_ok=True)
    table.with_columns(pl.col("ap", "p50").round(4)).write_csv(RESULTS / "retrieval_queries.csv")
    return figures(table, told)


def questions(pool: Pool) -> list[Asked]:
    """Embed a pool, and put its queries to it."""
    since = time.monotonic()
    frame = saedata.embed(pool.documents, text="text")
    values = frame.documents["value"]
    print(f"{pool.name}: {len(values):,} documents, {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    return [
        Asked(pool.name, kind, query, frame, (values == value).fill_null(value=False).to_numpy())
        for value, (query, kind) in pool.queries.items()
    ]


def chosen(asked: Sequence[Asked]) -> tuple[float, int]:
    """Temperature and number of features with the best MAP of the features alone."""
    best = {}
    for temperature, count in itertools.product(TEMPERATURES, COUNTS):
        scores = [
            average_precision(
                one.relevant[one.ranking("sae", temperature=temperature, per_phrase=count)], int(one.relevant.sum())
            )
            for one in asked
        ]
        best[temperature, count] = float(np.mean(scores))
    return max(best, key=lambda options: best[options])


def average_precision(hits: NDArray[np.bool_], relevant: int) -> float:
    """Mean over the relevant documents of the precision at their places; one that is not ranked adds nothing.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), relevant=2)
    0.8333333333333333
    >>> average_precision(np.array([False, True]), relevant=4)
    0.125
    """
    places = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(places) + 1) / places).sum() / max(relevant, 1))


def figures(table: pl.DataFrame, told: str) -> list[Figure]:
    """Differences with targets, then the means of every method, over all queries and over those of style and tone."""
    wide = table.pivot("method", index=["pool", "kind", "query"], values="ap")
    n = f"{wide.height} queries; {told}"
    low, high = interval((wide["fusion"] - wide["dense+bm25"]).to_numpy())
    means = {method: float(wide[method].mean()) for method in (*METHODS, "random")}
    single = max(means["dense"], means["bm25"])
    style = wide.filter(pl.col("kind").is_in(STYLE))
    of_style = f"{style.height} queries of style and tone"
    gain = float((style["sae"] - style["dense"]).mean())
    shown = [
        Figure("MAP, all three minus dense+BM25", means["fusion"] - means["dense+bm25"], n, (">=", 0.03)),
        Figure("the same: low end of the 95 % interval", low, f"{wide.height} queries, high end {high:.3f}", (">=", 0)),
        Figure("MAP, all three minus the better of dense and BM25", means["fusion"] - single, n, (">=", 0.05)),
        Figure("MAP, SAE minus dense, style and tone", gain, of_style, (">=", 0)),
    ]
    for kind, rows in (("all", table), ("style and tone", table.filter(pl.col("kind").is_in(STYLE)))):
        for method in (*METHODS, "random"):
            some = rows.filter(pl.col("method") == method)
            n = f"{some.height} queries"
            shown.append(Figure(f"MAP, {kind}, {method}", float(some["ap"].mean()), n))
            shown.append(Figure(f"P@{AT}, {kind}, {method}", float(some["p50"].mean()), n))
    return shown


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over queries."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
