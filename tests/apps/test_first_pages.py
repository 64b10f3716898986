"""Overview, Compare and Features show the library's numbers, and say what to do where there are none."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from dashboard import HOSTILE, markup, ran

import saedata
from saedata.frame import open_frame
from saedata.plots.text import percent, points
from saedata_apps import columns, lookups, opened


def test_the_start_page_tells_how_the_corpora_differ(visit: Any, corpora: Any) -> None:
    shown = markup(visit())
    assert "How warm differs from cold" in shown
    found = saedata.diff(*corpora)
    out = found.filter(pl.col("q") < 0.05)
    assert out.height >= 4
    for row in out.iter_rows(named=True):
        assert points(row["difference"]) in shown
        assert percent(row["target"]) in shown


def test_the_start_page_of_one_corpus_tells_what_is_in_it(visit: Any, corpora: Any) -> None:
    opened.start(corpora[:1])
    shown = markup(visit())
    assert "What is in warm" in shown
    assert "Most common" in shown


def test_the_start_page_counts_documents_by_a_column(visit: Any) -> None:
    page = visit()
    assert "languages are not counted" in markup(page)
    (choice,) = (one for one in page.selectbox if one.label == "Count by")
    choice.set_value("model")
    assert markup(ran(page)).count("a · 20") == 2  # of both corpora


def test_the_start_page_counts_languages_where_a_column_says_them(visit: Any, make_frame: Any) -> None:
    rows = [(f"text {number}", {0: 1.0}) for number in range(8)]
    lang = ["en", "en", " en ", "de", "de", None, "", "<b>fr</b>"]
    frame = make_frame("spoken.sae", rows, user={"lang": lang, "stars": [1, 2] * 4})
    opened.start([frame])
    shown = markup(visit())
    assert "as the column lang says" in shown
    assert [
        part in shown for part in ("en · 3", "37.5%", "de · 2", "(none given) · 2", "&lt;b&gt;fr&lt;/b&gt; · 1")
    ] == [True] * 5
    assert shown.index("en · 3") < shown.index("(none given) · 2") < shown.index("fr&lt;/b&gt; · 1")
    found = lookups.counts(frame, "lang")
    assert found.rows() == [("en", 3, 0.375), ("de", 2, 0.25), (None, 2, 0.25), ("<b>fr</b>", 1, 0.125)]


@pytest.mark.parametrize(("name", "values"), [("lang", [1, 2] * 4), ("translation", ["en", "de"] * 4)])
def test_other_columns_are_not_taken_for_languages(make_frame: Any, name: str, values: list[Any]) -> None:
    frame = make_frame("other.sae", [(f"text {number}", {0: 1.0}) for number in range(8)], user={name: values})
    assert columns.language_column(frame) is None


@pytest.mark.parametrize("name", ["overview", "compare", "features"])
def test_without_any_corpus_a_page_says_what_to_do(visit: Any, name: str) -> None:
    opened.start([])
    assert "No corpus is open" in markup(visit(name))


@pytest.mark.parametrize("name", ["overview", "compare", "features"])
def test_what_comes_from_a_corpus_is_shown_as_text(visit: Any, name: str) -> None:
    shown = markup(visit(name, feature="5"))
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def test_compare_shows_the_figures_and_documents_of_a_feature(visit: Any, corpora: Any) -> None:
    page = visit("compare", feature="2")
    row = saedata.diff(*corpora).filter(pl.col("feature") == 2).row(0, named=True)
    shown = markup(page)
    assert percent(row["other"]) in shown
    assert f"{points(row['low'])} to {points(row['high'])}" in shown
    assert shown.count('class="sd-doc"') == 5
    assert f"document {corpora[1].top_documents(2, 1)['doc'][0]}" in shown
    (choice,) = (one for one in page.segmented_control if one.label == "Documents of")
    assert choice.value == "other"  # where there is more of it


def test_compare_speaks_of_the_feature_that_is_chosen(visit: Any) -> None:
    page = visit("compare", feature="2")
    (choice,) = (one for one in page.selectbox if one.label == "Finding")
    choice.set_value(0)
    assert "says sorry" in markup(ran(page))
    assert page.query_params["feature"] == "0"


def test_compare_takes_groups_pairs_adjustment_and_trend(visit: Any, corpora: Any) -> None:
    groups = visit("compare", other="groups of model")
    assert "more often in a" in markup(groups)
    pairs = visit("compare", pair="id", feature="1")
    row = saedata.diff(*corpora, pair="id").filter(pl.col("feature") == 1).row(0, named=True)
    assert f"{points(row['low'])} to {points(row['high'])}" in markup(pairs)
    assert markup(pairs).count('class="sd-doc"') == 10  # five pairs
    adjusted = visit("compare", adjust="length", cluster="id")
    assert "among documents of similar length" in markup(adjusted)
    assert "for each step" in markup(visit("compare", other="groups of model", trend="true"))


def test_compare_without_anything_to_compare_with_says_so(visit: Any, corpora: Any) -> None:
    opened.start([corpora[0].filter(pl.col("doc") < 1)])
    assert "Nothing to compare with" in markup(visit("compare"))


def test_a_refusal_of_the_library_is_one_sentence_on_the_page(visit: Any) -> None:
    page = visit("compare", pair="id", adjust=HOSTILE, other="groups of model")
    assert 'role="alert"' in markup(page)


def test_the_same_is_shown_as_python_and_as_a_command(visit: Any) -> None:
    python, command = (one.value for one in visit("compare", adjust="length").code)
    assert "saedata.diff(warm, cold, adjust='length')" in python
    assert command == "saedata diff warm.sae cold.sae --adjust length"


def test_features_are_found_by_word_number_and_kind(visit: Any) -> None:
    assert "1 feature;" in markup(visit("features", q="sorry"))
    assert "1 feature;" in markup(visit("features", q="3"))
    assert "3 features;" in markup(visit("features", kind="tone"))
    assert "No such feature" in markup(visit("features", q="99"))
    assert "No such feature" in markup(visit("features", q="zzzz qqqq"))


def test_what_is_found_is_what_is_looked_at(visit: Any) -> None:
    page = visit("features", feature="4")
    (find,) = (one for one in page.text_input if one.label == "Find")
    find.set_value("warns")
    assert "<h2>warns</h2>" in markup(ran(page))


def test_a_feature_shows_its_numbers_and_documents(visit: Any, corpora: Any) -> None:
    page = visit("features", feature="4")
    row = corpora[0].features.row(4, named=True)
    shown = markup(page)
    assert f"<dd>{row['documents']}</dd>" in shown
    assert f"<dd>{row['q90']:.2f}</dd>" in shown
    best = corpora[0].top_documents(4, 1).row(0, named=True)
    assert f"document {best['doc']} · activation {best['value']:.3g}" in shown
    assert "Only the strongest token of each document is marked" in shown  # nobody has this encoder
    weakest = markup(visit("features", feature="4", which="weakest"))
    assert "document 0 · activation 1" in weakest


def test_a_feature_that_is_never_on_says_so(visit: Any) -> None:
    assert "Never on" in markup(visit("features", feature="6"))


def test_an_edited_label_is_kept_in_the_frame(visit: Any, corpora: Any) -> None:
    page = visit("features", feature="0")
    (label,) = (one for one in page.text_input if one.label == "Label")
    label.set_value("apologises <b>")
    (keep,) = (one for one in page.button if one.label == "Keep")
    keep.click()
    assert "apologises &lt;b&gt;" in markup(ran(page))
    features = open_frame(corpora[0].path).features
    assert features.row(0, named=True)["label"] == "apologises <b>"
    assert features.row(0, named=True)["label_source"] == "edited by hand"


def test_an_address_that_makes_no_sense_is_ignored(visit: Any) -> None:
    for query in ({"feature": "999999"}, {"feature": "../../etc"}, {"target": "nobody"}, {"adjust": "nothing"}):
        assert "differ by more than chance" in markup(visit("compare", **query))


def test_nobody_enters_without_the_password(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDATA_APP_PASSWORD", "open sesame")
    monkeypatch.setattr("saedata_apps.entrance._PATIENCE", 0)
    page = visit()
    assert "How warm differs" not in markup(page)
    page.text_input[0].set_value("open")
    page.button[0].click()
    assert "not the password" in markup(ran(page))
    page.text_input[0].set_value("open sesame")
    page.button[0].click()
    assert "How warm differs" in markup(ran(page))
