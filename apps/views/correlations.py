"""What goes together, or avoids each other, more than chance and the lengths of documents explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from saedata.errors import SaedataError
from saedata.plots import concept_chart, link_chart, pair_chart
from saedata.plots.search import Mark
from saedata.plots.text import counted, one_line, percent, probability, shorten
from saedata_apps import lookups, opened, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import COLUMN, chart, drawn, picked
from saedata_apps.columns import user_columns
from saedata_apps.evidence import bars, card
from saedata_apps.kept import kept
from saedata_apps.markup import empty, fill, heading, joined, note, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import SHARE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

ALPHA = 0.05
PAIR = "pair"
VIEWS = ("Pairs", "Links", "Groups")
NONE = "–"


def page() -> None:
    """The page."""
    heading("Correlations", "Which concepts come together although they need not, and which avoid each other?")
    left, middle, right = st.columns([4, 4, 3], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    with middle:
        ways = {"together or apart": "both", "together": "together", "apart": "apart"}
        direction = st.selectbox("Pairs that are", list(ways), key="direction", bind="query-params")
    with right:
        cluster = st.selectbox(
            "Rows with the same value are not independent",
            [NONE, *user_columns(frame)],
            key="cluster",
            bind="query-params",
        )
    options: dict[str, Any] = {} if ways[direction] == "both" else {"direction": ways[direction]}
    if cluster != NONE:
        options["cluster"] = cluster
    tables = ask("correlate", [frame], options, doing="Looking at every pair of features")
    if tables is not None:
        _show(frame, tables["pairs"], tables["groups"], (opened.key(frame), options))
    calls = [Call("correlate", options=options)]
    same([frame], *calls, commands=[Command("correlate", options)])


def _show(frame: Embeddings, pairs: pl.DataFrame, groups: pl.DataFrame, about: tuple[Any, ...]) -> None:
    if pairs.is_empty():
        empty("Too few documents", "No two features are on in enough documents to be tested.")
        return
    out = pairs.filter(pl.col("q") < ALPHA)
    together = out.filter(pl.col("direction") == "together").height
    verdict = (
        f"{pairs['tested'][0]:,} pairs were tested. Of the {pairs.height:,} most interesting, {together:,} go together "
        f"and {out.height - together:,} avoid each other more than chance explains (q < {ALPHA:g})."
    )
    show(fill('<p class="sd-verdict">{text}</p>', text=verdict))
    numbered = pairs.with_row_index(PAIR, offset=1)
    state.follow(PAIR, among=range(1, pairs.height + 1), default=1)
    left, right = st.columns([11, 9], gap="large")
    with left:
        _pictures(pairs, groups, numbered, about)
    with right:
        _evidence(frame, numbered)


def _pictures(pairs: pl.DataFrame, groups: pl.DataFrame, numbered: pl.DataFrame, about: tuple[Any, ...]) -> None:
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], key="view", bind="query-params", required=True, label_visibility="collapsed"
    )
    places = {(a, b): place for place, a, b in numbered.select(PAIR, "feature_a", "feature_b").iter_rows()}

    def take(chosen: dict[str, Any]) -> None:
        place = places.get((int(chosen["feature_a"]), int(chosen["feature_b"])))
        if place is not None:
            st.session_state[PAIR] = place

    if view == "Groups":
        _groups(pairs, groups, about)
    else:
        draw = pair_chart if view == "Pairs" else link_chart
        drawing = drawn((*about, view), lambda: draw(pairs, width=COLUMN))
        picked(drawing, key=f"chart {view}", fields=["feature_a", "feature_b"], take=take)
        show(fill('<p class="sd-quiet">Click a mark, or a row below, to read both in their documents.</p>'))
    _table(numbered)


def _groups(pairs: pl.DataFrame, groups: pl.DataFrame, about: tuple[Any, ...]) -> None:
    try:
        chart(drawn((*about, "groups"), lambda: concept_chart(pairs, groups, width=COLUMN)), key="groups")
    except SaedataError as error:
        note(error, kind="wrong")


def _table(numbered: pl.DataFrame) -> None:
    def pick() -> None:
        if (place := picked_row("table")) is not None:
            st.session_state[PAIR] = place + 1

    figure = st.column_config.NumberColumn(format="%.2f")
    columns = {
        "label_a": "one",
        "label_b": "other",
        "npmi": figure,
        "label_similarity": figure,
        "documents": "both",
        "p_a_given_b": SHARE,
        "p_b_given_a": SHARE,
        "q": st.column_config.NumberColumn(format="scientific"),
    }
    table(numbered, key="table", columns=columns, picks=pick, height=360)
    downloads(numbered.drop(PAIR), "pairs")


def _evidence(frame: Embeddings, numbered: pl.DataFrame) -> None:
    """The pair that is looked at: its figures, and documents with both."""

    def called(place: int) -> str:
        a, b = (shorten(one_line(numbered[side][place - 1]), 60) for side in ("label_a", "label_b"))
        return f"{a} + {b}"

    listed = lookups.listed(numbered[PAIR], st.session_state[PAIR])
    place = st.selectbox("Pair", listed, key=PAIR, format_func=called)
    state.put_followed(PAIR, place)
    row = numbered.row(place - 1, named=True)
    show(_figures(row))
    witnesses = row["evidence"]
    if not witnesses:
        show(fill('<p class="sd-quiet">No document has both.</p>'))
    else:
        legend = '<p class="sd-quiet">Marked dark: {a}; light: {b}.</p>'
        show(fill(legend, a=shorten(one_line(row["label_a"]), 60), b=shorten(one_line(row["label_b"]), 60)))
        docs = tuple(dict.fromkeys(one["doc_a"] for one in witnesses))
        show(fill('<div class="sd-docs">{cards}</div>', cards=joined(_cards(frame, row, docs))))
    for side in "ab":
        views.link(
            "features",
            f"All about the {'first' if side == 'a' else 'second'} feature",
            icon=":material/label:",
            corpus=frame.name,
            feature=row[f"feature_{side}"],
        )


def _figures(row: dict[str, Any]) -> Any:
    facts = [
        f"NPMI {row['npmi']:.2f}",
        f"{counted(row['documents'], 'document')} with both, {row['expected']:.1f} expected",
        f"q {probability(row['q'])}",
    ]
    if row["label_similarity"] is not None:
        facts.append(f"labels alike {row['label_similarity']:.2f}")
    if row["coupling"] is not None:
        facts.append(f"coupling {row['coupling']:.2f}")
    return fill(
        '<div class="sd-card"><p class="sd-feature"><b>{a}</b> <span>feature {na}</span></p>'
        '<p class="sd-feature"><b>{b}</b> <span>feature {nb}</span></p>{bars}<p class="sd-figures">{facts}</p></div>',
        a=row["label_a"],
        na=row["feature_a"],
        b=row["label_b"],
        nb=row["feature_b"],
        bars=bars(
            (
                f"given {which}",
                row[f"p_{other}_given_{given}"],
                percent(row[f"p_{other}_given_{given}"]),
            )
            for given, other, which in (("a", "b", "first"), ("b", "a", "second"))
        ),
        facts=" · ".join(facts),
    )


def _cards(frame: Embeddings, row: dict[str, Any], docs: tuple[int, ...]) -> list[Any]:
    both = (row["feature_a"], row["feature_b"])
    spans: pl.DataFrame = kept(lookups.pair_passages, frame, both, docs).value
    cards = []
    for doc in docs:
        mine = spans.filter(pl.col("doc") == doc).rows(named=True)
        marks: list[Mark] = []
        for one in sorted(mine, key=lambda one: one["start"]):
            if one["stop"] and (not marks or one["start"] >= marks[-1].stop):
                strength = 1.0 if one["feature"] == both[0] else 0.3
                marks.append(Mark(one["start"], one["stop"], (f"activation {one['value']:.3g}",), strength))
        cards.append(card({"doc": doc, "text": mine[0]["text"]}, marks))
    return cards


page()
