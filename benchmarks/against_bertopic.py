"""`cluster` and BERTopic on the same corpora with the same reader (all-MiniLM-L6-v2), each with its own settings.

BERTopic gets the sentence embeddings of that reader, ours the frame of the bundled encoder, which sits on it. Noise is
made equal before agreement with the known labels is compared: the method that leaves out fewer documents loses those of
least strength. Set SAEDATA_BENCH_BERTOPIC to the Python of an environment with `bertopic`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import Figure, Skipped, data, peak_memory
from benchmarks.targeted_clustering import PARAGRAPHS, ari
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SEED = 0
WORKER = Path(__file__).with_name("bertopic_work.py")
OWN, TOLD = "default", "told the number"


@dataclass(frozen=True, eq=False)
class Found:
    """What a method made of a corpus.

    Attributes
    ----------
    cluster
        int64 [documents], -1 is noise.
    strength
        float64 [documents]: how firmly each belongs to its cluster.
    seconds, gigabytes
        From texts to clusters; peak memory of the process that clusters.
    """

    cluster: NDArray[np.int64]
    strength: NDArray[np.float64]
    seconds: float
    gigabytes: float

    @property
    def noise(self) -> float:
        """Share of the documents that are in no cluster."""
        return float((self.cluster < 0).mean())

    def kept(self, share: float) -> NDArray[np.bool_]:
        """The documents that remain when this share is left out: noise first, then those of least strength.

        Examples
        --------
        >>> Found(np.array([0, 1, -1, 1]), np.array([0.9, 0.2, 0.0, 0.5]), 0, 0).kept(0.5).tolist()
        [True, False, False, True]
        """
        order = np.lexsort((self.strength, self.cluster >= 0))
        kept = np.ones(len(order), np.bool_)
        kept[order[: round(share * len(order))]] = False
        return kept


def measure() -> list[Figure]:
    """Agreement at equal noise, seconds and memory, with default settings and with the number of values given."""
    python = os.environ.get("SAEDATA_BENCH_BERTOPIC")
    if not python:
        msg = "BERTopic is not there: set SAEDATA_BENCH_BERTOPIC to the Python of an environment with `bertopic`"
        raise Skipped(msg)
    figures = []
    for name, texts, labels in corpora():
        since = time.perf_counter()
        vectors = embed_sentences(texts)
        reading = time.perf_counter() - since
        since = time.perf_counter()
        frame = saedata.embed(pl.DataFrame({"text": texts}), text="text").path
        encoding = time.perf_counter() - since
        for way in (OWN, TOLD):
            clusters = None if way == OWN else len(np.unique(labels))
            theirs = bertopic(python, texts, vectors, clusters, reading)
            figures += compared(f"{name}, {way}", labels, ours(frame, clusters, encoding), theirs)
    return figures


def corpora() -> Iterator[tuple[str, list[str], NDArray[np.int64]]]:
    """Name, texts, known values: news topics, intents, and the topics of this project's own paragraphs."""
    news = pl.read_parquet(data("ag_news_test.parquet")).unique("description", maintain_order=True)
    yield "AG-news topic", news["description"].to_list(), news["label"].to_numpy().astype(np.int64)
    asked = pl.read_parquet(data("clinc150.parquet")).filter(pl.col("split") == "test", pl.col("intent") != "oos")
    asked = asked.unique("text", maintain_order=True)
    yield "CLINC intent", asked["text"].to_list(), _codes(asked["intent"])
    own = pl.read_ndjson(PARAGRAPHS)
    yield "paragraphs, topic", own["text"].to_list(), _codes(own["topic"])


def _codes(values: pl.Series) -> NDArray[np.int64]:
    return values.cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)


def ours(frame: Path | None, clusters: int | None, encoding: float) -> Found:
    """`cluster` in a process of its own."""
    told = _run([sys.executable, "-m", "benchmarks.against_bertopic", str(frame), json.dumps(clusters)])
    return _found(told, encoding)


def bertopic(
    python: str, texts: list[str], vectors: NDArray[np.float32], clusters: int | None, reading: float
) -> Found:
    """BERTopic in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "texts.json").write_text(json.dumps(texts))
        np.save(place / "vectors.npy", vectors)
        topics = "default" if clusters is None else str(clusters)
        command = [python, str(WORKER), str(place / "texts.json"), str(place / "vectors.npy"), str(SEED), topics]
        return _found(_run(command), reading)


def _run(command: list[str]) -> dict[str, list[float]]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _found(told: dict[str, list[float]], before: float) -> Found:
    cluster, strength = np.array(told["cluster"], np.int64), np.array(told["strength"], np.float64)
    return Found(cluster, strength, before + float(told["seconds"]), float(told["gigabytes"]))  # type: ignore[arg-type]


def compared(name: str, labels: NDArray[np.int64], mine: Found, theirs: Found) -> list[Figure]:
    """Figures of one corpus."""
    share = max(mine.noise, theirs.noise)
    n = f"{len(labels):,} documents, {share:.0%} left out of both"
    figures = []
    for method, found in (("ours", mine), ("BERTopic", theirs)):
        kept = found.kept(share)
        figures += [
            Figure(f"{name}: ARI at equal noise, {method}", ari(labels[kept], found.cluster[kept]), n),
            Figure(f"{name}: own share of noise, {method}", found.noise, f"{found.cluster.max() + 1} clusters"),
            Figure(f"{name}: seconds from texts to clusters, {method}", found.seconds, f"{len(labels):,}", None, " s"),
            Figure(f"{name}: peak memory, {method}", found.gigabytes, f"{len(labels):,}", None, " GB"),
        ]
    return figures


def main() -> None:
    """Cluster a frame in this process."""
    frame, clusters = sys.argv[1], json.loads(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    since = time.perf_counter()
    documents = saedata.cluster(saedata.open(frame), clusters=clusters, seed=SEED).documents
    seconds = time.perf_counter() - since
    columns = {name: documents[name].fill_null(0).to_list() for name in ("cluster", "strength")}
    print(json.dumps({"seconds": seconds, "gigabytes": peak_memory() / 1e9} | columns))


if __name__ == "__main__":
    main()
