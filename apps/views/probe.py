"""What predicts a label: how few features do, whether dense vectors do better, and which labels look wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from saedata.plots import calibration_chart, k_chart, pr_chart, roc_chart
from saedata.plots.text import counted, one_line, shorten
from saedata_apps import classifying, limits, lookups, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import chart
from saedata_apps.columns import groupings, user_columns
from saedata_apps.evidence import documents
from saedata_apps.kept import kept
from saedata_apps.markup import empty, fill, heading, note, section, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import INSIDE, OUTSIDE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

NONE = "–"
SPARSE = "SAE"
FIGURE = st.column_config.NumberColumn(format="%.3f")


def page() -> None:
    """The page."""
    heading("Probe & classify", "Which concepts predict a label, how few are enough, and which labels look wrong?")
    left, middle, right = st.columns([3, 4, 4], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    labels = [*groupings(frame), *_numbers(frame)]
    if not labels:
        empty(
            "No column to predict",
            "A label is a column with few different values, or with numbers; this corpus has none. "
            "A probe that was saved can be used nevertheless.",
        )
        classifying.form(None)
        return
    with middle:
        label = st.selectbox("Label", labels, key="label", bind="query-params")
    with right:
        group = st.selectbox(
            "Equal values stay on one side",
            [NONE, *(c for c in user_columns(frame) if c != label)],
            key="group",
            bind="query-params",
            help="e.g. an author, whose texts are alike",
        )
    options = {"label": label} | ({} if group == NONE else {"group": group})
    tables = ask(
        "probe", [frame], options, doing="Fitting probes and baselines", unasked=frame.n_documents <= limits.SMALL
    )
    if tables is not None:
        _show(frame, label, tables)
    same([frame], Call("probe", options=options), commands=[Command("probe", options)])
    classifying.form(tables["detector"]["json"][0] if tables is not None and "detector" in tables else None)


def _numbers(frame: Embeddings) -> list[str]:
    taken = groupings(frame)
    return [name for name, kind in user_columns(frame).items() if kind.is_numeric() and name not in taken]


def _show(frame: Embeddings, label: str, tables: dict[str, pl.DataFrame]) -> None:
    found, curves = tables["table"], tables["curves"]
    first = found.filter(pl.col("metric") == found["metric"][0], pl.col("value").is_not_null())
    show(fill('<p class="sd-verdict">{text}</p>', text=_verdict(first, label)))
    left, right = st.columns([11, 9], gap="large")
    with left:
        chart(k_chart(found), key="k")
        _methods(first)
        downloads(found, "probes")
    with right:
        _features(frame, tables["features"], int(found.filter(pl.col("best"))["k"][0]))
    if curves.height:
        for column, draw, key in zip(st.columns(3), (roc_chart, pr_chart, calibration_chart), "rpc", strict=True):
            with column:
                chart(draw(curves, found), key=f"curve {key}")
    _disputed(frame, tables["disputed"])
    if "detector" in tables:
        st.download_button(
            "Save the probe",
            tables["detector"]["json"][0],
            file_name="detector.json",
            on_click="ignore",
            mime="application/json",
            icon=":material/download:",
            help="`saedata classify CORPUS --detector FILE` scores any corpus with it",
        )


def _verdict(first: pl.DataFrame, label: str) -> str:
    best = first.filter(pl.col("best")).row(0, named=True)
    others = first.filter(~pl.col("method").str.starts_with(SPARSE), ~pl.col("method").str.starts_with("quiver"))
    text = (
        f"{counted(best['k'], 'feature')} predict {one_line(label)} with {best['metric']} {best['value']:.3f} "
        f"({best['low']:.3f} to {best['high']:.3f}) on {counted(best['test'], 'document')} held out."
    )
    if others.height:
        other = others.sort("value", descending=True).row(0, named=True)
        text += f" The best of {others.height} baselines, {other['method']}, reaches {other['value']:.3f}."
    return text


def _methods(first: pl.DataFrame) -> None:
    columns = {
        "method": "method",
        "k": st.column_config.NumberColumn("features", format="%d"),
        "value": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
        "chosen": "chosen",
        "best": "best",
    }
    table(first.sort("value", descending=True), key="methods", columns=columns)


def _features(frame: Embeddings, features: pl.DataFrame, best: int) -> None:
    ks = features["k"].unique().sort().to_list()
    section("The features it reads", "Pick one to see all about it.")
    k = st.segmented_control(
        "Features of the probe", ks, default=best if best in ks else ks[-1], key="k", required=True
    )
    mine = features.filter(pl.col("k") == k)
    columns = {
        "label": st.column_config.TextColumn("feature", width="medium"),
        "class": "for",
        "weight": FIGURE,
        "share_inside": INSIDE,
        "share_outside": OUTSIDE,
    }
    table(mine, key="features table", columns=columns, picks=lambda: None, height=420)
    downloads(features, "probe features")
    place = picked_row("features table")
    if place is not None and place < mine.height:
        row = mine.row(place, named=True)
        views.link(
            "features", "All about this feature", icon=":material/label:", corpus=frame.name, feature=row["feature"]
        )
        documents(frame, kept(lookups.passages, frame, row["feature"], tuple(row["evidence"])).value)


def _disputed(frame: Embeddings, disputed: pl.DataFrame) -> None:
    section("Labels that look wrong", "Documents whose label the probe disputes most, when it has not seen it.")
    if disputed.is_empty():
        note("The probe disputes no label.", kind="good")
        return
    left, right = st.columns([11, 9], gap="large")
    with left:
        columns = {
            "doc": st.column_config.NumberColumn("document", format="%d"),
            "label": "label",
            "predicted": "predicted",
            "score": FIGURE,
            "issue": "taken for wrong",
            "features": st.column_config.ListColumn("because of"),
        }
        table(disputed, key="disputed", columns=columns, picks=lambda: None, height=420)
        downloads(disputed, "disputed")
    with right:
        row = disputed.row(min(picked_row("disputed") or 0, disputed.height - 1), named=True)
        about = f"labelled {row['label']}, predicted {row['predicted']}: " if row["predicted"] is not None else ""
        why = "; ".join(shorten(one_line(name), 60) for name in (row["features"] or [])[:3])
        show(fill('<p class="sd-quiet">{about}</p>', about=f"Document {row['doc']}, {about}{why}"))
        features = list(row["feature_ids"] or [])[:1]
        documents(
            frame, kept(lookups.passages, frame, features[0], (row["doc"],)).value if features else pl.DataFrame()
        )


page()
