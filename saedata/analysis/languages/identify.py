"""Telling the language of held-out documents from the features found, beside characters and dense vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.languages.found import Shares, bayes, joined
from saedata.analysis.languages.result import IDENTIFICATION
from saedata.probing.linear import splits
from saedata.probing.metrics import Drawn, percentiles, resample_weights
from saedata.probing.probes import Probe, fit_dense, fit_features
from saedata.probing.targets import macro_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.languages.documents import Tongues
    from saedata.analysis.languages.found import Thresholds
    from saedata.probing.linear import Split

    Positions = NDArray[np.int64]
    Values = NDArray[np.float64]

FEATURES, ON_OFF, UNFILTERED = "features", "on or off", "features, no random filter"
CHARACTERS, DENSE = "character n-grams", "dense"
BASELINES = (CHARACTERS, DENSE)
EVERY, LATIN = "all languages", "Latin script"

ALPHAS = (1e-3, 1e-2, 1e-1, 1.0)
"""Smoothing of naive Bayes on character n-grams, of which one held-out part chooses."""


@dataclass(frozen=True, eq=False)
class Guess:
    """What a method says of the test documents."""

    method: str
    features: int | None
    said: Positions


@dataclass(frozen=True)
class Interval:
    """How intervals are made."""

    resamples: int
    level: float
    seed: int


def folds_of(docs: Tongues, seed: int) -> list[Split]:
    """Folds of the training documents."""
    return splits(docs.y[docs.train], range(len(docs.train)), seed=seed)


def probe_of(docs: Tongues, columns: NDArray[np.intp], folds: Sequence[Split]) -> Probe:
    """Logistic regression on the activations of some features."""
    return fit_features(docs.rows[docs.train], docs.y[docs.train], folds, columns, judge=macro_accuracy)


def guesses(
    docs: Tongues,
    shares: Shares,
    limits: Thresholds,
    probe: Probe,
    dense: NDArray[np.float32] | None,
    *,
    most: int,
    folds: Sequence[Split],
    baselines: Sequence[str],
) -> list[Guess]:
    """What every method says of the test documents.

    Parameters
    ----------
    docs
        All documents.
    shares, limits
        Of the training documents.
    probe
        On the features found.
    dense
        Hook layer of all documents; None: "dense" is not asked for.
    most
        Features of each language.
    folds
        Of the training documents.
    baselines
        Names of methods beside.
    """
    test, y = np.flatnonzero(docs.test), docs.y[docs.train]
    rows = docs.rows[test]
    columns = joined(shares.found(limits), most)
    counts = np.bincount(y, minlength=len(docs.names))
    chances = bayes(rows[:, columns].toarray() > np.float32(docs.threshold), shares.languages[:, columns], counts)
    found = [Guess(FEATURES, len(columns), _said(probe, rows)), Guess(ON_OFF, len(columns), chances.argmax(1))]
    if shares.random is not None:
        every = joined(shares.found(limits, filtered=False), most)
        found.append(Guess(UNFILTERED, len(every), _said(probe_of(docs, every, folds), rows)))
    if CHARACTERS in baselines:
        found.append(Guess(CHARACTERS, None, by_characters(docs, folds)))
    if dense is not None:
        one = fit_dense(dense[docs.train], y, folds, penalties=("l2",), judge=macro_accuracy)
        found.append(Guess(DENSE, dense.shape[1], _said(one, dense[test])))
    return found


def _said(probe: Probe, rows: object) -> Positions:
    p = probe.probabilities(rows)
    assert p is not None
    return np.asarray(p.argmax(1), dtype=np.int64)


def by_characters(docs: Tongues, folds: Sequence[Split]) -> Positions:
    """Naive Bayes on runs of one to four characters, as language identification usually is."""
    from sklearn.feature_extraction.text import CountVectorizer  # type: ignore[import-untyped]
    from sklearn.naive_bayes import MultinomialNB  # type: ignore[import-untyped]

    y = docs.y[docs.train]
    texts = docs.texts[docs.train].tolist()
    known, held = folds[0]
    first = CountVectorizer(analyzer="char_wb", ngram_range=(1, 4), dtype=np.float32)
    part = first.fit_transform([texts[i] for i in known])
    unknown = first.transform([texts[i] for i in held])
    scores = [
        macro_accuracy(MultinomialNB(alpha=alpha).fit(part, y[known]).predict_log_proba(unknown), y[held])
        for alpha in ALPHAS
    ]
    whole = CountVectorizer(analyzer="char_wb", ngram_range=(1, 4), dtype=np.float32)
    model = MultinomialNB(alpha=ALPHAS[int(np.argmax(scores))]).fit(whole.fit_transform(texts), y)
    return np.asarray(model.predict(whole.transform(docs.texts[docs.test].tolist())), dtype=np.int64)


def identification_rows(docs: Tongues, said: Sequence[Guess], interval: Interval) -> pl.DataFrame:
    """Macro accuracy of every method, over all languages, those in Latin script, and each by itself."""
    y = docs.y[docs.test]
    latin = docs.is_latin()
    scopes = {EVERY: np.ones(len(docs.names), dtype=bool)}
    if latin.any() and not latin.all():
        scopes[LATIN] = latin
    scopes |= {name: np.arange(len(docs.names)) == one for one, name in enumerate(docs.names)}
    blocks = resample_weights(np.arange(len(y)), interval.resamples, interval.seed)
    recalls = [np.concatenate([_recalls(y, one.said, len(docs.names), w) for w in blocks]) for one in said]
    rows = []
    for scope, inside in scopes.items():
        drawn = {guess.method: _mean(values[:, inside]) for guess, values in zip(said, recalls, strict=True)}
        for guess in said:
            low, high = percentiles(drawn[guess.method].resampled, interval.level)
            row = {"method": guess.method, "scope": scope, "languages": int(inside.sum()), "features": guess.features}
            row |= {"accuracy": drawn[guess.method].value, "low": low, "high": high, "documents": int(inside[y].sum())}
            if CHARACTERS in drawn and guess.method != CHARACTERS:
                gap = drawn[guess.method].less(drawn[CHARACTERS])
                below, above = percentiles(gap.resampled, interval.level)
                row |= {"difference": gap.value, "difference_low": below, "difference_high": above}
            rows.append(row)
    table = pl.DataFrame([dict.fromkeys(IDENTIFICATION) | row for row in rows], schema=IDENTIFICATION)
    return table.with_columns(pl.selectors.float().fill_nan(None))


def _recalls(y: Positions, said: Positions, languages: int, weights: Values) -> Values:
    """Share of each language's documents that is told right, [draws, languages]; nan where a draw has none."""
    own = np.eye(languages)[y]
    sizes, right = weights @ own, weights @ (own * (y == said)[:, None])
    return np.asarray(np.divide(right, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0))


def _mean(values: Values) -> Drawn:
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(1)
    mean = np.divide(total, known.sum(1), out=np.full(len(values), np.nan), where=known.any(1))
    return Drawn(float(mean[0]), mean[1:])
