"""`languages` on frames where it is known which features belong to a language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from language_frames import EVERYWHERE, FEATURES, OWN, SCANDAL, language_frame, language_rows

import saedata
from saedata.analysis.classify import classify
from saedata.analysis.languages import Languages, languages
from saedata.analysis.languages.found import Shares, Thresholds, bayes, joined
from saedata.analysis.languages.random_tokens import random_documents, random_shares
from saedata.analysis.languages.result import CONVERGENCE, COUNTS, IDENTIFICATION, MATRIX, MIX, SWITCHING, TABLE
from saedata.errors import EncoderError, InputError
from saedata.frame import Embeddings

MakeFrame = Callable[..., Embeddings]

QUICK: dict[str, Any] = {
    "language": "lang",
    "random_sequences": 0,
    "baselines": ("character n-grams",),
    "resamples": 20,
    "repeats": 2,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    from frame_parts import FrameParts

    rows, user = language_rows()
    frame = FrameParts(rows, features=FEATURES, shard=50, user=user).write(tmp_path_factory.mktemp("tongues") / "a.sae")
    return languages(frame, **QUICK)


def test_the_planted_features_are_found(found: Languages):
    assert found.table.schema == TABLE
    sets = {name: set(found.table.filter(pl.col("language") == name)["feature"]) for name in OWN}
    assert sets == {name: set(own) for name, own in OWN.items()}
    assert (found.table["share"] >= found.limits.alpha).all()
    assert (found.table["share_others"] <= found.limits.gamma).all()
    assert (found.table["low"] <= found.table["share"]).all()
    assert found.table["share_random"].null_count() == 5
    assert found.counts.schema == COUNTS
    assert found.counts.select("language", "features", "train", "test", "latin").rows() == [
        ("de", 2, 32, 8, True),
        ("en", 2, 32, 8, True),
        ("ru", 1, 32, 8, False),
    ]


def test_thresholds_say_what_is_found(found: Languages, make_frame: MakeFrame):
    frame = language_frame(make_frame)
    wide = languages(frame, gamma=0.95, **QUICK)
    assert SCANDAL in wide.table["feature"]
    assert EVERYWHERE not in wide.table["feature"]
    with pytest.warns(UserWarning, match="no feature of their own have 'de', 'en', 'ru' with alpha 1"):
        none = languages(frame, alpha=1.0, gamma=0.0, **QUICK)
    assert none.table.is_empty()
    assert none.identification.is_empty()
    with pytest.raises(InputError, match="no detector of languages"):
        none.save("x.json")


def test_the_matrix_is_dark_on_its_diagonal(found: Languages):
    assert found.matrix.schema == MATRIX
    own = found.matrix.filter(pl.col("language") == pl.col("other"))["share"]
    assert own.min() > 0.6
    assert found.matrix.filter(pl.col("language") != pl.col("other"))["share"].max() == 0


def test_identification(found: Languages):
    assert found.identification.schema == IDENTIFICATION
    whole = found.identification.filter(pl.col("scope") == "all languages")
    assert whole["method"].to_list() == ["features", "on or off", "character n-grams"]
    assert whole["features"].to_list() == [5, 5, None]
    assert whole.row(0, named=True)["accuracy"] > 0.9
    assert whole.row(2, named=True)["accuracy"] == 1.0
    latin = found.identification.filter(pl.col("scope") == "Latin script", pl.col("method") == "features")
    parts = found.identification.filter(pl.col("scope").is_in(["de", "en"]), pl.col("method") == "features")
    assert latin["accuracy"].item() == pytest.approx(parts["accuracy"].mean())
    assert latin["documents"].item() == 16
    assert (found.identification["low"] <= found.identification["accuracy"]).all()


def test_convergence(found: Languages):
    assert found.convergence.schema == CONVERGENCE
    assert found.convergence["documents"].unique().sort().to_list() == [5, 10, 20]
    mean = found.convergence.filter(pl.col("language") == "mean")
    assert mean["jaccard"].max() <= 1
    assert mean.filter(pl.col("documents") == 20)["jaccard"].item() > 0.6


def test_the_detector_is_saved(found: Languages, make_frame: MakeFrame, tmp_path: Path):
    frame = language_frame(make_frame)
    found.save(tmp_path / "tongues.json")
    said = classify(frame, tmp_path / "tongues.json").join(frame.documents.select("doc", "lang"), on="doc")
    assert (said["predicted"] == said["lang"]).mean() > 0.9


def test_mix_and_switching(make_frame: MakeFrame):
    frame = language_frame(make_frame)
    mixed = [("water people вода люди", {2: 3.0, 3: 2.0, 4: 2.0, 5: 3.0}), ("sound number", {2: 2.0, 3: 2.0})]
    other = make_frame("b.sae", mixed, features=FEATURES)
    found = languages(frame, apply=other, **QUICK)
    assert found.mix.schema == MIX
    assert found.mix["documents"].sum() == 2
    assert found.mix["labelled"].null_count() == 3
    assert found.switching.schema == SWITCHING
    (row,) = found.switching.iter_rows(named=True)
    assert row["doc"] == 0
    assert {row["language"], row["other"]} == {"de", "en"}
    assert row["score"] > row["usual"] >= 0
    assert row["words"] == (["вода", "люди"] if row["other"] == "en" else ["water", "people"])
    assert row["words"] == [mixed[0][0][a:b] for a, b in zip(row["starts"], row["stops"], strict=True)]
    plain = languages(frame, **QUICK)
    assert plain.mix["labelled"].to_list() == [40, 40, 40]
    assert plain.switching.is_empty()


def test_tuned_thresholds_use_training_documents_only(make_frame: MakeFrame):
    rows, user = language_rows()
    part = ["test" if n % 4 == 3 else "train" for n in range(len(rows))]
    spoilt = [
        (text, {0: 9.0}) if side == "test" else (text, cells) for (text, cells), side in zip(rows, part, strict=True)
    ]
    made = []
    for name, given in (("a", rows), ("b", spoilt)):
        frame = make_frame(f"{name}.sae", given, features=FEATURES, shard=50, user=user | {"part": part})
        made.append(languages(frame, split="part", tune=True, **QUICK))
    assert made[0].limits == made[1].limits
    assert made[0].table.drop("label").equals(made[1].table.drop("label"))
    assert made[0].identification["accuracy"].to_list() != made[1].identification["accuracy"].to_list()
    assert {2, 3, 4, 5, 6} <= set(made[0].table["feature"])


def test_one_language_needs_random_tokens_to_say_much(make_frame: MakeFrame):
    rows, user = language_rows()
    frame = make_frame("a.sae", rows[:40], features=FEATURES, shard=50, user={"lang": user["lang"][:40]})
    found = languages(frame, **QUICK)
    assert set(found.table["feature"]) == {2, 3, SCANDAL, EVERYWHERE}
    assert found.table["share_others"].null_count() == 4
    assert found.identification.is_empty()
    assert found.detector is None


@pytest.mark.filterwarnings("ignore:no feature of their own", "ignore:.*test documents are in the training")
def test_random_tokens_rule_features_out(tiny_encoder: Path, tmp_path: Path):
    loaded = saedata.load_encoder(tiny_encoder)
    texts = random_documents(loaded.reader.tokenizer, sequences=3, tokens=5, seed=1)
    assert texts == random_documents(loaded.reader.tokenizer, sequences=3, tokens=5, seed=1)
    assert texts != random_documents(loaded.reader.tokenizer, sequences=3, tokens=5, seed=2)
    assert not any(special in text for text in texts for special in ("[CLS]", "[PAD]"))
    shares = random_shares(loaded, threshold=0.0, sequences=20, tokens=8, seed=0)
    assert shares.shape == (64,)
    assert 0 < shares.mean() < 1
    rng = np.random.default_rng(0)
    pools = {"a": "water people number sound", "b": "sorry other which their"}
    rows = [(" ".join(rng.choice(pool.split(), 9)) + f" {n}", name) for name, pool in pools.items() for n in range(30)]
    table = pl.DataFrame({"text": [row[0] for row in rows], "lang": [row[1] for row in rows]})
    frame = saedata.embed(table, text="text", out=tmp_path / "a.sae", encoder=tiny_encoder)
    given = QUICK | {
        "random_sequences": 40,
        "random_tokens": 2,
        "encoder": loaded,
        "gamma": 0.9,
        "baselines": ("dense",),
    }
    loose = languages(frame, beta=1.0, **given)
    middle = float(np.median(loose.table["share_random"].unique()))
    strict = languages(frame, beta=middle, **given)
    assert (strict.table["share_random"] <= middle).all()
    assert (strict.dropped["share_random"] > middle).all()
    assert strict.dropped.height > 0
    whole = strict.identification.filter(pl.col("scope") == "all languages")
    assert whole["method"].to_list() == ["features", "on or off", "features, no random filter", "dense"]
    assert loose.table.height == strict.table.height + strict.dropped.height


def test_rare_languages_and_repetitions(make_frame: MakeFrame, caplog: pytest.LogCaptureFixture):
    rows, user = language_rows()
    more = [*rows, rows[0], ("bonjour tout le monde", {1: 1.0}), ("rien", {2: 1.0})]
    tongue = [*user["lang"], "en", "fr", None]
    frame = make_frame("a.sae", more, features=FEATURES, shard=50, user={"lang": tongue})
    fewer, none = (pytest.warns(UserWarning, match=text) for text in (r"left out: 'fr' \(1\)", "have no language"))
    with caplog.at_level("INFO", "saedata"), none, fewer:
        found = languages(frame, **QUICK)
    assert "1 documents repeat a text of their language and are left out: 120" in caplog.text
    assert found.counts["language"].to_list() == ["de", "en", "ru"]


def test_text_in_both_parts_is_named(make_frame: MakeFrame):
    rows, user = language_rows()
    part = ["train"] * 119 + ["test"]
    frame = make_frame("a.sae", [*rows[:-1], (rows[-2][0], rows[-1][1])], features=FEATURES, user=user | {"part": part})
    with pytest.warns(UserWarning, match=r"1 test documents are in the training part too: 119 \(as 118\)"):
        languages(frame, split="part", **QUICK)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"language": "tongue"}, "has no column 'tongue'"),
        ({"alpha": 1.5}, "alpha is 1.5; it must be a share"),
        ({"alpha": 0.0}, "a feature must be on"),
        ({"most": 0}, "at least 1 feature"),
        ({"random_sequences": -1}, "0 \\(no filter\\) or more"),
        ({"baselines": ("magic",)}, "there is no baseline 'magic'"),
        ({"test": 0.0}, "above 0"),
        ({"documents": 3}, "at least 10"),
        ({"split": "lang"}, "cannot be the split"),
    ],
)
def test_bad_options(make_frame: MakeFrame, given: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        languages(language_frame(make_frame, each=12), **QUICK | given)


def test_columns_without_a_language(make_frame: MakeFrame):
    rows, _ = language_rows(12)
    none = make_frame("a.sae", rows, features=FEATURES, user={"lang": [None] * 36}, tables={"lang": pl.String()})
    with pytest.raises(InputError, match="has no value anywhere"):
        languages(none, **QUICK)
    many = make_frame("b.sae", rows * 6, features=FEATURES, shard=100, user={"lang": [str(n) for n in range(216)]})
    with pytest.raises(InputError, match="216 different values; at most 200 languages"):
        languages(many, **QUICK)


def test_the_encoder_is_needed_for_random_tokens(make_frame: MakeFrame):
    with pytest.raises(EncoderError, match="ask for no random sequences"):
        languages(language_frame(make_frame), **QUICK | {"random_sequences": 5})


def test_found_by_hand():
    shares = Shares(np.array([[0.9, 0.8, 0.6], [0.0, 0.3, 0.6]]), np.array([0.0, 0.5, 0.0]))
    assert shares.elsewhere().tolist() == [[0.0, 0.3, 0.6], [0.9, 0.8, 0.6]]
    limits = Thresholds(0.5, 0.1, 0.4)
    assert [own.tolist() for own in shares.found(limits)] == [[0], []]
    assert [own.tolist() for own in shares.found(limits, filtered=False)] == [[0, 1], []]
    assert joined([np.array([4, 1]), np.array([1, 3])], 1).tolist() == [1, 4]
    said = bayes(np.array([[True], [False]]), np.array([[1.0], [0.0]]), np.array([10, 10])).argmax(1)
    assert said.tolist() == [0, 1]


def test_related_languages_may_share_features():
    shares = Shares(np.array([[0.9, 0.1], [0.8, 0.0], [0.0, 0.9], [0.1, 0.2]]), None)
    assert shares.elsewhere("mean")[0].round(6).tolist() == [0.3, 0.366667]
    strict, shared = (Thresholds(0.5, 1.0, 0.4, others) for others in ("largest", "mean"))
    assert [own.tolist() for own in shares.found(strict)] == [[], [], [1], []]
    assert [own.tolist() for own in shares.found(shared)] == [[0], [0], [1], []]
