"""Lists of words as a baseline: one that the user has, or one that is learnt from the discovery documents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.toxicity.rule import f1_of
from saedata.probing.language_column import language_code
from saedata.probing.terms import LONGEST, WordList, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.probing.linear import Split

    Values = NDArray[np.float64]

SIZES = (10, 30, 100, 300, 1000)
"""Words that a learnt list may have."""

FEWEST = 3
"""Documents that a word must be in to be learnt."""

PIECES = 2
"""Words in a phrase, or letters of a script without spaces, that are learnt."""


def listed(texts: Sequence[str], languages: Sequence[str | None], words: WordList) -> Values:
    """How many words of a list each text has.

    Parameters
    ----------
    texts
        Documents.
    languages
        Of each; None: words of any language count.
    words
        The list.

    Examples
    --------
    >>> listed(["Rude and dull", "mild"], [None, None], WordList.of([("rude", ""), ("dull", "en")])).tolist()
    [2.0, 0.0]
    """
    longest = max(words.longest, LONGEST)
    codes = [None if one is None else language_code(one) for one in languages]
    return np.array(
        [len(words.found(terms_of(text, longest=longest), code)) for text, code in zip(texts, codes, strict=True)],
        dtype=np.float64,
    )


def ranked_words(terms: Sequence[set[str]], y: NDArray[np.integer]) -> list[str]:
    """Words that tell toxic documents, best first: by the smoothed log odds that a document with the word is toxic.

    Parameters
    ----------
    terms
        Words of each document.
    y
        1 where it is toxic.
    """
    toxic = Counter(term for own, one in zip(terms, y, strict=True) if one for term in own)
    clean = Counter(term for own, one in zip(terms, y, strict=True) if not one for term in own)
    many, few = max(int((y == 1).sum()), 1), max(int((y != 1).sum()), 1)
    odds = {
        word: np.log((count + 0.5) / many) - np.log((clean[word] + 0.5) / few)
        for word, count in toxic.items()
        if count + clean[word] >= FEWEST
    }
    kept = (word for word, size in odds.items() if size > 0)
    return sorted(kept, key=lambda word: (-odds[word], -toxic[word], word))


def matches(terms: Sequence[set[str]], words: Sequence[str]) -> Values:
    """How many of some words each document has."""
    chosen = frozenset(words)
    return np.array([len(own & chosen) for own in terms], dtype=np.float64)


def chosen_size(terms: Sequence[set[str]], y: NDArray[np.integer], folds: Sequence[Split]) -> int:
    """Length of a learnt list whose words (any of them) do best in held-out documents."""
    found = np.zeros(len(SIZES))
    for train, held in folds:
        order = ranked_words([terms[i] for i in train], y[train])
        unknown = [terms[i] for i in held]
        found += [f1_of(matches(unknown, order[:size]) > 0, y[held] == 1) for size in SIZES]
    return SIZES[int(np.argmax(found))]
