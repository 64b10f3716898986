"""How corpora, or the groups of one, differ: ranked, as a whole, as a table, and the documents behind every figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

import saedata
from saedata.plots import difference_chart, slope_chart, trend_chart, volcano_chart
from saedata.plots.text import counted, one_line, percent, points, probability, shorten
from saedata_apps import defaults, limits, lookups, opened, state, views
from saedata_apps.asked import ask
from saedata_apps.charts import COLUMN, chart, drawn, picked
from saedata_apps.columns import groupings, keys, user_columns
from saedata_apps.evidence import bars, document, documents, feature_line
from saedata_apps.kept import kept
from saedata_apps.markup import empty, fill, heading, literal, note, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import SHARE, downloads, picked_row, table

if TYPE_CHECKING:
    from saedata.frame import Embeddings

ALPHA = 0.05

FEATURE = "feature"
VIEWS = ("Ranked", "All")
NONE = "–"
DUPLICATES = {"count once": "once", "count each": "keep"}


@dataclass(frozen=True)
class Asked:
    """What is compared, and how."""

    frames: list[Embeddings]
    options: dict[str, Any]
    trend: bool


def page() -> None:
    """The page."""
    heading("Compare", "Which concepts has one side more often than the other, and where can that be read?")
    asked = _asked()
    if asked is None:
        return
    tables = ask(
        "trend" if asked.trend else "diff",
        asked.frames,
        {"evidence": defaults.EVIDENCE, **asked.options},
        doing="Comparing",
        small=defaults.is_quick(asked.frames, asked.options),
    )
    if tables is not None:
        _show(tables["found"], asked)
    command = {name: value for name, value in asked.options.items() if name != "effects"}
    command |= {"no_effects": asked.options.get("effects") is False, "trend": asked.trend}
    call = Call("trend" if asked.trend else "diff", options=asked.options)
    same(asked.frames, call, commands=[Command("diff", command)])


def _show(found: pl.DataFrame, asked: Asked) -> None:
    if asked.trend:
        _trend(found, asked)
    else:
        _differences(found, asked)


def _asked() -> Asked | None:
    """The reader's choice of sides and options."""
    frames = opened.frames()
    left, right, more = st.columns([3, 4, 2], vertical_alignment="bottom")
    with left:
        target = state.corpus(key="target", label="Target")
    others = {frame.name: frame for frame in opened.comparable(target)}
    columns = groupings(target)
    ways = [*others, *(_by(column) for column in columns)]
    if not ways:
        empty(
            "Nothing to compare with",
            "Open a second corpus of the same encoder, or one with a column that makes groups.",
        )
        return None
    with right:
        chosen = st.multiselect(
            "Against",
            ways,
            default=ways[:1] if others else None,
            key="other",
            bind="query-params",
            placeholder="Other corpora, or the groups of a column",
        )
    with more:
        options, trend = _options(target, [by for by in columns if _by(by) in chosen])
    sides = [name for name in chosen if name in others]
    by = next((column for column in columns if _by(column) in chosen), None)
    if not chosen:
        empty("Against what?", "Choose another corpus, or a column whose groups are compared with each other.")
        return None
    if by and sides:
        note("Groups of a column are compared within the target; the other corpora are left out.")
    options = {"by": by, **options} if by else options
    kept_options = {name: value for name, value in options.items() if value is not None}
    return Asked([target, *([] if by else [frames[name] for name in sides])], kept_options, trend and by is not None)


def _by(column: str) -> str:
    return f"groups of {column}"


def _options(target: Embeddings, by: list[str]) -> tuple[dict[str, Any], bool]:
    """Everything else that `diff` can be told, folded away."""
    columns = list(user_columns(target))
    with st.popover("Options", icon=":material/tune:", width="stretch"):
        pair = st.selectbox(
            "Pairs: rows with the same value belong together", [NONE, *keys(target)], key="pair", bind="query-params"
        )
        adjust = st.selectbox(
            "Compare only where this is alike", [NONE, "length", *columns], key="adjust", bind="query-params"
        )
        cluster = st.selectbox(
            "Rows with the same value are not independent", [NONE, *columns], key="cluster", bind="query-params"
        )
        duplicates = st.selectbox(
            "Documents of equal text",
            list(DUPLICATES),
            key="duplicates",
            bind="query-params",
        )
        effects = st.toggle(
            "Mean activations, and comparison at equal length",
            value=target.n_documents < limits.MANY,
            key="effects",
            bind="query-params",
        )
        trend = bool(by) and st.toggle("Rise and fall over the ordered groups", key="trend", bind="query-params")
    chosen = {"pair": pair, "adjust": adjust, "cluster": cluster}
    options: dict[str, Any] = {name: value for name, value in chosen.items() if value != NONE}
    if DUPLICATES[duplicates] != "once":
        options["duplicates"] = DUPLICATES[duplicates]
    if trend:
        return {name: value for name, value in options.items() if name in ("cluster", "duplicates")}, True
    return options | ({} if effects else {"effects": False}), False


def _differences(found: pl.DataFrame, asked: Asked) -> None:
    if "group" in found.columns:
        found = _of_group(found)
    if found.is_empty():
        empty("Nothing was tested", "No feature is on in any document of these sides.")
        return
    out = found.filter(pl.col("q") < ALPHA)
    folded = saedata.findings(out if out.height else found.head(40))
    show(fill('<p class="sd-verdict">{text}</p>', text=_verdict(found, out, folded, asked)))
    places = {number: place for place, number in enumerate(found["feature"].to_list())}
    first = folded.filter(pl.col("difference") > 0)["feature"].to_list() or folded["feature"].to_list()
    state.follow(FEATURE, among=places, default=first[0])
    left, right = st.columns([11, 9], gap="large")
    with left:
        _pictures(found, asked)
    with right:
        _evidence(found, folded, places, asked)


def _of_group(found: pl.DataFrame) -> pl.DataFrame:
    groups = found["group"].unique(maintain_order=True).sort().to_list()
    chosen = st.selectbox("Group, against the rest", groups, key="group", bind="query-params")
    return found.filter(pl.col("group") == chosen)


def _verdict(found: pl.DataFrame, out: pl.DataFrame, folded: pl.DataFrame, asked: Asked) -> str:
    tested = counted(found.height, "feature")
    if out.is_empty():
        return f"No difference stands out among {tested} tested; the largest are shown, and may be chance."
    more = int((out["difference"] > 0).sum())
    explained = int(found["length_explains"].sum() or 0)
    length = f" {explained:,} plain differences are gone among documents of similar length." if explained else ""
    adjusted = f" Compared among documents of similar {asked.options['adjust']}." if "adjust" in asked.options else ""
    return (
        f"{out.height:,} of {tested} tested differ by more than chance explains (q < {ALPHA:g}), in "
        f"{counted(folded.height, 'finding')}: {more:,} more often in {one_line(_name(found, asked))}, "
        f"{out.height - more:,} less often.{adjusted}{length}"
    )


def _name(found: pl.DataFrame, asked: Asked) -> str:
    return str(found["group"][0]) if "group" in found.columns else asked.frames[0].name


def _pictures(found: pl.DataFrame, asked: Asked) -> None:
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], key="view", bind="query-params", required=True, label_visibility="collapsed"
    )
    draw = difference_chart if view == "Ranked" else volcano_chart
    about = ("differences", [opened.key(frame) for frame in asked.frames], asked.options, view, _name(found, asked))
    drawing = drawn(about, lambda: draw(found, target=asked.frames[0].name, width=COLUMN))
    picked(drawing, key=f"chart {view}", fields=["feature"], take=state.setter(FEATURE))
    show(fill('<p class="sd-quiet">Click a mark, or a row below, to read the documents behind it.</p>'))
    _table(found)


def _table(found: pl.DataFrame) -> None:
    def pick() -> None:
        if (place := picked_row("table")) is not None:
            st.session_state[FEATURE] = int(found["feature"][place])

    columns = {
        "label": "feature",
        "target": SHARE,
        "other": SHARE,
        "difference": SHARE,
        "low": SHARE,
        "high": SHARE,
        "q": st.column_config.NumberColumn(format="scientific"),
    }
    table(found, key="table", columns=columns, picks=pick, height=360)
    downloads(found, "differences")


def _evidence(found: pl.DataFrame, folded: pl.DataFrame, places: dict[int, int], asked: Asked) -> None:
    """The feature that is looked at: its figures, and documents of both sides."""
    names = dict(found.select("feature", "label").iter_rows())
    ordered = pl.concat([folded["feature"], found["feature"]]).unique(maintain_order=True)
    listed = lookups.listed(ordered, st.session_state[FEATURE])
    feature = st.selectbox("Finding", listed, key=FEATURE, format_func=lambda one: one_line(names[one]))
    state.put_followed(FEATURE, feature)
    row = found.row(places[feature], named=True)
    show(_figures(row, _name(found, asked), asked))
    members = folded.filter(pl.col("feature") == feature)
    if members.height and members["similar"][0]:
        also = "; ".join(shorten(one_line(names[one]), 60) for one in members["members"][0][1:6])
        show(fill('<p class="sd-quiet">Says the same: {also}</p>', also=also))
    if "pair" in asked.options:
        _pairs(row, asked)
    else:
        _sides(row, asked)
    views.link(
        "features", "All about this feature", icon=":material/label:", corpus=asked.frames[0].name, feature=feature
    )


def _figures(row: dict[str, Any], name: str, asked: Asked) -> Any:
    other = "the rest" if "group" in row else row["other_name"]
    facts = [f"{points(row['difference'])} points, interval {points(row['low'])} to {points(row['high'])}"]
    facts += [f"q {probability(row['q'])}"]
    if row["log_odds_ratio"] is not None:
        facts.append(f"log odds ratio {row['log_odds_ratio']:+.2f}")
    if row["hedges_g"] is not None:
        facts.append(f"Hedges' g {row['hedges_g']:+.2f}")
    if row["length_explains"]:
        facts.append("gone at equal length")
    return fill(
        '<div class="sd-card">{name}{bars}<p class="sd-figures">{facts}</p></div>',
        name=feature_line(row["label"], number=row["feature"], kind=row["kind"]),
        bars=bars((who, row[side], f"{percent(row[side])}") for who, side in ((name, "target"), (other, "other"))),
        facts=" · ".join(facts),
    )


def _sides(row: dict[str, Any], asked: Asked) -> None:
    """Documents of the side that has the feature more often first; those of the other are one click away."""
    sides = ["target", "other"] if row["difference"] >= 0 else ["other", "target"]
    names = {"target": str(row.get("group") or asked.frames[0].name), "other": "the rest"}
    if "group" not in row:
        names["other"] = row["other_name"]
    side = st.segmented_control(
        "Documents of",
        sides,
        default=sides[0],
        key=f"side {sides[0]}",
        required=True,
        format_func=lambda one: literal(f"{shorten(names[one], 24)} ({row[f'{one}_on']:,})"),
    )
    frame = asked.frames[0]
    if side == "other" and "group" not in row:
        frame = opened.frames()[row["other_name"]]
    with st.spinner("Looking up documents …"):
        documents(frame, _documents(frame, row, side or sides[0], asked))


def _documents(frame: Embeddings, row: dict[str, Any], side: str, asked: Asked) -> pl.DataFrame:
    """The documents that `diff` names; it names none for the smallest differences, which are looked up here."""
    feature, docs = row["feature"], row[f"{side}_evidence"]
    if docs or not row[f"{side}_on"]:
        rows: pl.DataFrame = kept(lookups.passages, frame, feature, tuple(docs)).value
        return rows
    if "group" in row:
        inside = pl.col(asked.options["by"]).cast(pl.String) == row["group"]
        frame = frame.filter(inside if side == "target" else ~inside)
    return frame.top_documents(feature, defaults.EVIDENCE)


def _pairs(row: dict[str, Any], asked: Asked) -> None:
    """Documents of one pair beside each other, those first that differ most."""
    target, other = asked.frames[0], opened.frames()[row["other_name"]] if "group" not in row else asked.frames[0]
    sides = [
        kept(lookups.passages, frame, row["feature"], tuple(row[f"{side}_evidence"])).value.to_dicts()
        for frame, side in ((target, "target"), (other, "other"))
    ]
    names = [str(row.get("group") or target.name), row["other_name"]]
    top = max((one["value"] or 0.0 for rows in sides for one in rows), default=1.0)
    for pair in zip(*sides, strict=True):
        columns = st.columns(2, gap="small")
        for column, one, name in zip(columns, pair, names, strict=True):
            with column:
                document(one, top=top, name=name)


def _trend(found: pl.DataFrame, asked: Asked) -> None:
    if found.is_empty():
        empty("Nothing was tested", "No feature is on in any document of these groups.")
        return
    places = {number: place for place, number in enumerate(found["feature"].to_list())}
    state.follow(FEATURE, among=places, default=found["feature"][0])
    left, right = st.columns([11, 9], gap="large")
    with left:
        picked(slope_chart(found), key="slopes", fields=["feature"], take=state.setter(FEATURE))
        chart(trend_chart(found), key="lines")
        downloads(found, "trend")
    with right:
        names = dict(found.select("feature", "label").iter_rows())
        feature = st.selectbox("Feature", list(names), key=FEATURE, format_func=lambda one: one_line(names[one]))
        state.put_followed(FEATURE, feature)
        row = found.row(places[feature], named=True)
        groups = zip(row["groups"], row["shares"], strict=True)
        show(
            fill(
                '<div class="sd-card">{name}{bars}<p class="sd-figures">{trend} points for each step, q {q}</p></div>',
                name=feature_line(row["label"], number=feature, kind=row["kind"]),
                bars=bars((str(group), share, percent(share)) for group, share in groups),
                trend=points(row["trend"]),
                q=probability(row["trend_q"]),
            )
        )
        documents(asked.frames[0], kept(lookups.passages, asked.frames[0], feature, tuple(row["evidence"])).value)


page()
