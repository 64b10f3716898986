"""Whether a clean document is suspected more often where it mentions an identity."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.toxicity.result import FAIRNESS
from saedata.analysis.toxicity.training import EVERY
from saedata.probing.language_column import language_code
from saedata.probing.terms import terms_of
from saedata.stats import mantel_haenszel_interval, newcombe_interval, wilson_interval
from saedata.stats.checks import quantile
from saedata.stats.proportions import score_bounds
from saedata.stats.strata import weighted_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.toxicity.documents import Documents
    from saedata.analysis.toxicity.training import Training
    from saedata.probing.terms import WordList

SHOWN = 8
"""Terms that are named, at most."""


def fairness_rows(docs: Documents, own: Sequence[Training], words: WordList, *, level: float) -> pl.DataFrame:
    """A row for each language and method, and for all languages together.

    Parameters
    ----------
    docs
        All documents.
    own
        What each language learnt from its own documents.
    words
        Terms of identity.
    level
        Of the intervals.
    """
    counts: dict[str, list[NDArray[np.int64]]] = {}
    seen: Counter[str] = Counter()
    rows = []
    for one in own:
        assert one.own is not None
        at = docs.evaluation(one.own)
        clean = at[docs.y[at] == 0]
        found = _mentioned(docs, clean, None if len(docs.names) == 1 else one.name, words)
        mentions = np.array([len(terms) > 0 for terms in found], dtype=bool)
        terms = Counter(term for each in found for term in each)
        seen += terms
        for fit in one.fits:
            if not fit.best:
                continue
            yes = fit.say(clean).yes
            table = np.array([(yes & side).sum() for side in (mentions, ~mentions)])
            sides = np.stack([table, [mentions.sum(), (~mentions).sum()]])
            rows.append(_row(one.name, fit.method, sides, terms, level))
            counts.setdefault(fit.method, []).append(sides)
    if len(own) > 1:
        rows += [_together(method, np.stack(sides), seen, level) for method, sides in counts.items()]
    return pl.DataFrame(rows, schema=FAIRNESS)


def _mentioned(docs: Documents, positions: NDArray[np.int64], language: str | None, words: WordList) -> list[set[str]]:
    code = None if language is None else language_code(language)
    return [words.found(terms_of(text, longest=max(words.longest, 1)), code) for text in docs.texts[positions]]


def _together(method: str, sides: NDArray[np.int64], terms: Counter[str], level: float) -> dict[str, Any]:
    """All languages: weighted means of what each has, as languages with other shares of mentions would mislead.

    Parameters
    ----------
    method
        Its name.
    sides
        [languages, said or all, mentioned or not].
    terms
        Terms found.
    level
        Of the intervals.
    """
    said, sizes = sides[:, 0], sides[:, 1]
    given = said[:, 0], sizes[:, 0], said[:, 1], sizes[:, 1]
    row = _about(EVERY, method, sizes.sum(0).tolist(), terms)
    shares, effective, none = weighted_shares(*given)
    if none:
        return row
    for name, share, size in zip(("mentioned", "others"), shares, effective, strict=True):
        low, high = score_bounds(share, size, quantile(level))
        row |= {f"fpr_{name}": float(share), f"{name}_low": float(low), f"{name}_high": float(high)}
    difference, low, high = mantel_haenszel_interval(*given, level=level)
    return row | {"difference": float(difference), "low": float(low), "high": float(high)}


def _about(language: str, method: str, sizes: list[int], terms: Counter[str]) -> dict[str, Any]:
    named = [term for term, _ in sorted(terms.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]]
    return {"language": language, "method": method, "mentioned": sizes[0], "others": sizes[1], "terms": named}


def _row(language: str, method: str, sides: NDArray[np.int64], terms: Counter[str], level: float) -> dict[str, Any]:
    (said, said_others), (of, of_others) = sides.tolist()
    row = _about(language, method, [of, of_others], terms)
    for name, yes, n in (("mentioned", said, of), ("others", said_others, of_others)):
        if n:
            low, high = wilson_interval(yes, n, level=level)
            row |= {f"fpr_{name}": yes / n, f"{name}_low": float(low), f"{name}_high": float(high)}
    if of and of_others:
        low, high = newcombe_interval(said, of, said_others, of_others, level=level)
        row |= {"difference": said / of - said_others / of_others, "low": float(low), "high": float(high)}
    return row
