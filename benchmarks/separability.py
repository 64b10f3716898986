"""Single SAE features that separate concepts, against single units of the layer that they were made from.

Five sets of short texts with a known label, of each at most 4 000, the first by a hash of the text. All options are
the defaults of `separability`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import Figure, data
from benchmarks.probing.tasks import normal_hash
from saedata.analysis.separability.labels import read_concepts
from saedata.analysis.separability.main import BINS, PERMUTATIONS
from saedata.analysis.separability.measure import Estimator
from saedata.analysis.separability.measure import measure as measure_units
from saedata.analysis.separability.units import Dense, Features
from saedata.encoders import load_encoder
from saedata.probing.dense_layers import hidden_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.separability import Separability
    from saedata.analysis.separability.units import Units
    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings

MOST = 4000
"""Documents of a set, the first by hash."""

EACH, DRAWS, FEWEST = 500, 5, 800
SEED = 0


def sets() -> dict[str, pl.DataFrame]:
    """``text`` and ``label`` of each set."""
    news = pl.read_parquet(data("ag_news_test.parquet"))
    tweets = pl.read_parquet(data("tweeteval.parquet")).filter(pl.col("task") == "emotion")
    toxic = pl.read_parquet(data("textdetox_toxicity.parquet")).filter(pl.col("lang") == "en")
    trec = pl.read_parquet(data("trec6.parquet"))
    subjective = pl.read_parquet(data("subjectivity.parquet"))
    flag = {0: "subjective", 1: "objective"}
    found = {
        "AG-news": news.select(text=pl.concat_str("title", pl.lit(". "), "description"), label="label_name"),
        "tweet emotion": tweets.select("text", label="label_name"),
        "TREC-6": trec.select("text", label="label_name"),
        "subjectivity": subjective.select("text", label=pl.col("label").replace_strict(flag)),
        "English toxicity": toxic.select("text", label=pl.col("toxic").replace_strict({0: "neutral", 1: "toxic"})),
    }
    return {name: first_by_hash(table) for name, table in found.items()}


def first_by_hash(table: pl.DataFrame, most: int = MOST) -> pl.DataFrame:
    """Texts in the order of their hashes, each once."""
    hashes = pl.Series("hash", [normal_hash(text) for text in table["text"]], dtype=pl.String)
    ordered = table.with_columns(hashes).sort("hash", "label").unique("hash", keep="first", maintain_order=True)
    return ordered.head(most).drop("hash")


def measure() -> list[Figure]:
    """Means over live units, best units on held-out halves, and how figures of few documents differ."""
    encoder = load_encoder()
    found, figures = {}, []
    for name, table in sets().items():
        since = time.monotonic()
        frame = saedata.embed(table, text="text", encoder=encoder)
        found[name] = saedata.separability(frame, label="label", seed=SEED, encoder=encoder)
        figures += set_figures(name, found[name])
        figures += stability_figures(name, frame, encoder)
        print(f"{name}: {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    return [*won(found), *figures]


def won(found: dict[str, Separability]) -> list[Figure]:
    """On how many sets the best features stand above the best units of both poolings."""
    gaps = {name: margin(one.summary, "held_out") for name, one in found.items()}
    above = sum(gap > 0 for gap in gaps.values())
    lost = ", ".join(name for name, gap in gaps.items() if gap <= 0) or "none"
    n = f"{len(found)} sets; not above: {lost}"
    title = "best unit of each concept, held out: sets where the SAE is above dense max and dense mean"
    means = sum(margin(one.summary, "mean") > 0 for one in found.values())
    mean = Figure("mean over live units: sets where the SAE is above both", means, f"{len(found)} sets")
    return [Figure(title, above, n, (">=", 4)), mean]


def margin(summary: pl.DataFrame, column: str) -> float:
    """The SAE's figure less the better of the dense ones."""
    values = dict(summary.select("units", column).iter_rows())
    return float(values.pop("SAE") - max(values.values()))


def set_figures(name: str, found: Separability) -> list[Figure]:
    """What was found on one set."""
    figures = []
    for row in found.summary.iter_rows(named=True):
        n = f"{row['documents']:,} documents, {row['concepts']} concepts"
        units = f"{row['live']:,} live units, {row['dead']} dead, {n}"
        about = f"{name}, {row['units']}"
        figures += [
            Figure(f"{about}: mean over live units", row["mean"], units),
            Figure(f"{about}: 99 % quantile", row["q99"], units),
            Figure(f"{about}: best unit of each concept, held out", row["held_out"], f"mean of both halves, {n}"),
            Figure(f"{about}: overlap of the 50 strongest units", row["overlap"], n),
        ]
    return figures


def stability_figures(name: str, frame: Embeddings, encoder: LoadedEncoder) -> list[Figure]:
    """How far the mean over live units of 500 documents of each concept is from that of all, at most of some draws.

    Only concepts with at least 800 documents are drawn from, so that a draw differs from the whole.
    """
    labelled = read_concepts(frame, "label")
    enough = np.flatnonzero(np.bincount(labelled.y) >= FEWEST)
    kept = labelled.take(np.isin(labelled.y, enough))
    if len(enough) < 2:
        return []
    y = np.searchsorted(enough, kept.y)
    vectors = hidden_vectors(frame, kept.docs, encoder=encoder)
    kinds: list[Units] = [Features(frame, kept.docs, frame.threshold)]
    kinds += [Dense(f"dense {pooling}", vectors[pooling]) for pooling in ("max", "mean")]
    rng = np.random.default_rng(SEED)
    drawn = [np.sort(np.concatenate([_some(y == c, rng) for c in range(len(enough))])) for _ in range(DRAWS)]
    figures = []
    for units in kinds:
        whole = _means(units, np.arange(len(y)), y)
        away = np.abs(np.array([_means(units, rows, y) for rows in drawn]) - whole).max(axis=0)
        n = f"{DRAWS} draws of {EACH} of each of {len(enough)} concepts, against {len(y):,} documents"
        about = (
            f"{name}, {units.name}: mean over live units, largest distance of {EACH} documents of each concept from all"
        )
        figures.append(Figure(about, float(away[0]), n, ("<=", 0.01)))
        figures.append(Figure(f"{about}, not corrected", float(away[1]), n))
    return figures


def _some(own: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(np.flatnonzero(own), EACH, replace=False)


def _means(units: Units, rows: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float]:
    """Mean distance over live units, corrected for chance and not."""
    found = measure_units(units, rows, y[rows], Estimator(BINS, "quantile", PERMUTATIONS, SEED))
    return float(found.js[found.live, 0].mean()), float(np.sqrt(found.found[found.live, 0]).mean())
