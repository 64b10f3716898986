"""Untrusted text made safe to show, cut to what matters; and numbers as they are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass

WINDOW = 130
"""Characters shown on either side of a span."""

LONGEST_MARK = 200
"""Characters of a span that are shown."""

WORD_SEARCH = 24
"""How far a cut may move inwards to fall between two words."""

SMALLEST_P = 1e-300
"""Below this a p-value is only known to be smaller."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab and line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of writing direction
    "\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff\ufffe\uffff]"
)
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


def plain(text: str) -> str:
    r"""Replace what could disturb the page around it: control characters and overrides of writing direction.

    Each becomes one U+FFFD, so that the reader sees that something was there.

    Examples
    --------
    >>> plain("a\x00b\u202ec")
    'a�b�c'
    """
    return _CONTROL.sub("\ufffd", text)


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


def shorten(text: str, length: int) -> str:
    """Cut a text at the end, with an ellipsis.

    Examples
    --------
    >>> shorten("apologies", 6)
    'apolo…'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def percent(share: float) -> str:
    """Print a share with one decimal.

    Examples
    --------
    >>> percent(0.54375), percent(-0.00001)
    ('54.4%', '0.0%')
    """
    return f"{_rounded(share):.1f}%"


def points(difference: float) -> str:
    """Print a difference of shares in percentage points, with its sign and one decimal.

    Examples
    --------
    >>> points(0.54375), points(-0.0625), points(0)
    ('+54.4', '−6.2', '0.0')
    """
    value = _rounded(difference)
    return f"{value:+.1f}".replace("-", "−") if value else "0.0"


def probability(p: float) -> str:
    """Print a p- or q-value: four decimals, or two significant digits below 0.001.

    Examples
    --------
    >>> probability(0.03127), probability(0.00004567), probability(0.0), probability(1.0)
    ('0.0313', '4.6e-05', '<1e-300', '1.0000')
    """
    if p < SMALLEST_P:
        return "<1e-300"
    return f"{p:.4f}" if p >= 0.001 else f"{p:.1e}"


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


def counted(n: int, one: str, many: str | None = None) -> str:
    """Print a number with its noun.

    Examples
    --------
    >>> counted(1, "document"), counted(1200, "document")
    ('1 document', '1,200 documents')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _rounded(share: float) -> float:
    return round(100 * share, 1) + 0.0  # adding zero turns -0.0 into 0.0


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
