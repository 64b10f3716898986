"""`probe`: how well few features predict a label, beside dense and lexical methods."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.probe.disputed import disputed
from saedata.analysis.probe.explained import feature_rows
from saedata.analysis.probe.methods import BASELINES, BOOSTING, INPUTS, Material, fit_methods
from saedata.analysis.probe.regimes import REGIMES, settings_of
from saedata.analysis.probe.result import DISPUTED, FEATURES, SAE, Probing
from saedata.analysis.probe.tables import Interval, best_sparse, curve_rows, figure_rows, with_arrows
from saedata.errors import EncoderError, InputError
from saedata.probing.baselines import boosting_name
from saedata.probing.curves import CURVES
from saedata.probing.features import SELECTS, Form
from saedata.probing.labelled import Labelled, checked, named, read_column, read_labels, sampled
from saedata.probing.parts import Alike, Parts, given_parts, leaked, own_parts
from saedata.probing.probe_detector import detector_of
from saedata.probing.probes import KS
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.probe.methods import Fit
    from saedata.analysis.probe.regimes import Regime, Setting
    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.probing.detector import Detector
    from saedata.probing.features import Select
    from saedata.probing.labelled import Task

log = logging.getLogger("saedata")

FORMS = ("value", "0", "0.3q")
OTHER_KS = (16, 128)
"""Numbers of features in other regimes than "normal", as in sae-probes."""

DOCUMENTS = 20_000
DISPUTES = 100

_HIDDEN = ("mean", "max", "last")


@dataclass(frozen=True)
class _Options:
    """Checked options of the fits."""

    ks: tuple[int, ...]
    forms: tuple[Form, ...]
    baselines: tuple[str, ...]
    seed: int


def probe(
    frame: Embeddings,
    *,
    label: str,
    task: Task = "auto",
    positive: Any = None,
    ks: Sequence[int] | None = None,
    select: Select = "mean_difference",
    forms: Sequence[str] = FORMS,
    baselines: Sequence[str] = BASELINES,
    arrows: bool = False,
    split: str | None = None,
    group: str | None = None,
    test: float = 0.25,
    leaks: Literal["keep", "drop"] = "keep",
    regime: Regime = "normal",
    domain: str | None = None,
    documents: int = DOCUMENTS,
    duplicates: Literal["once", "keep"] = "once",
    disputes: int = DISPUTES,
    evidence: int = 3,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    encoder: LoadedEncoder | None = None,
) -> Probing:
    """Predict a label from k features, and hold that against dense vectors and words.

    Features are chosen, penalties and all other settings set by cross-validation within the training documents; the
    test documents are only scored.

    Parameters
    ----------
    frame
        The documents; with ``frame.select(...)`` probes read only some features.
    label
        Column to predict: two values, up to 200 classes, or numbers. Documents without a value are left out.
    task
        "binary", "multiclass", "regression", or "auto": by the column.
    positive
        The value that is "yes", against all others; None: the later of two in their order.
    ks
        Numbers of features; None: 1, 4, 16, 64, 128, in other regimes 16 and 128.
    select
        How features are chosen: "mean_difference" (scaled, each feature for itself), "l1" (in the order of an L1 path,
        so that each adds to those before it) or "mutual_information".
    forms
        What may be read of a feature, of which cross-validation chooses: "value", a threshold such as "0", or a share
        of its 90th percentile such as "0.3q".
    baselines
        Methods to compare with; see `BASELINES` of `saedata.analysis.probe.methods`. Those on the hook layer read the
        documents again with the frame's encoder, the first time.
    arrows
        Add the quiver of arrows: the method that does best in validation, once among the baselines and once with the
        sparse probes too.
    split
        Column with "train", "validation" (trains too) and "test", or true for the documents that test; None: at
        random, with classes in proportion, and what is nearly the same on one side.
    group
        Column whose equal values belong together, such as an author: never on both sides, nor in cross-validation.
    test
        Share of the documents that test, where there is no `split`.
    leaks
        What to do with test documents whose text, or nearly all of whose features, are in the training part too: "keep"
        them and warn, or "drop" them.
    regime
        "normal"; "scarcity" (8, 16, 32, ... training documents), "imbalance" (5 % to 95 % yes), "label_noise" (0 to
        50 % wrong training labels), "covariate_shift" (each value of `domain` tests what the others taught).
    domain
        Column for "covariate_shift".
    documents
        Most documents that are used; of more, a random sample with the classes in proportion.
    duplicates
        "once": of documents with equal text the first counts; "keep": each. With a `split` all are kept.
    disputes
        Documents with disputed labels to list, at most; 0: none.
    evidence
        Documents named for each feature.
    resamples, level
        Of the bootstrap over test documents (over groups, where there are), and confidence level of the intervals.
    seed
        Of all that is drawn.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    Probing
        ``table``, ``features``, ``disputed``, ``curves``, ``leaks``, and the probes, which can be saved. In other
        regimes than "normal" only ``table`` and ``leaks`` are filled, and there is no probe to save.

    Raises
    ------
    InputError
        The label cannot be learnt (one class, too few documents, too many classes), a column does not exist, or an
        option is out of range.
    EncoderError
        A baseline needs the frame's encoder, which is not here.

    Warns
    -----
    UserWarning
        Documents have no label, or test documents are in the training part too; some are named.

    Notes
    -----
    Kantamneni, S., Engels, J., Rajamanoharan, S., Tegmark, M. and Nanda, N. (2025), Are Sparse Autoencoders Useful? A
    Case Study in Sparse Probing (arXiv:2502.16681), whose rule of choosing features, grids, regimes and quiver these
    are. Probes with several classes or numbers, and "mutual_information", are ours.
    """
    options = _options(frame, ks, select, forms, baselines, regime, seed)
    _check(test, leaks, regime, domain, documents, duplicates, resamples, level, arrows=arrows, baselines=baselines)
    found = read_labels(frame, label, task=task, positive=positive)
    if split is None and duplicates == "once" and regime != "covariate_shift":
        found = checked(found.take(np.isin(found.docs, frame.unique_documents())))
    found = found.take(sampled(found, documents, seed))
    domains = None if domain is None else _values(frame, domain, found)
    alike = Alike.of(frame, found.docs, seed=seed)
    parts = _parts(frame, found, alike, split, group, test, seed)
    parts = _without_leaks(parts, found, alike, drop=leaks == "drop")
    settings = settings_of(regime, found.y, parts, domains, seed=seed)
    material = _material(frame, found, parts, options.baselines, encoder)
    tables, fits = [], []
    interval = Interval(resamples, level, seed)
    with progress("fitting probes", total=len(settings) * (1 + len(options.baselines)), unit="methods") as done:
        for setting in settings:
            fits = fit_methods(
                material,
                setting.y,
                (setting.train, setting.test),
                ks=options.ks,
                forms=options.forms,
                baselines=options.baselines,
                seed=seed,
                done=done,
            )
            rows = with_arrows(fits) if arrows else fits
            tables.append(figure_rows(found, regime, setting, rows, parts.groups, interval))
    table = pl.concat(tables)
    if regime != "normal":
        return _only_table(table, parts)
    return _whole(frame, found, material, parts, settings[0], fits, table, disputes=disputes, evidence=evidence)


def _options(
    frame: Embeddings,
    ks: Sequence[int] | None,
    select: Select,
    forms: Sequence[str],
    baselines: Sequence[str],
    regime: Regime,
    seed: int,
) -> _Options:
    msg = ""
    if regime not in REGIMES:
        msg = f"regime is {regime!r}; it must be one of {', '.join(map(repr, REGIMES))}"
    elif select not in SELECTS:
        msg = f"select is {select!r}; it must be one of {', '.join(map(repr, SELECTS))}"
    elif unknown := [name for name in baselines if name not in INPUTS]:
        msg = f"there is no baseline {unknown[0]!r}; there are {', '.join(map(repr, INPUTS))}"
    elif ks is not None and (not ks or min(ks) < 1 or max(ks) > frame.n_features):
        msg = f"ks is {tuple(ks)}; numbers of features must be 1 to {frame.n_features:,}, those of the encoder"
    if msg:
        raise InputError(msg)
    if ks is None:
        ks = [k for k in (KS if regime == "normal" else OTHER_KS) if k <= frame.n_features] or [frame.n_features]
    try:
        parsed = tuple(Form.parsed(text, select=select) for text in dict.fromkeys(forms))
    except ValueError:
        parsed = ()
    if not parsed:
        msg = f"forms is {tuple(forms)}; each must be 'value', a threshold such as '0', or a share such as '0.3q'"
        raise InputError(msg)
    return _Options(tuple(sorted(set(ks))), parsed, tuple(dict.fromkeys(baselines)), seed)


def _check(
    test: float,
    leaks: str,
    regime: str,
    domain: str | None,
    documents: int,
    duplicates: str,
    resamples: int,
    level: float,
    *,
    arrows: bool,
    baselines: Sequence[str],
) -> None:
    wrong = {
        f"test is {test}; it must be above 0 and at most 0.5, for example 0.25": not 0 < test <= 0.5,
        f"leaks is {leaks!r}; it must be 'keep' or 'drop'": leaks not in ("keep", "drop"),
        f"duplicates is {duplicates!r}; it must be 'once' or 'keep'": duplicates not in ("once", "keep"),
        f"documents is {documents}; at least 40 are needed to train and to test": documents < 40,
        f"resamples is {resamples}; at least 1 is needed for an interval": resamples < 1,
        f"level is {level}; it must be between 0 and 1, for example 0.95": not 0 < level < 1,
        "the regime 'covariate_shift' and a domain belong together: give both": (regime == "covariate_shift")
        != (domain is not None),
        "arrows compare with baselines, and there is none": arrows and not baselines,
    }
    if msgs := [msg for msg, bad in wrong.items() if bad]:
        raise InputError(msgs[0])


def _values(frame: Embeddings, column: str, found: Labelled) -> pl.Series:
    """A column at the documents with a label; nothing may be missing."""
    table = read_column(frame, column).filter(pl.col("doc").is_in(pl.Series(found.docs).implode()))
    if missing := table.filter(pl.col(column).is_null())["doc"].to_list():
        msg = f"column {column!r} has no value in {len(missing):,} documents that have a label: {named(missing)}"
        raise InputError(msg)
    return table[column]


def _parts(
    frame: Embeddings, found: Labelled, alike: Alike, split: str | None, group: str | None, test: float, seed: int
) -> Parts:
    groups = np.arange(len(found.y))
    if group is not None:
        groups = _groups(frame, group, found)
    if split is not None:
        return given_parts(_values(frame, split, found), groups, alike)
    return own_parts(found.y, groups, alike, test=test, seed=seed)


def _groups(frame: Embeddings, column: str, found: Labelled) -> NDArray[np.int64]:
    """Numbers of the groups; a document without a value is one of its own."""
    table = read_column(frame, column).filter(pl.col("doc").is_in(pl.Series(found.docs).implode()))
    codes = table[column].rank("dense").cast(pl.Int64).fill_null(0).to_numpy().copy()
    alone = codes == 0
    codes[alone] = codes.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _without_leaks(parts: Parts, found: Labelled, alike: Alike, *, drop: bool) -> Parts:
    """Warn of what is in both parts, or leave it out of the test."""
    leaks = leaked(parts, found.docs, alike)
    if leaks.is_empty():
        return parts
    pairs = [f"{doc} (as {other})" for doc, other in leaks.select("doc", "train_doc").head(3).iter_rows()]
    more = f" and {leaks.height - 3:,} more" if leaks.height > 3 else ""
    said = f"{leaks.height:,} of {len(parts.test):,} test documents are in the training part too, equal or nearly: "
    what = "left out" if drop else "kept, so figures may flatter; leaks='drop' leaves them out"
    warnings.warn(f"{said}{', '.join(pairs)}{more}; they are {what}", stacklevel=3)
    test = parts.test
    if drop:
        test = test[~np.isin(found.docs[test], leaks["doc"].to_numpy())]
        if not len(test) or (found.kind != "regression" and len(np.unique(found.y[test])) < 2):
            msg = "without the test documents that are in the training part too, no two classes are left to test with"
            raise InputError(msg)
    return Parts(parts.train, test, parts.groups, leaks)


def _material(
    frame: Embeddings, found: Labelled, parts: Parts, baselines: tuple[str, ...], encoder: LoadedEncoder | None
) -> Material:
    """Read what the methods need of the documents."""
    from saedata.probing.dense_layers import hidden_vectors, sentence_vectors

    wanted = {INPUTS[name] for name in baselines}
    inputs: dict[str, Any] = {"none": np.zeros(len(found.docs), dtype=np.int8)}
    here = frame.filter(pl.col("doc").is_in(pl.Series(found.docs).implode()))
    if wanted & set(_HIDDEN):
        try:
            inputs |= hidden_vectors(frame, found.docs, encoder=encoder)
        except EncoderError as error:
            needing = ", ".join(name for name in baselines if INPUTS[name] in _HIDDEN)
            msg = f"{error}; or leave out the baselines that read its hook layer: {needing}"
            raise EncoderError(msg) from error
    if "sentence" in wanted:
        inputs["sentence"] = sentence_vectors(frame, found.docs)
    if "texts" in wanted:
        texts = here.scan_documents().select("doc", pl.col("text").fill_null("")).collect().sort("doc")
        inputs["texts"] = texts["text"].to_numpy().astype(object)
    if BOOSTING in baselines and boosting_name() != "XGBoost":
        log.info("gradient boosting is scikit-learn's; `pip install saedata[probe]` adds XGBoost")
    return Material(here.to_csr(), inputs, parts.groups)


def _only_table(table: pl.DataFrame, parts: Parts) -> Probing:
    features, argued, curves = (pl.DataFrame(schema=schema) for schema in (FEATURES, DISPUTED, CURVES))
    return Probing(table, features, argued, curves, parts.leaks, {}, 0)


def _whole(
    frame: Embeddings,
    found: Labelled,
    material: Material,
    parts: Parts,
    setting: Setting,
    fits: list[Fit],
    table: pl.DataFrame,
    *,
    disputes: int,
    evidence: int,
) -> Probing:
    best = best_sparse(fits)
    assert best.probe is not None
    detectors = _detectors(frame, found, fits, table)
    features = feature_rows(frame, found, detectors, material.sae, setting.train, evidence=evidence)
    argued = pl.DataFrame(schema=DISPUTED)
    if disputes:
        argued = disputed(frame, found, material, best.probe, parts.test, most=disputes)
    curves = curve_rows(found.y[setting.test], fits) if found.kind == "binary" else pl.DataFrame(schema=CURVES)
    return Probing(table, features, argued, curves, parts.leaks, detectors, int(best.k or 0))


def _detectors(frame: Embeddings, found: Labelled, fits: list[Fit], table: pl.DataFrame) -> dict[int, Detector]:
    made = {}
    for fit in fits:
        if fit.method != SAE or fit.k is None or fit.probe is None:
            continue
        own = table.filter(pl.col("method") == SAE, pl.col("k") == fit.k)
        figures = dict(own.select("metric", "value").iter_rows())
        about = {"form": fit.probe.form, "chosen": fit.chosen, "validation": fit.validation, "k": fit.k}
        about |= {"train": own["train"][0], "test": own["test"][0], **{f"test {m}": v for m, v in figures.items()}}
        made[fit.k] = detector_of(frame, found, fit.probe, about)
    return made
