"""Each picture: drawn from tiny tables, with the table's numbers, and with labels that are data and nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

import plot_frames as tables
import polars as pl
import pytest

from saedata import plots
from saedata.plots.saving import html, svg

HOSTILE = (
    "<script>alert(1)</script>",
    "\"]}'); alert(1); //\\",
    "a.b[c]['d'] datum.q {{7*7}} ${x}",
    "</text></svg><svg onload=alert(1)>",
    "**bold** [link](javascript:alert(1)) \\\" + warn('x') + \\\" \u202egnp.\x00\x1b[31m",
)

Draw = Callable[[tuple[str, ...]], Any]

CHARTS: dict[str, Draw] = {
    "difference": lambda labels: plots.difference_chart(tables.differences(labels), target=labels[0], other=labels[1]),
    "groups": lambda labels: plots.difference_chart(tables.differences(labels, group=labels[0])),
    "volcano": lambda labels: plots.volcano_chart(tables.differences(labels), target=labels[0], other=labels[1]),
    "slope": lambda labels: plots.slope_chart(tables.trends(labels, labels[:3])),
    "trend": lambda labels: plots.trend_chart(tables.trends(labels, labels[:3])),
    "pair": lambda labels: plots.pair_chart(tables.pairs(labels)),
    "link": lambda labels: plots.link_chart(tables.pairs(labels)),
    "trigger": lambda labels: plots.trigger_chart(tables.pairs(labels)),
    "concept": lambda labels: plots.concept_chart(tables.pairs(labels), tables.groups(labels)),
    "column": lambda labels: plots.column_chart(tables.columns(labels, labels[0], labels[1])),
    "coverage": lambda labels: plots.coverage_chart(tables.covered(), name=labels[0]),
    "selection": lambda labels: plots.selection_chart(tables.curve(), name=labels[0]),
    "selected": lambda labels: plots.selection_chart(tables.selected(), name=labels[0]),
    "overlap": lambda labels: plots.overlap_chart(tables.overlaps(labels[0], labels[1])),
}

EMPTY: dict[str, Callable[[], Any]] = {
    "difference": lambda: plots.difference_chart(tables.differences().clear()),
    "volcano": lambda: plots.volcano_chart(tables.differences().clear()),
    "slope": lambda: plots.slope_chart(tables.trends().clear()),
    "trend": lambda: plots.trend_chart(tables.trends().clear()),
    "pair": lambda: plots.pair_chart(tables.pairs().clear()),
    "unlabelled": lambda: plots.pair_chart(tables.pairs().with_columns(label_similarity=pl.lit(None, pl.Float64))),
    "link": lambda: plots.link_chart(tables.pairs().clear()),
    "trigger": lambda: plots.trigger_chart(tables.pairs().clear()),
    "concept": lambda: plots.concept_chart(tables.pairs().clear(), tables.groups().clear()),
    "column": lambda: plots.column_chart(tables.columns().clear()),
    "coverage": lambda: plots.coverage_chart(tables.covered().clear()),
    "selection": lambda: plots.selection_chart(tables.curve().clear()),
    "overlap": lambda: plots.overlap_chart(tables.overlaps().clear()),
}


def strings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a specification but those of its data, with the names that lead there."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "datasets":
                yield f"{path}/{key}", key
                yield from strings(value, f"{path}/{key}")
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, path)
    elif isinstance(node, str):
        yield path, node


def data(chart: Any, field: str) -> pl.DataFrame:
    """The one table of a chart that has a field."""
    sets = [pl.DataFrame(rows) for rows in chart.to_dict()["datasets"].values() if rows and field in rows[0]]
    return max(sets, key=len)


@pytest.mark.parametrize("name", CHARTS)
def test_hostile_names_are_data_only(name: str):
    chart = CHARTS[name](HOSTILE)
    spec = chart.to_dict()
    allowed = re.compile(r"/title/(text|subtitle)$|/description$|/scale/domain$")
    for path, text in strings(spec):
        if not allowed.search(path):
            assert not re.search(r"alert|script|7\*7|javascript|datum\.q|onload|\u202e", text), (path, text)
    drawn = ET.fromstring(svg([chart]))
    kinds = {element.tag.split("}")[-1] for element in drawn.iter()}
    assert kinds <= {
        "svg",
        "g",
        "path",
        "rect",
        "text",
        "style",
        "line",
        "defs",
        "clipPath",
        "circle",
        "tspan",
        "title",
    }
    for element in drawn.iter():
        assert not [key for key in element.attrib if key.startswith("on") or "href" in key]
    shown = "".join(drawn.itertext()) + drawn.get("aria-label", "")
    assert not re.search("[\x00-\x08\x1b\u202e]", shown)
    page = html([chart])
    assert page.count("<script") == page.count("</script>") == 3
    assert not re.search("<(img|svg|b)\\b", page.split("<main>")[1].split("</main>")[0])


@pytest.mark.parametrize("name", EMPTY)
def test_a_table_without_rows_gives_a_sentence(name: str):
    drawn = ET.fromstring(svg([EMPTY[name]()]))
    assert re.search(r"(nothing to draw|no groups|could be compared)\.", "".join(drawn.itertext()))


def test_differences_are_those_of_the_table():
    table = tables.differences()
    rows = data(plots.difference_chart(table, target="willow"), "value")
    kept = table.filter(pl.col("q") < 0.05).sort("difference", descending=True)
    assert rows["value"].to_list() == kept["difference"].to_list()
    for column in ("feature", "low", "high", "target", "other", "q"):
        assert rows[column].to_list() == kept[column].to_list()
    assert rows.row(0, named=True) | {
        "label": "apologises",
        "size": "+50.0",
        "interval": "+40.0 to +60.0",
        "target_share": "75.0%",
        "q_text": "0.0010",
        "colour": "more often in willow",
    } == rows.row(0, named=True)


def test_where_nothing_stands_out_the_largest_are_drawn_as_chance():
    rows = data(plots.difference_chart(tables.differences(q=0.9)), "value")
    assert rows["colour"].unique().to_list() == ["may be chance"]
    assert rows.height == 5


def test_one_row_stands_for_a_finding_and_both_directions_are_there():
    table = tables.differences().with_columns(finding=pl.Series([0, 1, 0, 1, 4], dtype=pl.UInt32))
    assert data(plots.difference_chart(table), "value")["feature"].to_list() == [0, 1]
    many = pl.concat([tables.differences().head(1)] * 5 + [tables.differences()[3:4]]).with_columns(
        finding=pl.int_range(6, dtype=pl.UInt32)
    )
    shown = data(plots.difference_chart(many, top=4), "value")["value"].to_list()
    assert shown == [0.5, 0.5, 0.5, -0.2]


def test_a_volcano_holds_every_difference_and_caps_q():
    table = tables.differences().with_columns(q=pl.Series([0.0, 1e-80, 1e-10, 0.04, 0.5]))
    rows = data(plots.volcano_chart(table), "height").sort("feature")
    assert rows["difference"].to_list() == table["difference"].to_list()
    assert rows["height"].round(4).to_list() == [50.0, 50.0, 10.0, 1.3979, 0.301]
    assert rows["shape"].to_list() == ["above", "above", "here", "here", "here"]
    assert rows["q_text"].to_list() == ["<1e-300", "1.0e-80", "1.0e-10", "0.0400", "0.5000"]
    few = data(plots.volcano_chart(table, most=2), "height")
    assert sorted(few["feature"].to_list()) == [0, 1]


def test_trends_are_those_of_the_table():
    table = tables.trends()
    rows = data(plots.slope_chart(table), "value")
    assert rows["value"].to_list() == sorted(table["trend"].to_list(), reverse=True)
    lines = data(plots.trend_chart(table, top=2), "share")
    assert lines["share"].to_list() == [*table["shares"][0], *table["shares"][1]]
    assert lines["documents"].to_list() == [10, 20, 30] * 2
    assert lines["group"].to_list() == ["2021", "2022", "2023"] * 2


def test_pairs_are_those_of_the_table_and_the_interesting_stand_out():
    table = tables.pairs()
    rows = data(plots.pair_chart(table, top=1), "label_similarity")
    known = table.filter(pl.col("label_similarity").is_not_null())
    for column in ("feature_a", "feature_b", "npmi", "label_similarity", "documents"):
        assert rows[column].to_list() == known[column].to_list()
    assert rows["colour"].to_list() == ["most interesting", "together", "may be chance", "apart"]
    title = plots.pair_chart(table).to_dict()["title"]["subtitle"]
    assert "10 pairs tested" in title[0]
    assert "1 pair without labels on both sides left out" in " ".join(title)


def test_links_hold_what_was_found_and_what_was_expected():
    table = tables.pairs()
    rows = data(plots.trigger_chart(table), "value").filter(pl.col("colour") == "after such prompts")
    kept = table.filter(pl.col("q") < 0.05)
    assert rows["value"].to_list() == kept["p_b_given_a"].to_list()
    assert rows["before"].to_list() == (kept["expected"] / kept["documents_a"]).to_list()
    assert rows["label"][0] == "apologises → lists"


def test_concepts_have_the_same_places_every_time():
    charts = [plots.concept_chart(tables.pairs(), tables.groups()).to_dict()["datasets"] for _ in range(2)]
    assert charts[0] == charts[1]
    nodes = data(plots.concept_chart(tables.pairs(), tables.groups()), "area").sort("feature")
    assert nodes["feature"].to_list() == [0, 1, 2, 3, 4]
    assert nodes["documents"].to_list()[0] == 20
    assert nodes.select(pl.col("x", "y").is_between(0, 1).all()).row(0) == (True, True)
    lines = data(plots.concept_chart(tables.pairs(), tables.groups()), "thick")
    assert lines["npmi"].round(6).to_list() == [0.6, 0.5, 0.4]


def test_few_features_are_the_strongest_of_the_largest_groups():
    chart = plots.concept_chart(tables.pairs(), tables.groups(), features=2)
    assert sorted(data(chart, "area")["feature"].to_list()) == [0, 3]


def test_coverage_marks_where_it_reaches_half():
    chart = plots.coverage_chart(tables.covered(), name="willow")
    rows = data(chart, "redundancy")
    assert rows["coverage"].to_list() == tables.covered()["coverage"].to_list()
    names = [row["name"] for rows in chart.to_dict()["datasets"].values() for row in rows if "name" in row]
    assert set(names) == {"60.0%: 2 documents", "90.0%: 3 documents", "100.0%: 4 documents"}


def test_long_labels_are_cut_in_the_picture_and_whole_in_the_tooltip():
    long = "a very long label " * 20
    rows = data(plots.difference_chart(tables.differences((long, "b", "c", "d", "e"))), "value")
    assert rows["label"][0] == long.strip()
    assert rows["name"][0].endswith("…")
    assert len(rows["name"][0]) == 48


@pytest.mark.parametrize("width", [760, 260])
def test_names_stand_above_the_rows_where_there_is_little_room(width: int):
    drawn = ET.fromstring(svg([plots.difference_chart(tables.differences(), width=width)]))
    sizes = {
        element.get("font-size")
        for element in drawn.iter("{http://www.w3.org/2000/svg}text")
        if element.text in tables.LABELS
    }
    assert sizes == ({"12.5px", "0px"} if width == 760 else {"12px"})
