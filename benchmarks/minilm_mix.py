"""Build the text that the bundled SAE is trained on, and the held-out text that it is measured on.

    SAEDATA_BENCH_DATA=... python benchmarks/minilm_mix.py --out mix/

Writes `train.parquet` and `held_out.parquet` (text, source). A text is held out when the hash of its normalised form
falls into the first of five buckets, so the same text can never stand on both sides. Corpora that the analyses are
benchmarked on (paired chat answers of `alpaca_eval_outputs_a`, HC3, OneStop, persona statements, AG news, subjectivity,
TextDetox except English) are not used at all, nor are official validation and test splits.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

import polars as pl

HELD_OUT_BUCKETS, SEED = 5, 0


def sources(data: Path) -> dict[str, tuple[pl.LazyFrame, int]]:
    """Text frames by genre, each with the most documents to take from it."""
    mix = pl.scan_parquet(data / "instruction_tuning_mix.parquet")
    train = pl.col("split") == "train"
    debian = pl.scan_parquet(data / "debian_descriptions.parquet")
    toxic = pl.scan_parquet(data / "textdetox_toxicity.parquet")
    return {
        "chat answers": (_text(pl.scan_parquet(data / "alpaca_eval_outputs_b.parquet"), "output"), 9_000),
        "instruction answers": (_text(mix, "output"), 16_000),
        "instructions": (_text(mix, "instruction"), 10_000),
        "technical": (_text(debian.filter(pl.col("lang") == "en"), "long"), 8_000),
        "reviews": (_text(pl.scan_parquet(data / "movie_reviews_full.parquet"), "text"), 1_000),
        "tweets": (_text(pl.scan_parquet(data / "tweeteval.parquet").filter(train), "text"), 25_000),
        "sentences": (_text(pl.scan_parquet(data / "sst2_sentences.parquet").filter(train), "text"), 6_000),
        "questions": (_text(pl.scan_parquet(data / "trec6.parquet").filter(train), "text"), 4_000),
        "assistant requests": (_text(pl.scan_parquet(data / "clinc150.parquet").filter(train), "text"), 6_000),
        "comments": (_text(toxic.filter(pl.col("lang") == "en"), "text"), 4_000),
        "plain sentences": (_text(pl.scan_parquet(data / "tatoeba_laser.parquet"), "english"), 8_000),
        "legal": (_text(pl.scan_parquet(data / "udhr.parquet"), "text"), 2_000),
        "other languages": (_text(pl.scan_parquet(data / "sib200.parquet").filter(train), "text"), 4_000),
    }


def _text(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    return frame.select(text=pl.col(column)).filter(pl.col("text").str.len_chars() > 15)


def bucket(text: str) -> int:
    """Hash bucket of the normalised text (lower case, single spaces)."""
    normal = re.sub(r"\s+", " ", text.lower()).strip()
    return int.from_bytes(hashlib.sha256(normal.encode()).digest()[:4], "big") % HELD_OUT_BUCKETS


def write(data: Path, out: Path) -> pl.DataFrame:
    """Write both sides; returns the documents and characters of each genre."""
    parts = []
    for name, (frame, most) in sources(data).items():
        texts = frame.collect().unique("text", maintain_order=True)
        texts = texts.sample(min(most, texts.height), seed=SEED, shuffle=True)
        parts.append(texts.with_columns(source=pl.lit(name)))
    mix = pl.concat(parts).unique("text", maintain_order=True).sample(fraction=1.0, seed=SEED, shuffle=True)
    mix = mix.with_columns(held_out=pl.col("text").map_elements(bucket, return_dtype=pl.Int64) == 0)
    out.mkdir(parents=True, exist_ok=True)
    for name, side in (("train", False), ("held_out", True)):
        mix.filter(pl.col("held_out") == side).drop("held_out").write_parquet(out / f"{name}.parquet")
    return mix.group_by("source", "held_out").agg(pl.len(), pl.col("text").str.len_chars().sum()).sort("source")


def main() -> None:
    """Parse the command line and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if "SAEDATA_BENCH_DATA" not in os.environ:
        sys.exit("SKIPPED: set SAEDATA_BENCH_DATA to the folder with the benchmark corpora")
    print(write(Path(os.environ["SAEDATA_BENCH_DATA"]), args.out))


if __name__ == "__main__":
    main()
