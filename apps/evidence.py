"""Documents as evidence: the text, escaped, with the places marked where a feature is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from markupsafe import Markup

from saedata.errors import EncoderError
from saedata.plots.search import Mark, marked_text
from saedata_apps.kept import kept, reading
from saedata_apps.markup import fill, joined, note, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from saedata.frame import Embeddings

FIELDS = 3
"""Columns of the user's that stand under a document."""

LONGEST_FIELD = 120

OURS = frozenset(
    {
        "feature",
        "rank",
        "doc",
        "value",
        "start",
        "stop",
        "text",
        "tokens",
        "features_on",
        "variance_unexplained",
        "turns",
    }
)


def documents(frame: Embeddings, rows: pl.DataFrame, *, by_token: bool = False, named: bool = False) -> None:
    """Show documents below each other.

    Parameters
    ----------
    frame
        Where they are from.
    rows
        As `Embeddings.top_documents` gives them: ``feature``, ``doc``, ``value``, ``start``, ``stop``, ``text``.
    by_token
        Whether each is encoded again to mark every token where the feature is on, darker where it is stronger; else
        the strongest token alone is marked.
    named
        Whether the corpus is named too.
    """
    if rows.is_empty():
        show(fill('<p class="sd-quiet">In no document.</p>'))
        return
    cards, missing = [], ""
    top = max(float(rows["value"].fill_null(0).max() or 1.0), 1e-9)  # type: ignore[arg-type]
    for row in rows.iter_rows(named=True):
        marks = [_strongest(row, top)] if row["stop"] else []
        if by_token:
            try:
                marks = by_tokens(frame, row["doc"], row["feature"], top) or marks
            except EncoderError as error:
                missing = str(error)
        cards.append(card(row, marks, name=frame.name if named else ""))
    show(fill('<div class="sd-docs">{cards}</div>', cards=joined(cards)))
    if missing:
        note(f"Only the strongest token of each document is marked: {missing}.")


def document(row: Mapping[str, Any], *, top: float, name: str = "") -> None:
    """Show one document, with its strongest token marked; `top` is the activation that is marked darkest."""
    show(card(row, [_strongest(row, max(top, 1e-9))] if row["stop"] else [], name=name))


def card(row: Mapping[str, Any], marks: Sequence[Mark], *, name: str = "") -> Markup:
    """One document."""
    text = Markup(marked_text(row["text"] or "", marks))  # noqa: S704  # escaped by marked_text
    value = row.get("value")
    about = [*([name] if name else []), f"document {row['doc']:,}"]
    if value:
        about.append(f"activation {value:.3g}")
    elif row.get("feature") is not None:
        about.append("off")
    return fill(
        '<article class="sd-doc"><p class="sd-about">{about}{fields}</p>'
        '<blockquote dir="auto">{text}</blockquote></article>',
        about=" · ".join(about),
        fields=joined(_field(column, value) for column, value in _fields(row)),
        text=text or fill('<span class="sd-quiet">(no text)</span>'),
    )


def by_tokens(frame: Embeddings, doc: int, feature: int, top: float) -> list[Mark]:
    """Marks on every token where a feature is on; needs the encoder."""
    spans: pl.DataFrame = kept(_spans, frame, doc, feature).value
    return [
        Mark(start, stop, (f"activation {value:.3g}",), min(value / top, 1.0)) for start, stop, value in spans.rows()
    ]


def _spans(frame: Embeddings, doc: int, feature: int) -> pl.DataFrame:
    with reading:
        tokens = frame.tokens(doc)
    on = tokens.filter(pl.col("feature") == feature, pl.col("value") > frame.threshold)
    spans = on.select("start", "stop", "value").unique(["start", "stop"], keep="first").sort("start", "stop")
    # where a token was read in two windows, the first stays
    return spans.filter((pl.col("start") >= pl.col("stop").cum_max().shift(1)).fill_null(value=True))


def _strongest(row: Mapping[str, Any], top: float) -> Mark:
    value = row["value"] or 0.0
    return Mark(row["start"], row["stop"], (f"activation {value:.3g}, the strongest token",), min(value / top, 1.0))


def _fields(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    given = ((column, value) for column, value in row.items() if column not in OURS and not column.startswith("rank_"))
    simple = (
        (column, " ".join(str(value).split()))
        for column, value in given
        if value is not None and not isinstance(value, list | dict | bytes | pl.Series)
    )
    return [(column, value) for column, value in simple if 0 < len(value) <= LONGEST_FIELD][:FIELDS]


def _field(column: str, value: str) -> Markup:
    return fill('<span class="sd-field">{column}: {value}</span>', column=column, value=value)


def feature_line(name: str, *, number: int, kind: str | None = None, more: Iterable[str] = ()) -> Markup:
    """Name of a feature, its kind and number."""
    about = [f"feature {number}", *([kind] if kind else []), *more]
    return fill('<p class="sd-feature"><b>{name}</b> <span>{about}</span></p>', name=name, about=" · ".join(about))


def bars(sides: Iterable[tuple[str, float, str]]) -> Markup:
    """Shares beside each other: whose, how much, and as a figure."""
    return joined(
        fill(
            '<div class="sd-bar"><span class="sd-who">{who}</span><span class="sd-track"><i class="sd-c{place}" '
            'style="width:{width}%"></i></span><span class="sd-share">{figure}</span></div>',
            who=who,
            place=place % 6,
            width=f"{100 * min(max(share, 0.0), 1.0):.2f}",
            figure=figure,
        )
        for place, (who, share, figure) in enumerate(sides)
    )
