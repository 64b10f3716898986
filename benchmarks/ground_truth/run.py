"""Findings against lists, beside random labels and two baselines; and what each finds where there is nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

import saedata
from benchmarks.ground_truth.baselines import Z, log_odds, plain_difference
from benchmarks.ground_truth.corpora import Lists, Pair, corpora, read_lists
from benchmarks.harness import RESULTS, Figure
from benchmarks.held_out import labelled_encoder
from benchmarks.keywords import Keywords
from benchmarks.null_control import halves
from saedata.encoders import LoadedEncoder
from saedata.frame import Embeddings
from saedata.frame.features import feature_name_expr

TOP, LEVEL = 10, 0.05
DRAWS, NEAREST = 200, 50
NULL_RUNS = 3
SEED = 0
FINDINGS = RESULTS / "ground_truth_findings.csv"
FOLDED = 1000
"""Rows of `diff` in which findings are folded."""

KINDS = ("style", "tone")
"""How a text is written, not what it is about: what these corpora are known to differ in."""

METHODS = ("findings", "findings of style and tone", "plain difference", "words by log-odds")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One pair of corpora.

    Parameters
    ----------
    pair, lists
        What was compared, and with what.
    listed
        ``method``, ``more_in`` ("first", "second"), ``rank``, ``label``, ``matches``.
    random
        Share of random labels of equal density that match.
    false
        For each method the findings in each comparison of random halves.
    found
        For each method all findings of the pair, not only the first ten of a direction.
    documents
        On either side.
    """

    pair: Pair
    lists: Lists
    listed: pl.DataFrame
    random: float
    false: dict[str, list[int]]
    found: dict[str, int]
    documents: int

    def share(self, method: str) -> float:
        """Share of a method's first findings that match; where there is none, none does."""
        flags = self.listed.filter(pl.col("method") == method)["matches"]
        return float(flags.sum()) / max(len(flags), 1)

    def count(self, method: str) -> int:
        """How many first findings a method has."""
        return self.listed.filter(pl.col("method") == method).height


def measure() -> list[Figure]:
    """Shares of right findings, and the number of false ones."""
    encoder, _ = labelled_encoder("minilm")
    lists, outcomes = read_lists(), []
    for pair in corpora():
        since = time.monotonic()
        outcomes.append(outcome(pair, lists[pair.lists], encoder))
        right = outcomes[-1].share("findings")
        print(f"{pair.name}: {right:.2f} match, {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    named = [one.listed.select(pl.lit(one.pair.name).alias("pair"), pl.all()) for one in outcomes]
    RESULTS.mkdir(exist_ok=True)
    pl.concat(named).write_csv(FINDINGS)
    return figures(outcomes)


def outcome(pair: Pair, lists: Lists, encoder: LoadedEncoder) -> Outcome:
    """Compare one pair of corpora in all ways."""
    frames = [saedata.embed(side, text="text", encoder=encoder) for side in (pair.first, pair.second)]
    table = compared(*frames, pair.options)
    found = table.filter(pl.col("q") < LEVEL)
    styled = compared(*map(of_style, frames), pair.options).filter(pl.col("q") < LEVEL)
    right = {"first": lists.more_in_first, "second": lists.more_in_second}
    names = frames[0].features.select("feature", label=feature_name_expr())
    plain = plain_difference(*frames).join(names, on="feature", how="left", maintain_order="left")
    texts = [side["text"].to_list() for side in (pair.first, pair.second)]
    by_words = log_odds(*texts).filter(pl.col("z").abs() > Z)
    by_words = by_words.select(label=pl.format('"{}"', "word"), difference="z")
    all_rows = dict(zip(METHODS, (found, styled, plain, by_words), strict=True))
    listed = pl.concat(first_of(rows, method, right) for method, rows in all_rows.items())
    known = set(names.drop_nulls().filter(pl.Series(_labelled(frames[0])))["feature"])
    rng = np.random.default_rng(SEED)
    return Outcome(
        pair=pair,
        lists=lists,
        listed=listed,
        random=random_share(table.filter(pl.col("feature").is_in(list(known))), found, right, rng),
        false=false_findings(frames[0], pair),
        found={method: distinct(rows).height for method, rows in all_rows.items()},
        documents=pair.first.height,
    )


def compared(first: Embeddings, second: Embeddings, options: dict[str, str]) -> pl.DataFrame:
    """`diff` without evidence."""
    return saedata.diff(first, second, effects=False, evidence=0, evidence_rows=FOLDED, **options)


def of_style(frame: Embeddings) -> Embeddings:
    """The features of style and tone alone, so that only these are tested."""
    return frame.select(pl.col("kind").is_in(KINDS))


def distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one finding folded, where there are findings."""
    return saedata.findings(rows) if "finding" in rows.columns else rows


def directions(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The first ten findings of each direction."""
    for more_in, way in (("first", pl.col("difference") > 0), ("second", pl.col("difference") < 0)):
        yield more_in, distinct(rows.filter(way)).head(TOP)


def first_of(rows: pl.DataFrame, method: str, right: dict[str, Keywords]) -> pl.DataFrame:
    """The first ten findings of each direction, and which of them match."""
    listed = [
        (method, more_in, rank, label, right[more_in].match(label))
        for more_in, head in directions(rows)
        for rank, label in enumerate(head["label"].to_list(), 1)
    ]
    kinds = {"method": pl.String, "more_in": pl.String, "rank": pl.Int64, "label": pl.String, "matches": pl.Boolean}
    return pl.DataFrame(listed, schema=kinds, orient="row")


def random_share(
    table: pl.DataFrame, found: pl.DataFrame, right: dict[str, Keywords], rng: np.random.Generator
) -> float:
    """Share of matches when every first finding is replaced by a live feature of equal density, mean of the draws.

    Parameters
    ----------
    table
        The live features that have a label: ``feature``, ``label``, ``target_on``, ``other_on``.
    found
        Rows of `diff` that are significant.
    right
        The list for each direction.
    rng
        Draws, for each finding, one of the 50 features nearest in density.
    """
    live = table.with_columns(on=pl.col("target_on").cast(pl.Int64) + pl.col("other_on"))
    flags = []
    for more_in, head in directions(found):
        matches = np.array([right[more_in].match(label) for label in live["label"].to_list()])
        for feature in head["feature"].to_list():
            at = nearest(live, feature)
            flags.append(matches[rng.choice(at, DRAWS)].mean())
    return float(np.mean(flags)) if flags else 0.0


def nearest(live: pl.DataFrame, feature: int) -> NDArray[np.intp]:
    """Places of the features that are on in the most similar number of documents, without this one."""
    own = live.filter(pl.col("feature") == feature)["on"]
    on = live["on"].to_numpy()
    distance = np.abs(on - (own[0] if len(own) else 0)).astype(np.float64)
    distance[live["feature"].to_numpy() == feature] = np.inf
    return np.argsort(distance, kind="stable")[: min(NEAREST, len(on) - 1)]


def _labelled(frame: Embeddings) -> NDArray[np.bool_]:
    return frame.features["label"].is_not_null().to_numpy()


def false_findings(frame: Embeddings, pair: Pair) -> dict[str, list[int]]:
    """What each method finds between random halves of the first corpus."""
    texts = frame.documents.select("doc", "text")
    options = {name: value for name, value in pair.options.items() if name != "pair"}
    counts: dict[str, list[int]] = {method: [] for method in METHODS}
    for run in range(NULL_RUNS):
        mine, theirs = halves(frame, np.random.default_rng((SEED, run)))
        found = compared(mine, theirs, options).filter(pl.col("q") < LEVEL)
        counts["findings"].append(distinct(found).height)
        styled = compared(of_style(mine), of_style(theirs), options).filter(pl.col("q") < LEVEL)
        counts["findings of style and tone"].append(distinct(styled).height)
        counts["plain difference"].append(plain_difference(mine, theirs).height)
        sides = [texts.filter(pl.col("doc").is_in(one.documents["doc"].implode()))["text"] for one in (mine, theirs)]
        counts["words by log-odds"].append(log_odds(*(side.to_list() for side in sides)).filter(_stands_out()).height)
    return counts


def _stands_out() -> pl.Expr:
    return pl.col("z").abs() > Z


def figures(outcomes: list[Outcome]) -> list[Figure]:
    """Means with their targets, then every pair."""
    counted = [one for one in outcomes if one.lists.counts]
    n = f"{len(counted)} pairs of corpora"
    shown = [
        Figure("findings that match, mean", _mean([one.share("findings") for one in counted]), n, (">=", 0.75)),
        Figure("random labels that match, mean", _mean([one.random for one in counted]), n, ("<=", 0.25)),
    ]
    for method in METHODS[1:]:
        shown.append(Figure(f"{method}: match, mean", _mean([one.share(method) for one in counted]), n))
    for method in METHODS:
        false = [count for one in counted for count in one.false[method]]
        shown.append(Figure(f"{method}: false ones in random halves, mean", _mean(false), f"{len(false)} comparisons"))
        shown.append(Figure(f"{method}: all, mean", _mean([one.found[method] for one in counted]), n))
    for one in outcomes:
        documents = f"{one.documents} + {one.documents} documents"
        for method in METHODS:
            n = f"{one.count(method)} findings, {documents}"
            shown.append(Figure(f"{one.pair.name}: {method} that match", one.share(method), n))
        shown.append(Figure(f"{one.pair.name}: random labels that match", one.random, f"{DRAWS} draws"))
    return shown


def _mean(values: list[float] | list[int]) -> float:
    return float(np.mean(values))
