"""Lists of keywords, and whether the label of a feature matches one; ground_truth/README.md describes the form."""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUOTED = re.compile(r"""["“”](.+?)["“”]|(?<!\w)['‘’](.+?)['‘’](?!\w)""")
_BETWEEN = re.compile(r"[,;:()/]|\b(?:and|or|also)\b")


class Keywords:
    """Stems (``hedg*``), words, phrases, and words that a label must quote or list (``"because"``).

    Parameters
    ----------
    words
        In this form.

    Examples
    --------
    >>> words = Keywords(["hedg*", "full stop*", "tip", '"so"'])
    >>> [words.match(label) for label in ("Hedging, of claims", "full-stops after dates", "a tipping point", "so on")]
    [True, True, False, False]
    >>> [words.match(label) for label in ('the word "so" as an opener', "so, thus and hence", "so that it is")]
    [True, True, False]
    """

    def __init__(self, words: Iterable[str]) -> None:
        anywhere, quoted = [], []
        for word in words:
            (quoted if word.startswith('"') else anywhere).append(word)
        self._anywhere, self._quoted = _pattern(anywhere), _pattern(quoted)

    def match(self, label: str) -> bool:
        """Whether any of them is in a label."""
        if self._anywhere.search(_plain(label)):
            return True
        if any(self._quoted.search(_plain(one or two)) for one, two in _QUOTED.findall(label)):
            return True
        return any(self._quoted.fullmatch(_plain(item)) for item in _BETWEEN.split(label.casefold()))


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    parts = [_plain(word) + (r"\w*" if word.rstrip('"').endswith("*") else "") for word in words]
    return re.compile(rf"\b(?:{'|'.join(parts)})\b" if parts else r"(?!)")


def _plain(text: str) -> str:
    """Words with one space between them."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
