"""What is toxic, in any language, and which features are a language's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from saedata import plots
from saedata.plots.text import counted, one_line, percent
from saedata_apps import limits, lookups, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import chart
from saedata_apps.columns import groupings
from saedata_apps.evidence import documents
from saedata_apps.kept import kept
from saedata_apps.markup import empty, fill, heading, section, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import SHARE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

NONE = "–"
QUESTIONS = ("Toxicity", "Languages")
FIGURE = st.column_config.NumberColumn(format="%.3f")


def page() -> None:
    """The page."""
    heading("Toxicity & languages", "Which features tell toxic documents in every language, and which tell languages?")
    left, right = st.columns([3, 5], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    with right:
        question = st.segmented_control(
            "Question", QUESTIONS, default=QUESTIONS[0], key="question", bind="query-params", required=True
        )
    columns = groupings(frame)
    if not columns:
        empty(
            "No column to go by",
            "Toxicity needs a column that says what is toxic, languages one that names them; "
            "this corpus has no column with few values.",
        )
    elif question == QUESTIONS[0]:
        _toxicity(frame, columns)
    else:
        _languages(frame, columns)


def _toxicity(frame: Embeddings, columns: list[str]) -> None:
    left, right = st.columns(2)
    with left:
        label = st.selectbox("What is toxic", columns, key="label", bind="query-params")
    with right:
        language = st.selectbox(
            "Language", [NONE, *(one for one in columns if one != label)], key="language", bind="query-params"
        )
    options = {"label": label} | ({} if language == NONE else {"language": language})
    small = frame.n_documents <= limits.SMALL
    tables = ask("toxicity", [frame], options, doing="Learning what is toxic", unasked=small)
    if tables is not None:
        _show_toxicity(frame, tables)
    same([frame], Call("toxicity", options=options), commands=[Command("toxicity", options)])


def _show_toxicity(frame: Embeddings, tables: dict[str, pl.DataFrame]) -> None:
    found = tables["table"]
    names = found["train_language"].unique(maintain_order=True).to_list()
    own = found.filter(pl.col("train_language") == pl.col("test_language"), pl.col("best"))
    best = own.filter(pl.col("method") == "head")
    parts = [
        f"{one_line(row['test_language'])}: F1 {row['f1']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        for row in best.head(6).iter_rows(named=True)
    ]
    text = "A few features tell toxic documents that were not looked at before. " + "; ".join(parts) + "."
    show(fill('<p class="sd-verdict">{text}</p>', text=text))
    left, right = st.columns([11, 9], gap="large")
    with left:
        if len(names) > 1:
            chart(plots.transfer_chart(found), key="transfer")
        chart(plots.toxic_roc_chart(tables["curves"], found), key="roc")
        chart(plots.efficiency_chart(tables["efficiency"]), key="efficiency")
    with right:
        _own_features(frame, tables["features"], {"toxic": SHARE, "clean": SHARE, "in_rule": "in rule"})
    section("Every method, trained and tested on every language")
    columns = {
        "train_language": "trained on",
        "test_language": "tested on",
        "method": "method",
        "k": st.column_config.NumberColumn("features", format="%d"),
        "f1": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
        "auc": FIGURE,
        "fpr": SHARE,
        "best": "best",
    }
    table(found, key="table", columns=columns, height=360)
    downloads(found, "toxicity")
    if tables["fairness"].height:
        section(
            "Clean documents that mention an identity", "Share of them said to be toxic, beside all other clean ones."
        )
        table(tables["fairness"], key="fairness", columns={name: name for name in tables["fairness"].columns[:9]})


def _languages(frame: Embeddings, columns: list[str]) -> None:
    language = st.selectbox("Language", columns, key="language", bind="query-params")
    options = {"language": language}
    small = frame.n_documents <= limits.SMALL
    tables = ask("languages", [frame], options, doing="Learning what each language has of its own", unasked=small)
    if tables is not None:
        _show_languages(frame, tables)
    same([frame], Call("languages", options=options), commands=[Command("languages", options)])


def _show_languages(frame: Embeddings, tables: dict[str, pl.DataFrame]) -> None:
    counts, told = tables["counts"], tables["identification"]
    own, several = counted(int(counts["features"].sum()), "feature"), counted(counts.height, "language")
    text = f"{own} belong to one language alone, in {several}."
    best = told.filter(pl.col("scope") == "all languages", pl.col("method") == "features")
    if best.height:
        text += f" By them the language of {percent(best['accuracy'][0])} of held-out documents is told."
    show(fill('<p class="sd-verdict">{text}</p>', text=text))
    left, right = st.columns([11, 9], gap="large")
    with left:
        section("How many features each language has")
        table(counts, key="counts", columns={name: name for name in counts.columns})
        if tables["matrix"].height:
            chart(plots.selectivity_chart(tables["matrix"]), key="selectivity")
        section("Telling languages", "Accuracy on held-out documents, beside character n-grams and dense vectors.")
        table(
            told,
            key="told",
            columns={"scope": "scope", "method": "by", "accuracy": FIGURE, "low": FIGURE, "high": FIGURE},
        )
        downloads(tables["table"], "languages")
    with right:
        _own_features(frame, tables["table"], {"share": SHARE, "share_random": SHARE, "share_others": SHARE})


def _own_features(frame: Embeddings, features: pl.DataFrame, shown: dict[str, Any]) -> None:
    """The features of one language, and the documents that show the chosen one."""
    if features.is_empty():
        empty("No feature", "None is more frequent there than elsewhere.")
        return
    names = features["language"].unique(maintain_order=True).to_list()
    chosen = st.selectbox("Features of", names, key="own", format_func=one_line) if len(names) > 1 else names[0]
    mine = features.filter(pl.col("language").eq_missing(pl.lit(chosen)))
    columns = {"label": st.column_config.TextColumn("feature", width="medium"), **shown}
    table(mine, key="own table", columns=columns, picks=lambda: None, height=300)
    row = mine.row(min(picked_row("own table") or 0, mine.height - 1), named=True)
    section(one_line(row["label"]), f"feature {row['feature']}")
    documents(frame, kept(lookups.passages, frame, row["feature"], tuple(row["evidence"])).value)
    views.link("features", "All about this feature", icon=":material/label:", corpus=frame.name, feature=row["feature"])


page()
