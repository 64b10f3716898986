"""Documents that have a property, and what says so in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st
from markupsafe import Markup

import saedata
from saedata.analysis.search.where import where
from saedata.errors import SaedataError
from saedata.plots.search import LABELS, hits_page, marked_text, marks_of
from saedata.plots.text import brief, counted, one_line
from saedata_apps import limits, lookups, state
from saedata_apps.asked import ask
from saedata_apps.kept import kept, worked
from saedata_apps.markup import fill, heading, joined, literal, note, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import downloads, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

METHODS = {"all, fused": "fusion", "features": "sae", "dense vectors": "dense", "words": "bm25"}
PARTS = {"rank_sae": "features", "rank_dense": "dense", "rank_bm25": "words"}


def page() -> None:
    """The page."""
    heading(
        "Search",
        "Documents that have a property, named in your own words: “hedging”, “ends with a question”. Join phrases with "
        "AND, OR, NOT and parentheses.",
    )
    left, right = st.columns([3, 8], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    with right:
        query = st.text_input(
            "Property",
            key="q",
            bind="query-params",
            type="search",
            icon=":material/search:",
            placeholder='"hedging" AND NOT "code"',
            max_chars=2000,
        )
    options = _options(frame)
    number = state.number("like")
    if number is not None and number < frame.extent:
        options["like"] = number
        show(fill('<p class="sd-quiet">More like document {number}.</p>', number=number))
    query = (query or "").strip()
    if not query and "like" not in options:
        _suggest(frame)
        return
    _results(frame, query, options)


def _options(frame: Embeddings) -> dict[str, Any]:
    """Method, filter and number of documents."""
    left, middle, right = st.columns([6, 4, 2], vertical_alignment="bottom")
    small = frame.n_documents <= limits.SMALL
    with left:
        method = st.segmented_control(
            "By",
            list(METHODS),
            default="all, fused" if small else "features",
            key="method",
            bind="query-params",
            required=True,
        )
    with middle:
        condition = st.text_input(
            "Only where", key="where", bind="query-params", placeholder="model=a; stars>=3", max_chars=500
        )
    with right:
        limit = st.selectbox("Documents", [10, 20, 50, 100], index=1, key="limit", bind="query-params")
    options: dict[str, Any] = {"method": METHODS[method], "limit": limit}
    large = frame.n_documents * limits.LEARNED_SHARE >= limits.LEARNED_FROM
    if (
        large
        and METHODS[method] in ("fusion", "sae")
        and st.toggle(
            f"Learn the features from the best {limits.LEARNED_FROM} hits, and search again",
            key="learn",
            bind="query-params",
            help="Finds more of the documents that have the property; it takes longer, and the words then count less.",
        )
    ):
        options["feedback"] = limits.LEARNED_FROM
    if (condition or "").strip():
        options["filter"] = [one.strip() for one in condition.split(";") if one.strip()]
    return options


def _suggest(frame: Embeddings) -> None:
    """Before anything is asked: labels of common features, to begin with a click."""
    show(fill('<p class="sd-quiet">Ask for anything, or begin with something that is in this corpus:</p>'))
    for name in kept(lookups.common, frame).value:
        st.button(
            literal(brief(name, 90)),
            key=f"suggested {name}",
            on_click=_take,
            args=(name,),
            type="tertiary",
            icon=":material/arrow_forward:",
        )


def _take(name: str) -> None:
    st.session_state["q"] = '"' + one_line(name).replace('"', "'") + '"'


def _results(frame: Embeddings, query: str, options: dict[str, Any]) -> None:
    if options["method"] != "sae" and frame.n_documents > limits.SMALL and not _ready(frame, options["method"], query):
        return
    try:
        if "filter" in options:
            where(options["filter"], frame.scan_documents().collect_schema())
        with st.spinner("Searching …"):
            found = worked(saedata.search, frame, query, **options)
            chosen = kept(_features, frame, query, options.get("like")).value
    except SaedataError as error:
        note(error, kind="wrong")
        return
    for one in found.notes:
        note(one)
    _hits(found.value)
    if chosen.height:
        title = "Which features were looked for" + (" at first" if "feedback" in options else "")
        with st.expander(title, icon=":material/label:"):
            columns = {
                "phrase": "phrase",
                "label": st.column_config.TextColumn("feature", width="large"),
                "similarity": st.column_config.NumberColumn("cosine", format="%.2f"),
                "weight": st.column_config.NumberColumn(format="%.3f"),
            }
            table(chosen, key="chosen", columns=columns)
    with st.container(horizontal=True):
        downloads(found.value, "hits")
        st.download_button(
            "HTML page",
            data=lambda: hits_page(found.value, query=query).encode(),
            mime="text/html",
            file_name="hits.html",
            icon=":material/download:",
            on_click="ignore",
            type="tertiary",
        )
    command = {
        "method": options["method"],
        "limit": options["limit"],
        "where": options.get("filter"),
        "feedback": options.get("feedback"),
        "like": options.get("like"),
    }
    same([frame], Call("search", (query,), options), commands=[Command("search", command, (query,))])


def _ready(frame: Embeddings, method: str, query: str) -> bool:
    """Vectors and counts of words of a large corpus are made once, in the background."""
    options = {
        "query": "preparation",
        "method": "+".join(part for part in ("dense", "bm25") if method in ("fusion", part)),
        "limit": 1,
    }
    return ask("search", [frame], options, doing="Making vectors and counts of words", unasked=False) is not None


def _features(frame: Embeddings, query: str, like: int | None) -> pl.DataFrame:
    if not query:
        return pl.DataFrame()
    try:
        chosen = saedata.query_features(frame, query)
    except SaedataError:  # the search itself says what is wrong, or goes by dense vectors and words
        return pl.DataFrame()
    return chosen.head(50)


def _hits(found: pl.DataFrame) -> None:
    about = f"{counted(found.height, 'document')}, the best first. Marked: where a feature of the query is strongest."
    show(fill('<p class="sd-quiet">{about}</p>', about=about))
    show(fill('<div class="sd-docs">{hits}</div>', hits=joined(_hit(row) for row in found.iter_rows(named=True))))


def _hit(row: dict[str, Any]) -> Markup:
    text, features = row["text"] or "", row["features"] or []
    ranks = [f"{name} {row[part]:,}" for part, name in PARTS.items() if row[part] is not None]
    named = joined(
        fill(
            '<li title="activation {value}, weight {weight}">{label}</li>',
            value=f"{one['value']:.3g}",
            weight=f"{one['weight']:.3g}",
            label=brief(one["label"], 70),
        )
        for one in features[:LABELS]
    )
    return fill(
        '<article class="sd-doc"><p class="sd-about">{about}</p><blockquote dir="auto">{text}</blockquote>'
        '<ul class="sd-why">{named}</ul></article>',
        about=" · ".join([f"document {row['doc']:,}", f"score {row['score']:.4g}", *ranks]),
        text=Markup(marked_text(text, marks_of(features, len(text)))),  # noqa: S704  # escaped by marked_text
        named=named,
    )


page()
