"""What the sections on groups and columns found, in sentences; none is there without a number it follows from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.analysis.toxicity.methods import DENSE, HEAD
from saedata.plots.text import counted, one_line, percent
from saedata.reports.groups import GROUPS
from saedata.reports.probed import METRICS

if TYPE_CHECKING:
    from saedata.reports.groups import Groups
    from saedata.reports.probed import Method, Probed
    from saedata.reports.separated import Separated
    from saedata.reports.spoken import Spoken
    from saedata.reports.toxic import Figure, Judged, Toxic

LANGUAGES = 6
"""Languages whose figures stand in a sentence."""


def figure(value: float | None) -> str:
    """Print a figure with three decimals; a dash where it is not known.

    Examples
    --------
    >>> figure(0.91234), figure(-0.05), figure(None)
    ('0.912', '−0.050', '–')
    """
    return "–" if value is None else f"{value:.3f}".replace("-", "\u2212")


def groups(one: Groups) -> str:
    """How many groups there are, of how many documents."""
    looked = f"{counted(one.documents, 'document')}"
    if one.documents < one.of:
        looked = f"{one.documents:,} of {one.of:,} documents, chosen at random,"
    by = f"by the {counted(one.features, 'feature')} that vary"
    if not one.found:
        return f"The {looked} form no dense groups {by}: all lie in one cloud."
    none = f"{percent(one.noise)} of them are in none." if one.noise else "Each of them is in one."
    return f"The {looked} form {counted(one.found, 'group')} {by}; {none}"


def group_note(one: Groups) -> str:
    """What must be known to read the groups."""
    notes = [
        f"Grouping parts of the documents again gives groups that agree with these by an adjusted Rand index of "
        f"{one.agreement:.2f} (1: the same, 0: no more than chance)."
        if one.agreement is not None and one.found
        else "",
        f"The {GROUPS} largest of {one.found:,} groups are listed." if one.found > GROUPS else "",
        "The groups were made from the features that describe them, so that q describes how sharply they differ and "
        "proves nothing."
        if one.same_features
        else "",
    ]
    return " ".join(note for note in notes if note)


def probed(one: Probed) -> str:
    """How well a few features predict the label, and the best baseline."""
    best, rival = one.best, one.rival
    text = (
        f"{counted(best.k or 0, 'feature')} predict{'s' if best.k == 1 else ''} “{one_line(one.label)}” with "
        f"{METRICS.get(one.metric, one.metric)} {figure(best.value)}{_bounds(best.low, best.high)} on "
        f"{counted(one.test, 'document')} held out, after {one.train:,} to learn from."
    )
    if rival is None:
        return text
    return f"{text} {_rival(best, rival)}"


def separated(one: Separated) -> str:
    """How well single features separate the concepts, and dense units."""
    first, *others = one.units
    text = (
        f"{counted(one.documents, 'document')} of {counted(one.concepts, 'value')} of “{one_line(one.label)}”: of the "
        f"{counted(first.live, 'feature')} that are on, the best separates them by {first.max:.2f} (0 not at all, 1 "
        f"wholly; Jensen–Shannon distance, corrected for chance), the mean one by {figure(first.mean)}."
    )
    if others:
        best = max(others, key=lambda unit: unit.max)
        text += f" Units of the dense layer ({best.name}) reach {best.max:.2f}, {figure(best.mean)} on average."
    return text


def toxic(one: Toxic) -> str:
    """How well the head finds toxic documents that were not looked at before, and dense vectors."""
    rows = [row for row in one.judged if HEAD in row.figures]
    mean = [row for row in rows if row.documents is None]
    told = mean or rows[:LANGUAGES]
    parts = [f"{_f1(row.figures[HEAD])}{_where(row, one)}" for row in told]
    text = f"A few features find toxic documents that they have not seen with {'; '.join(parts)}."
    dense = [f"{figure(row.figures[DENSE].f1)}{_where(row, one)}" for row in told if DENSE in row.figures]
    return f"{text} Dense vectors of the same layer reach {'; '.join(dense)}." if dense else text


def spoken(one: Spoken) -> str:
    """How many features are a language's own, and how well they tell languages."""
    total = sum(language.features for language in one.languages)
    if len(one.languages) == 1:
        name = one_line(one.languages[0].name)
        return (
            f"“{one_line(one.column)}” names one language only, {name}, and there is nothing to hold it against: "
            f"{counted(total, 'feature')} {'is' if total == 1 else 'are'} on in most of its documents."
        )
    belong = "belongs" if total == 1 else "belong"
    text = f"{counted(total, 'feature')} {belong} to one language alone, in {counted(len(one.languages), 'language')}."
    best = next((told for told in one.told if told.method == "features"), None)
    if best is not None:
        text += (
            f" By them the language of {percent(best.accuracy)} of held-out documents is told (mean over languages)."
        )
    if one.switching:
        has = "has" if one.switching == 1 else "have"
        text += f" {counted(one.switching, 'document')} {has} features of another language than their own."
    return text


def _bounds(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({figure(low)} to {figure(high)})"


def _rival(best: Method, rival: Method) -> str:
    text = f"The best of the others, {rival.name}, reaches {figure(rival.value)}"
    low, high = rival.difference_low, rival.difference_high
    if rival.difference is None or low is None or high is None:
        return f"{text}."
    if low <= 0 <= high:
        gap = f"{figure(rival.difference)}{_bounds(low, high)}"
        return f"{text}; the difference, {gap}, is no more than chance explains."
    better = "features do better" if rival.difference > 0 else "it does better"
    return f"{text}: {better}, by {figure(abs(rival.difference))}{_bounds(*sorted((abs(low), abs(high))))}."


def _where(row: Judged, one: Toxic) -> str:
    if row.documents is None:
        return f" on average over {len(one.languages)} languages"
    return f" in {one_line(row.language)}" if len(one.languages) > 1 else ""


def _f1(one: Figure) -> str:
    return f"F1 {figure(one.f1)}{_bounds(one.low, one.high)}"
