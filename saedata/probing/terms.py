"""Words of texts in any script, for lists of words: lexicons, and terms of identity."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 4
"""Words of a phrase, and letters of a word in a script without spaces."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters: words are not set apart there."""


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words with their combining marks, which are no letters; and runs of letters in scripts without spaces."""
    marks = "".join(chr(c) for c in range(0x300, 0x10000) if unicodedata.category(chr(c)).startswith("M"))
    return re.compile(f"(?:[^\\W_{_UNSPACED}][{marks}]*)+"), re.compile(f"[{_UNSPACED}]+")


@cache
def is_unspaced(letter: str) -> bool:
    """Whether a letter is of a script without spaces between words."""
    return _patterns()[1].fullmatch(letter) is not None


def words_of(text: str) -> list[str]:
    """Words in scripts with spaces, in their order and without case.

    Examples
    --------
    >>> words_of("Good day, 東京!")
    ['good', 'day']
    """
    return _patterns()[0].findall(text.casefold())


def runs_of(text: str) -> list[str]:
    """Runs of letters in scripts without spaces.

    Examples
    --------
    >>> runs_of("Good day, 東京!")
    ['東京']
    """
    return _patterns()[1].findall(text.casefold())


def terms_of(text: str, *, longest: int = LONGEST) -> set[str]:
    """All that a list of words can be looked up by: words, phrases of them, and pieces of runs without spaces.

    Parameters
    ----------
    text
        A document.
    longest
        Words in a phrase, and letters in a piece.

    Examples
    --------
    >>> sorted(terms_of("good day 東京", longest=2))
    ['day', 'good', 'good day', '京', '東', '東京']
    """
    words, found = words_of(text), set()
    for size in range(1, longest + 1):
        found |= {" ".join(words[at : at + size]) for at in range(len(words) - size + 1)}
        found |= {run[at : at + size] for run in runs_of(text) for at in range(len(run) - size + 1)}
    return found


@dataclass(frozen=True)
class WordList:
    """Words to look for, by language.

    Attributes
    ----------
    words
        Of each language (two letters, or as a file writes it); under "" those of every language.
    """

    words: Mapping[str, frozenset[str]]

    def found(self, terms: set[str], language: str | None) -> set[str]:
        """Which of a document's terms are listed for its language; None: for any language."""
        if language is None:
            return terms & frozenset().union(*self.words.values())
        return terms & (self.words.get(language, frozenset()) | self.words.get("", frozenset()))

    def __len__(self) -> int:
        return sum(map(len, self.words.values()))

    @property
    def longest(self) -> int:
        """Words of the longest phrase, or letters of the longest word without spaces."""
        every = frozenset().union(*self.words.values()) if self.words else frozenset()
        return max((max(len(words_of(word)), *map(len, runs_of(word)), 1) for word in every), default=1)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> WordList:
        """From words, each with its language or ""; case is dropped, punctuation in a phrase too."""
        words: dict[str, set[str]] = {}
        for word, language in pairs:
            normal = " ".join(words_of(word)) or "".join(runs_of(word))
            if normal:
                words.setdefault(language, set()).add(normal)
        return cls({language: frozenset(own) for language, own in words.items()})


def read_word_list(path: str | Path) -> WordList:
    """Read a file with a word in each line; after a tab or comma may stand its language.

    Parameters
    ----------
    path
        UTF-8 text. Empty lines, and lines that begin with ``#``, are skipped.

    Raises
    ------
    InputError
        It cannot be read, or holds no word.
    """
    from saedata.probing.language_column import language_code

    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        msg = f"cannot read the list of words {path}: {error.strerror}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no list of words: it is not UTF-8 text ({error.reason} at byte {error.start})"
        raise InputError(msg) from None
    parts = [re.split(r"[\t,;]", line, maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
    found = WordList.of((part[0], language_code(part[1]) if len(part) > 1 else "") for part in parts)
    if not len(found):
        msg = f"{path} holds no word; write one word in each line, with its language after a tab where it has one"
        raise InputError(msg)
    return found
