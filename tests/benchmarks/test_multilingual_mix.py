"""The training text of the multilingual encoder: benchmark rows out, near-duplicates out, languages in balance."""

from pathlib import Path

import polars as pl
import pytest

from benchmarks.multilingual_mix import ENGLISH_SHARE, _letters_hash, _treebank_texts, balanced, without
from benchmarks.probing.tasks import normal_hash

CONLLU = """# newdoc id = a
# sent_id = 1
# text = Der Zug kam spät.
1\tDer\tder\tDET\t_\t_\t0\troot\t_\t_

# text = Niemand war überrascht.
1\tNiemand\tniemand\tPRON\t_\t_\t0\troot\t_\t_

# newpar
# text = Es regnete.
"""


def test_paragraphs_of_treebanks_are_texts_and_sentences_where_none_are_marked(tmp_path: Path) -> None:
    (tmp_path / "de_news-ud-dev.conllu").write_text(CONLLU, encoding="utf-8")
    (tmp_path / "sv_talk-ud-test.conllu").write_text("# text = Ja.\n\n# text = Nej då.\n", encoding="utf-8")
    assert list(_treebank_texts(tmp_path)) == [
        ("de", "ud news", "Der Zug kam spät. Niemand war überrascht."),
        ("de", "ud news", "Es regnete."),
        ("sv", "ud talk", "Ja."),
        ("sv", "ud talk", "Nej då."),
    ]


def test_benchmark_rows_and_near_duplicates_are_left_out() -> None:
    texts = ["A row of a benchmark.", "@someone A ROW of a benchmark!!", "Another text, 1", "another  text: 2", "Third"]
    frame = pl.DataFrame({"text": texts, "lang": ["en"] * 5})
    reserved = {normal_hash(texts[0]), _letters_hash(texts[0])}
    assert without(frame, reserved)["text"].to_list() == ["Another text, 1", "Third"]
    assert without(frame, {normal_hash(texts[0])})["text"].to_list() == [texts[1], "Another text, 1", "Third"]


def test_a_text_is_compared_before_it_is_cut() -> None:
    long = "word " * 1000
    frame = pl.DataFrame({"text": [long, "short"]})
    assert without(frame, {normal_hash(long)})["text"].to_list() == ["short"]
    assert without(frame, set())["text"].str.len_chars().to_list() == [2500, 5]


def test_languages_get_the_same_bytes_and_sources_of_a_language_too() -> None:
    rows = [
        ("de", source, f"{source}{n:04}" + "x" * 93)
        for source, many in (("big", 500), ("small", 10))
        for n in range(many)
    ]
    rows += [("fi", "only", f"{n:04}" + "x" * 96) for n in range(500)]
    rows += [("en", "web", f"{n:04}" + "x" * 96) for n in range(500)]
    frame = pl.DataFrame(rows, schema=["group", "source", "text"], orient="row")
    frame = frame.with_columns(hash=pl.Series(map(normal_hash, frame["text"])))
    taken = balanced(frame, 5000)
    sizes = dict(taken.group_by("group").agg(pl.col("text").str.len_bytes().sum()).iter_rows())
    assert sizes["fi"] == 5000
    assert 4900 <= sizes["de"] <= 5000
    assert sizes["en"] / sum(sizes.values()) == pytest.approx(ENGLISH_SHARE, abs=0.02)
    sources = dict(taken.filter(pl.col("group") == "de")["source"].value_counts().iter_rows())
    assert sources["small"] == 10  # all that it has; the rest comes from the other
    assert sources["big"] >= 39
    assert taken.equals(balanced(frame.sample(fraction=1.0, shuffle=True, seed=1), 5000))
