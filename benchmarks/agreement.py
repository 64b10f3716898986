"""bfloat16 against float32, and float32 against itself in other batches and another order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness import Figure, data
from saedata.embedding import embed
from saedata.encoders import load_encoder
from saedata.frame import Embeddings

DOCUMENTS = 400


def compare(a: Embeddings, b: Embeddings, order: np.ndarray | None = None) -> dict[str, float]:
    """Agreement of two frames of the same documents; `order` says which document of `a` each of `b` is."""
    order = np.arange(a.n_documents) if order is None else order
    places = pl.DataFrame({"doc": np.arange(a.n_documents), "was": order}).cast(pl.UInt32)
    back = b.scan().collect().join(places, on="doc").with_columns(doc="was")
    joined = a.scan().collect().join(back, on=("doc", "feature"), how="full", coalesce=True)
    both = joined.drop_nulls(["value", "value_right"])
    change = (both["value_right"] - both["value"]).abs()
    return {
        "jaccard": both.height / joined.height,
        "peak": float((both["start"] == both["start_right"]).mean()),
        "relative": float((change / both["value"]).median()),
        "largest": float(change.max()),
    }


def measure() -> list[Figure]:
    """On chat answers and tweets."""
    answers = pl.read_parquet(data("alpaca_eval_outputs_a.parquet"))["output"].head(DOCUMENTS // 2)
    tweets = pl.read_parquet(data("tweeteval.parquet"))["text"].head(DOCUMENTS // 2)
    texts = [*answers, *tweets]
    exact = load_encoder("minilm", device="cpu", precision="float32")
    low = load_encoder("minilm", device="cpu", precision="bfloat16")
    figures, n = [], f"{DOCUMENTS} documents"
    with tempfile.TemporaryDirectory() as place:
        base = embed(texts, encoder=exact, out=Path(place, "base.sae"))
        found = compare(base, embed(texts, encoder=low, out=Path(place, "low.sae")))
        figures += [
            Figure("bfloat16: Jaccard of features on", found["jaccard"], n, (">=", 0.97)),
            Figure("bfloat16: same peak token", found["peak"], n, (">=", 0.98)),
            Figure("bfloat16: median relative difference", 100 * found["relative"], n, ("<=", 1), " %"),
        ]
        order = np.random.default_rng(0).permutation(len(texts))
        for windows in (1, 7, 64):
            out = Path(place, f"{windows}.sae")
            moved = embed([texts[i] for i in order], encoder=exact, out=out, token_budget=windows * 256)
            found = compare(base, moved, order)
            title = f"float32, shuffled, batches of {windows} windows"
            figures.append(Figure(f"{title}: Jaccard", found["jaccard"], n, (">=", 0.9999)))
            figures.append(Figure(f"{title}: largest difference", found["largest"], n, ("<=", 1e-4)))
    return figures
