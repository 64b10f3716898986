"""Documents on a map: near each other what is alike, in groups, and what is different inside a rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

import saedata
from saedata import plots
from saedata.errors import SaedataError
from saedata.plots import cluster_heat_map, cluster_map, difference_chart, value_map
from saedata.plots.text import brief, counted, one_line, percent, points, probability
from saedata_apps import defaults, limits, lookups, opened, samples, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import COLUMN, chart, drawn, picked
from saedata_apps.columns import user_columns
from saedata_apps.evidence import bars, documents
from saedata_apps.kept import kept, worked
from saedata_apps.markup import empty, fill, heading, joined, note, section, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import SHARE, downloads, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

CLUSTER = "cluster"
FEATURES, TYPICAL = 6, 3
BY_CLUSTER, BY_FEATURE = "cluster", "a feature"


def page() -> None:
    """The page."""
    heading("Map", "Which groups of documents are there: by everything that is in them, or along an axis you name?")
    frame, options = _asked()
    tables = ask("cluster", [frame], options, doing="Grouping the documents")
    if tables is not None:
        _show(frame, tables, options)
    call = {name: value for name, value in options.items() if name != "sample"}
    command = {"about": call.get("about"), "clusters": call.get("clusters"), "agree": call.get("columns")}
    same([frame], Call("cluster", options=call), commands=[Command("cluster", command)])


def _asked() -> tuple[Embeddings, dict[str, Any]]:
    """Corpus and options."""
    left, middle, right, last = st.columns([3, 5, 2, 2], vertical_alignment="bottom")
    with left:
        frame = state.corpus()
    with middle:
        about = st.text_input(
            "About",
            key="about",
            bind="query-params",
            max_chars=300,
            icon=":material/explore:",
            placeholder="e.g. tone of voice; nothing: everything",
        )
    with right:
        clusters = st.number_input(
            "Groups",
            min_value=0,
            max_value=200,
            value=0,
            key="clusters",
            bind="query-params",
            help="0: as many as there are",
        )
    options = defaults.map_options(frame)
    with last:
        if frame.n_documents > limits.LARGE:
            everything = f"all {frame.n_documents:,}"
            some = f"{limits.SAMPLE:,} at random"
            chosen = st.selectbox("Documents", [some, everything], key="documents", bind="query-params")
            if chosen == everything:
                del options["sample"]
    if (about or "").strip():
        options["about"] = [about.strip()]
    if clusters:
        options["clusters"] = int(clusters)
    return frame, options


def _show(frame: Embeddings, tables: dict[str, pl.DataFrame], options: dict[str, Any]) -> None:
    summary, clusters = tables["summary"].row(0, named=True), tables["clusters"]
    verdict = (
        f"{counted(summary['documents'], 'document')} in {counted(summary['clusters'], 'group')}, by "
        f"{counted(summary['features'], 'feature')} ({summary['method']}); {percent(summary['noise'])} are in none"
    )
    steady = (
        f"; groups of subsamples agree with an adjusted Rand index of {summary['ari']:.2f}." if summary["ari"] else "."
    )
    show(fill('<p class="sd-verdict">{text}</p>', text=verdict + steady))
    inside = clusters.filter(pl.col("cluster") >= 0)
    state.follow(CLUSTER, among=set(inside["cluster"].to_list()), default=0 if inside.height else None)
    left, right = st.columns([13, 9], gap="large")
    with left:
        _map(frame, tables, options)
        _groups(tables)
    with right:
        box = _box()
        if box is not None:
            _inside(frame, tables["documents"], box, options.get("sample"))
        elif inside.height:
            _cluster(frame, inside, tables["descriptions"])
        else:
            empty("No groups", "The documents form no dense groups. Ask for a number of groups, or name an axis.")
    _below(tables, (opened.key(frame), options))


def _map(frame: Embeddings, tables: dict[str, pl.DataFrame], options: dict[str, Any]) -> None:
    spots, clusters = tables["documents"], tables["clusters"]
    ways = [BY_CLUSTER, BY_FEATURE, *user_columns(frame)]
    left, right = st.columns([3, 5], vertical_alignment="bottom")
    with left:
        by = st.selectbox("Colour", ways, key="colour", bind="query-params")
    with right:
        values, what = _values(frame, by)
    many = spots.height > limits.BINNED

    def draw() -> Any:
        if many:
            numbers = values if values is not None and values.schema["value"].is_numeric() else None
            return plots.binned_map(spots, clusters, values=numbers, what=what, width=COLUMN)
        most = {"most": limits.POINTS, "texts": _texts(frame, spots)}
        if values is None:
            return cluster_map(spots, clusters, width=COLUMN, **most)
        return value_map(spots, values, what=what, **most)

    number = st.session_state["feature"] if by == BY_FEATURE else None
    drawing = drawn((opened.key(frame), options, by, number, many), draw)

    def take(chosen: dict[str, Any]) -> None:
        (cluster,) = spots.filter(pl.col("doc") == int(chosen["doc"]))["cluster"].to_list() or [None]
        if cluster is not None and cluster >= 0:
            st.session_state[CLUSTER] = cluster
            st.session_state["box"] = None

    picked(
        drawing,
        key=f"map {by} {what}",
        fields=["x" if many else "doc"],
        take=take if not many else lambda _: None,
        box=_keep_box,
    )
    hint = "Drag a rectangle to see what is different inside" + (
        "." if many else "; click a document to see its group."
    )
    show(fill('<p class="sd-quiet">{hint}</p>', hint=hint))


def _values(frame: Embeddings, by: str) -> tuple[pl.DataFrame | None, str]:
    """What documents are coloured by; None: their clusters."""
    if by == BY_CLUSTER:
        return None, ""
    if by == BY_FEATURE:
        names: pl.DataFrame = kept(lookups.named, frame).value.filter(pl.col("documents") > 0)
        called = dict(names.select("feature", "name").iter_rows())
        state.follow("feature", among=called, default=names["feature"][0])
        listed = lookups.listed(names["feature"], st.session_state["feature"])
        feature = st.selectbox("Feature", listed, key="feature", format_func=lambda one: one_line(called[one]))
        state.put_followed("feature", feature)
        return kept(lookups.activations, frame, feature).value, called[feature]
    values = kept(lookups.column, frame, by).value
    return values, by


def _texts(frame: Embeddings, spots: pl.DataFrame) -> pl.DataFrame | None:
    """Texts for the tooltips; of a large corpus none, as they would have to be sent."""
    if spots.height > limits.POINTS:
        return None
    texts: pl.DataFrame = kept(lookups.beginnings, frame).value
    return texts


def _keep_box(box: tuple[float, float, float, float]) -> None:
    st.session_state["box"] = box


def _box() -> tuple[float, float, float, float] | None:
    """The rectangle that is looked at, also from the address."""
    if "box" not in st.session_state:
        try:
            given = tuple(float(one) for one in state.text("box").split(","))
        except ValueError:
            given = ()
        st.session_state["box"] = given if len(given) == 4 else None
    box: tuple[float, float, float, float] | None = st.session_state["box"]
    state.put("box", None if box is None else ",".join(f"{one:.3f}" for one in box))
    return box


def _forget_box() -> None:
    st.session_state["box"] = None


def _inside(frame: Embeddings, spots: pl.DataFrame, box: tuple[float, float, float, float], sample: int | None) -> None:
    """What documents in the rectangle have more often than the others on the map."""
    left, right, low, high = box
    there = spots.filter(pl.col("x").is_not_null())
    within = pl.col("x").is_between(left, right) & pl.col("y").is_between(low, high)
    docs, others = there.filter(within)["doc"], there.filter(~within)["doc"]
    section(f"Inside: {counted(len(docs), 'document')}", f"compared with the {len(others):,} others on the map")
    st.button("Back to the groups", on_click=_forget_box, icon=":material/close:")
    if not len(docs) or not len(others):
        empty("Nothing to compare", "Draw a rectangle around some of the documents, not all.")
        return
    sides = [_part(frame, one, sample, name) for one, name in ((docs, "inside"), (others, "outside"))]
    try:
        with st.spinner("Comparing …"):
            found = worked(saedata.diff, sides, effects=False, evidence=0).value
    except SaedataError as error:
        note(error, kind="wrong")
        return
    chart(difference_chart(found, target="inside", top=12, width=420), key="inside")
    downloads(found, "inside")
    section("Some of them")
    documents(frame, _read(frame, tuple(docs.head(TYPICAL).to_list())))


def _part(frame: Embeddings, docs: pl.Series, sample: int | None, name: str) -> Embeddings:
    """Some of the documents on the map; of a large corpus's from the sample, where few documents are read."""
    small = None if sample is None else samples.there(frame, sample)
    if small is not None and sample is not None:
        docs = samples.chosen(frame, sample).search_sorted(docs)
        frame = small
    part = frame.filter(pl.col("doc").is_in(docs.implode()))
    part.name = name
    return part


def _cluster(frame: Embeddings, clusters: pl.DataFrame, descriptions: pl.DataFrame) -> None:
    """The group that is looked at: what sets it apart, and typical documents."""
    names = {
        row["cluster"]: f"{row['cluster']}: {one_line(row['name'] or '')}" for row in clusters.iter_rows(named=True)
    }
    number = st.selectbox("Group", list(names), key=CLUSTER, format_func=lambda one: brief(names[one], 90))
    state.put_followed(CLUSTER, number)
    row = clusters.filter(pl.col("cluster") == number).row(0, named=True)
    facts = [f"{counted(row['documents'], 'document')}, {percent(row['share'])}"]
    facts += [f"{percent(row['strength'])} of neighbours inside"] if row["strength"] is not None else []
    facts += [f"stability {row['stability']:.2f}"] if row["stability"] is not None else []
    show(fill('<p class="sd-quiet">{facts}</p>', facts=" · ".join(facts)))
    mine = descriptions.filter(pl.col("cluster") == number).head(FEATURES)
    show(fill('<div class="sd-card">{rows}</div>', rows=joined(_described(one) for one in mine.iter_rows(named=True))))
    if mine.height and mine["same_features"].any():
        show(fill('<p class="sd-quiet">The groups were made from these features: q describes, it proves nothing.</p>'))
    section("Typical documents")
    documents(frame, _read(frame, tuple(row["typical"][:TYPICAL])))
    if mine.height:
        views.link(
            "features",
            "All about its first feature",
            icon=":material/label:",
            corpus=frame.name,
            feature=mine["feature"][0],
        )


def _described(row: dict[str, Any]) -> Any:
    sides = (("inside", row["inside"], percent(row["inside"])), ("outside", row["outside"], percent(row["outside"])))
    return fill(
        '<p class="sd-feature"><b>{label}</b> <span>{points} points, q {q}</span></p>{bars}',
        label=row["label"],
        points=points(row["difference"]),
        q=probability(row["q"]),
        bars=bars(sides),
    )


def _read(frame: Embeddings, docs: tuple[int, ...]) -> pl.DataFrame:
    found: pl.DataFrame = kept(lookups.read, frame, docs).value
    return found


def _groups(tables: dict[str, pl.DataFrame]) -> None:
    """All groups as a table, and how they agree with columns."""
    section("All groups")
    figure = st.column_config.NumberColumn(format="%.2f")
    columns = {
        "cluster": "group",
        "name": st.column_config.TextColumn("what sets it apart", width="medium"),
        "documents": "documents",
        "share": SHARE,
        "stability": figure,
    }
    table(tables["clusters"], key="clusters table", columns=columns)
    downloads(tables["documents"], "documents")
    if tables["agreement"].height:
        section("Agreement with columns", "Adjusted Rand index and mutual information: 0 is chance, 1 the same.")
        columns = {"column": "column", "values": "values", "ari": figure, "ami": figure}
        table(tables["agreement"], key="agreement", columns=columns)


def _below(tables: dict[str, pl.DataFrame], about: tuple[Any, ...]) -> None:
    """What sets the groups apart."""
    descriptions, clusters = tables["descriptions"], tables["clusters"]
    if descriptions.height:
        chart(drawn((*about, "heat"), lambda: cluster_heat_map(descriptions, clusters, rows=20)), key="heat")


page()
