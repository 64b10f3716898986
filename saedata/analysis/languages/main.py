"""`languages`: features that are on in one language and nowhere else, and what they tell."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import polars as pl

from saedata.analysis.languages.convergence import convergence_rows
from saedata.analysis.languages.documents import Tongues, read_tongues
from saedata.analysis.languages.found import Others, Shares, Thresholds, in_turns, joined, shares_of, tuned
from saedata.analysis.languages.identify import (
    BASELINES,
    DENSE,
    Interval,
    folds_of,
    guesses,
    identification_rows,
    probe_of,
)
from saedata.analysis.languages.mixed import mix_and_switching
from saedata.analysis.languages.mixtures import Mixtures
from saedata.analysis.languages.result import COUNTS, IDENTIFICATION, MATRIX, MIX, SWITCHING, TABLE, Languages
from saedata.errors import EncoderError, InputError
from saedata.probing.hashed import hashed_test
from saedata.probing.labelled import Labelled
from saedata.probing.probe_detector import detector_of, feature_names
from saedata.stats import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.probing.detector import Detector
    from saedata.probing.targets import Kind

    Found = list[NDArray[np.intp]]

ALPHA, BETA, GAMMA = 0.5, 0.1, 0.1
MOST = 10
"""Features of a language that its identification reads at most."""

SEQUENCES, TOKENS = 256, 32
DOCUMENTS, REPEATS = 2000, 5


def languages(
    frame: Embeddings,
    *,
    language: str,
    alpha: float = ALPHA,
    beta: float = BETA,
    gamma: float = GAMMA,
    others: Others = "largest",
    tune: bool = False,
    most: int = MOST,
    random_sequences: int = SEQUENCES,
    random_tokens: int = TOKENS,
    apply: Embeddings | None = None,
    baselines: Sequence[str] = BASELINES,
    split: str | None = None,
    test: float = 0.2,
    documents: int = DOCUMENTS,
    repeats: int = REPEATS,
    evidence: int = 3,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    encoder: LoadedEncoder | None = None,
) -> Languages:
    """Find the features of each language, and tell languages, mixtures and code-switching by them.

    Features are found in the training documents; the test documents are only told apart.

    Parameters
    ----------
    frame
        Documents of one or more languages.
    language
        Column with the language.
    alpha, beta, gamma
        A feature is one of a language where it is on in at least a share alpha of its documents, in at most beta of the
        random sequences, and in at most gamma of the documents of any other language. These three are ours.
    others
        "mean": gamma bounds the mean share of the other languages, so that closely related ones may have features in
        common; they are then told apart by several of them.
    tune
        Choose all four instead from a grid, by naive Bayes on held-out training documents.
    most
        Features of each language that tell it from others: the most selective ones, and none of two languages. Those
        that several have are taken in turns, each language its most selective one that is still free.
    random_sequences, random_tokens
        How many sequences of random tokens of the reader's vocabulary, and of how many tokens; they are embedded with
        the frame's encoder. 0 sequences: features are not filtered by them.
    apply
        Another frame of the same encoder whose languages are asked for; None: `frame` itself.
    baselines
        Of "character n-grams" (naive Bayes) and "dense" (logistic regression on the mean of the hook layer).
    split
        Column with "train" and "test"; None: by a hash of the text, within each language.
    test
        Share of the documents that judge.
    documents
        Most documents of a language; of more, a sample by hash.
    repeats
        Random choices of documents, for the convergence.
    evidence
        Documents named for each feature.
    resamples, level
        Of the bootstrap over test documents, and confidence level of the intervals.
    seed
        Of all that is drawn.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    Languages
        ``table``, ``dropped``, ``counts``, ``matrix``, ``convergence``, ``identification``, ``mix``, ``switching``, the
        thresholds, and a detector for `classify`.

    Raises
    ------
    InputError
        A column does not exist, no language has enough documents, or an option is out of range.
    MismatchError
        `apply` was made with another encoder.
    EncoderError
        The random sequences or "dense" need the frame's encoder, which is not here.

    Warns
    -----
    UserWarning
        Documents or languages are left out, or a language has no feature of its own.

    Notes
    -----
    Wong, Sajjad and Siddique (2026), LangFIR (2604.03532): features that are consistently on in a language, without
    those that random tokens turn on. The condition on other languages, and what follows from the features, are ours:
    a document has two languages where a first part in one and a rest in the other explain the features that are on, and
    where, clearly better than any single language does (naive Bayes over all features found).
    """
    limits = Thresholds(alpha, beta, gamma, others)
    _check(limits, most, random_sequences, random_tokens, baselines, test, documents, repeats, resamples, level)
    if apply is not None:
        frame.check_comparable(apply)
    docs = read_tongues(frame, language, split=split, test=test, documents=documents, seed=seed)
    random = _random(frame, encoder, random_sequences, random_tokens, seed)
    train, count = docs.train, len(docs.names)
    if tune:
        held = hashed_test(docs.hashes[train], docs.y[train], 0.25)
        given = docs.rows[train], docs.y[train], random
        limits = tuned(*given, languages=count, threshold=docs.threshold, most=most, held=held)
    shares = Shares(shares_of(docs.rows[train], docs.y[train], count, docs.threshold), random)
    found = shares.found(limits)
    _tell_of_none(docs, found, limits)
    wide = shares.found(limits, filtered=False)
    lost = [own[~np.isin(own, kept)] for own, kept in zip(wide, found, strict=True)]
    told = _told(frame, docs, shares, limits, found, apply, most, baselines, encoder, Interval(resamples, level, seed))
    identification, mix, switching, detector = told
    return Languages(
        table=_rows(frame, docs, shares, found, evidence=evidence, level=level),
        dropped=_rows(frame, docs, shares, lost, evidence=evidence, level=level),
        counts=_counts(docs, found, lost),
        matrix=_matrix(docs, found, most),
        convergence=convergence_rows(docs, random, found, limits, repeats=repeats, seed=seed),
        identification=identification,
        mix=mix,
        switching=switching,
        limits=limits,
        detector=detector,
    )


def _check(
    limits: Thresholds,
    most: int,
    sequences: int,
    tokens: int,
    baselines: Sequence[str],
    test: float,
    documents: int,
    repeats: int,
    resamples: int,
    level: float,
) -> None:
    unknown = [name for name in baselines if name not in BASELINES]
    shares = {"alpha": limits.alpha, "beta": limits.beta, "gamma": limits.gamma}
    wrong = {
        f"{name} is {value}; it must be a share, from 0 to 1": not 0 <= value <= 1 for name, value in shares.items()
    }
    wrong |= {
        "alpha is 0; a feature must be on in some documents of its language": limits.alpha == 0,
        f"most is {most}; at least 1 feature of a language is needed": most < 1,
        f"random_sequences is {sequences}; it must be 0 (no filter) or more": sequences < 0,
        f"random_tokens is {tokens}; at least 1 is needed": tokens < 1,
        f"there is no baseline {''.join(unknown[:1])!r}; there are {', '.join(map(repr, BASELINES))}": bool(unknown),
        f"test is {test}; it must be above 0 and at most 0.5, for example 0.2": not 0 < test <= 0.5,
        f"documents is {documents}; at least 10 of a language are needed": documents < 10,
        f"repeats is {repeats}; at least 1 is needed": repeats < 1,
        f"resamples is {resamples}; at least 1 is needed for an interval": resamples < 1,
        f"level is {level}; it must be between 0 and 1, for example 0.95": not 0 < level < 1,
        f"there is no {limits.others!r} of the others; there are 'largest' and 'mean'": limits.others
        not in get_args(Others),
    }
    if msgs := [msg for msg, bad in wrong.items() if bad]:
        raise InputError(msgs[0])


def _random(
    frame: Embeddings, encoder: LoadedEncoder | None, sequences: int, tokens: int, seed: int
) -> NDArray[np.float64] | None:
    if not sequences:
        return None
    from saedata.analysis.languages.random_tokens import random_shares
    from saedata.probing.frame_encoder import encoder_of

    try:
        loaded = encoder_of(frame, encoder)
    except EncoderError as error:
        msg = f"{error}; or ask for no random sequences, so that features are not filtered by them"
        raise EncoderError(msg) from error
    return random_shares(loaded, threshold=frame.threshold, sequences=sequences, tokens=tokens, seed=seed)


def _tell_of_none(docs: Tongues, found: Found, limits: Thresholds) -> None:
    none = [name for name, own in zip(docs.names, found, strict=True) if not len(own)]
    if none:
        listed = ", ".join(repr(name[:40]) for name in none[:5])
        more = f" and {len(none) - 5} more" if len(none) > 5 else ""
        warnings.warn(
            f"no feature of their own have {listed}{more} with alpha {limits.alpha:g}, beta {limits.beta:g} and gamma "
            f"{limits.gamma:g}; a smaller alpha or a larger gamma finds more",
            stacklevel=3,
        )


def _rows(
    frame: Embeddings, docs: Tongues, shares: Shares, found: Found, *, evidence: int, level: float
) -> pl.DataFrame:
    """A row for each feature of each language."""
    others = shares.elsewhere()
    parts = [pl.DataFrame(schema=TABLE)]
    for one, features in enumerate(found):
        if not len(features):
            continue
        at = docs.train[docs.y[docs.train] == one]
        share = shares.languages[one, features]
        low, high = wilson_interval(np.round(share * len(at)).astype(int), len(at), level=level)
        rest = shares.languages[:, features].copy()
        rest[one] = -1
        alone = len(docs.names) == 1
        table = (
            feature_names(frame, features)
            .rename({"name": "label"})
            .with_columns(
                pl.lit(docs.names[one]).alias("language"),
                pl.int_range(1, len(features) + 1).alias("rank"),
                pl.Series("share", share),
                pl.Series("low", low),
                pl.Series("high", high),
                _column("share_random", None if shares.random is None else shares.random[features]),
                _column("share_others", None if alone else others[one, features]),
                _column("other", None if alone else [docs.names[i] for i in rest.argmax(0)]),
                pl.Series("evidence", _evidence(docs, at, features, evidence), dtype=pl.List(pl.UInt32)),
            )
        )
        parts.append(table.select(list(TABLE)).cast(TABLE))
    return pl.concat(parts)


def _column(name: str, values: Any) -> pl.Series | pl.Expr:
    """A column, or nulls."""
    return pl.lit(None).alias(name) if values is None else pl.Series(name, values)


def _evidence(docs: Tongues, at: NDArray[np.int64], features: NDArray[np.intp], most: int) -> list[list[int]]:
    """Documents of the language where each feature is strongest; of equal ones the first."""
    values = docs.rows[at][:, features].tocsc()
    found = []
    for column in range(len(features)):
        part = slice(values.indptr[column], values.indptr[column + 1])
        where, size = values.indices[part], values.data[part]
        found.append(docs.docs[at[where[np.lexsort((where, -size))[:most]]]].tolist())
    return found


def _counts(docs: Tongues, found: Found, lost: Found) -> pl.DataFrame:
    latin = docs.is_latin()
    rows = [
        (name, len(found[one]), len(lost[one]), *_sizes(docs, one), bool(latin[one]))
        for one, name in enumerate(docs.names)
    ]
    return pl.DataFrame(rows, schema=COUNTS, orient="row")


def _sizes(docs: Tongues, one: int) -> tuple[int, int]:
    own = docs.y == one
    return int((own & ~docs.test).sum()), int((own & docs.test).sum())


def _matrix(docs: Tongues, found: Found, most: int) -> pl.DataFrame:
    at = np.flatnonzero(docs.test)
    shares = shares_of(docs.rows[at], docs.y[at], len(docs.names), docs.threshold)
    rows = [
        (name, other, float(shares[column, own].mean()) if len(own) else None, len(own))
        for name, own in zip(docs.names, in_turns(found, most), strict=True)
        for column, other in enumerate(docs.names)
    ]
    return pl.DataFrame(rows, schema=MATRIX, orient="row")


def _told(
    frame: Embeddings,
    docs: Tongues,
    shares: Shares,
    limits: Thresholds,
    found: Found,
    apply: Embeddings | None,
    most: int,
    baselines: Sequence[str],
    encoder: LoadedEncoder | None,
    interval: Interval,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Detector | None]:
    """What follows from the features, where there are several languages."""
    columns = joined(found, most)
    if len(docs.names) < 2 or not len(columns):
        nothing = [pl.DataFrame(schema=schema) for schema in (IDENTIFICATION, MIX, SWITCHING)]
        return nothing[0], nothing[1], nothing[2], None
    folds = folds_of(docs, interval.seed)
    probe = probe_of(docs, columns, folds)
    dense = _dense(frame, docs, encoder) if DENSE in baselines else None
    said = guesses(docs, shares, limits, probe, dense, most=most, folds=folds, baselines=baselines)
    labelled = np.bincount(docs.y, minlength=len(docs.names)) if apply is None else None
    mixtures = Mixtures.of(frame, docs, shares, found)
    asked = frame.filter(pl.col("doc").is_in(pl.Series(docs.docs).implode())) if apply is None else apply
    mix, switching = mix_and_switching(asked, docs.names, mixtures, probe, labelled)
    kind: Kind = "binary" if len(docs.names) == 2 else "multiclass"
    learnt = Labelled("language", kind, docs.docs, docs.y, docs.names)
    about = {**asdict(limits), "features": len(columns), "chosen": str(probe.choice)}
    detector = detector_of(frame, learnt, probe, about)
    return identification_rows(docs, said, interval), mix, switching, detector


def _dense(frame: Embeddings, docs: Tongues, encoder: LoadedEncoder | None) -> NDArray[np.float32]:
    from saedata.probing.dense_layers import hidden_vectors

    try:
        return hidden_vectors(frame, docs.docs, encoder=encoder)["mean"]
    except EncoderError as error:
        msg = f"{error}; or leave out the baseline 'dense', which reads its hook layer"
        raise EncoderError(msg) from error
