"""The page: numbers, sentences and drawings put into the template."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from saedata.plots.text import brief, percent, plain, points, probability
from saedata.reports import charts, verdicts, words
from saedata.reports.contents import contents
from saedata.reports.pictures import IN_VOLCANO, ON_MAP, histogram, pictures
from saedata.reports.text import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from saedata.reports.compared import Difference
    from saedata.reports.model import Report

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
        charts=pictures(report),
        contents=contents(report),
        histograms=[(one, histogram(one)) for one in report.histograms],
        several=len(report.corpora) > 2,
        several_sides=len(report.corpora) > 1,
        headlines=HEADLINES,
        in_volcano=IN_VOLCANO,
        on_map=ON_MAP,
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
    environment.filters.update(figure=verdicts.figure, share=_share, brief=brief)
    environment.globals.update(words=words, verdicts=verdicts, distinct=distinct)
    return environment


def _harmless(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _share(value: float | None) -> str:
    """A share that may not be known."""
    return "–" if value is None else percent(value)


def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
