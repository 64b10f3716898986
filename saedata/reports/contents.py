"""The sections that a report has, in their order: the headings of the page and its table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.plots.text import brief

if TYPE_CHECKING:
    from saedata.reports.model import Report


def contents(report: Report) -> dict[str, str]:
    """Name the sections of a report.

    Parameters
    ----------
    report
        All numbers.

    Returns
    -------
    dict
        Headings by the ids of the sections, in the order of the page.
    """
    found, settings = report.differences, report.settings
    label, toxic, language = (brief(name or "") for name in (settings.label, settings.toxic, settings.language))
    compared = found is not None and found.tested > 0
    named = {
        "chart": ("The largest differences" if found and found.found else "The largest differences, none beyond chance")
        if compared
        else "",
        "differences": "Differences, with evidence" if compared else "",
        "common": "Most common features" if report.alone else "",
        "rare": "Rare but strong features" if report.alone else "",
        "together": "What goes together" if report.together else "",
        "groups": "Groups of documents" if report.groups else "",
        "probe": f"What predicts “{label}”" if report.probed else "",
        "separability": f"Single features that tell “{label}” apart" if report.separated else "",
        "toxicity": f"What is toxic, by “{toxic}”" if report.toxic else "",
        "languages": f"Features of languages, by “{language}”" if report.spoken else "",
        "density": "Density overview",
        "quality": "Data quality",
        "origin": "How this was made",
    }
    return {name: heading for name, heading in named.items() if heading}
