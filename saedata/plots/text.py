"""Untrusted text made safe to show in a picture or on a page, and numbers as they are printed."""

from __future__ import annotations

import re

SMALLEST_P = 1e-300
"""Below this a p-value is only known to be smaller."""

LONGEST_NAME = 48
"""Characters of a name that stand in a picture; the tooltip holds all of it."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab and line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of writing direction
    "\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff\ufffe\uffff]"
)


def plain(text: str) -> str:
    r"""Replace what could disturb the page around it: control characters and overrides of writing direction.

    Each becomes one U+FFFD, so that the reader sees that something was there.

    Examples
    --------
    >>> plain("a\x00b\u202ec")
    'a�b�c'
    """
    return _CONTROL.sub("\ufffd", text)


def shorten(text: str, length: int) -> str:
    """Cut a text at the end, with an ellipsis.

    Examples
    --------
    >>> shorten("apologies", 6)
    'apolo…'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def one_line(text: str) -> str:
    r"""Make a text harmless and put it in one line.

    Examples
    --------
    >>> one_line("two\n  lines")
    'two lines'
    """
    return plain(" ".join(text.split()))


def brief(text: str, length: int = LONGEST_NAME) -> str:
    """Make a name fit into a picture: harmless, in one line, cut with an ellipsis.

    Examples
    --------
    >>> brief("says that a claim may be uncertain", 20)
    'says that a claim m…'
    """
    return shorten(one_line(text), length)


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
