"""Documents cut to what matters, and numbers of any size as they are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass

WINDOW = 130
"""Characters shown on either side of a span."""

LONGEST_MARK = 200
"""Characters of a span that are shown."""

WORD_SEARCH = 24
"""How far a cut may move inwards to fall between two words."""

_BLANK_LINES = re.compile(r"[ \t]*(?:\r\n|\r|\n)\s*")
_SPACES = re.compile(r"[ \t\u00a0]{2,}")


@dataclass(frozen=True)
class Snippet:
    """A piece of a document around a span.

    Parameters
    ----------
    before, marked, after
        The text, with an ellipsis at either end where the document goes on.
    """

    before: str
    marked: str
    after: str


def snippet(text: str, start: int, stop: int, *, window: int = WINDOW) -> Snippet:
    r"""Cut a document to the surroundings of a span; runs of blank lines become one line end.

    Parameters
    ----------
    text
        Untrusted text.
    start, stop
        The span: first character, and the one after the last. What lies outside the text is cut off.
    window
        Characters on either side, at most.

    Examples
    --------
    >>> snippet("I am so very sorry to hear that.", 13, 18, window=9)
    Snippet(before='…\xa0so very ', marked='sorry', after=' to hear\xa0…')
    """
    begin = min(max(start, 0), len(text))
    end = min(max(stop, begin), len(text))
    left, right = _left_cut(text, begin, window), _right_cut(text, end, window)
    before, marked, after = text[left:begin], text[begin:end], text[end:right]
    if len(marked) > LONGEST_MARK:
        marked = marked[:LONGEST_MARK] + "…"
    return Snippet(
        ("…\u00a0" if left > 0 else "") + _tidy(before).lstrip("\n" if left == 0 else None),
        _tidy(marked),
        _tidy(after).rstrip() + ("\u00a0…" if right < len(text) else ""),
    )


def number(value: float | None) -> str:
    """Print a count with thousands separators; anything else with three significant digits; a dash for none.

    Examples
    --------
    >>> number(21345), number(131.5), number(0.18249), number(None)
    ('21,345', '131.5', '0.182', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def _left_cut(text: str, begin: int, window: int) -> int:
    left = begin - window
    if left <= 0:
        return 0
    space = re.compile(r"\s").search(text, left - 1, min(left + WORD_SEARCH, begin))
    return space.end() if space else left


def _right_cut(text: str, end: int, window: int) -> int:
    right = end + window
    if right >= len(text):
        return len(text)
    spaces = [match.start() for match in re.finditer(r"\s", text[max(end, right - WORD_SEARCH) : right + 1])]
    return max(end, right - WORD_SEARCH) + spaces[-1] if spaces else right


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", _BLANK_LINES.sub("\n", text))
