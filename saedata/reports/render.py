"""The page: numbers, sentences and drawings put into the template."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from saedata.plots import pair_chart, volcano_chart
from saedata.plots.saving import inline_svg
from saedata.plots.text import percent, plain, points, probability
from saedata.plots.theme import NARROW_WIDTH, WIDTH
from saedata.reports import charts, words
from saedata.reports.compared import ALPHA
from saedata.reports.text import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment

    from saedata.plots.theme import Drawing
    from saedata.reports.alone import Present
    from saedata.reports.compared import Difference
    from saedata.reports.corpora import Histogram
    from saedata.reports.model import Report

IN_CHART = 12
"""Rows of each direction in the chart; the table holds the others."""

IN_VOLCANO = 700
"""Points in the chart of all differences, which would else weigh more than the rest of the page."""

HEADLINES = 4
"""Features of each direction at the top of the page."""


def render(report: Report) -> str:
    """Make the whole page.

    Parameters
    ----------
    report
        All numbers.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    page = _environment().get_template("report.html.j2")
    return page.render(
        report=report,
        css=Markup(_read("report.css")),  # noqa: S704  our own file
        heading=words.heading(report),
        corpora=list(zip(report.corpora, charts.legend(one.name for one in report.corpora), strict=True)),
        charts=_charts(report),
        histograms=[(one, _histogram(one)) for one in report.histograms],
        several=len(report.corpora) > 2,
        headlines=HEADLINES,
        in_volcano=IN_VOLCANO,
    )


def distinct(rows: Sequence[Difference], n: int) -> list[Difference]:
    """Choose the first rows with names not seen before: many features may stand for one word."""
    seen: set[str] = set()
    chosen = []
    for row in rows:
        name = row.feature.label or (row.feature.tokens[0] if row.feature.tokens else str(row.feature.id))
        if name not in seen:
            chosen.append(row)
        seen.add(name)
    return chosen[:n]


def _environment() -> Environment:
    """Escape everything, and make every string harmless where it is printed, so that none is forgotten."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, percent=percent, points=points, probability=probability)
    environment.globals.update(words=words, distinct=distinct)
    return environment


def _harmless(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _charts(report: Report) -> dict[str, Markup]:
    """Each drawing twice: for wide pages and for phones."""
    drawn: dict[str, str] = {}
    if report.differences is not None:
        rows = [*report.differences.more[:IN_CHART], *reversed(report.differences.less[:IN_CHART])]
        drawn |= _both("differences", charts.dumbbells, rows)
        drawn |= _twice("volcano", partial(_volcano, report))
    if report.alone is not None:
        drawn |= _both("common", charts.dots, report.alone.common[:IN_CHART])
        drawn |= _both("rare", charts.dots, report.alone.rare[:IN_CHART])
    for place, one in enumerate(report.together):
        if one.pairs:
            drawn |= _twice(f"together{place}", partial(pair_chart, one.table, alpha=ALPHA))
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  escaped where it was drawn


def _volcano(report: Report, *, width: int) -> Drawing:
    assert report.differences is not None
    return volcano_chart(
        report.differences.table, target=report.corpora[0].name, alpha=ALPHA, most=IN_VOLCANO, width=width
    )


def _twice(name: str, draw: Callable[..., Drawing]) -> dict[str, str]:
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


def _histogram(one: Histogram) -> Markup:
    return Markup(charts.histogram(one, prefix=one.key))  # noqa: S704  escaped where it was drawn
