"""What is in the corpora, and how the first differs from the others: the report's figures, with ways to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata.plots.distribution import distribution_chart
from saedata.plots.text import counted, one_line, percent, points
from saedata.reports import words
from saedata.reports.render import distinct
from saedata.reports.text import number
from saedata_apps import lookups, opened, views
from saedata_apps.charts import chart, drawn
from saedata_apps.columns import groupings, language_column, user_columns
from saedata_apps.evidence import bars, feature_line
from saedata_apps.kept import kept, worked
from saedata_apps.markup import empty, fill, heading, note, section, show, tiles
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import downloads

if TYPE_CHECKING:
    from markupsafe import Markup

    from saedata.frame import Embeddings
    from saedata.plots.theme import Drawing
    from saedata.reports.alone import Present
    from saedata.reports.compared import Difference
    from saedata.reports.corpora import Corpus, Histogram
    from saedata.reports.model import Report

FINDINGS = 5

VALUES = 12
"""Values of a column that are shown; the file has all."""

ABOUT = (
    "Every document was read by a small language model, and a sparse autoencoder says which of many thousand "
    "concepts (features) are in it. Below: what the corpora are like, and which concepts one has more often than the "
    "other, with intervals and the words that show it. Each finding leads to its documents; the menu leads to every "
    "other question."
)


def page() -> None:
    """The start page."""
    frames = list(opened.frames().values())
    if not frames:
        heading("saedata", ABOUT)
        empty("No corpus is open yet", "Embed one on the page Embed, or start again with `saedata app FRAME...`.")
        return
    together = opened.first_and_others()
    with st.spinner("Reading the corpora …"):
        report: Report = worked(lookups.gathered, together).value
    heading(words.heading(report), ABOUT)
    show(fill('<p class="sd-verdict">{text}</p>', text=words.verdict(report)))
    for caveat in words.caveats(report):
        note(caveat)
    if report.differences is not None:
        _differences(report, together)
    elif report.alone is not None:
        _alone(report, together[0])
    section("The corpora", words.idle(report))
    for corpus in report.corpora:
        _corpus(corpus)
    _counts(together)
    _histograms(report, [opened.key(frame) for frame in together])
    for frame in frames:
        if frame is not frames[0] and frame not in opened.comparable(frames[0]):
            note(f"{frame.name} was embedded by another encoder, so it stands apart: choose it on the other pages.")
    out = {"out": "report.html"}
    same(together, Call("report", options=out), commands=[Command("report", out)])


def _differences(report: Report, frames: list[Embeddings]) -> None:
    assert report.differences is not None
    sides = st.columns(2, gap="large")
    names = [corpus.name for corpus in report.corpora]
    titles = (f"What {names[0]} does more", f"What {names[1]} does more" if len(names) == 2 else "What it does less")
    for place, (side, rows) in enumerate(zip(sides, (report.differences.more, report.differences.less), strict=True)):
        with side:
            section(titles[place])
            shown = distinct(rows, FINDINGS)
            if not shown:
                show(fill('<p class="sd-quiet">Nothing that stands out.</p>'))
            for row in shown:
                with st.container(gap="xxsmall"):
                    show(_finding(row))
                    views.link(
                        "compare",
                        "Show me where",
                        icon=":material/search_insights:",
                        target=frames[0].name,
                        other=row.other.name if len(frames) > 1 else None,
                        feature=row.feature.id,
                    )
    views.link(
        "compare",
        f"All {counted(report.differences.found, 'difference')} that stand out",
        icon=":material/compare_arrows:",
        target=frames[0].name,
    )


def _finding(row: Difference) -> Markup:
    """One difference: its name, both shares, and the words of the side that has it more often."""
    one = row.target if row.difference > 0 else row.other
    quote = _quote(one.examples[0].brief) if one.examples else ""
    return fill(
        '<div class="sd-card">{name}{bars}<p class="sd-figures">{difference} points, interval {low} to {high}, '
        "q {q}</p>{quote}</div>",
        name=feature_line(row.feature.name, number=row.feature.id, kind=row.feature.kind),
        bars=bars((side.name, side.share, percent(side.share)) for side in (row.target, row.other)),
        difference=points(row.difference),
        low=points(row.low),
        high=points(row.high),
        q=number(row.q),
        quote=quote,
    )


def _quote(brief: Any) -> Markup:
    return fill(
        '<blockquote class="sd-quote" dir="auto">{before}<mark>{marked}</mark>{after}</blockquote>',
        before=brief.before,
        marked=brief.marked,
        after=brief.after,
    )


def _alone(report: Report, frame: Embeddings) -> None:
    assert report.alone is not None
    columns = st.columns(2, gap="large")
    titles = ("Most common", "Rare, but strong")
    abouts = ("On in most documents.", "On in few documents, but strongly.")
    for column, title, about, rows in zip(
        columns, titles, abouts, (report.alone.common, report.alone.rare), strict=True
    ):
        with column:
            section(title, about)
            for row in rows[:FINDINGS]:
                with st.container(gap="xxsmall"):
                    show(_present(row, frame.name))
                    views.link(
                        "features",
                        "Show me where",
                        icon=":material/search_insights:",
                        corpus=frame.name,
                        feature=row.feature.id,
                    )


def _present(row: Present, name: str) -> Markup:
    return fill(
        '<div class="sd-card">{name}{bars}{quote}</div>',
        name=feature_line(row.feature.name, number=row.feature.id, kind=row.feature.kind),
        bars=bars([(name, row.share, percent(row.share))]),
        quote=_quote(row.examples[0].brief) if row.examples else "",
    )


def _corpus(corpus: Corpus) -> None:
    show(fill("<h3>{name}</h3>", name=corpus.name))
    missed = "–" if corpus.median_unexplained is None else percent(corpus.median_unexplained)
    tiles(
        (
            (
                "Documents",
                f"{corpus.documents:,}",
                f"{corpus.counted:,} different" if corpus.duplicates else "all different",
            ),
            ("Tokens", f"{corpus.tokens:,}", f"median {number(corpus.median_tokens)} a document"),
            ("Features seen", f"{corpus.seen:,}", f"median {number(corpus.median_on)} on in a document"),
            ("Variance missed", missed, "at the median; above 50% is flagged"),
            (
                "Data quality",
                "" if words.quality(corpus) != ["nothing unusual"] else "✓",
                "; ".join(words.quality(corpus)),
            ),
        )
    )


def _counts(frames: list[Embeddings]) -> None:
    """Documents of each language, where a column says it, or of each value of another column."""
    names = list(dict.fromkeys(name for frame in frames for name in [*_languages(frame), *groupings(frame)]))
    if not names:
        return
    languages = [name for frame in frames for name in _languages(frame)]
    if languages:
        section("Languages", f"Documents in each, as the column {one_line(languages[0])} says.")
    else:
        section("Documents by column", "No column is called language or lang, so languages are not counted.")
    places = st.columns([3, 8])
    with places[0]:
        column = st.selectbox(
            "Count by",
            names,
            index=names.index(languages[0]) if languages else None,
            key="by",
            bind="query-params",
            placeholder="Choose a column",
        )
    if column is None:
        return
    having = [frame for frame in frames if column in user_columns(frame)]
    places = st.columns(2, gap="large")
    for place, frame in enumerate(having):
        with places[place % 2]:
            _counted(frame, column, file=f"counts-{place + 1}")


def _languages(frame: Embeddings) -> list[str]:
    column = language_column(frame)
    return [] if column is None else [column]


def _counted(frame: Embeddings, column: str, *, file: str) -> None:
    """The most frequent values of a column."""
    found = kept(lookups.counts, frame, column).value
    rows = [
        ("(none given)" if value is None else one_line(value), share, percent(share), f"{documents:,}")
        for value, documents, share in found.head(VALUES).iter_rows()
    ]
    rest = found.height - len(rows)
    show(
        fill(
            '<div class="sd-card sd-wide"><p class="sd-feature"><b>{name}</b> <span>{values}</span></p>'
            "{bars}{rest}</div>",
            name=frame.name,
            values=counted(found.height, "value"),
            bars=bars((f"{value} · {documents}", share, figure) for value, share, figure, documents in rows),
            rest=fill('<p class="sd-figures">and {n} more, in the file</p>', n=f"{rest:,}") if rest else "",
        )
    )
    downloads(found, file)


def _histograms(report: Report, keys: list[str]) -> None:
    names = [corpus.name for corpus in report.corpora]
    columns = st.columns(2, gap="large")
    for place, one in enumerate(report.histograms):
        with columns[place % 2]:
            chart(drawn((keys, one.key), lambda one=one: _distribution(one, names)), key=f"chart-{one.key}")


def _distribution(one: Histogram, names: list[str]) -> Drawing:
    return distribution_chart(one.key, one.edges, one.heights, names=names, log=one.log)


page()
