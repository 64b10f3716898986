"""Numbers put into sentences; none is there without a number it follows from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.hygiene import ALWAYS
from saedata.plots.text import counted, percent
from saedata.reports.compared import ALPHA
from saedata.reports.text import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.reports.alone import Present
    from saedata.reports.compared import Difference
    from saedata.reports.corpora import Corpus
    from saedata.reports.model import Report
    from saedata.reports.together import Together

LONGER = 1.2
"""Ratio of median lengths from which length is named as a possible reason."""

UNUSUAL = 0.5
"""Median variance unexplained from which a corpus is called out of the encoder's domain."""


def heading(report: Report) -> str:
    """Give the page its title."""
    if report.settings.title:
        return report.settings.title
    names = [corpus.name for corpus in report.corpora]
    return f"How {names[0]} differs from {_listed(names[1:])}" if len(names) > 1 else f"What is in {names[0]}"


def verdict(report: Report) -> str:
    """Say the finding in one sentence."""
    if report.differences is None:
        return _verdict_alone(report)
    names = [corpus.name for corpus in report.corpora]
    found = report.differences
    if not found.found:
        return (
            f"No difference between {names[0]} and {_listed(names[1:])} stands out: none of the "
            f"{counted(found.tested, 'feature')} tested differs by more than chance explains."
        )
    every = "" if len(names) == 2 else " than in every other corpus"
    return (
        f"They differ: {found.found:,} of {counted(found.tested, 'feature')} tested "
        f"{'differs' if found.found == 1 else 'differ'} by more than chance explains (q\u00a0<\u00a0{ALPHA:g}), "
        f"{found.n_more:,} more frequent and {found.n_less:,} less frequent in {names[0]}{every}."
    )


def largest(report: Report) -> list[Difference]:
    """Choose the differences worth a sentence: the largest in either direction, if they stand out."""
    found = report.differences
    return [*found.more[:1], *found.less[:1]] if found is not None and found.found else []


def difference(one: Difference) -> str:
    """Say in what share of either side's documents a feature is on; the side where it is more frequent first."""
    more, less = (one.target, one.other) if one.difference > 0 else (one.other, one.target)
    share = "none" if less.on == 0 else percent(less.share)
    shares = f"in {percent(more.share)} of its documents, {less.name} in {share}"
    return f"{more.name} turns on {one.feature.short} {shares}."


def present(one: Present, which: str) -> str:
    """Say how common a feature is in a corpus that stands alone."""
    return f"The {which} feature, {one.feature.short}, is on in {percent(one.share)} of the documents."


def caveats(report: Report) -> list[str]:
    """Say what a reader must know before believing the differences."""
    notes = []
    if report.differences is not None:
        if not report.differences.found:
            notes.append(seeable(report))
        notes.append(length_note(report.corpora))
    notes += [domain_note(corpus) for corpus in report.corpora if _is_unusual(corpus)]
    return [note for note in notes if note]


def idle(report: Report) -> str:
    """Say which features are left out of the tables, and how many are on nowhere."""
    always, never = len(report.idle.always), report.idle.never
    every = "every document" if len(report.corpora) == 1 else "every document of every corpus"
    notes = [
        f"{counted(always, 'feature')} that {'is' if always == 1 else 'are'} on in nearly {every} (at least "
        f"{100 * ALWAYS:g}%) {'is' if always == 1 else 'are'} left out; `saedata features FRAME` lists them."
        if always
        else "",
        f"{counted(never, 'feature')} {'is' if never == 1 else 'are'} never on." if never else "",
    ]
    return " ".join(note for note in notes if note)


def seeable(report: Report) -> str:
    """How large a difference would have had to be to stand out."""
    found = report.differences
    if found is None or found.tested == 0:
        return "No feature is on in any document, so nothing could be tested."
    absent, half = found.seeable
    counts = " and ".join(f"{corpus.counted:,}" for corpus in report.corpora)
    if absent is None:
        return (
            f"With {counts} documents nothing can stand out: not even a feature that is on in all documents of "
            "one side and in none of the other."
        )
    more = "" if half is None else f", and one on in half of them a share {_points(half)} points higher"
    return (
        f"What could have been seen with {counts} documents: on its own, a feature absent from the other "
        f"side would have stood out from a share of {percent(absent)}{more}. Smaller differences may exist."
    )


def length_note(corpora: Sequence[Corpus]) -> str:
    """Name length as a possible reason where the median lengths of target and other differ by over a fifth."""
    target, ratio, other = corpora[0], 1.0, corpora[0]
    for corpus in corpora[1:]:
        if target.median_tokens and corpus.median_tokens:
            lengths = target.median_tokens, corpus.median_tokens
            if max(lengths) / min(lengths) > ratio:
                ratio, other = max(lengths) / min(lengths), corpus
    if ratio <= LONGER:
        return ""
    long, short = sorted((target, other), key=lambda one: -(one.median_tokens or 0))
    return (
        f"Documents in {long.name} are longer: {number(long.median_tokens)} tokens at the median against "
        f"{number(short.median_tokens)} in {short.name} ({100 * (ratio - 1):.0f}% more). Longer documents turn "
        f"on more features, so length alone may explain some of what is more frequent in {long.name}."
    )


def domain_note(corpus: Corpus) -> str:
    """Whether the encoder describes a corpus well."""
    if corpus.median_unexplained is None:
        return f"Nothing is known about how well the encoder describes {corpus.name}: it has no text."
    share = percent(corpus.median_unexplained)
    if _is_unusual(corpus):
        return (
            f"{corpus.name} is out of the encoder's domain: at the median its features miss {share} of the "
            "variance in what the reader saw (above 50% is flagged), so they may overlook what matters there."
        )
    return (
        f"{corpus.name} is within the encoder's domain: at the median its features miss {share} of the "
        "variance in what the reader saw (above 50% would be flagged)."
    )


def quality(corpus: Corpus) -> list[str]:
    """Say what was found about a corpus' data."""
    notes = [
        f"{counted(corpus.empty, 'document')} without any text" if corpus.empty else "",
        _duplicates(corpus) if corpus.duplicates else "",
        _windowed(corpus.windowed),
        *(f"column “{old}” is called “{new}” here, because its name is reserved" for old, new in corpus.renamed),
    ]
    return [note for note in notes if note] or ["nothing unusual"]


def volcano(report: Report, most: int) -> str:
    """What the chart of all differences shows."""
    found = report.differences
    assert found is not None
    drawn = f"The {most:,} of the smallest q are drawn" if found.tested > most else "Each is a point"
    return (
        f"All {counted(found.tested, 'feature')} tested, by size of the difference and evidence for it. {drawn}; "
        f"what stands out lies above the line (q below {ALPHA:g})."
    )


def together(one: Together) -> str:
    """How many pairs of features were tested in a corpus, and how many go together."""
    if not one.tested:
        return f"No two features are on in enough documents of {one.name} to be tested."
    limited = f" of its {one.limited:,} most frequent features" if one.limited else ""
    tested = f"{counted(one.tested, 'pair')}{limited} tested"
    if not one.found:
        return f"{tested}: none goes together more than chance and the lengths of documents explain."
    found = f"{one.found:,} or more" if one.found == one.table.height else f"{one.found:,}"
    return f"{tested}; {found} go together more than chance explains (q\u00a0<\u00a0{ALPHA:g}, Benjamini–Hochberg)."


def method(report: Report) -> str:
    """How the differences were tested."""
    found = report.differences
    level = f"{100 * report.settings.level:g}%"
    if found is None:
        return f"Shares carry Wilson score intervals at the {level} level. Nothing is compared, so nothing is tested."
    several = len(report.corpora) > 2
    test = (
        "With several others a feature stands out only if it does against every one of them "
        "(intersection-union test); shown is the nearest other corpus."
        if several
        else "Each feature's two shares were compared by Fisher's exact test where counts are small or "
        "skewed, else by the N−1 chi-squared test (two-sided)."
    )
    weight = (
        "Documents of equal text weigh once a side."
        if report.settings.duplicates == "once"
        else "Every document weighs, duplicates too."
    )
    return (
        f"{counted(found.tested, 'feature')} on in at least one document were tested. {test} Intervals are "
        f"Newcombe's hybrid score intervals at the {level} level; q is p adjusted over all features tested "
        f"(Benjamini–Hochberg); a difference stands out where q is below {ALPHA:g}. {weight}"
    )


def _verdict_alone(report: Report) -> str:
    corpus = report.corpora[0]
    if corpus.seen == 0:
        return f"No feature is on in any of the {counted(corpus.documents, 'document')} of {corpus.name}."
    return (
        f"The {counted(corpus.documents, 'document')} of {corpus.name} turn on {counted(corpus.seen, 'feature')}; "
        f"the median document has {number(corpus.median_on)} of them on and {number(corpus.median_tokens)} tokens."
    )


def _is_unusual(corpus: Corpus) -> bool:
    return corpus.median_unexplained is not None and corpus.median_unexplained > UNUSUAL


def _duplicates(corpus: Corpus) -> str:
    dropped = corpus.counted < corpus.documents
    return f"{counted(corpus.duplicates, 'exact duplicate')} of other documents, " + (
        "left out of all shares" if dropped else "kept in all shares"
    )


def _windowed(n: int | None) -> str:
    if n is None:
        return "how many long documents were read in windows is unknown for a part of a frame"
    return f"{counted(n, 'long document')} read in overlapping windows" if n else ""


def _points(difference: float) -> str:
    return f"{100 * difference:.1f}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
