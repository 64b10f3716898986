"""How well single features tell concepts apart, beside single dense units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from saedata.plots import concept_features_chart, held_out_chart, separation_chart
from saedata.plots.text import counted, one_line
from saedata_apps import limits, lookups, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import chart
from saedata_apps.columns import groupings
from saedata_apps.evidence import documents
from saedata_apps.kept import kept
from saedata_apps.markup import empty, fill, heading, section, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import INSIDE, OUTSIDE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

FIGURE = st.column_config.NumberColumn(format="%.3f")


def page() -> None:
    """The page."""
    heading(
        "Separability", "How well does a single feature tell concepts apart, and does a single dense unit do better?"
    )
    left, right = st.columns([3, 5], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    labels = groupings(frame)
    if not labels:
        empty("No column of concepts", "Concepts are the values of a column with few of them; this corpus has none.")
        return
    with right:
        label = st.selectbox("Concepts", labels, key="label", bind="query-params")
    options = {"label": label}
    small = frame.n_documents <= limits.SMALL
    tables = ask("separability", [frame], options, doing="Measuring every feature", unasked=small)
    if tables is not None:
        _show(frame, label, tables)
    same([frame], Call("separability", options=options), commands=[Command("separability", options)])


def _show(frame: Embeddings, label: str, tables: dict[str, pl.DataFrame]) -> None:
    show(fill('<p class="sd-verdict">{text}</p>', text=_verdict(label, tables["summary"])))
    left, right = st.columns([11, 9], gap="large")
    with left:
        chart(concept_features_chart(tables["concepts"]), key="concepts")
        chart(separation_chart(tables["units"], label=label), key="units")
        if tables["held_out"].height:
            chart(held_out_chart(tables["held_out"]), key="held out")
    with right:
        _concepts(frame, tables["concepts"])
    section("All features that are on", "The best first: corrected Jensen-Shannon distance between all concepts.")
    columns = {
        "label": st.column_config.TextColumn("feature", width="large"),
        "concept": "tells best",
        "js": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
        "share_inside": INSIDE,
        "share_outside": OUTSIDE,
        "q": st.column_config.NumberColumn(format="scientific"),
    }
    table(tables["table"], key="table", columns=columns, height=360)
    downloads(tables["table"], "separability")


def _verdict(label: str, summary: pl.DataFrame) -> str:
    first, *others = summary.iter_rows(named=True)
    text = (
        f"{counted(first['documents'], 'document')} of {first['concepts']} values of {one_line(label)}: of "
        f"{counted(first['live'], 'feature')} that are on, the best separates them by {first['max']:.2f} "
        f"(0 not at all, 1 wholly), the mean one by {first['mean']:.3f}."
    )
    if others:
        best = max(others, key=lambda one: one["max"] or 0.0)
        text += f" Dense units ({best['units']}) reach {best['max']:.2f}, {best['mean']:.3f} on average."
    return text


def _concepts(frame: Embeddings, concepts: pl.DataFrame) -> None:
    """The features of one concept, and the documents that show the chosen one."""
    names = concepts["concept"].unique(maintain_order=True).to_list()
    concept = st.selectbox("Concept", names, key="concept", bind="query-params")
    mine = concepts.filter(pl.col("concept") == concept)
    columns: dict[str, Any] = {
        "label": st.column_config.TextColumn("feature", width="medium"),
        "direction": "it has",
        "js": FIGURE,
        "share_inside": INSIDE,
        "share_outside": OUTSIDE,
    }
    table(mine, key="concept table", columns=columns, picks=lambda: None, height=300)
    row = mine.row(min(picked_row("concept table") or 0, mine.height - 1), named=True)
    section(one_line(row["label"]), f"feature {row['feature']}, {row['direction']} of it in {one_line(concept)}")
    documents(frame, kept(lookups.passages, frame, row["feature"], tuple(row["evidence"])).value)
    views.link("features", "All about this feature", icon=":material/label:", corpus=frame.name, feature=row["feature"])


page()
