"""Toxicity and languages as they are measured: marked characters, sentences put together, and no data."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks import languages, toxicity
from benchmarks.harness import Skipped
from benchmarks.multilingual import frame_of


def test_marked_characters():
    assert toxicity.places("You are rotten, rottener", ["rotten"]) == set(range(8, 14))
    assert toxicity.places("你坏人", ["坏"]) == {1}
    assert toxicity.annotated("Fool, you fool", "FOOL, none ,") == {0, 1, 2, 3, 10, 11, 12, 13}
    assert toxicity.annotated("text", None) == set()
    assert toxicity.overlap({1, 2, 3}, {3}) == 0.5


def test_sentences_put_together():
    rows = [{"text": f"{name} one two three four {n}", "lang": name} for name in ("a", "b") for n in range(30)]
    made = languages.put_together(pl.DataFrame(rows))
    two = made.filter(pl.col("second") != "")
    assert two.height > 5
    assert (two["lang"] != two["second"]).all()
    text, lang, second = two.row(0)
    assert text.startswith(f"{lang} one two")
    assert second not in text.split()[0]
    assert languages._half("我爱你们", first=True) == "我爱"


def test_the_languages_are_the_25():
    assert len(languages.CODES) == len(set(languages.CODES.values())) == 25


def test_without_data_or_encoder_they_are_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAEDATA_BENCH_DATA", raising=False)
    monkeypatch.delenv("SAEDATA_BENCH_FRAMES", raising=False)
    for module in (toxicity, languages):
        with pytest.raises(Skipped, match="is not there"):
            module.measure()
    monkeypatch.setenv("SAEDATA_BENCH_ENCODER", "no-such-encoder")
    with pytest.raises(Skipped, match="the encoder cannot be had here"):
        frame_of("sib200", pl.DataFrame({"text": ["a"]}))
