"""A document's text with the tokens marked on which a feature is on."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Html(str):
    """Markup that notebooks render and templates do not escape again.

    Examples
    --------
    >>> Html("<mark>so</mark>")._repr_html_()
    '<div style="white-space: pre-wrap"><mark>so</mark></div>'
    """

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<div style="white-space: pre-wrap">{self}</div>'


def mark(text: str, spans: Iterable[tuple[int, int, float]]) -> Html:
    """Escape a text and put ``<mark>`` around spans of it.

    Parameters
    ----------
    text
        Untrusted text.
    spans
        First character, the one after the last, and the value shown on hovering. Where spans overlap (a token
        read in two windows) the one that begins first stays; what lies outside the text is cut off.

    Examples
    --------
    >>> mark("a <b> c", [(2, 5, 1.5)])
    'a <mark title="1.5">&lt;b&gt;</mark> c'
    """
    pieces = []
    at = 0
    for start, stop, value in sorted(spans, key=lambda span: (span[0], -span[1])):
        begin, end = max(start, 0), min(stop, len(text))
        if begin < at or end <= begin:
            continue
        pieces.append(escape(text[at:begin]))
        pieces.append(f'<mark title="{value:.3g}">{escape(text[begin:end])}</mark>')
        at = end
    return Html("".join([*pieces, escape(text[at:])]))
