"""`toxicity`: what is toxic in each language, by few features, beside dense and lexical methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.toxicity.documents import Documents, read_documents
from saedata.analysis.toxicity.efficiency import efficiency_rows
from saedata.analysis.toxicity.fairness import fairness_rows
from saedata.analysis.toxicity.figures import Interval
from saedata.analysis.toxicity.identity_terms import identity_terms
from saedata.analysis.toxicity.layers import check_layers, layer_rows, matrix_of
from saedata.analysis.toxicity.methods import BASELINES, DENSE, HEAD, LISTED, RULE, Fitted, Material, Settings
from saedata.analysis.toxicity.result import EFFICIENCY, LAYERS, Kind, Toxicity
from saedata.analysis.toxicity.rule import Rule
from saedata.analysis.toxicity.tables import curve_rows, feature_rows, figure_rows, overlap_rows
from saedata.analysis.toxicity.training import Training, count, trainings
from saedata.errors import EncoderError, InputError
from saedata.frame import Embeddings
from saedata.probing.detector import Detector
from saedata.probing.features import Form
from saedata.probing.probe_detector import detector_of, feature_names
from saedata.probing.probes import Probe
from saedata.probing.terms import read_word_list
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from saedata.encoders import LoadedEncoder
    from saedata.probing.terms import WordList

KS = (1, 2, 5, 10)
"""Features of the rules, as in Qwen-Scope."""

HEAD_KS = (1, 2, 5, 10, 64, 256, 1024)
"""Features of the heads: as many as the rules read, and more."""

DOCUMENTS = 10_000
"""Documents of each language that are used at most."""

REPEATS = 3


def toxicity(
    frame: Embeddings | Sequence[Embeddings],
    *,
    label: str,
    language: str | None = None,
    positive: Any = None,
    ks: Sequence[int] = KS,
    head_ks: Sequence[int] = HEAD_KS,
    baselines: Sequence[str] = BASELINES,
    lexicon: str | Path | None = None,
    identity: str | Path | None = None,
    transfer: bool = True,
    efficiency: bool = True,
    split: str | None = None,
    test: float = 0.2,
    leaks: Literal["keep", "drop"] = "keep",
    documents: int = DOCUMENTS,
    repeats: int = REPEATS,
    evidence: int = 3,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    encoder: LoadedEncoder | None = None,
) -> Toxicity:
    """Find the features that tell toxic documents, in each language and across languages.

    Features, levels, numbers of features, penalties and cuts are chosen within the discovery documents; the evaluation
    documents are only scored.

    Parameters
    ----------
    frame
        The documents; or several frames of the same documents, one for each layer, of which the one with the largest
        difference in the discovery is used.
    label
        Column that says what is toxic: two values, of which the later in their order is (or see `positive`).
    language
        Column with the language; None: all documents are of one.
    positive
        The value of `label` that is toxic, against all others.
    ks
        Numbers of features of the OR rules.
    head_ks
        Numbers of features of the heads, L1 or L2 logistic regressions.
    baselines
        Of "dense" (logistic regression on the mean of the hook layer), "character TF-IDF" and "learned lexicon".
        "dense" reads the documents again with the frame's encoder.
    lexicon
        File with a list of toxic words, one in each line, after a tab its language: one more baseline.
    identity
        File of that form with words for groups of people; None: a small built-in list in twelve languages.
    transfer
        Whether what is learnt from each language, and from all others, is judged on every language.
    efficiency
        Whether to learn again from 1, 3, 10 and 30 % of the discovery documents.
    split
        Column with "train" (discovery) and "test" (evaluation); None: by a hash of the text, within language and class.
    test
        Share of the documents that judge.
    leaks
        What to do with evaluation documents whose text, or nearly all of whose features, are in the discovery too, in
        any language: "keep" them and warn, or "drop" them.
    documents
        Most documents of a language; of more, a sample by hash.
    repeats
        Parts of the discovery of each size, for the data-efficiency curve.
    evidence
        Documents named for each feature.
    resamples, level
        Of the bootstrap over evaluation documents, and confidence level of the intervals.
    seed
        Of all that is drawn.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    Toxicity
        ``table``, ``features``, ``overlap``, ``efficiency``, ``fairness``, ``layers``, ``curves``, ``leaks``, and
        detectors for `classify` and `toxic_spans`.

    Raises
    ------
    InputError
        Nothing can be learnt from the label (one class, too few documents), a column does not exist, a list of words
        cannot be read, or an option is out of range.
    EncoderError
        "dense" needs the frame's encoder, which is not here.

    Warns
    -----
    UserWarning
        Documents have no label or language, languages have too few documents of a class, or evaluation documents are in
        the discovery too; some are named.

    Notes
    -----
    The rule and its data are those of Qwen-Scope (2605.11887), section on toxicity; levels above zero, heads, and the
    baselines are ours, as is the choice of k within the discovery.
    """
    frames = [frame] if isinstance(frame, Embeddings) else list(frame)
    check_layers(frames)
    settings = _settings(frames[0], ks, head_ks, seed)
    _check(baselines, test, leaks, documents, repeats, resamples, level)
    words = None if lexicon is None else read_word_list(lexicon)
    identities = identity_terms() if identity is None else read_word_list(identity)
    docs = read_documents(
        frames[0],
        label,
        language=language,
        positive=positive,
        split=split,
        test=test,
        documents=documents,
        drop_leaks=leaks == "drop",
        seed=seed,
    )
    layers = layer_rows(frames, docs) if len(frames) > 1 else pl.DataFrame(schema=LAYERS)
    chosen = frames[_chosen(layers, frames)]
    material = _material(chosen, docs, words, baselines, encoder)
    named = [*dict.fromkeys(baselines), *([LISTED] if words else [])]
    interval = Interval(resamples, level, seed)
    languages = len(docs.names)
    with progress("fitting detectors", total=count(languages, transfer=transfer), unit="training sets") as done:
        made = trainings(docs, material, named, settings, transfer=transfer, done=done)
    own = made[:languages]
    features = feature_rows(chosen, docs, material, own, evidence=evidence, level=level)
    saved = pl.DataFrame(schema=EFFICIENCY)
    if efficiency:
        with progress("learning from less", total=languages, unit="languages") as done:
            saved = efficiency_rows(docs, material, own, settings, interval, repeats=repeats, done=done)
    return Toxicity(
        table=figure_rows(docs, made, interval),
        features=features,
        overlap=overlap_rows(features, docs.names),
        efficiency=saved,
        fairness=fairness_rows(docs, own, identities, level=level),
        layers=layers,
        curves=curve_rows(docs, own),
        leaks=docs.leaks,
        detectors=_detectors(chosen, docs, made),
        frame=chosen,
    )


def _settings(frame: Embeddings, ks: Sequence[int], head_ks: Sequence[int], seed: int) -> Settings:
    for name, numbers in (("ks", ks), ("head_ks", head_ks)):
        if not numbers or min(numbers) < 1:
            msg = f"{name} is {tuple(numbers)}; give numbers of features, each at least 1"
            raise InputError(msg)
    kept = [tuple(sorted({min(k, frame.n_features) for k in numbers})) for numbers in (ks, head_ks)]
    return Settings(kept[0], kept[1], (Form(),), seed)


def _check(
    baselines: Sequence[str], test: float, leaks: str, documents: int, repeats: int, resamples: int, level: float
) -> None:
    unknown = [name for name in baselines if name not in BASELINES]
    wrong = {
        f"there is no baseline {''.join(unknown[:1])!r}; there are {', '.join(map(repr, BASELINES))}": bool(unknown),
        f"test is {test}; it must be above 0 and at most 0.5, for example 0.2": not 0 < test <= 0.5,
        f"leaks is {leaks!r}; it must be 'keep' or 'drop'": leaks not in ("keep", "drop"),
        f"documents is {documents}; at least 40 of a language are needed": documents < 40,
        f"repeats is {repeats}; at least 1 is needed": repeats < 1,
        f"resamples is {resamples}; at least 1 is needed for an interval": resamples < 1,
        f"level is {level}; it must be between 0 and 1, for example 0.95": not 0 < level < 1,
    }
    if msgs := [msg for msg, bad in wrong.items() if bad]:
        raise InputError(msgs[0])


def _chosen(layers: pl.DataFrame, frames: Sequence[Embeddings]) -> int:
    if layers.is_empty():
        return 0
    return int(layers["chosen"].arg_true()[0]) // (layers.height // len(frames))


def _material(
    frame: Embeddings, docs: Documents, words: WordList | None, baselines: Sequence[str], encoder: LoadedEncoder | None
) -> Material:
    from saedata.probing.dense_layers import hidden_vectors

    dense = None
    if DENSE in baselines:
        try:
            dense = hidden_vectors(frame, docs.found.docs, encoder=encoder)["mean"]
        except EncoderError as error:
            msg = f"{error}; or leave out the baseline 'dense', which reads its hook layer"
            raise EncoderError(msg) from error
    return Material(matrix_of(frame, docs), dense, words, frame.threshold)


def _detectors(frame: Embeddings, docs: Documents, made: Sequence[Training]) -> dict[str, dict[Kind, Detector]]:
    """Rule and head of each language, and of all together."""
    every = made[-1]
    kept = [one for one in made if one.own is not None]
    if every.own is None:
        kept.append(every)
    return {one.name: {"rule": _rule(frame, docs, one), "head": _head(frame, docs, one)} for one in kept}


def _head(frame: Embeddings, docs: Documents, one: Training) -> Detector:
    fit = one.best(HEAD)
    assert fit is not None
    assert isinstance(fit.source, Probe)
    return detector_of(frame, docs.found, fit.source, _about(one, fit), threshold=fit.cut)


def _rule(frame: Embeddings, docs: Documents, one: Training) -> Detector:
    """The rule as a linear detector on features that are on or off: one of them is enough to reach the cut."""
    fit = one.best(RULE)
    assert fit is not None
    assert isinstance(fit.source, Rule)
    features, k = fit.source.features, len(fit.source.features)
    return Detector(
        kind="binary",
        label=docs.found.name,
        classes=docs.found.classes,
        features=features.astype(np.uint32),
        labels=tuple(feature_names(frame, features)["name"].to_list()),
        binary=True,
        levels=fit.source.levels.astype(np.float64),
        centre=np.zeros(k),
        spread=np.ones(k),
        weights=np.full((k, 1), fit.calibration.slope),
        intercepts=fit.calibration.offset,
        threshold=fit.cut,
        encoder=frame.encoder,
        about=_about(one, fit),
    )


def _about(one: Training, fit: Fitted) -> dict[str, str | float | int | None]:
    said = {"language": one.name, "method": fit.method, "chosen": fit.chosen, "k": fit.k}
    return {**said, "validation": fit.validation, "train": len(one.train)}
