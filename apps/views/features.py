"""One concept after the other: found by words, kind or number, with its numbers and the documents it is on in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

import saedata
from saedata.concepts import choose_features
from saedata.errors import SaedataError
from saedata.frame.relabel import relabel_frame
from saedata.plots import distribution_chart
from saedata.plots.text import counted, one_line, percent
from saedata_apps import limits, lookups, opened, samples, state
from saedata_apps.charts import chart
from saedata_apps.evidence import documents
from saedata_apps.kept import kept, working
from saedata_apps.markup import empty, fill, heading, note, section, show, tiles
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import ROWS, SHARE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

FEATURE = "feature"
BY_HAND = "edited by hand"
PER_PAGE = 5
NEIGHBOURS = 20
ENOUGH = 50
"""Documents of a sample in which a feature must be on, so that the others there say something about it."""

WHICH = ("strongest", "median", "weakest", "random")
ABOUT = {
    "strongest": "Where it is strongest, the strongest first.",
    "median": "From the middle: half of the documents where it is on have more of it.",
    "weakest": "Where it is on, but only just: what it is at its edge.",
    "random": "A random choice of the documents where it is on.",
}
ANY = "any kind"


def page() -> None:
    """The page."""
    heading(
        "Features",
        "Which concepts are in a corpus, how often and how strongly, and what do they look like in the text?",
    )
    left, middle, right = st.columns([3, 5, 3], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    with middle:
        words = st.text_input(
            "Find",
            key="q",
            bind="query-params",
            type="search",
            icon=":material/search:",
            placeholder="A word of the label, a meaning such as “tone of voice”, or a number",
        )
    names: pl.DataFrame = kept(lookups.named, frame).value
    with right:
        kinds = [ANY, *sorted(names["kind"].drop_nulls().unique().to_list())]
        kind = st.selectbox("Kind", kinds, key="kind", bind="query-params")
    listed = _found(frame, names, (words or "").strip(), None if kind == ANY else kind)
    if listed is None:
        return
    places = {number: place for place, number in enumerate(names["feature"].to_list())}
    asked = (words, kind)
    if st.session_state.get("asked for", asked) != asked:  # what is found is what is looked at
        st.session_state[FEATURE] = listed["feature"][0]
    st.session_state["asked for"] = asked
    state.follow(FEATURE, among=places, default=listed["feature"][0])
    _list(listed, frame)
    feature = st.session_state[FEATURE]
    state.put_followed(FEATURE, feature)
    _about(frame, names.row(places[feature], named=True))
    find = (words or "").strip() or None
    calls = [
        Call("feature_documents", (feature,), {"which": st.session_state.get("which")}),
        Call("cofiring", (feature,)),
    ]
    same([frame], Call(".features", None), *calls, commands=[Command("features", {"find": find})])


def _found(frame: Embeddings, names: pl.DataFrame, words: str, kind: str | None) -> pl.DataFrame | None:
    """Features that fit: by number, by words in the name, else by meaning."""
    among = names if kind is None else names.filter(pl.col("kind") == kind)
    if not words:
        return among
    if words.isascii() and words.isdigit():
        found = among.filter(pl.col("feature") == int(words)) if len(words) < 10 else among.clear()
    else:
        found = among.filter(pl.col("name").str.to_lowercase().str.contains(words.lower(), literal=True))
    if found.is_empty() and not words.isdigit():
        found = _by_meaning(frame, among, words)
    if found.is_empty():
        empty(
            "No such feature",
            f"Nothing is called “{words}”, and no label means something like it. Try other words, or another kind.",
        )
        return None
    return found


def _by_meaning(frame: Embeddings, among: pl.DataFrame, words: str) -> pl.DataFrame:
    try:
        chosen = kept(choose_features, frame, words).value
    except SaedataError:
        return among.clear()
    show(fill('<p class="sd-quiet">No name holds “{words}”; these are nearest in meaning.</p>', words=words))
    found: pl.DataFrame = chosen.select("feature").unique(maintain_order=True)
    return found.join(among, on="feature", maintain_order="left")


def _list(listed: pl.DataFrame, frame: Embeddings) -> None:
    def pick() -> None:
        if (place := picked_row("list")) is not None:
            st.session_state[FEATURE] = int(listed["feature"][place])

    columns = {
        "name": st.column_config.TextColumn("feature", width="large"),
        "kind": "kind",
        "feature": st.column_config.NumberColumn("number", format="%d"),
        "documents": st.column_config.NumberColumn("documents", format="localized"),
        "density": st.column_config.ProgressColumn(
            "density", format="percent", min_value=0, max_value=1, color="primary"
        ),
        "max": st.column_config.NumberColumn("strongest", format="%.2f"),
    }
    some = f", the first {ROWS:,} below" if listed.height > ROWS else ""
    shown = f"{counted(listed.height, 'feature')}{some}; pick one to see all about it."
    show(fill('<p class="sd-quiet">{shown}</p>', shown=shown))
    table(listed, key="list", columns=columns, picks=pick, height=290)
    with st.container(horizontal=True):
        downloads(listed.drop("name"), "features")


def _about(frame: Embeddings, row: dict[str, Any]) -> None:
    number = row["feature"]
    section(one_line(row["name"]), " · ".join(_facts(row)))
    tiles(
        (
            ("Number", str(number), row["kind"] or "no kind"),
            ("Documents", f"{row['documents']:,}", f"{percent(row['density'] or 0)} of {frame.n_documents:,}"),
            ("Mean where on", _figure(row["mean"]), "activation"),
            ("0.9 quantile where on", _figure(row["q90"]), "activation"),
            ("Strongest", _figure(row["max"]), "activation"),
        )
    )
    if not row["documents"]:
        empty("Never on", f"No document of {frame.name} has this feature. Another corpus may.")
    else:
        left, right = st.columns([11, 9], gap="large")
        with left:
            _documents(frame, number)
        with right:
            _charts(frame, row)
            _beside(frame, number)
    _edit(frame, row)


def _facts(row: dict[str, Any]) -> list[str]:
    facts = [f"label by {row['label_source']}"] if row["label_source"] else []
    facts += [f"label score {row['label_score']:.2f}"] if row["label_score"] is not None else []
    facts += ["strongest on " + ", ".join(one_line(token) for token in row["tokens"])] if row["tokens"] else []
    return facts or ["no label yet"]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _documents(frame: Embeddings, feature: int) -> None:
    which = st.segmented_control("Documents", WHICH, default=WHICH[0], key="which", bind="query-params", required=True)
    show(fill('<p class="sd-quiet">{about}</p>', about=ABOUT[which]))
    chosen: pl.DataFrame = kept(saedata.feature_documents, frame, feature, which=which).value
    pages_ = -(-chosen.height // PER_PAGE)
    key = f"page of {feature} {which}"
    place = min(st.session_state.get(key, 1), pages_)
    docs = chosen["doc"][(place - 1) * PER_PAGE : place * PER_PAGE].to_list()
    with st.spinner("Reading the documents …"):
        documents(frame, kept(lookups.passages, frame, feature, tuple(docs)).value, by_token=True)
    if pages_ > 1:
        st.pagination(pages_, key=key)


def _charts(frame: Embeddings, row: dict[str, Any]) -> None:
    edges, heights = kept(saedata.activation_histogram, frame, row["feature"]).value
    chart(distribution_chart("value", edges, [heights], names=[frame.name]), key="values")
    edges, heights = kept(lookups.densities, frame).value
    title = f"Density of all features; this one: {percent(row['density'] or 0)}"
    chart(distribution_chart("density", edges, [heights], names=[frame.name], log=True, title=title), key="densities")


def _beside(frame: Embeddings, feature: int) -> None:
    """Features that are on in the same documents, and those with a label of like meaning."""
    among, where = _looked_through(frame, feature)
    section("On in the same documents", f"Jaccard index: documents with both, of those with either{where}.")
    near: pl.DataFrame = kept(saedata.cofiring, among, feature).value
    name = st.column_config.TextColumn("feature", width="medium")
    columns = {"name": name, "jaccard": SHARE, "documents": "both"}
    table(near, key="near", columns=columns, picks=lambda: _go(near, "near"), height=250)
    meaning: pl.DataFrame | None = kept(lookups.alike, frame, feature, NEIGHBOURS).value
    if meaning is not None:
        section("Of like meaning", "Cosine of the labels.")
        columns = {"label": name, "similarity": st.column_config.NumberColumn(format="%.2f"), "density": SHARE}
        table(meaning, key="alike", columns=columns, picks=lambda: _go(meaning, "alike"), height=250)


def _looked_through(frame: Embeddings, feature: int) -> tuple[Embeddings, str]:
    """Of a large corpus a sample of its documents, where the feature is on in enough of them."""
    sample = samples.there(frame, limits.SAMPLE) if frame.n_documents > limits.LARGE else None
    if sample is None or len(sample.postings(feature)[0]) < ENOUGH:
        return frame, ""
    return sample, f", in {sample.n_documents:,} chosen at random"


def _go(rows: pl.DataFrame, key: str) -> None:
    if (place := picked_row(key)) is not None:
        st.session_state[FEATURE] = int(rows["feature"][place])


def _edit(frame: Embeddings, row: dict[str, Any]) -> None:
    """Write another label into the frame."""
    number = row["feature"]
    with st.expander("Edit the label", icon=":material/edit:"), st.form("edit", border=False):
        show(fill('<p class="sd-quiet">It is written into the frame, with “edited by hand” as its source.</p>'))
        label = st.text_input("Label", value=row["label"] or "", max_chars=300, key=f"label {number}")
        kind = st.text_input("Kind", value=row["kind"] or "", max_chars=40, key=f"kind {number}")
        if st.form_submit_button("Keep", type="primary", disabled=frame.path is None) and label.strip():
            _keep(frame, number, label.strip(), kind.strip())


def _keep(frame: Embeddings, feature: int, label: str, kind: str) -> None:
    assert frame.path is not None
    row = {"feature": feature, "label": label, "kind": kind or None, "label_source": BY_HAND}
    schema = {"feature": pl.UInt32, "label": pl.String, "kind": pl.String, "label_source": pl.String}
    try:
        with working:
            changed = relabel_frame(frame.path, pl.DataFrame([row], schema=schema))
    except SaedataError as error:
        note(error, kind="wrong")
        return
    changed.name = frame.name
    opened.add(changed)
    st.toast("The label is kept.", icon=":material/check:")
    st.rerun()


page()
