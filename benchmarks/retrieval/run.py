"""MAP and P@50 of every method: options are chosen on one half of the queries, and figures are of the other.

Of each query the three rankings are made once, of all documents, and fused as `search` fuses them.
"""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import RESULTS, Figure
from benchmarks.retrieval.pools import Pool, for_choosing, pools
from saedata.analysis.search.fusion import LEARNED, WEIGHTS, fused
from saedata.dense import DenseIndex
from saedata.phrases import embed_phrases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Order = NDArray[np.int64]

METHODS = ("sae", "dense", "bm25", "dense+bm25", "sae+dense", "sae+bm25", "fusion")
EQUAL = ("dense+bm25", "fusion")
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0)
COUNTS = (10, 30, 100, 300)
SAE_WEIGHTS = (0.1, 0.2, 0.3, 0.5, 1.0)
BM25_WEIGHTS = (0.05, 0.1, 0.2, 0.3, 1.0)
FEEDBACK = (30, 100)
STYLE = ("style", "tone")
AT, RESAMPLES, SEED, DENSE_ROUNDS = 50, 10_000, 0, 2


@dataclass(frozen=True, eq=False)
class Asked:
    """One query in its pool."""

    pool: str
    kind: str
    query: str
    frame: Embeddings
    relevant: NDArray[np.bool_]

    @property
    def choosing(self) -> bool:
        """Whether it belongs to the half by which options are chosen."""
        return for_choosing(self.query)

    def ranking(self, method: str, *, temperature: float = 0.2, per_phrase: int = 100, feedback: int = 0) -> Order:
        """Documents, best first; those that a method says nothing of are left out."""
        found = saedata.search(
            self.frame,
            f'"{self.query}"',
            method=method,
            feedback=feedback,
            temperature=temperature,
            per_phrase=per_phrase,
            limit=len(self.relevant),
            least=-1.0,
            explain=False,
        )
        return found["doc"].to_numpy().astype(np.int64)

    @cached_property
    def by_texts(self) -> dict[str, Order]:
        """Rankings by dense vectors and words."""
        return {method: self.ranking(method) for method in ("dense", "bm25")}

    def fusion(self, rankings: Mapping[str, Order], weights: Mapping[str, float]) -> Order:
        """Fuse as `search` does."""
        found = {name: (order, np.zeros(len(order))) for name, order in rankings.items()}
        return fused(found, weights, len(self.relevant))["doc"].to_numpy().astype(np.int64)

    def dense_feedback(self, documents: int) -> Order:
        """Dense+BM25 where the phrase is moved towards the vectors of what was found: the rival of our feedback."""
        index = DenseIndex.of(self.frame.view.parts[0].frame)
        vectors = index.vectors(np.arange(len(self.relevant)))
        asked = np.asarray(embed_phrases([self.query])[0])
        order = self.fusion(self.by_texts, WEIGHTS)
        for _ in range(DENSE_ROUNDS):
            mean = vectors[order[:documents]].mean(axis=0)
            cosines = vectors @ (asked + mean / np.linalg.norm(mean))
            again = {"dense": np.argsort(-cosines, kind="stable"), "bm25": self.by_texts["bm25"]}
            order = self.fusion(again, WEIGHTS)
        return order

    def precision(self, order: Order) -> tuple[float, float]:
        """Average precision of a ranking, and the share of relevant ones among its first 50."""
        hits = self.relevant[order]
        return average_precision(hits, int(self.relevant.sum())), float(hits[:AT].sum() / AT)


@dataclass(frozen=True)
class Chosen:
    """Options with the best MAP on the half for choosing."""

    temperature: float
    count: int
    weights: dict[str, float]
    feedback: dict[str, int]
    queries: int


def measure() -> list[Figure]:
    """All figures, and a table of every query."""
    asked = [one for pool in pools() for one in questions(pool)]
    options = choose([one for one in asked if one.choosing])
    print(options, file=sys.stderr, flush=True)
    rows = [row for one in asked for row in evaluated(one, options)]
    table = pl.DataFrame(rows)
    RESULTS.mkdir(exist_ok=True)
    reported = table.filter(~pl.col("choosing")).drop("choosing")
    reported.with_columns(pl.col("ap", "p50").round(4)).write_csv(RESULTS / "retrieval_queries.csv")
    return figures(table, options)


def evaluated(one: Asked, options: Chosen) -> list[dict[str, object]]:
    """A query by every method."""
    rankings = one.by_texts | {"sae": one.ranking("sae", temperature=options.temperature, per_phrase=options.count)}
    orders: dict[str, Order] = {}
    for method in METHODS:
        names = tuple(rankings) if method == "fusion" else tuple(method.split("+"))
        parts = {name: rankings[name] for name in names}
        orders[method] = rankings[method] if len(names) == 1 else one.fusion(parts, WEIGHTS)
        if method in EQUAL:
            orders[f"{method}, equal weights"] = one.fusion(parts, dict.fromkeys(names, 1.0))
    for method, documents in options.feedback.items():
        orders[f"{method}, feedback"] = (
            one.dense_feedback(documents) if method == "dense+bm25" else one.ranking(method, feedback=documents)
        )
    about = {"pool": one.pool, "kind": one.kind, "query": one.query, "choosing": one.choosing}
    rows: list[dict[str, object]] = []
    for method, order in orders.items():
        ap, p50 = one.precision(order)
        rows.append({**about, "method": method, "ap": ap, "p50": p50})
    share = float(one.relevant.mean())
    return [*rows, {**about, "method": "random", "ap": share, "p50": share}]


def choose(asked: Sequence[Asked]) -> Chosen:
    """Options with the best MAP, one after the other."""
    temperature, count = chosen(asked)
    print(f"temperature {temperature}, {count} features", file=sys.stderr, flush=True)
    rankings = [one.by_texts | {"sae": one.ranking("sae", temperature=temperature, per_phrase=count)} for one in asked]
    best: dict[tuple[float, float], float] = {}
    for sae, bm25 in itertools.product(SAE_WEIGHTS, BM25_WEIGHTS):
        weights = {"sae": sae, "dense": 1.0, "bm25": bm25}
        orders = [one.fusion(some, weights) for one, some in zip(asked, rankings, strict=True)]
        best[sae, bm25] = mean_precision(asked, orders)
    sae, bm25 = max(best, key=lambda pair: best[pair])
    feedback = {}
    for method in ("sae", "fusion", "dense+bm25"):
        scores = {}
        for documents in FEEDBACK:
            orders = [
                one.dense_feedback(documents) if method == "dense+bm25" else one.ranking(method, feedback=documents)
                for one in asked
            ]
            scores[documents] = mean_precision(asked, orders)
        print(f"feedback, {method}: {scores}", file=sys.stderr, flush=True)
        feedback[method] = max(scores, key=lambda documents: scores[documents])
    return Chosen(temperature, count, {"sae": sae, "dense": 1.0, "bm25": bm25}, feedback, len(asked))


def mean_precision(asked: Sequence[Asked], orders: Sequence[Order]) -> float:
    """Mean average precision."""
    return float(np.mean([one.precision(order)[0] for one, order in zip(asked, orders, strict=True)]))


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
        orders = [one.ranking("sae", temperature=temperature, per_phrase=count) for one in asked]
        best[temperature, count] = mean_precision(asked, orders)
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


def figures(table: pl.DataFrame, options: Chosen) -> list[Figure]:
    """Differences with targets, then the means of every method, over all queries and over those of style and tone."""
    mine = table.filter(~pl.col("choosing"))
    wide = mine.pivot("method", index=["pool", "kind", "query"], values="ap")
    style = wide.filter(pl.col("kind").is_in(STYLE))
    single = "dense" if wide["dense"].mean() >= wide["bm25"].mean() else "bm25"  # type: ignore[operator]
    n = f"{wide.height} queries"
    weights = ", ".join(f"{name} {weight:g}" for name, weight in WEIGHTS.items())
    best = ", ".join(f"{name} {weight:g}" for name, weight in options.weights.items())
    how = (
        f"defaults: temperature {options.temperature:g}, {options.count} features, weights {weights}; on the "
        f"{options.queries} other queries {best} are the best weights"
    )
    documents = options.feedback["fusion"]
    again = f"features learned from {documents} documents, which count {LEARNED:g}; chosen on the other queries"
    shown = [
        *difference(wide, "fusion", "dense+bm25", "all three minus dense+BM25", f"{n}; {how}", 0.03),
        *difference(wide, "fusion", single, "all three minus the better of dense and BM25", n, 0.05),
        *difference(style, "sae", "dense", "SAE minus dense, style and tone", f"{style.height} queries", 0.0),
    ]
    for name, first, second, bound in (
        ("equal weights: all three minus dense+BM25", "fusion, equal weights", "dense+bm25, equal weights", 0.03),
        ("equal weights: all three minus the better single one", "fusion, equal weights", single, 0.05),
        ("all three minus dense+BM25 of equal weights", "fusion", "dense+bm25, equal weights", 0.03),
    ):
        shown += difference(wide, first, second, name, n, bound)
    for name, first, second, bound in (
        ("feedback: all three minus dense+BM25", "fusion, feedback", "dense+bm25", 0.03),
        ("feedback: all three minus the better of dense and BM25", "fusion, feedback", single, 0.05),
        (
            "feedback: all three minus dense+BM25 with feedback of its own",
            "fusion, feedback",
            "dense+bm25, feedback",
            0,
        ),
        ("feedback: SAE minus dense", "sae, feedback", "dense", 0),
    ):
        shown += difference(wide, first, second, name, f"{n}; {again}", bound)
    of_style = f"{style.height} queries, {options.feedback['sae']} documents"
    shown += difference(style, "sae, feedback", "dense", "feedback: SAE minus dense, style and tone", of_style, 0)
    parts = (("all", mine), ("style and tone", mine.filter(pl.col("kind").is_in(STYLE))))
    labelled = ("not persona", mine.filter(pl.col("pool") != "persona"))
    for kind, rows in (*parts, labelled, ("queries for choosing", table.filter("choosing"))):
        for (method,), some in rows.group_by("method", maintain_order=True):
            n = f"{some.height} queries"
            shown.append(Figure(f"MAP, {kind}, {method}", float(some["ap"].mean()), n))  # type: ignore[arg-type]
            shown.append(Figure(f"P@{AT}, {kind}, {method}", float(some["p50"].mean()), n))  # type: ignore[arg-type]
    return shown


def difference(wide: pl.DataFrame, first: str, second: str, name: str, n: str, bound: float) -> list[Figure]:
    """Difference of two methods in MAP, and the low end of its interval, with their targets."""
    values = (wide[first] - wide[second]).to_numpy()
    low, high = interval(values)
    return [
        Figure(f"MAP, {name}", float(values.mean()), n, (">=", bound)),
        Figure(f"MAP, {name}: low end of the 95 % interval", low, f"high end {high:.3f}", (">=", 0)),
    ]


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over queries."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
