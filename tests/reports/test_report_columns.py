"""Sections on columns of the user's: the numbers of `probe`, `separability`, `toxicity` and `languages`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hostile_pages import DISTURBING, PAYLOADS, checked
from language_frames import language_frame
from probe_frames import planted
from report_pages import MakeFrame, only, words_of, written
from toxic_frames import toxic_frame

from saedata.analysis.languages import languages
from saedata.analysis.probe import probe
from saedata.analysis.separability import separability
from saedata.analysis.toxicity import toxicity
from saedata.frame import Embeddings
from saedata.reports import report

PROBE: dict[str, Any] = {"ks": (1, 4), "forms": ("value",), "baselines": ("majority", "TF-IDF"), "resamples": 20}
SEPARABILITY: dict[str, Any] = {"against": (), "permutations": 30}
TOXICITY: dict[str, Any] = {"ks": (1, 2), "head_ks": (2,), "baselines": ("learned lexicon",), "resamples": 20}
LANGUAGES: dict[str, Any] = {
    "random_sequences": 0,
    "baselines": ("character n-grams",),
    "resamples": 20,
    "repeats": 2,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer methods and resamples than by default; the report passes on what it is asked for besides."""
    monkeypatch.setattr("saedata.probing.linear.FOLDS", 2)
    monkeypatch.setattr("saedata.reports.probed.probe", partial(probe, **PROBE))
    monkeypatch.setattr("saedata.reports.separated.separability", partial(separability, **SEPARABILITY))
    monkeypatch.setattr("saedata.reports.toxic.toxicity", partial(toxicity, **TOXICITY))
    monkeypatch.setattr("saedata.reports.spoken.languages", partial(languages, **LANGUAGES))


def raw(row: Any, column: str) -> float:
    return float(only(row, f'[data-column="{column}"]')["data-value"])


def test_what_predicts_a_label(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    soup = written(frame, out=tmp_path / "r.html", label="toxic", examples=2, seed=3, level=0.9)
    found = probe(frame, label="toxic", evidence=2, disputes=5, level=0.9, seed=3, **PROBE)
    section = only(soup, "#probe")
    own = found.features.filter(pl.col("k") == found.best)
    shown = section.select("table.features tr[data-feature]")
    assert [int(row["data-feature"]) for row in shown] == own["feature"].to_list()
    for row, expected in zip(shown, own.iter_rows(named=True), strict=True):
        assert raw(row, "weight") == pytest.approx(expected["weight"])
        assert raw(row, "inside") == pytest.approx(expected["share_inside"])
        assert words_of(only(row, '[data-title="speaks for"]')) == ("true" if expected["weight"] > 0 else "false")
        told = [words_of(one) for one in row.find_next_sibling("tr").select(".fields")]
        assert [text.split(",")[0] for text in told] == [f"document {doc}" for doc in expected["evidence"]]
    table = found.table.filter(pl.col("metric") == "auc").sort("value", descending=True, maintain_order=True)
    methods = section.select("table.methods tr[data-method]")
    assert [row["data-method"] for row in methods] == table["method"].to_list()
    assert [raw(row, "value") for row in methods] == pytest.approx(table["value"].to_list())
    best = table.filter("best").row(0, named=True)
    said = words_of(only(section, ".said"))
    assert f"predict{'s' if best['k'] == 1 else ''} “toxic” with an area under the ROC curve of" in said
    assert f"{best['value']:.3f} ({best['low']:.3f} to {best['high']:.3f}) on {best['test']} documents" in said
    disputed = section.select(".disputed")
    assert [int(row["data-doc"]) for row in disputed] == found.disputed["doc"].to_list()[: len(disputed)]
    assert "90% intervals" in section.get_text()
    assert len(section.select(".chart")) == 2


def test_classes_and_numbers(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    classes = only(written(frame, out=tmp_path / "c.html", label="topic", features=5), "#probe")
    found = probe(frame, label="topic", **PROBE)
    own = found.features.filter(pl.col("k") == found.best)
    strongest = own.group_by("class").agg(pl.col("feature").sort_by("weight").last())
    shown = classes.select("table.features tr[data-feature]")
    assert len(shown) == 5
    told = {words_of(only(row, '[data-title="speaks for"]')): int(row["data-feature"]) for row in reversed(shown)}
    assert told == dict(strongest.iter_rows())
    assert f"Those that speak most for each value, of the {found.best} features" in words_of(classes)
    numbers = written(frame, out=tmp_path / "n.html", label="stars")
    assert "a share of the variance explained" in words_of(only(numbers, "#probe .said"))
    told = words_of(only(numbers, "#separability .note"))
    assert told.startswith("Nothing can be said here: column 'stars' has")


def test_which_features_tell_concepts_apart(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    section = only(written(frame, out=tmp_path / "r.html", label="topic", features=4), "#separability")
    found = separability(frame, label="topic", **SEPARABILITY)
    expected = found.concepts.filter(pl.col("rank") == 1)["feature"].to_list()
    shown = section.select("table.tellers tr[data-feature]")
    assert len(shown) == 4
    assert {row["data-concept"] for row in shown} == {"arts", "law", "sport"}
    assert set(expected) <= {int(row["data-feature"]) for row in shown}
    table = {(row["concept"], row["feature"]): row for row in found.concepts.iter_rows(named=True)}
    for row in shown:
        own = table[row["data-concept"], int(row["data-feature"])]
        assert raw(row, "distance") == pytest.approx(own["js"])
        assert raw(row, "q") == pytest.approx(own["q"])
    units = only(section, "table.units tr[data-units]")
    assert raw(units, "mean") == pytest.approx(found.summary["mean"][0])
    assert raw(units, "held_out") == pytest.approx(found.summary["held_out"][0])
    assert len(section.select(".chart")) == 4


def test_of_two_values_each_feature_is_told_once(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    section = only(written(frame, out=tmp_path / "r.html", label="toxic"), "#separability")
    found = separability(frame, label="toxic", **SEPARABILITY)
    shown = [
        (row["data-concept"], int(row["data-feature"])) for row in section.select("table.tellers tr[data-feature]")
    ]
    more = found.concepts.filter(pl.col("direction") == "more")
    assert shown == list(more.select("concept", "feature").iter_rows())
    assert len({feature for _, feature in shown}) == len(shown)
    assert ("true", 7) in shown


def test_what_is_toxic_in_each_language(make_frame: MakeFrame, tmp_path: Path):
    frame = toxic_frame(make_frame)
    soup = written(frame, out=tmp_path / "r.html", toxic="toxic", language="lang", examples=1)
    found = toxicity(frame, label="toxic", language="lang", efficiency=False, evidence=1, **TOXICITY)
    section = only(soup, "#toxicity")
    best = found.table.filter(pl.col("best"))
    for language in ("en", "de"):
        row = only(section, f'table.judged tr[data-language="{language}"]')
        for method in ("head", "OR rule", "learned lexicon"):
            own = best.filter(train_language=language, test_language=language, method=method)
            assert raw(row, method) == pytest.approx(own["f1"].item())
    mean = only(section, 'table.judged tr[data-language="mean"]')
    own = best.filter(train_language="each its own", test_language="mean", method="head")
    assert raw(mean, "head") == pytest.approx(own["f1"].item())
    said = words_of(only(section, ".said"))
    assert f"with F1 {own['f1'].item():.3f}" in said
    assert "on average over 2 languages" in said
    signs = {
        (row["data-language"], int(row["data-feature"])): row for row in section.select("table.signs tr[data-feature]")
    }
    for row in found.features.filter(pl.col("rank") == 1).iter_rows(named=True):
        shown = signs[row["language"], row["feature"]]
        assert raw(shown, "toxic") == pytest.approx(row["toxic"])
        assert raw(shown, "difference") == pytest.approx(row["difference"])
    assert len(section.select(".chart")) == 4
    assert len(section.select(".paper .chart")) == 2


def test_features_of_languages(make_frame: MakeFrame, tmp_path: Path):
    frame = language_frame(make_frame)
    section = only(written(frame, out=tmp_path / "r.html", language="lang"), "#languages")
    found = languages(frame, language="lang", **LANGUAGES)
    counts = dict(found.counts.select("language", "features").iter_rows())
    for language, features in counts.items():
        assert raw(only(section, f'table.counts tr[data-language="{language}"]'), "features") == features
    own = {(row["data-language"], int(row["data-feature"])) for row in section.select("table.own tr[data-feature]")}
    assert own == set(found.table.select("language", "feature").iter_rows())
    told = found.identification.filter(pl.col("scope") == "all languages")
    for method, accuracy in told.select("method", "accuracy").iter_rows():
        assert raw(only(section, f'table.told tr[data-method="{method}"]'), "accuracy") == pytest.approx(accuracy)
    said = words_of(only(section, ".said"))
    assert said.startswith(f"{sum(counts.values())} features belong to one language alone, in 3 languages.")


def test_one_language_only(make_frame: MakeFrame, tmp_path: Path):
    frame = language_frame(make_frame).filter(pl.col("lang") == "en")
    section = only(written(frame, out=tmp_path / "r.html", language="lang"), "#languages")
    assert "“lang” names one language only, en" in words_of(only(section, ".said"))
    assert not section.select(".chart")


def test_what_cannot_be_answered_is_said(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame, one=["same"] * 120, few=["a"] * 3 + ["b"] * 117)
    for column in ("one", "few"):
        soup = written(frame, out=tmp_path / "r.html", label=column, toxic=column)
        for section in ("probe", "separability", "toxicity"):
            told = only(soup, f"#{section} .note").get_text()
            assert f"column '{column}' has" in told
            assert not soup.select(f"#{section} .chart, #{section} table")


def test_warnings_stand_on_the_page(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame, some=[None] * 10 + ["a", "b"] * 55)
    soup = written(frame, out=tmp_path / "r.html", label="some")
    for section in ("probe", "separability"):
        assert (
            "10 of 120 documents have no value in 'some' and are left out" in soup.select_one(f"#{section}").get_text()
        )


def test_a_corpus_without_the_column_is_told(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    other = make_frame("b.sae", [(f"t {i}", {0: 1.0}) for i in range(12)], features=24)
    soup = written(frame, other, out=tmp_path / "r.html", label="toxic")
    section = only(soup, "#probe")
    assert [words_of(one) for one in section.select("h3")] == ["a", "b"]
    assert words_of(only(section, '.note[data-corpus="b"]')) == "Nothing can be said here: b has no column “toxic”."
    assert only(section, '.said[data-corpus="a"]')
    assert "--label toxic" in soup.select_one("#origin pre").get_text()


def test_without_the_encoder_the_other_methods_are_compared(
    make_frame: MakeFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("saedata.reports.separated.separability", partial(separability, permutations=30))
    less = PROBE | {"baselines": ("dense mean", "majority")}
    monkeypatch.setattr("saedata.reports.probed.probe", partial(probe, **less))
    monkeypatch.setattr("saedata.reports.probed.WITHOUT_ENCODER", {"baselines": ("majority",)})
    soup = written(planted(make_frame), out=tmp_path / "r.html", label="toxic")
    for section in ("probe", "separability"):
        assert "What needs the frame's encoder is left out:" in soup.select_one(f"#{section}").get_text()
        assert soup.select(f"#{section} .said")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_and_values_of_columns_are_text(make_frame: MakeFrame, payload: str, tmp_path: Path):
    strange = payload + DISTURBING
    frame = planted(make_frame, **{strange: [strange, f"other {strange}"] * 60})
    soup = checked(
        report(frame, out=tmp_path / "r.html", label=strange, toxic=strange, language=strange, pairs=0, groups=False)
    )
    visible = " ".join(payload.split())
    for section in ("probe", "separability", "toxicity", "languages"):
        assert visible[:20] in words_of(only(soup, f"#{section}"))
    assert only(soup, "#contents").get_text().count(visible[:20]) == 4


def test_texts_and_labels_are_text_there_too(make_frame: MakeFrame, tmp_path: Path):
    strange = PAYLOADS[0] + DISTURBING
    labels = pl.DataFrame(
        {"feature": range(24), "label": [f"{strange} {i}" for i in range(24)]}, schema_overrides={"feature": pl.UInt32}
    )
    rows, user = _rows(planted(make_frame))
    frame = make_frame(
        "s.sae", [(f"{strange} {text}", on) for text, on in rows], features=24, shard=50, user=user, labels=labels
    )
    soup = checked(report(frame, out=tmp_path / "r.html", label="toxic", toxic="toxic", pairs=0, groups=True))
    for section in ("probe", "separability", "toxicity", "groups"):
        assert PAYLOADS[0] in only(soup, f"#{section}").get_text()


def _rows(frame: Embeddings) -> tuple[list[Any], dict[str, list[Any]]]:
    """What a frame was made from."""
    values = frame.to_csr().toarray()
    on = [{int(f): float(v) for f, v in enumerate(row) if v} for row in values]
    return list(zip(frame.documents["text"], on, strict=True)), {"toxic": frame.documents["toxic"].to_list()}
