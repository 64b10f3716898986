"""`toxicity` on frames where it is known what tells toxic documents."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from toxic_frames import FEATURES, OWN, SHARED, toxic_frame, toxic_rows

import saedata
from saedata.analysis.classify import classify
from saedata.analysis.toxicity import toxic_spans, toxicity
from saedata.analysis.toxicity.figures import Interval, mean_of, measured
from saedata.analysis.toxicity.lexicon import ranked_words
from saedata.analysis.toxicity.methods import Said
from saedata.analysis.toxicity.result import EFFICIENCY, FAIRNESS, TABLE, Toxicity
from saedata.analysis.toxicity.result import FEATURES as FEATURE_COLUMNS
from saedata.analysis.toxicity.rule import differences, find_rules
from saedata.errors import EncoderError, InputError, MismatchError
from saedata.frame import Embeddings
from saedata.probing.metrics import Drawn

MakeFrame = Callable[..., Embeddings]

QUICK: dict[str, Any] = {
    "label": "toxic",
    "ks": (1, 2),
    "head_ks": (2,),
    "baselines": ("learned lexicon",),
    "resamples": 20,
}


@pytest.fixture(scope="module", autouse=True)
def two_folds() -> Iterator[None]:
    """Two folds instead of five: what is tested here does not depend on how well settings are chosen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saedata.probing.linear.FOLDS", 2)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, two_folds: None) -> Toxicity:
    from frame_parts import FrameParts

    folder = tmp_path_factory.mktemp("toxic")
    rows, user = toxic_rows(80)
    rows[0] = ("a calm woman 0 0", rows[0][1])
    rows[1] = ("a calm woman and a plain immigrant 1", rows[1][1])
    frame = FrameParts(rows, features=FEATURES, shard=50, user=user).write(folder / "a.sae")
    return toxicity(frame, language="lang", **QUICK)


def own(found: Toxicity, language: str, method: str) -> dict[str, Any]:
    same = (pl.col("train_language") == language) & (pl.col("test_language") == language)
    return found.table.filter(same, pl.col("method") == method, pl.col("best")).row(0, named=True)


def test_the_planted_features_are_found(found: Toxicity):
    assert found.table.schema == TABLE
    assert found.features.schema == FEATURE_COLUMNS
    for language in ("de", "en"):
        top = found.features.filter(pl.col("language") == language, pl.col("rank") <= 2)["feature"]
        assert set(top.to_list()) == {OWN[language], SHARED}
        for method in ("OR rule", "head"):
            row = own(found, language, method)
            assert row["f1"] > 0.8
            assert row["low"] <= row["f1"] <= row["high"]
            assert row["auc"] > 0.85
            assert (row["train"], row["test"]) == (64, 16)
    (pair,) = found.overlap.iter_rows(named=True)
    assert SHARED in pair["features"]
    assert OWN["de"] not in pair["features"]
    assert 0 < pair["jaccard"] < 1


def test_rows_of_transfer_and_means(found: Toxicity):
    pairs = set(found.table.select("train_language", "test_language").iter_rows())
    assert {("de", "en"), ("en", "de"), ("each its own", "mean"), ("all languages", "mean")} <= pairs
    heads = [own(found, language, "head")["f1"] for language in ("de", "en")]
    mean = found.table.filter(
        pl.col("train_language") == "each its own", pl.col("method") == "head", pl.col("k").is_null()
    )
    assert mean["f1"].item() == pytest.approx(np.mean(heads))
    assert (
        not found.table.filter(pl.col("train_language") == "de", pl.col("test_language") == "en")["best"].not_().any()
    )


def test_three_languages_learn_from_all_others(make_frame: MakeFrame):
    frame = toxic_frame(make_frame, each=40, languages=("en", "de", "fr"))
    found = toxicity(frame, language="lang", **QUICK | {"baselines": ()}, efficiency=False)
    others = found.table.filter(pl.col("train_language") == "all others")
    assert set(others["test_language"]) == {"en", "de", "fr", "mean"}
    assert others["train"].drop_nulls().unique().to_list() == [64]
    plain = toxicity(frame, language="lang", **QUICK | {"baselines": ()}, efficiency=False, transfer=False)
    assert set(plain.table["train_language"]) == {"each its own", "en", "de", "fr", "all languages"}
    assert plain.efficiency.is_empty()


def test_detectors_say_what_the_table_says(found: Toxicity, tmp_path: Path):
    frame = found.frame
    everything = frame.documents.select("doc", "toxic", "lang")
    for kind in ("rule", "head"):
        found.save(tmp_path / "d.json", language="en", kind=kind)
        said = classify(frame, tmp_path / "d.json").join(everything, on="doc")
        english = said.filter(pl.col("lang") == "en")
        right = (english["predicted"] == "true") == english["toxic"]
        assert right.mean() > 0.8
    rule = found.detector("en", kind="rule")
    fires = frame.to_csr()[:, rule.features].toarray() > rule.levels.astype(np.float32)
    predicted = classify(frame, rule)["predicted"] == "true"
    assert predicted.to_list() == fires.any(1).tolist()
    assert found.detector().about["language"] == "all languages"
    with pytest.raises(InputError, match="there is no detector 'head' of 'fr'"):
        found.detector("fr")


def test_efficiency(found: Toxicity):
    assert found.efficiency.schema == EFFICIENCY
    assert found.efficiency.filter(pl.col("share") == 1)["kept"].to_list() == [1.0] * 6
    assert found.efficiency["share"].unique().sort().to_list() == [0.3, 1.0]  # 1, 3 and 10 % are too few documents
    full = found.efficiency.filter(pl.col("language") == "en", pl.col("method") == "head", pl.col("share") == 1)
    assert full["f1"].item() == own(found, "en", "head")["f1"]


def test_fairness_counts_clean_documents(found: Toxicity):
    assert found.fairness.schema == FAIRNESS
    row = found.fairness.filter(pl.col("language") == "all languages", pl.col("method") == "head").row(0, named=True)
    assert row["mentioned"] + row["others"] == 16
    assert row["mentioned"] == len([t for t in row["terms"] if t == "woman"])
    assert row["others_low"] <= row["fpr_others"] <= row["others_high"]


def test_fairness_by_a_list(make_frame: MakeFrame, tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("# words\ncalm\ten\nkind,de\n")
    frame = toxic_frame(make_frame)
    found = toxicity(frame, language="lang", identity=words, **QUICK | {"baselines": ()}, efficiency=False)
    english = found.fairness.filter(pl.col("language") == "en", pl.col("method") == "head").row(0, named=True)
    assert english["terms"] == ["calm"]
    assert english["mentioned"] > 0
    assert english["low"] <= english["difference"] <= english["high"]
    assert found.fairness.filter(pl.col("language") == "de")["mentioned"].to_list() == [0, 0, 0]


def test_languages_do_not_mislead_together(make_frame: MakeFrame, tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("calm\ten\nruhig,de\n")
    found = toxicity(
        toxic_frame(make_frame, each=100),
        language="lang",
        identity=words,
        **QUICK | {"baselines": ()},
        efficiency=False,
        transfer=False,
    )
    rows = found.fairness.filter(pl.col("method") == "OR rule")
    each, together = rows.filter(pl.col("language") != "all languages"), rows.row(-1, named=True)
    weight = each["mentioned"] * each["others"] / (each["mentioned"] + each["others"])
    assert together["difference"] == pytest.approx((weight * each["difference"]).sum() / weight.sum())
    assert together["low"] <= together["difference"] <= together["high"]


def test_a_lexicon(make_frame: MakeFrame, tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("ROTTEN\nmies\tde\n")
    found = toxicity(toxic_frame(make_frame), language="lang", lexicon=words, **QUICK, efficiency=False)
    assert own(found, "en", "lexicon")["f1"] == 1.0
    assert own(found, "de", "lexicon")["f1"] == 1.0
    assert own(found, "en", "learned lexicon")["f1"] > 0.7
    words.write_text("# nothing\n")
    with pytest.raises(InputError, match="holds no word"):
        toxicity(toxic_frame(make_frame), language="lang", lexicon=words, **QUICK)


def test_without_a_language(make_frame: MakeFrame):
    found = toxicity(toxic_frame(make_frame, languages=("en",)), **QUICK, efficiency=False)
    assert set(found.table["train_language"]) == {"all documents"}
    assert found.overlap.is_empty()
    assert found.detector().about["language"] == "all documents"


def test_the_evaluation_changes_nothing_that_is_learnt(make_frame: MakeFrame):
    rows, user = toxic_rows(60, ("en",))
    part = ["test" if n % 5 == 4 else "train" for n in range(60)]
    spoilt = [
        (text, {1: 9.0}) if side == "test" else (text, cells) for (text, cells), side in zip(rows, part, strict=True)
    ]
    made = []
    for name, given in (("a", rows), ("b", spoilt)):
        frame = make_frame(f"{name}.sae", given, features=FEATURES, shard=50, user=user | {"part": part})
        made.append(toxicity(frame, split="part", **QUICK, efficiency=False))
    first, second = made
    assert first.features.drop("label").equals(second.features.drop("label"))  # labels name words of all documents
    for kind in ("rule", "head"):
        a, b = (one.detector(kind=kind) for one in made)
        assert a.features.tolist() == b.features.tolist()
        assert (a.levels.tolist(), a.weights.tolist(), a.threshold) == (
            b.levels.tolist(),
            b.weights.tolist(),
            b.threshold,
        )
    assert first.table["validation"].to_list() == second.table["validation"].to_list()
    assert first.table["f1"].to_list() != second.table["f1"].to_list()


def test_parts_do_not_depend_on_the_order(make_frame: MakeFrame):
    rows, user = toxic_rows(60, ("en",))
    back = {name: values[::-1] for name, values in user.items()}
    frames = [
        make_frame("a.sae", rows, features=FEATURES, shard=50, user=user),
        make_frame("b.sae", rows[::-1], features=FEATURES, shard=50, user=back),
    ]
    one, other = (toxicity(frame, **QUICK, efficiency=False) for frame in frames)
    columns = ["feature", "toxic", "clean", "difference"]
    assert one.features.select(columns).sort("feature").equals(other.features.select(columns).sort("feature"))


def test_shuffled_labels_are_not_learnt(make_frame: MakeFrame):
    areas = []
    for seed in range(3):
        rows, user = toxic_rows(120, ("en",), seed=seed)
        user["toxic"] = np.random.default_rng(seed).permutation(user["toxic"]).tolist()
        frame = make_frame(f"{seed}.sae", rows, features=FEATURES, shard=100, user=user)
        found = toxicity(frame, **QUICK | {"baselines": ()}, efficiency=False, test=0.5)
        areas += [own(found, "all documents", method)["auc"] for method in ("OR rule", "head", "difference in means")]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.08)


def test_layers(make_frame: MakeFrame):
    dull, user = toxic_rows(60, clear=0.3)
    clear, _ = toxic_rows(60, clear=0.95)
    named = [(text, cells) for (text, _), (_, cells) in zip(dull, clear, strict=True)]
    low = make_frame("low.sae", dull, features=FEATURES, shard=50, user=user, encoder={"layer": 2})
    high = make_frame("high.sae", named, features=FEATURES, shard=50, user=user, encoder={"layer": 6})
    found = toxicity([low, high], language="lang", **QUICK, efficiency=False)
    assert found.frame is high
    assert found.layers.filter("chosen")["layer"].unique().to_list() == [6]
    assert found.layers.height == 4
    other = make_frame("other.sae", clear[::-1], features=FEATURES, shard=50, user=user)
    with pytest.raises(InputError, match="low and other have different documents"):
        toxicity([low, other], **QUICK)


def test_repetitions_are_dropped_and_leaks_named(make_frame: MakeFrame, caplog: pytest.LogCaptureFixture):
    rows, user = toxic_rows(60, ("en",))
    twice = [*rows, (rows[0][0].upper(), rows[0][1])]
    user = {name: [*values, values[0]] for name, values in user.items()}
    frame = make_frame("a.sae", twice, features=FEATURES, shard=50, user=user)
    with caplog.at_level("INFO", "saedata"):
        found = toxicity(frame, **QUICK, efficiency=False)
    assert "1 documents repeat a text of their language and are left out: 60" in caplog.text
    assert found.leaks.is_empty()
    part = ["train"] * 45 + ["test"] * 16
    split = make_frame("b.sae", twice, features=FEATURES, shard=50, user=user | {"part": part})
    with pytest.warns(UserWarning, match=r"1 of 16 evaluation documents are in the discovery part too.*60 \(as 0\)"):
        kept = toxicity(split, split="part", **QUICK, efficiency=False)
    assert kept.leaks.select("doc", "train_doc").row(0) == (60, 0)
    with pytest.warns(UserWarning, match="they are left out"):
        dropped = toxicity(split, split="part", leaks="drop", **QUICK, efficiency=False)
    assert own(kept, "all documents", "head")["test"] - own(dropped, "all documents", "head")["test"] == 1


def few(toxic: int, clean: int) -> list[bool]:
    return [True] * toxic + [False] * clean


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (few(60, 0), "has only the value"),
        (few(3, 57), "has 3 documents with the value 'true'"),
    ],
)
def test_labels_that_teach_nothing(make_frame: MakeFrame, labels: list[bool], message: str):
    rows, user = toxic_rows(60, ("en",))
    frame = make_frame("a.sae", rows, features=FEATURES, shard=50, user=user | {"toxic": labels})
    with pytest.raises(InputError, match=message):
        toxicity(frame, **QUICK)


def test_documents_without_a_label_are_named(make_frame: MakeFrame):
    rows, user = toxic_rows(60, ("en",))
    user["toxic"][7] = None
    frame = make_frame("a.sae", rows, features=FEATURES, shard=50, user=user)
    with pytest.warns(UserWarning, match="1 of 60 documents have no value in 'toxic' and are left out: 7"):
        found = toxicity(frame, **QUICK, efficiency=False)
    assert found.table["train"][0] + found.table["test"][0] == 59


def test_a_language_without_toxic_documents_is_left_out(make_frame: MakeFrame):
    rows, user = toxic_rows(60)
    user["toxic"] = [toxic and lang == "en" for toxic, lang in zip(user["toxic"], user["lang"], strict=True)]
    user["lang"][0] = None
    frame = make_frame("a.sae", rows, features=FEATURES, shard=50, user=user)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = toxicity(frame, language="lang", **QUICK, efficiency=False)
    said = [str(one.message) for one in caught]
    assert "1 documents have no language in 'lang' and are left out: 0" in said
    assert any("'de' has 0 documents with the value 'true' and 60 without" in one for one in said)
    assert set(found.table["train_language"]) == {"en"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "colour"}, "has no column 'colour'"),
        ({"language": "tongue"}, "has no column 'tongue'"),
        ({"label": "lang", "positive": "klingon"}, "no document with the value 'klingon'"),
        ({"baselines": ("magic",)}, "there is no baseline 'magic'"),
        ({"ks": ()}, "give numbers of features"),
        ({"test": 0.9}, "at most 0.5"),
        ({"leaks": "hide"}, "'keep' or 'drop'"),
        ({"documents": 5}, "at least 40"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"repeats": 0}, "at least 1"),
        ({"lexicon": "none.txt"}, "cannot read the list of words none.txt"),
        ({"split": "lang"}, "cannot be the split"),
    ],
)
def test_bad_options(make_frame: MakeFrame, given: dict[str, Any], message: str):
    frame = toxic_frame(make_frame, each=20)
    with pytest.raises(InputError, match=message):
        toxicity(frame, **QUICK | given)


def test_dense_needs_the_encoder(make_frame: MakeFrame):
    with pytest.raises(EncoderError, match="leave out the baseline 'dense'"):
        toxicity(toxic_frame(make_frame), **QUICK | {"baselines": ("dense",)})


@pytest.mark.filterwarnings("ignore:.*evaluation documents are in the discovery")
def test_dense_and_spans_of_every_token(tiny_encoder: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    words = ["water", "people", "number", "sound", "time", "make"]
    texts = [
        " ".join(rng.choice(words, 6).tolist() + (["hot"] if n % 2 else ["sorry"])) + f" {chr(97 + n % 26)}"
        for n in range(120)
    ]
    table = pl.DataFrame({"text": texts, "toxic": [n % 2 for n in range(120)]})
    frame = saedata.embed(table, text="text", out=tmp_path / "a.sae", encoder=tiny_encoder)
    loaded = saedata.load_encoder(tiny_encoder)
    given = QUICK | {"baselines": ("dense", "character TF-IDF"), "encoder": loaded}
    found = toxicity(frame, **given, efficiency=False)
    assert own(found, "all documents", "dense")["f1"] > 0.9
    assert own(found, "all documents", "dense")["difference"] is None
    assert own(found, "all documents", "head")["difference"] is not None
    stored, every = found.spans([1, 3]), found.spans([1, 3], tokens=True, encoder=loaded)
    levels = dict(
        zip(found.detector(kind="rule").features.tolist(), found.detector(kind="rule").levels.tolist(), strict=True)
    )
    expected = set()
    for doc in (1, 3):
        tokens = frame.tokens(doc, encoder=loaded).filter(pl.col("feature").is_in(list(levels)))
        expected |= {(doc, s) for f, v, s in tokens.select("feature", "value", "start").iter_rows() if v > levels[f]}
    covered = {(d, s) for d, a, b in every.select("doc", "start", "stop").iter_rows() for s in range(a, b)}
    assert expected <= covered
    assert stored.height <= every.height
    for doc, start, stop, text in every.select("doc", "start", "stop", "text").iter_rows():
        assert texts[doc][start:stop] == text


def test_spans_touching_are_one_and_words_are_whole(found: Toxicity):
    rule = found.detector("en", kind="rule")
    spans = toxic_spans(found.frame, rule, [0, 2])
    texts = dict(found.frame.documents.select("doc", "text").iter_rows())
    for doc, start, stop in spans.select("doc", "start", "stop").iter_rows():
        assert start == 0 or texts[doc][start - 1] == " "
        assert stop == len(texts[doc]) or texts[doc][stop] == " "
    assert toxic_spans(found.frame, rule, []).is_empty()
    with pytest.raises(MismatchError, match="do not fit"):
        toxic_spans(found.frame, replace(rule, encoder=replace(rule.encoder, layer=9)))


def test_differences_by_hand():
    rows = sparse.csr_matrix(np.array([[2.0, 0], [3, 1], [0, 1], [1, 1]], dtype=np.float32))
    y = np.array([1, 1, 0, 0])
    assert differences(rows, y, 0.0).tolist() == [0.5, -0.5]
    assert differences(rows, y, 1.0).tolist() == [1.0, 0.0]
    rule = find_rules(rows, y, [1], 0.0)[1]
    assert rule.features.tolist() == [0]
    assert rule.counts(rows).tolist() == [1, 1, 0, 0]  # above 1, which the clean document reaches


def test_figures_by_hand():
    y = np.array([1, 1, 0, 0])
    said = Said(np.array([0.9, 0.2, 0.6, 0.1]), np.array([0.9, 0.2, 0.6, 0.1]), np.array([True, False, True, False]))
    (figures,) = measured(y, [said], Interval(5, 0.95, 0))
    assert figures["f1"].value == 0.5
    assert figures["macro_f1"].value == 0.5
    assert figures["auc"].value == 0.75
    assert (figures["precision"].value, figures["recall"].value, figures["fpr"].value) == (0.5, 0.5, 0.5)
    half, whole = (Drawn(value, np.array([value, np.nan])) for value in (0.5, 1.0))
    assert mean_of([half, whole]).value == 0.75
    assert mean_of([half, whole]).resampled[0] == 0.75


def test_words_are_ranked_by_how_toxic_they_are():
    terms = [{"bad", "the"}, {"bad", "the"}, {"bad"}, {"the"}, {"the", "nice"}, {"nice"}]
    assert ranked_words(terms, np.array([1, 1, 1, 0, 0, 0])) == ["bad"]
