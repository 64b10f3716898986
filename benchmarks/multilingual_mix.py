"""Build the text that the encoder `multilingual` is trained on, and the held-out text that it is measured on.

    SAEDATA_BENCH_DATA=... python -m benchmarks.multilingual_mix --out mix/ --english FILE --treebanks DIR --extra DIR

Writes `train.parquet` and `held_out.parquet` (text, lang, group, source). Each of `LANGUAGES` gets the same number of
bytes, as far as its sources last, and every source of a language the same share of them; English, of more genres than
the others, gets a third of everything, and the languages that are left share what one of them has. A text is held out
when the hash of its normalised form falls into the first of 20 buckets. No row that a benchmark looks at is used:
neither those that `minilm_mix` leaves out, nor one of the multilingual corpora in `RESERVED`.

`--english` is the `train.parquet` that `minilm_mix` wrote; `--treebanks` a folder of CoNLL-U files of Universal
Dependencies, whose names begin with their language (`de_gsd-ud-dev.conllu`); `--extra` one of further genres, each a
`GENRE.parquet` with the columns lang and text. README.md in this folder says where ours came from.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.minilm_mix import held_out, reserved_hashes
from benchmarks.probing.tasks import normal_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = (
    *("de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "cs", "ro", "tr", "fi", "hu", "id", "ru", "uk", "bg"),
    *("ar", "he", "hi", "hin", "zh", "ja", "ko", "am", "tt"),  # hin: Hindi in Latin script
)
ENGLISH_SHARE = 0.35
LONGEST, SHORTEST = 2500, 16
_MOST_SENTENCES = 8
_SAME_START = 120

RESERVED = {
    "textdetox_toxicity": ("text",),
    "textdetox_toxic_spans": ("sentence",),
    "textdetox_paradetox_parallel": ("toxic", "neutral"),
    "sib200": ("text",),
    "tatoeba_laser": ("text", "english"),
}
"""Multilingual corpora of which not a row is trained on, with their text columns."""

_UDHR = {
    **{
        "deu_1996": "de",
        "fra": "fr",
        "spa": "es",
        "ita": "it",
        "por_BR": "pt",
        "por_PT": "pt",
        "nld": "nl",
        "swe": "sv",
    },
    **{"dan": "da", "pol": "pl", "ces": "cs", "ron_2006": "ro", "tur": "tr", "fin": "fi", "hun": "hu", "ind": "id"},
    **{"rus": "ru", "ukr": "uk", "bul": "bg", "arb": "ar", "heb": "he", "hin": "hi", "cmn_hans": "zh", "jpn": "ja"},
    **{"kor": "ko", "amh": "am", "tat": "tt", "eng": "en"},
}
_DEBIAN = {"pt_BR": "pt", "zh_CN": "zh", "zh_TW": "zh"}


def sources(data: Path, english: Path, treebanks: Path, extra: Path) -> pl.DataFrame:
    """All texts there are: lang, source, text."""
    debian = pl.read_parquet(data / "debian_descriptions.parquet")
    udhr = pl.read_parquet(data / "udhr.parquet")
    known = pl.col("lang").replace(_UDHR)
    parts = [
        pl.read_parquet(english).select(pl.col("source"), "text", lang=pl.lit("en")),
        debian.filter(pl.col("lang") != "en").select(
            lang=pl.col("lang").replace(_DEBIAN), source=pl.lit("technical"), text=pl.col("long")
        ),
        udhr.filter(pl.col("lang").is_in(list(_UDHR)))
        .select(lang=known, source=pl.lit("legal"), text=pl.col("text"))
        .filter(pl.col("lang") != "en"),
        udhr.filter(~pl.col("lang").is_in(list(_UDHR))).select("lang", "text", source=pl.lit("legal")),
        pl.DataFrame(list(_treebank_texts(treebanks)), schema=["lang", "source", "text"], orient="row"),
    ]
    for path in sorted(extra.glob("*.parquet")):
        parts.append(pl.read_parquet(path, columns=["lang", "text"]).with_columns(source=pl.lit(path.stem)))
    rows = pl.concat([part.select("lang", "source", "text") for part in parts])
    return rows.filter(pl.col("text").str.len_chars() >= SHORTEST)


def _treebank_texts(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Paragraphs of treebanks, as (language, source, text); sentences stand alone where no paragraphs are marked."""
    for path in sorted(folder.glob("*.conllu")):
        language, source = path.name.split("-")[0].split("_", 1)
        lines = path.read_text(encoding="utf-8").splitlines()
        most = _MOST_SENTENCES if any(line.startswith(("# newpar", "# newdoc")) for line in lines) else 1
        between = "" if language in ("zh", "ja") else " "
        paragraph: list[str] = []
        for line in lines:
            begins = line.startswith(("# newpar", "# newdoc"))
            if paragraph and (begins or len(paragraph) >= most):
                yield language, f"ud {source}", between.join(paragraph)
                paragraph = []
            if line.startswith("# text = "):
                paragraph.append(line.removeprefix("# text = ").strip())
        if paragraph:
            yield language, f"ud {source}", between.join(paragraph)


def all_reserved(data: Path) -> set[str]:
    """Hashes of all texts that benchmarks look at; of the multilingual ones also of their letters alone."""
    found = reserved_hashes(data)
    for name, columns in RESERVED.items():
        frame = pl.read_parquet(data / f"{name}.parquet", columns=list(columns))
        texts = [text for column in columns for text in frame[column].drop_nulls()]
        found |= {normal_hash(text) for text in texts} | {_letters_hash(text) for text in texts}
    return found


def _letters_hash(text: str) -> str:
    """Hash of the letters and single spaces: mentions, links, digits, marks and emoji do not count."""
    text = re.sub(r"@\w+|https?://\S+|\b(?:user|url|rt)\b", " ", text.lower())
    return "letters " + normal_hash(re.sub(r"[\W\d_]+", " ", text)[:_SAME_START])


def without(texts: pl.DataFrame, reserved: set[str]) -> pl.DataFrame:
    """Cut long texts, drop those that are reserved, as a whole or once cut, and near-duplicates; adds `hash`."""
    cut = texts.with_columns(whole=pl.col("text"), text=pl.col("text").str.slice(0, LONGEST))
    rows = cut.with_columns(
        hash=pl.Series(map(normal_hash, cut["text"]), dtype=pl.String),
        hash_whole=pl.Series(map(normal_hash, cut["whole"]), dtype=pl.String),
        letters=pl.Series(map(_letters_hash, cut["text"]), dtype=pl.String),
    )
    known = pl.Series(sorted(reserved))
    taken = pl.any_horizontal(pl.col(name).is_in(known.implode()) for name in ("hash", "hash_whole", "letters"))
    return rows.filter(~taken).unique("letters", keep="first", maintain_order=True).drop("whole", "hash_whole")


def balanced(rows: pl.DataFrame, each: int) -> pl.DataFrame:
    """At most `each` bytes per group of languages (English more), equally from every source of it while that lasts.

    Parameters
    ----------
    rows
        Columns group, source, hash, text. Which texts of a source are taken is decided by their hash.
    each
        Bytes of UTF-8.
    """
    groups = rows["group"].n_unique()
    english = int(ENGLISH_SHARE / (1 - ENGLISH_SHARE) * each * (groups - 1))
    budget = pl.when(pl.col("group") == "en").then(english).otherwise(each)
    bytes_ = pl.col("text").str.len_bytes()
    filled = rows.sort("group", "source", "hash").with_columns(level=bytes_.cum_sum().over("group", "source"))
    filled = filled.sort("group", "level", "hash").with_columns(total=bytes_.cum_sum().over("group"))
    return filled.filter(pl.col("total") <= budget).drop("level", "total")


def write(args: argparse.Namespace, data: Path) -> pl.DataFrame:
    """Write both sides; returns the documents and bytes of each language and source."""
    reserved = all_reserved(data)
    rows = without(sources(data, args.english, args.treebanks, args.extra), reserved)
    own = pl.col("lang").is_in(["en", *LANGUAGES])
    rows = rows.with_columns(
        group=pl.when(own).then(pl.col("lang")).otherwise(pl.lit("other")),
        source=pl.when(own).then(pl.col("source")).otherwise(pl.col("lang")),
    )
    mix = balanced(rows, args.bytes)
    mix = mix.sort(pl.col("hash").str.slice(16))  # not by its first half, by which the texts were chosen
    assert not reserved.intersection(mix["hash"])
    assert not reserved.intersection(mix["letters"])
    mix = mix.with_columns(held_out=pl.Series([held_out(value) for value in mix["hash"]]))
    args.out.mkdir(parents=True, exist_ok=True)
    for name, side in (("train", False), ("held_out", True)):
        rows = mix.filter(pl.col("held_out") == side)
        rows.select("text", "lang", "group", "source").write_parquet(args.out / f"{name}.parquet")
    return mix.group_by("group", "source").agg(pl.len(), pl.col("text").str.len_bytes().sum()).sort("group", "source")


def main() -> None:
    """Parse the command line and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--out", "--english", "--treebanks", "--extra"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=450_000, help="of each language but English")
    args = parser.parse_args()
    if "SAEDATA_BENCH_DATA" not in os.environ:
        sys.exit("SKIPPED: set SAEDATA_BENCH_DATA to the folder with the benchmark corpora")
    table = write(args, Path(os.environ["SAEDATA_BENCH_DATA"]))
    with pl.Config(tbl_rows=400):
        print(table.filter(pl.col("group") != "other"))
    print(table.group_by("group").agg(pl.col("len", "text").sum()).sort("group").rows())


if __name__ == "__main__":
    main()
