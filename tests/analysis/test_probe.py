"""`probe` and `classify` on frames with a planted label, and what they refuse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from probe_frames import FEATURES, planted

from saedata.analysis.classify import classify
from saedata.analysis.probe import Probing, probe
from saedata.analysis.probe import main as module
from saedata.analysis.probe.result import DISPUTED, TABLE
from saedata.analysis.probe.result import FEATURES as FEATURE_SCHEMA
from saedata.errors import EncoderError, InputError, MismatchError
from saedata.probing.curves import CURVES
from saedata.probing.labelled import read_labels, sampled
from saedata.probing.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

QUICK: dict[str, Any] = {"ks": (1, 4), "forms": ("value",), "baselines": ("majority",), "resamples": 50}


def quickly(frame: Embeddings, label: str, **options: Any) -> Probing:
    return probe(frame, label=label, **QUICK | options)


def value(found: Probing, metric: str, k: int | None, method: str = "SAE") -> float:
    rows = found.table.filter(pl.col("metric") == metric, pl.col("method") == method, pl.col("k").eq_missing(k))
    return float(rows["value"].item())


def test_a_yes_no_question(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    found = quickly(frame, "toxic", arrows=True, baselines=("TF-IDF", "majority"))
    assert found.table.schema == TABLE
    assert found.table["metric"].unique(maintain_order=True).to_list() == list(METRICS["binary"])
    assert value(found, "auc", 4) > 0.9
    assert value(found, "auc", None, "majority") == 0.5
    assert value(found, "brier", found.best) < 0.15
    rows = found.table.filter(pl.col("metric") == "auc")
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    best = rows.filter("best")
    assert best["difference"].to_list() == [None]
    other = rows.filter(method="majority")
    assert other["difference"][0] == pytest.approx(best["value"][0] - 0.5)
    assert {"quiver", "quiver + SAE"} <= set(rows["method"])
    assert found.features.schema == FEATURE_SCHEMA
    first = found.features.filter(k=1).row(0, named=True)
    assert (first["feature"], first["class"]) == (7, "true")
    assert first["weight"] > 0
    assert first["share_inside"] > first["share_outside"]
    strongest = frame.top_documents(7, 120)["doc"].to_list()
    assert [strongest.index(doc) for doc in first["evidence"]] == sorted(map(strongest.index, first["evidence"]))
    assert found.curves.schema == CURVES
    assert set(found.curves["curve"]) == {"roc", "pr", "calibration"}
    check_saved(frame, found, tmp_path)


def check_saved(frame: Embeddings, found: Probing, folder: Path) -> None:
    """A saved probe says of the frame what the probe says, and by which features."""
    found.save(folder / "probe.json", k=4)
    said = classify(frame, folder / "probe.json")
    assert said["doc"].to_list() == list(range(frame.n_documents))
    one = found.detectors[4]
    expected = one.probabilities(one.scores(one.columns(frame.to_csr())))[:, 1]
    np.testing.assert_allclose(said["score"], expected)
    assert (said["predicted"] == "true").to_list() == (expected >= 0.5).tolist()
    agreed = said.join(frame.documents, on="doc").select(
        (pl.col("predicted") == pl.col("toxic").cast(pl.String)).mean()
    )
    assert agreed.item() > 0.85
    reasons = said.filter(pl.col("predicted") == "true").explode("features").unnest("features")
    assert reasons["feature"].value_counts(sort=True)["feature"][0] == 7
    spans = frame.passages(reasons["feature"].to_list(), reasons["doc"].to_list())
    assert spans["start"].to_list() == reasons["start"].to_list()
    assert classify(frame, one, threshold=1.1, reasons=0)["predicted"].unique().to_list() == ["false"]
    with pytest.raises(InputError, match="no probe with 3 features; there are 1, 4"):
        found.save(folder / "probe.json", k=3)


def test_classes_and_numbers(make_frame: MakeFrame, tmp_path: Path):
    frame = planted(make_frame)
    topics = quickly(frame, "topic", group="author")
    assert value(topics, "macro auc", 4) > 0.95
    assert {10, 11, 12} <= set(topics.features.filter(k=4)["feature"])
    assert set(topics.features["class"]) == {"arts", "law", "sport"}
    said = classify(frame, topics.detectors[4])
    assert (said["predicted"] == frame.documents["topic"]).mean() > 0.85
    stars = quickly(frame, "stars", forms=("value", "0"))
    assert stars.table["kind"].unique().to_list() == ["regression"]
    assert value(stars, "r2", 1) > 0.9
    assert value(stars, "r2", None, "majority") < 0.1
    assert stars.features.filter(k=1)["feature"].to_list() == [9]
    stars.save(tmp_path / "stars.json")
    said = classify(frame, tmp_path / "stars.json")
    assert said.schema["predicted"] == pl.Float64
    assert np.corrcoef(said["predicted"], frame.documents["stars"])[0, 1] > 0.95


@pytest.mark.parametrize("select", ["l1", "mutual_information"])
def test_other_ways_to_choose(make_frame: MakeFrame, select: Any):
    frame = planted(make_frame)
    found = quickly(frame, "toxic", select=select, baselines=(), disputes=0)
    assert found.features.filter(k=1)["feature"].to_list() == [7]
    assert found.disputed.is_empty()


def test_the_same_seed_gives_the_same_and_test_labels_decide_nothing(make_frame: MakeFrame):
    part = ["test" if n % 4 == 0 else "train" for n in range(120)]
    frame = planted(make_frame, part=part)
    one = quickly(frame, "toxic", split="part", disputes=0)
    again = quickly(frame, "toxic", split="part", disputes=0)
    assert_frame_equal(one.table, again.table)
    assert_frame_equal(one.features, again.features)
    labels = frame.documents["toxic"].to_list()
    turned = [not label if said == "test" else label for label, said in zip(labels, part, strict=True)]
    rows = frame.documents.with_columns(toxic=pl.Series(turned))
    other = planted(lambda name, rows, **more: make_frame(f"b{name}", rows, **more), part=part, toxic=turned)
    assert other.documents["toxic"].to_list() == rows["toxic"].to_list()
    mirrored = quickly(other, "toxic", split="part", disputes=0)
    assert_frame_equal(one.features, mirrored.features)
    assert one.table["validation"].to_list() == mirrored.table["validation"].to_list()
    assert value(one, "auc", 4) == pytest.approx(1 - value(mirrored, "auc", 4))


def test_wrong_labels_are_disputed_first(make_frame: MakeFrame):
    right = planted(make_frame).documents["toxic"].to_list()
    wrong = {8, 31, 77}
    turned = [not label if n in wrong else label for n, label in enumerate(right)]
    frame = planted(lambda name, rows, **more: make_frame(f"b{name}", rows, **more), toxic=turned)
    found = quickly(frame, "toxic", baselines=())
    assert found.disputed.schema == DISPUTED
    first = found.disputed.head(8)
    assert len(wrong & set(first["doc"])) >= 2
    assert first.filter(pl.col("doc").is_in(list(wrong)))["issue"].all()
    assert found.disputed["score"].is_sorted(descending=True)
    row = found.disputed.row(0, named=True)
    assert row["predicted"] != row["label"]
    assert all(part > 0 for part in row["contributions"])
    numbers = quickly(frame, "stars", baselines=()).disputed
    assert numbers["p_label"].null_count() == numbers.height > 0


@pytest.mark.parametrize(
    ("regime", "settings", "train"),
    [
        (
            "scarcity",
            ["8 documents", "16 documents", "32 documents", "64 documents", "90 documents"],
            [8, 16, 32, 64, 90],
        ),
        ("label_noise", [f"{share}% wrong labels" for share in (0, 10, 20, 30, 40, 50)], [90] * 6),
        ("imbalance", [f"{share}% yes" for share in (5, 10, 25, 50, 75, 90, 95)], [47] * 7),
        ("covariate_shift", ["tested on mail", "tested on web"], None),
    ],
)
def test_regimes(make_frame: MakeFrame, regime: Any, settings: list[str], train: list[int] | None):
    frame = planted(make_frame)
    domain = "origin" if regime == "covariate_shift" else None
    found = quickly(frame, "toxic", regime=regime, domain=domain, ks=(1,), baselines=("majority",))
    rows = found.table.filter(metric="auc", method="SAE")
    assert rows["setting"].to_list() == settings
    if train is not None:
        assert rows["train"].to_list() == train
        assert rows["test"].unique().to_list() == [30]
    assert rows["value"].max() > 0.85
    assert found.features.is_empty()
    assert not found.detectors


def test_leaks_are_named_or_dropped(make_frame: MakeFrame):
    part = ["test" if n >= 90 else "train" for n in range(120)]
    frame = planted(make_frame, part=part)
    rows = [(text, {}) for text in frame.documents["text"]]
    rows[95] = rows[100] = rows[4]
    user = {"toxic": frame.documents["toxic"].to_list(), "part": part}
    same = make_frame("same.sae", rows, features=FEATURES, shard=50, user=user)
    with pytest.warns(UserWarning, match=r"2 of 30 test documents .*: 95 \(as 4\), 100 \(as 4\); they are kept"):
        found = quickly(same, "toxic", split="part")
    assert found.leaks.rows() == [(95, 4, 1.0, True), (100, 4, 1.0, True)]
    assert found.table["test"][0] == 30
    with pytest.warns(UserWarning, match="they are left out"):
        assert quickly(same, "toxic", split="part", leaks="drop").table["test"][0] == 28
    own = quickly(same, "toxic")
    assert own.leaks.is_empty()
    assert own.table["train"][0] + own.table["test"][0] == 118


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["yes"] * 120, "column 'bad' has only the value 'yes'; a probe needs documents of two classes"),
        (["no"] * 117 + ["yes"] * 3, "column 'bad' has 3 documents with the value 'yes'; a probe needs at least 10"),
        ([None] * 120, "column 'bad' has no value in any document"),
        ([f"user {n}" for n in range(120)] * 1, None),
        ([[n] for n in range(120)], "column 'bad' holds lists"),
        ([1.5] * 60 + [float("nan")] * 60, "column 'bad' has only the value '1.5'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* have no value in 'bad':UserWarning")
def test_labels_that_cannot_be_learnt(
    make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, values: Any, message: str
):
    if message is None:  # as 10 000 classes would
        monkeypatch.setattr("saedata.probing.labelled.MOST_CLASSES", 100)
        message = "column 'bad' has 120 different values, which are too many classes"
    frame = planted(make_frame, bad=values)
    with pytest.raises(InputError, match=message):
        quickly(frame, "bad")


def test_missing_and_rare_labels_are_named(make_frame: MakeFrame):
    values = [None if n in (3, 40) else ("a", "b", "c")[n % 3] for n in range(120)]
    values[7] = "rare"
    frame = planted(make_frame, kind=values)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = read_labels(frame, "kind")
    texts = [str(one.message) for one in said]
    assert texts[0] == "2 of 120 documents have no value in 'kind' and are left out: 3, 40"
    assert texts[1] == "values of 'kind' with fewer than 10 documents are left out: 'rare' (1)"
    assert (found.classes, len(found.docs)) == (("a", "b", "c"), 117)
    assert set(np.unique(found.y)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("values", "options", "kind", "classes"),
    [
        ([0, 1] * 60, {}, "binary", ("0", "1")),
        ([2.0, 4.0] * 60, {}, "binary", ("2.0", "4.0")),
        (["no", "yes"] * 60, {"positive": "no"}, "binary", ("yes", "no")),
        (["x", "y", "z"] * 40, {"positive": "y"}, "binary", ("not y", "y")),
        ([True, False] * 60, {"positive": True}, "binary", ("false", "true")),
        ([1, 2, 3] * 40, {}, "multiclass", ("1", "2", "3")),
        ([1, 2, 3] * 40, {"task": "regression"}, "regression", ()),
        (list(range(120)), {}, "regression", ()),
    ],
)
def test_what_a_column_is(make_frame: MakeFrame, values: Any, options: Any, kind: str, classes: Any):
    found = read_labels(planted(make_frame, own=values), "own", **options)
    assert (found.kind, found.classes) == (kind, classes)
    if kind == "binary":
        said = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        assert (found.y == 1).tolist() == [value == classes[1] for value in said]


def test_a_sample_keeps_the_classes_in_proportion(make_frame: MakeFrame):
    frame = planted(make_frame, own=["a"] * 90 + ["b"] * 30)
    found = read_labels(frame, "own")
    chosen = sampled(found, 40, seed=1)
    assert len(chosen) == 40
    assert int(found.y[chosen].sum()) == 10
    assert sampled(found, 500, seed=1).tolist() == list(range(120))
    small = quickly(frame, "toxic", documents=60)
    assert small.table["train"][0] + small.table["test"][0] == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "colour"}, "has no column 'colour'; its columns are: 'toxic', 'topic', 'stars', 'author', 'origin'"),
        ({"label": "text"}, "has no column 'text'"),
        ({"task": "ranking"}, "task is 'ranking'"),
        ({"label": "topic", "task": "binary"}, "has 3 different values; say which one is the positive one"),
        ({"label": "topic", "task": "regression"}, "holds String, which are no numbers"),
        (
            {"positive": "maybe"},
            "has no document with the value 'maybe'; it has 'true', 'false'|it has 'false', 'true'",
        ),
        ({"ks": (0,)}, "numbers of features must be 1 to 24"),
        ({"ks": (25,)}, "numbers of features must be 1 to 24"),
        ({"forms": ("strong",)}, "each must be 'value', a threshold"),
        ({"select": "best"}, "select is 'best'"),
        ({"baselines": ("SVM",)}, "there is no baseline 'SVM'"),
        ({"regime": "hard"}, "regime is 'hard'"),
        ({"regime": "covariate_shift"}, "belong together: give both"),
        ({"regime": "covariate_shift", "domain": "author"}, "has 40 values; domains must be 2 to 20"),
        ({"label": "stars", "regime": "imbalance"}, "needs a yes/no question"),
        ({"label": "stars", "regime": "label_noise"}, "needs classes"),
        ({"test": 0.0}, "test is 0.0"),
        ({"leaks": "ignore"}, "leaks is 'ignore'"),
        ({"duplicates": "all"}, "duplicates is 'all'"),
        ({"documents": 3}, "documents is 3"),
        ({"resamples": 0}, "resamples is 0"),
        ({"level": 95}, "level is 95"),
        ({"arrows": True, "baselines": ()}, "arrows compare with baselines"),
        ({"split": "origin"}, "'origin' cannot be the split: it has the value '(web|mail)'"),
        ({"group": "nobody"}, "has no column 'nobody'"),
    ],
)
def test_bad_options(make_frame: MakeFrame, options: Any, message: str):
    with pytest.raises(InputError, match=message):
        probe(planted(make_frame), **{"label": "toxic", "baselines": ("majority",)} | options)


def test_baselines_of_the_hook_layer_need_the_encoder(make_frame: MakeFrame):
    with pytest.raises(EncoderError, match="or leave out the baselines that read its hook layer: dense mean, kNN"):
        quickly(planted(make_frame), "toxic", baselines=("dense mean", "kNN", "majority"))


def test_dense_baselines_are_read_where_they_are_named(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    frame = planted(make_frame)
    dense = frame.to_csr().toarray()

    def vectors(frame: Embeddings, docs: Any, **_options: Any) -> Any:
        del frame
        return {"mean": dense[docs][:, 7:9], "max": dense[docs][:, :2], "last": dense[docs][:, 1:3]}

    monkeypatch.setattr("saedata.probing.dense_layers.hidden_vectors", vectors)
    found = quickly(frame, "toxic", baselines=("dense mean", "dense max", "difference in means"), group="author")
    assert value(found, "auc", None, "dense mean") > 0.9 > value(found, "auc", None, "dense max")
    assert value(found, "auc", None, "difference in means") > 0.9


def test_classify_refuses_another_encoder(make_frame: MakeFrame):
    frame = planted(make_frame)
    one = quickly(frame, "toxic", baselines=()).detector
    other = make_frame("other.sae", [("a", {1: 1.0})], features=FEATURES, encoder={"sae_sha256": "f" * 64})
    with pytest.raises(MismatchError, match="other and the detector do not fit: other SAE weights"):
        classify(other, one)
    empty = frame.filter(pl.col("doc") < 0)
    assert classify(empty, one).schema["score"] == pl.Float64


def test_defaults_are_those_of_the_protocol(make_frame: MakeFrame):
    frame = planted(make_frame)
    options = module._options(frame, None, "l1", ("value", "0.3q"), ("TF-IDF", "TF-IDF"), "normal", 0)
    assert (options.ks, options.baselines) == ((1, 4, 16), ("TF-IDF",))
    assert [str(form) for form in options.forms] == ["value, L1 path", "> 0.3 q90, L1 path"]
