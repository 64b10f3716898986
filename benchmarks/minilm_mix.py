"""Build the text that the bundled SAE is trained on, and the held-out text that it is measured on.

    SAEDATA_BENCH_DATA=... python -m benchmarks.minilm_mix --out mix/ [--extra FOLDER]

Writes `train.parquet` and `held_out.parquet` (text, source). A text is held out when the hash of its normalised form
falls into the first of 20 buckets, so the same text can never stand on both sides. Nothing that a benchmark looks at is
used: the rows of the probing tasks and whole corpora kept for the analyses (`RESERVED`) are left out by the hash of
their normalised text, whatever source they turn up in. `--extra` names a folder with further genres, one
`GENRE.parquet` with a column `text` each; README.md in this folder says where ours came from.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import polars as pl

from benchmarks.probing.tasks import benchmark_hashes, normal_hash

HELD_OUT_BUCKETS, SEED = 20, 0
LONGEST = 6000
_SAME_START = 120

RESERVED = {
    "alpaca_eval_outputs_a": ("output",),
    "hc3_human_vs_chatgpt": ("human", "chatgpt"),
    "onestop_english_levels": ("text",),
    "persona_property_statements": ("statement",),
    "ag_news_test": ("description",),
    "subjectivity": ("text",),
    "vibecheck_friendly_cold": ("friendly", "cold"),
}
"""Corpora of which not a row is trained on, with their text columns."""


def sources(data: Path) -> dict[str, tuple[pl.LazyFrame, int]]:
    """Text frames by genre, each with the most documents to take from it."""
    mix = pl.scan_parquet(data / "instruction_tuning_mix.parquet")
    train = pl.col("split") == "train"
    debian = pl.scan_parquet(data / "debian_descriptions.parquet")
    english = pl.col("lang") == "en"
    toxic = pl.scan_parquet(data / "textdetox_toxicity.parquet")
    return {
        "chat answers": (_text(pl.scan_parquet(data / "alpaca_eval_outputs_b.parquet"), "output"), 24_000),
        "instruction answers": (_text(mix, "output"), 30_000),
        "instructions": (_text(mix, "instruction"), 16_000),
        "technical": (_text(debian.filter(english), "long"), 12_000),
        "film reviews": (_text(pl.scan_parquet(data / "movie_reviews_full.parquet"), "text"), 1_000),
        "tweets": (_text(pl.scan_parquet(data / "tweeteval.parquet").filter(train), "text"), 40_000),
        "sentences": (_text(pl.scan_parquet(data / "sst2_sentences.parquet").filter(train), "text"), 6_000),
        "questions": (_text(pl.scan_parquet(data / "trec6.parquet").filter(train), "text"), 4_000),
        "assistant requests": (_text(pl.scan_parquet(data / "clinc150.parquet").filter(train), "text"), 12_000),
        "comments": (_text(toxic.filter(english), "text"), 5_000),
        "plain sentences": (_text(pl.scan_parquet(data / "tatoeba_laser.parquet"), "english"), 10_000),
        "legal": (_text(pl.scan_parquet(data / "udhr.parquet"), "text"), 2_000),
        "other languages": (_text(pl.scan_parquet(data / "sib200.parquet").filter(train), "text"), 6_000),
        "technical, other languages": (_text(debian.filter(~english), "long"), 2_000),
    }


def _text(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    return frame.select(text=pl.col(column)).filter(pl.col("text").str.len_chars() > 15)


def reserved_hashes(data: Path) -> set[str]:
    """Hashes of all texts that benchmarks look at."""
    found = benchmark_hashes(data)
    for name, columns in RESERVED.items():
        frame = pl.read_parquet(data / f"{name}.parquet", columns=list(columns))
        found |= {normal_hash(text) for column in columns for text in frame[column].drop_nulls()}
    return found


def without(texts: pl.DataFrame, reserved: set[str]) -> pl.DataFrame:
    """Cut long texts, drop those that are reserved and near-duplicates (same beginning); adds `hash`.

    A text is compared before and after it is cut, since the tasks cut theirs too.
    """
    cut = texts.with_columns(whole=pl.col("text"), text=pl.col("text").str.slice(0, LONGEST))
    rows = cut.with_columns(
        hash=_map(cut["text"], normal_hash),
        hash_whole=_map(cut["whole"], normal_hash),
        start=_map(cut["text"], lambda text: normal_hash(text[:_SAME_START])),
    )
    taken = pl.col("hash").is_in(list(reserved)) | pl.col("hash_whole").is_in(list(reserved))
    return rows.filter(~taken).unique("start", keep="first", maintain_order=True).drop("whole", "hash_whole", "start")


def _map(texts: pl.Series, function: object) -> pl.Series:
    assert callable(function)
    return pl.Series([function(text) for text in texts], dtype=pl.String)


def held_out(hash_: str) -> bool:
    """Whether a text stands on the held-out side."""
    return int(hash_[:8], 16) % HELD_OUT_BUCKETS == 0


def write(data: Path, out: Path, extra: Path | None) -> pl.DataFrame:
    """Write both sides; returns the documents and characters of each genre."""
    parts = []
    for name, (frame, most) in sources(data).items():
        texts = frame.collect().unique("text", maintain_order=True)
        texts = texts.sample(min(most, texts.height), seed=SEED, shuffle=True)
        parts.append(texts.with_columns(source=pl.lit(name)))
    for path in sorted(extra.glob("*.parquet")) if extra else []:
        parts.append(pl.read_parquet(path, columns=["text"]).with_columns(source=pl.lit(path.stem)))
    reserved = reserved_hashes(data)
    mix = without(pl.concat(parts), reserved).sample(fraction=1.0, seed=SEED, shuffle=True)
    assert not reserved.intersection(mix["hash"])
    mix = mix.with_columns(held_out=pl.Series([held_out(value) for value in mix["hash"]]))
    out.mkdir(parents=True, exist_ok=True)
    for name, side in (("train", False), ("held_out", True)):
        mix.filter(pl.col("held_out") == side).select("text", "source").write_parquet(out / f"{name}.parquet")
    return mix.group_by("source", "held_out").agg(pl.len(), pl.col("text").str.len_chars().sum()).sort("source")


def main() -> None:
    """Parse the command line and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--extra", type=Path)
    args = parser.parse_args()
    if "SAEDATA_BENCH_DATA" not in os.environ:
        sys.exit("SKIPPED: set SAEDATA_BENCH_DATA to the folder with the benchmark corpora")
    table = write(Path(os.environ["SAEDATA_BENCH_DATA"]), args.out, args.extra)
    with pl.Config(tbl_rows=100):
        print(table)


if __name__ == "__main__":
    main()
