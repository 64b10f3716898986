"""The drawings of the page, each twice: for wide pages and for phones; without titles, as the page has its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from saedata.plots import (
    cluster_map,
    concept_chart,
    concept_features_chart,
    k_chart,
    pair_chart,
    selectivity_chart,
    separation_chart,
    toxic_roc_chart,
    transfer_chart,
    value_map,
    volcano_chart,
)
from saedata.plots.saving import inline_svg
from saedata.plots.theme import NARROW_WIDTH, WIDTH
from saedata.reports import charts
from saedata.reports.compared import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.plots.theme import Drawing
    from saedata.reports.alone import Present
    from saedata.reports.asked import Answer
    from saedata.reports.compared import Difference
    from saedata.reports.corpora import Histogram
    from saedata.reports.groups import Groups
    from saedata.reports.model import Report
    from saedata.reports.probed import Probed
    from saedata.reports.separated import Separated
    from saedata.reports.spoken import Spoken
    from saedata.reports.toxic import Toxic

    Draw = Callable[..., Drawing]

IN_CHART = 12
"""Rows of each direction in the chart; the table holds the others."""

IN_VOLCANO = 700
"""Points in the chart of all differences, which would else weigh more than the rest of the page."""

ON_MAP, ON_NARROW_MAP = 1_500, 600
"""Points on the maps, at most: a random choice."""

MAP_HEIGHT, NARROW_MAP_HEIGHT = 460, 300

SQUARE = 420
TELLERS, NARROW_TELLERS = 18, 12


def pictures(report: Report) -> dict[str, Markup]:
    """Draw everything.

    Parameters
    ----------
    report
        All numbers.

    Returns
    -------
    dict
        SVG by the name of the drawing with ``_wide`` or ``_narrow`` behind it.
    """
    drawn: dict[str, str] = {}
    if report.differences is not None:
        rows = [*report.differences.more[:IN_CHART], *reversed(report.differences.less[:IN_CHART])]
        drawn |= _both("differences", charts.dumbbells, rows)
        drawn |= _twice("volcano", partial(_volcano, report))
    if report.alone is not None:
        drawn |= _both("common", charts.dots, report.alone.common[:IN_CHART])
        drawn |= _both("rare", charts.dots, report.alone.rare[:IN_CHART])
    for name, draw in _charts(report).items():
        drawn |= _twice(name, draw)
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  escaped where it was drawn


def histogram(one: Histogram) -> Markup:
    """Draw one quantity of all corpora."""
    return Markup(charts.histogram(one, prefix=one.key))  # noqa: S704  escaped where it was drawn


def _charts(report: Report) -> dict[str, Draw]:
    """What the sections behind the differences draw, by name."""
    found: dict[str, Draw] = {}
    for place, one in enumerate(report.together):
        if one.pairs:
            found[f"together{place}"] = partial(pair_chart, one.table, alpha=ALPHA)
        if one.concepts:
            found[f"concepts{place}"] = partial(concept_chart, one.table, one.groups, alpha=ALPHA)
    found |= {} if report.groups is None else _maps(report.groups, [corpus.name for corpus in report.corpora])
    for place, probed in enumerate(report.probed):
        found |= _of_probe(probed, str(place))
    for place, separated in enumerate(report.separated):
        found |= _of_separability(separated, str(place))
    for place, toxic in enumerate(report.toxic):
        found |= _of_toxicity(toxic, str(place))
    for place, spoken in enumerate(report.spoken):
        found |= _of_languages(spoken, str(place))
    return found


def _maps(answer: Answer[Groups], names: Sequence[str]) -> dict[str, Draw]:
    if answer.found is None:
        return {}
    one = answer.found
    spots, clusters = one.clustering.documents, one.clustering.clusters

    def by_group(*, width: int) -> Drawing:
        most, height = _size(width)
        return cluster_map(spots, clusters, most=most, width=width).properties(height=height)

    def by_corpus(*, width: int) -> Drawing:
        most, height = _size(width)
        drawing = value_map(spots, one.corpora, what="corpus", order=names, most=most, width=width)
        return drawing.properties(height=height)

    return {"map": by_group} | ({"corpora_map": by_corpus} if len(names) > 1 else {})


def _size(width: int) -> tuple[int, int]:
    """Points of a map, and its height."""
    return (ON_MAP, MAP_HEIGHT) if width > NARROW_WIDTH else (ON_NARROW_MAP, NARROW_MAP_HEIGHT)


def _of_probe(answer: Answer[Probed], place: str) -> dict[str, Draw]:
    return {} if answer.found is None else {f"probe{place}": partial(k_chart, answer.found.table)}


def _of_separability(answer: Answer[Separated], place: str) -> dict[str, Draw]:
    if answer.found is None:
        return {}
    one = answer.found

    def tellers(*, width: int) -> Drawing:
        rows = TELLERS if width > NARROW_WIDTH else NARROW_TELLERS
        return concept_features_chart(one.table, rows=rows, width=width)

    return {
        f"tellers{place}": tellers,
        f"separation{place}": partial(separation_chart, one.found.units, label=one.label),
    }


def _of_toxicity(answer: Answer[Toxic], place: str) -> dict[str, Draw]:
    if answer.found is None:
        return {}
    found = answer.found.found
    several = len(answer.found.languages) > 1
    drawn: dict[str, Draw] = {f"transfer{place}": partial(transfer_chart, found.table)} if several else {}

    def roc(*, width: int) -> Drawing:
        side = min(width, SQUARE)
        return toxic_roc_chart(found.curves, found.table, width=side).properties(height=side)

    return drawn | {f"roc{place}": roc}


def _of_languages(answer: Answer[Spoken], place: str) -> dict[str, Draw]:
    if answer.found is None or len(answer.found.languages) < 2:
        return {}
    return {f"selectivity{place}": partial(selectivity_chart, answer.found.found.matrix)}


def _volcano(report: Report, *, width: int) -> Drawing:
    assert report.differences is not None
    return volcano_chart(
        report.differences.table, target=report.corpora[0].name, alpha=ALPHA, most=IN_VOLCANO, width=width
    )


def _twice(name: str, draw: Draw) -> dict[str, str]:
    """One of the charts that all commands draw, without its title: the page has its own words."""
    widths = (("wide", WIDTH), ("narrow", NARROW_WIDTH))
    return {f"{name}_{which}": inline_svg(draw(width=width), f"{name}-{which}") for which, width in widths}


def _both(name: str, draw: object, rows: Sequence[Difference] | Sequence[Present]) -> dict[str, str]:
    if not rows or not callable(draw):
        return {}
    return {
        f"{name}_wide": draw(rows, prefix=f"{name}-wide"),
        f"{name}_narrow": draw(rows, prefix=f"{name}-narrow", narrow=True),
    }
