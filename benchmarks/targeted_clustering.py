"""Clustering along a named axis: paragraphs that have four properties at once, and corpora with one known label.

The paragraphs are this project's own (paragraphs/README.md). `about` is exactly the axis name; the other methods get
the same number of clusters, and each is shown by k-means and by spectral clustering.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import Figure, data
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PARAGRAPHS = Path(__file__).parent / "paragraphs" / "paragraphs.jsonl"
AXES = {"topic": 4, "sentiment": 2, "tense": 3, "style": 2}
HARD = ("sentiment", "tense", "style")
"""Axes on which dense embeddings show the topic instead."""

MARGIN = 0.15
NEIGHBOURS, SEED, MOST = 15, 0, 2000


@dataclass(frozen=True)
class Axis:
    """One property of one corpus.

    Attributes
    ----------
    corpus, name
        For the table; `name` is what `about` is given.
    texts, labels
        Documents, and the known value of each.
    target
        Whether the margin counts as a target.
    """

    corpus: str
    name: str
    texts: Sequence[str]
    labels: NDArray[np.int64]
    target: bool = False

    @property
    def clusters(self) -> int:
        """Number of known values."""
        return len(np.unique(self.labels))


def measure() -> list[Figure]:
    """ARI and Hungarian accuracy of every method on every axis."""
    figures = []
    for axis in (*paragraph_axes(), *labelled_axes()):
        figures += axis_figures(axis)
    return figures


def paragraph_axes() -> Iterator[Axis]:
    """The four axes of the paragraphs."""
    table = pl.read_ndjson(PARAGRAPHS)
    for name in AXES:
        codes = table[name].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
        yield Axis("paragraphs", name, table["text"].to_list(), codes, target=name in HARD)


def labelled_axes() -> Iterator[Axis]:
    """Known labels of real corpora: news topic, sentiment and emotion of short texts, reading level."""
    news = pl.read_parquet(data("ag_news_test.parquet"))
    yield _axis("AG-news", "topic", news["description"], news["label"])
    films = pl.read_parquet(data("sst2_sentences.parquet")).filter(pl.col("split") == "test")
    yield _axis("SST-2", "sentiment", films["text"], films["label"])
    tweets = pl.read_parquet(data("tweeteval.parquet")).filter(pl.col("task") == "emotion", pl.col("split") == "test")
    yield _axis("tweets", "emotion", tweets["text"], tweets["label"])
    levels = pl.read_parquet(data("onestop_english_levels.parquet")).with_columns(
        pl.col("level").cast(pl.Categorical).to_physical()
    )
    yield _axis("OneStop", "reading level", levels["text"], levels["level"])


def _axis(corpus: str, name: str, texts: pl.Series, labels: pl.Series) -> Axis:
    table = pl.DataFrame({"text": texts, "label": labels.cast(pl.Int64)}).unique("text", maintain_order=True)
    table = table.sample(min(MOST, table.height), seed=SEED, shuffle=True)
    return Axis(corpus, name, table["text"].to_list(), table["label"].to_numpy())


def axis_figures(axis: Axis) -> list[Figure]:
    """One axis: ours with and without `about`, then what the others make of it."""
    frame = saedata.embed(pl.DataFrame({"text": axis.texts}), text="text")
    found = {
        "SAE, about": saedata.cluster(frame, about=axis.name, clusters=axis.clusters, seed=SEED),
        "SAE": saedata.cluster(frame, clusters=axis.clusters, seed=SEED),
    }
    assigned = {name: result.documents["cluster"].to_numpy() for name, result in found.items()}
    for name, vectors in representations(axis).items():
        assigned[f"{name}, k-means"] = by_kmeans(vectors, axis.clusters)
        assigned[f"{name}, spectral"] = by_spectral(vectors, axis.clusters)
    title, n = f"{axis.corpus}, {axis.name}", f"{len(axis.texts):,} documents, {axis.clusters} values"
    scores = {name: (ari(axis.labels, one), hungarian(axis.labels, one)) for name, one in assigned.items()}
    best = max(score for name, (score, _) in scores.items() if not name.startswith("SAE"))
    margin = scores["SAE, about"][0] - best
    figures = [Figure(f"{title}: ARI over the best other", margin, n, (">=", MARGIN) if axis.target else None)]
    for name, (one, accuracy) in scores.items():
        figures.append(Figure(f"{title}: ARI, {name}", one, n))
        figures.append(Figure(f"{title}: accuracy, {name}", accuracy, n))
    return figures


def representations(axis: Axis) -> dict[str, NDArray[np.float32]]:
    """Vectors of the other methods, of unit length."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words=None).fit_transform(axis.texts)
    told = [f"Represent the text by its {axis.name}: {text}" for text in axis.texts]
    return {
        "dense": _dense(tuple(axis.texts)),
        "dense, instructed": embed_sentences(told),
        "TF-IDF": words.toarray().astype(np.float32),
    }


@functools.lru_cache(maxsize=1)
def _dense(texts: tuple[str, ...]) -> NDArray[np.float32]:
    return embed_sentences(texts)


def by_kmeans(vectors: NDArray[np.float32], clusters: int) -> NDArray[np.int64]:
    """Best of ten starts."""
    from sklearn.cluster import KMeans

    found: NDArray[np.int64] = KMeans(clusters, n_init=10, random_state=SEED).fit_predict(vectors)
    return found


def by_spectral(vectors: NDArray[np.float32], clusters: int) -> NDArray[np.int64]:
    """On the symmetric graph of the nearest neighbours by cosine."""
    from sklearn.cluster import SpectralClustering

    method = SpectralClustering(clusters, affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, random_state=SEED)
    found: NDArray[np.int64] = method.fit_predict(vectors)
    return found


def ari(labels: NDArray[np.int64], found: NDArray[np.integer]) -> float:
    """Adjusted Rand index (Hubert and Arabie, 1985)."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, found))


def hungarian(labels: NDArray[np.int64], found: NDArray[np.integer]) -> float:
    """Share of documents that are right under the best one-to-one naming of the clusters."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    counts = contingency_matrix(labels, found)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / len(labels))
