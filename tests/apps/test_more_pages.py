"""Search, correlations, map, probe and embed show the library's results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dashboard import HOSTILE, markup, ran

import saedata
from saedata.errors import CorpusError
from saedata.plots.text import percent, points
from saedata_apps import classifying, jobs, limits, opened, tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings


@pytest.fixture
def groups(make_frame: Callable[..., Embeddings]) -> Embeddings:
    """Three groups of 40 documents that have nothing in common; a column names them."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(120):
        own = 8 * (number % 3) + rng.permutation(8)[:5]
        rows.append((f"text {number} of {HOSTILE}", {int(f): 1.0 + rng.random() for f in sorted(own)}))
    user = {"group": ["x", "y", "z"] * 40, "stars": [float(number % 3) for number in range(120)]}
    labels = pl.DataFrame({"feature": range(24), "label": [f"concept {f} {HOSTILE}" for f in range(24)]})
    labels = labels.with_columns(pl.col("feature").cast(pl.UInt32), kind=pl.lit("topic"))
    return make_frame("groups.sae", rows, features=24, shard=50, user=user, labels=labels)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of labels cost seconds: take the letters instead. So do subsamples of clusters: take none."""

    def embed(texts: list[str]) -> Any:
        vectors = np.array([[text.count(letter) + 0.1 for letter in "abcdefgh0123456789"] for text in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    correlate, cluster = saedata.correlate, saedata.cluster
    monkeypatch.setattr(saedata, "correlate", lambda frame, **options: correlate(frame, embed=embed, **options))
    monkeypatch.setattr(saedata, "cluster", lambda frame, **options: cluster(frame, **{"stability": 0, **options}))


def test_search_by_feature_shows_what_the_library_finds(visit: Any, corpora: Any) -> None:
    page = visit("search", q='"says sorry"', method="features", limit="10")
    found = saedata.search(corpora[0], '"says sorry"', method="sae", limit=10)
    shown = markup(page)
    assert shown.count('class="sd-doc"') == found.height
    first = shown[shown.index('class="sd-doc"') :][:400]
    assert f"document {found['doc'][0]} · score {found['score'][0]:.4g}" in first
    assert "<img" not in shown
    assert "saedata search warm.sae '\"says sorry\"' --method sae --limit 10" in page.code[1].value


def test_search_that_learns_from_its_first_hits(visit: Any, corpora: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not visit("search", q='"says sorry"', method="features").toggle  # too few documents to learn from
    monkeypatch.setattr(limits, "LEARNED_SHARE", 1000.0)
    page = visit("search", q='"says sorry"', method="features", limit="10", learn="true")
    found = saedata.search(corpora[0], '"says sorry"', method="sae", limit=10, feedback=100)
    assert [f"document {doc:,}" in markup(page) for doc in found["doc"].to_list()] == [True] * found.height
    assert "--feedback 100" in page.code[1].value
    words = visit("search", q='"says sorry"', method="words", learn="true")
    assert "--feedback" not in words.code[1].value


def test_search_suggests_something_before_anything_is_asked(visit: Any) -> None:
    page = visit("search")
    suggestion = next(one for one in page.button if "warns" in one.label)
    suggestion.click()
    page.query_params["method"] = "features"
    assert 'class="sd-doc"' in markup(ran(page))


@pytest.mark.parametrize("query", ['"open', "a AND"])
def test_a_query_that_cannot_be_read_is_one_sentence(visit: Any, query: str) -> None:
    assert 'role="alert"' in markup(visit("search", q=query, method="features"))


def test_search_only_where_a_column_has_a_value(visit: Any) -> None:
    page = visit("search", q='"says sorry"', method="features", where="model=a")
    assert "model=a" in page.code[1].value
    assert 'role="alert"' in markup(visit("search", q='"says sorry"', method="features", where="nothing=a"))


def test_correlations_show_figures_and_both_features_in_documents(visit: Any, groups: Any, quick: None) -> None:
    opened.start([groups])
    page = visit("correlations", direction="together")
    row = saedata.correlate(groups, direction="together").row(0, named=True)
    shown = markup(page)
    assert f"NPMI {row['npmi']:.2f}" in shown
    assert percent(row["p_a_given_b"]) in shown
    assert f"document {row['evidence'][0]['doc_a']}" in shown
    assert shown.count("<mark") >= 2
    assert "<img" not in shown
    for view in ("Links", "Groups"):
        visit("correlations", view=view)


def test_the_map_shows_groups_what_sets_them_apart_and_agreement(visit: Any, groups: Any, quick: None) -> None:
    opened.start([groups])
    page = visit("map", clusters="3")
    found = saedata.cluster(groups, clusters=3, columns=["group", "stars"])
    shown = markup(page)
    assert "in 3 groups" in shown
    first = found.descriptions.filter(pl.col("cluster") == 0).row(0, named=True)
    assert f"{points(first['difference'])} points" in shown
    assert "Agreement with columns" in shown
    assert "<img" not in shown
    for colour in ("a feature", "group", "stars"):
        visit("map", clusters="3", colour=colour)


def test_a_rectangle_on_the_map_tells_what_is_different_inside(visit: Any, groups: Any, quick: None) -> None:
    opened.start([groups])
    found = saedata.cluster(groups, clusters=3, columns=["group", "stars"]).documents
    inside = found.filter(pl.col("cluster") == 0)
    box = ",".join(f"{value:.3f}" for value in (inside["x"].min() - 0.01, inside["x"].max() + 0.01, -1e3, 1e3))
    page = visit("map", clusters="3", box=box)
    within = found.filter(pl.col("x").is_between(*map(float, box.split(",")[:2])))
    assert f"Inside: {within.height} documents" in markup(page)
    assert "Inside" not in markup(visit("map", clusters="3", box="1,2,nonsense"))


def test_many_documents_are_counted_instead_of_drawn(
    visit: Any, groups: Any, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import saedata.plots

    called = []
    original = saedata.plots.binned_map
    monkeypatch.setattr(
        saedata.plots, "binned_map", lambda *given, **named: called.append(1) or original(*given, **named)
    )
    monkeypatch.setattr("saedata_apps.limits.BINNED", 100)
    opened.start([groups])
    visit("map", clusters="3")
    visit("map", clusters="3", colour="a feature")
    assert len(called) == 2


def test_probe_tells_what_predicts_a_label(visit: Any, groups: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = saedata.probe
    quick = {"baselines": ("majority",), "ks": (1, 4), "resamples": 20}
    monkeypatch.setattr(saedata, "probe", lambda frame, **options: original(frame, **{**quick, **options}))
    opened.start([groups])
    page = visit("probe", label="group")
    found = original(groups, label="group", **quick)
    best = found.table.filter(pl.col("best")).row(0, named=True)
    shown = markup(page)
    assert f"{best['metric']} {best['value']:.3f}" in shown
    assert "saedata.probe(groups, label='group')" in page.code[0].value


def test_a_corpus_without_labels_says_so(visit: Any, make_frame: Any) -> None:
    opened.start([make_frame("plain.sae", [(f"text {n}", {0: 1.0}) for n in range(4)])])
    shown = markup(visit("probe"))
    assert "No column to predict" in shown
    assert "Classify other text" in shown


def test_pasted_texts_are_classified_by_the_probe_on_the_page(
    visit: Any, groups: Any, make_frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = saedata.probe
    quick = {"baselines": ("majority",), "ks": (4,), "resamples": 20}
    monkeypatch.setattr(saedata, "probe", lambda frame, **options: probe(frame, **{**quick, **options}))
    asked: list[Any] = []
    rows = [("like z", dict.fromkeys(range(16, 24), 2.0)), (HOSTILE, dict.fromkeys(range(8), 2.0))]

    def embed(texts: list[str], **options: Any) -> Embeddings:
        asked.append((texts, options["encoder"]))
        return make_frame("texts.sae", rows, features=24)

    monkeypatch.setattr(saedata, "embed", embed)
    opened.start([groups])
    page = visit("probe", label="group")
    page.text_area[0].set_value(f"like z\n\n  {HOSTILE}  ")
    next(one for one in page.button if one.label == "Classify").click()
    shown = markup(ran(page))
    assert asked == [(["like z", HOSTILE], groups.encoder.name)]
    expected = saedata.classify(
        make_frame("again.sae", rows, features=24), probe(groups, label="group", **quick).detectors[4]
    )
    assert expected["predicted"].to_list() == ["z", "x"]
    assert "2 documents; group:" in shown
    best = expected.sort("score", descending=True).row(0, named=True)
    assert f"score {best['score']:.3f} · predicted {best['predicted']}" in shown
    assert "<img" not in shown
    scored = next(one.value for one in page.dataframe if "text" in one.value)
    assert sorted(scored["text"]) == sorted(["like z", HOSTILE])
    assert "saedata classify texts.txt --detector detector.json" in page.code[-1].value


def test_a_probe_that_names_another_encoder_is_refused(groups: Any, tmp_path: Path) -> None:
    found = saedata.probe(groups, label="group", baselines=("majority",), ks=(4,), resamples=20)
    found.save(tmp_path / "probe.json")
    saved = json.loads((tmp_path / "probe.json").read_text())
    opened.start([groups])
    assert classifying._asked(json.dumps(saved), ["text"], None) == {"detector": json.dumps(saved), "texts": ["text"]}
    for name in ("/etc", "../encoder", "hub:someone/something", "saelens:gpt2/x"):
        saved["encoder"]["name"] = name
        said = classifying._asked(json.dumps(saved), ["text"], None)
        assert said == f"The probe cannot be used: it needs the encoder {name!r}, which is not here"
    assert classifying._asked("{}", ["text"], None).startswith("The probe cannot be used: the file is no detector")
    assert classifying._asked(None, ["text"], None) == "Upload a saved probe first."


def test_a_file_is_classified_outside_of_the_page_and_must_not_change(
    groups: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = saedata.probe(groups, label="group", baselines=("majority",), ks=(4,), resamples=20)
    found.save(tmp_path / "probe.json")
    detector = (tmp_path / "probe.json").read_text()
    opened.start([groups])
    file = tmp_path / "texts.csv"
    assert "texts.csv" in classifying._asked(detector, (file, "texts.csv"), None)
    file.write_text("words\none\ntwo\n", encoding="utf-8")
    asked = classifying._asked(detector, (file, "texts.csv"), "words")
    monkeypatch.setattr(saedata, "embed", lambda *_, **__: groups)
    scored = tasks.classify_file(**asked)["scored"]
    assert scored.columns == ["doc", "score", "predicted", "features", "text"]
    assert scored.height == groups.n_documents
    file.write_text("words\nthree\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"texts.csv has changed"):
        tasks.classify_file(**asked)


def test_embed_lists_files_of_the_given_folders_only(visit: Any, corpora: Any, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n', encoding="utf-8")
    (outside / "secret.jsonl").write_text('{"text": "secret"}\n', encoding="utf-8")
    (inside / "link.jsonl").symlink_to(outside / "secret.jsonl")
    opened.start(corpora, [inside])
    page = visit("embed")
    (choice,) = (one for one in page.selectbox if one.key == "path")
    assert choice.options == ["inside/a.jsonl"]
    choice.set_value("inside/a.jsonl")
    shown = markup(ran(page))
    assert "<dd>2</dd>" in shown
    assert "Ready to start" in shown


def test_embed_refuses_what_is_no_corpus_in_one_sentence(visit: Any, corpora: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text("{not json\n", encoding="utf-8")
    opened.start(corpora, [tmp_path])
    page = visit("embed")
    (choice,) = (one for one in page.selectbox if one.key == "path")
    choice.set_value(f"{tmp_path.name}/broken.jsonl")
    shown = markup(ran(page))
    assert 'role="alert"' in shown
    assert str(tmp_path) not in shown


def test_work_outside_of_a_page_gives_the_same_tables(
    groups: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    options = {"clusters": 3, "stability": 0}
    job = jobs.start("cluster", [groups], options)
    assert jobs.start("cluster", [groups], options) is job
    wait_for(job)
    assert job.state == "done", job.error
    tables, notes = jobs.result("cluster", [groups], options) or ({}, [])
    assert notes == []
    assert tables["clusters"].equals(tasks.cluster(groups, **options)["clusters"])
    assert jobs.result("cluster", [groups], {"clusters": 4}) is None


def test_refused_and_cancelled_work_leaves_nothing(
    groups: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    refused = jobs.start("cluster", [groups], {"clusters": 5000})
    cancelled = jobs.start("cluster", [groups], {"clusters": 2})
    cancelled.cancel()
    wait_for(refused)
    assert refused.state == "failed"
    assert "5000" in refused.error
    assert cancelled.state == "cancelled"
    assert list((tmp_path / "cache" / "dashboard").iterdir()) == []


def test_a_large_corpus_is_worked_on_outside_of_the_page(
    visit: Any, groups: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("saedata_apps.limits.SMALL", 10)
    opened.start([groups])
    page = visit("probe", label="group")
    assert "Ready to start" in markup(page)
    started = []
    monkeypatch.setattr(jobs, "start", lambda *asked: started.append(asked) or jobs.Job("key", tmp_path, {}))
    assert "Grouping the documents" in markup(visit("map", clusters="3"))
    assert started == [("cluster", [groups], {"columns": ["group", "stars"], "clusters": 3})]


def wait_for(job: jobs.Job) -> None:
    import time

    until = time.monotonic() + 120
    while job.is_open and time.monotonic() < until:
        time.sleep(0.05)


def test_reports_of_a_process_are_understood() -> None:
    job = jobs.Job("key", None, {})  # type: ignore[arg-type]
    for report in ({"stage": "counting", "done": 5, "total": 10, "unit": "documents"}, {"log": "said"}):
        jobs._hear(job, json.dumps(report))
    jobs._hear(job, "not a report")
    assert (job.share, job.stage, job.log) == (0.5, "counting", ["said"])


def test_separability_tells_what_a_single_feature_separates(
    visit: Any, groups: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = saedata.separability
    quick = {"against": (), "permutations": 20}
    monkeypatch.setattr(saedata, "separability", lambda frame, **options: original(frame, **{**quick, **options}))
    opened.start([groups])
    page = visit("separability", label="group")
    best = original(groups, label="group", **quick).summary.row(0, named=True)
    shown = markup(page)
    assert f"the best separates them by {best['max']:.2f}" in shown
    assert "<img" not in shown
    assert "saedata.separability(groups, label='group')" in page.code[0].value


def test_toxicity_tells_how_well_features_find_it(visit: Any, make_frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = saedata.toxicity
    quick = {"baselines": (), "resamples": 20, "repeats": 1, "ks": (1, 2), "head_ks": (2,)}
    monkeypatch.setattr(saedata, "toxicity", lambda frame, **options: original(frame, **{**quick, **options}))
    rng = np.random.default_rng(0)
    rows = [(f"text {n}", {int(f): 1.0 for f in sorted({n % 2, *(2 + rng.permutation(6)[:3])})}) for n in range(160)]
    frame = make_frame("toxic.sae", rows, user={"toxic": [n % 2 for n in range(160)]}, shard=80)
    opened.start([frame])
    page = visit("toxicity", label="toxic")
    shown = markup(page)
    assert "F1 1.000" in shown
    assert "saedata.toxicity(toxic, label='toxic')" in page.code[0].value


@pytest.mark.parametrize("name", ["separability", "toxicity"])
def test_pages_that_need_a_column_say_so(visit: Any, make_frame: Any, name: str) -> None:
    opened.start([make_frame("plain.sae", [(f"text {n}", {0: 1.0}) for n in range(4)])])
    assert "this corpus has no" in markup(visit(name))
