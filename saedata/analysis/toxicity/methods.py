"""Rules, heads and baselines, fitted to the discovery documents of some languages; each chooses its own cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.analysis.toxicity import lexicon
from saedata.analysis.toxicity.rule import Rule, f1_of, find_rules, held_out_counts
from saedata.probing.calibration import Calibration, CutBy, best_cut
from saedata.probing.linear import splits
from saedata.probing.probes import Probe, fit_dense, fit_sparse, fit_terms
from saedata.probing.terms import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.analysis.toxicity.documents import Documents
    from saedata.probing.features import Form
    from saedata.probing.linear import Split
    from saedata.probing.terms import WordList

    Positions = NDArray[np.int64]
    Values = NDArray[np.float64]
    Matrix = sparse.csr_matrix[np.float32]

RULE, HEAD, MEANS = "OR rule", "head", "difference in means"
DENSE, CHARACTERS, LISTED, LEARNT = "dense", "character TF-IDF", "lexicon", "learned lexicon"

CUT_BY: CutBy = "macro_f1"
"""What the cuts of scores are chosen by. F1 of the toxic class would call everything toxic where little is known."""

SAE = (RULE, HEAD, MEANS)
BASELINES = (DENSE, CHARACTERS, LEARNT)
"""Baselines that need nothing but the documents; a lexicon is added where there is one."""


@dataclass(frozen=True, eq=False)
class Material:
    """What the methods read, by position.

    Attributes
    ----------
    sae
        float32 [documents, features].
    dense
        Mean of the hook layer, float32 [documents, width]; None where no method reads it.
    words
        A list of words; None: there is none.
    threshold
        Above which a feature is on.
    """

    sae: Matrix
    dense: NDArray[np.float32] | None
    words: WordList | None
    threshold: float


@dataclass(frozen=True, eq=False)
class Said:
    """What a method says of some documents: scores, probabilities, and whether each is toxic; [documents]."""

    scores: Values
    p: Values
    yes: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted method.

    Attributes
    ----------
    method, k
        Its name, and the number of features that it reads; None where it is not made of few features.
    chosen
        Settings that cross-validation chose, in words.
    validation
        The cross-validated figure that k was chosen by: F1 of rules, AUC of the others.
    say
        Of positions of documents.
    source
        Rule or probe, which can become a detector.
    calibration, cut
        From scores to probabilities, and the probability from which it says yes.
    best
        Whether this is the k that validates best.
    """

    method: str
    k: int | None
    chosen: str
    validation: float
    say: Callable[[Positions], Said]
    source: Rule | Probe | None
    calibration: Calibration
    cut: float
    best: bool = True


@dataclass(frozen=True)
class Settings:
    """How methods are fitted."""

    ks: tuple[int, ...]
    head_ks: tuple[int, ...]
    forms: tuple[Form, ...]
    seed: int


def fit_methods(
    docs: Documents, material: Material, train: Positions, wanted: Sequence[str], settings: Settings
) -> list[Fitted]:
    """Fit methods to some discovery documents; features, levels, penalties, k and cuts are chosen within them.

    Parameters
    ----------
    docs, material
        All documents.
    train
        Positions of those to learn from.
    wanted
        Names of the methods.
    settings
        Numbers of features, and so on.
    """
    y = docs.y[train]
    folds = splits(y, range(len(y)), seed=settings.seed)
    given = docs, material, train, y, folds
    found: list[Fitted] = []
    if RULE in wanted:
        found += _rules(*given, settings.ks)
    if HEAD in wanted:
        found += _heads(*given, settings)
    makers = {MEANS: _means, DENSE: _dense, CHARACTERS: _characters, LISTED: _listed, LEARNT: _learnt}
    return found + [make(*given) for name, make in makers.items() if name in wanted]


def _rules(
    _docs: Documents,
    material: Material,
    train: Positions,
    y: NDArray[np.integer],
    folds: Sequence[Split],
    ks: Sequence[int],
) -> list[Fitted]:
    rows = material.sae[train]
    counts, truth = held_out_counts(rows, y, folds, ks, material.threshold)
    rules = find_rules(rows, y, ks, material.threshold)
    score = {k: f1_of(counts[k] > 0, truth == 1) for k in ks}
    best = max(ks, key=lambda k: (score[k], -k))
    made = []
    for k, rule in rules.items():
        line = _line(counts[k], truth)
        cut = float(line.probabilities(np.array([0.5]))[0, 1])
        say = _saying(partial(_fired, rule, material.sae), line, cut)
        made.append(Fitted(RULE, k, "any above its level", score[k], say, rule, line, cut, best=k == best))
    return made


def _fired(rule: Rule, rows: Matrix, positions: Positions) -> Values:
    return rule.counts(rows[positions])


def _line(scores: Values, y: NDArray[np.integer]) -> Calibration:
    """A calibration that never says less of more."""
    line = Calibration.of(scores, y)
    return Calibration(max(line.slope, 1e-3), line.offset)


def _saying(score: Callable[[Positions], Values], line: Calibration, cut: float) -> Callable[[Positions], Said]:
    def say(positions: Positions) -> Said:
        scores = score(positions)
        p = line.probabilities(scores)[:, 1]
        return Said(scores, p, p >= cut)

    return say


def _heads(
    _docs: Documents,
    material: Material,
    train: Positions,
    y: NDArray[np.integer],
    folds: Sequence[Split],
    settings: Settings,
) -> list[Fitted]:
    probes = fit_sparse(material.sae[train], y, folds, ks=settings.head_ks, forms=settings.forms, cut_by=CUT_BY)
    best = max(probes, key=lambda k: (probes[k].choice.score, -k))
    return [_of_probe(HEAD, k, one, material.sae, best=k == best) for k, one in probes.items()]


def _of_probe(method: str, k: int | None, one: Probe, rows: Any, *, best: bool = True) -> Fitted:
    def say(positions: Positions) -> Said:
        part = rows[positions]
        p = one.probabilities(part if not isinstance(rows, np.ndarray) or rows.dtype != object else part.tolist())
        assert p is not None
        return Said(
            np.log(np.maximum(p[:, 1], 1e-300)) - np.log(np.maximum(p[:, 0], 1e-300)), p[:, 1], p[:, 1] >= one.cut
        )

    form = f"{one.form}, " if one.form else ""
    return Fitted(method, k, f"{form}{one.choice}", one.choice.score, say, one, one.calibration, one.cut, best=best)


def _dense(
    _docs: Documents, material: Material, train: Positions, y: NDArray[np.integer], folds: Sequence[Split]
) -> Fitted:
    """Logistic regression on the hook layer, L2: on so many columns L1 takes an hour and was never better."""
    assert material.dense is not None
    one = fit_dense(material.dense[train], y, folds, penalties=("l2",), cut_by=CUT_BY)
    return _of_probe(DENSE, None, one, material.dense)


def _characters(
    docs: Documents, _material: Material, train: Positions, y: NDArray[np.integer], folds: Sequence[Split]
) -> Fitted:
    one = fit_terms(docs.texts[train].tolist(), y, folds, characters=True, penalties=("l2",), cut_by=CUT_BY)
    return _of_probe(CHARACTERS, None, one, docs.texts)


def _means(
    _docs: Documents, material: Material, train: Positions, y: NDArray[np.integer], folds: Sequence[Split]
) -> Fitted:
    """The place along the difference of the class means of all features, standardised."""
    rows = material.sae[train]
    scores = np.concatenate([_direction(rows[a], y[a])(rows[b]) for a, b in folds])
    truth = np.concatenate([y[b] for _, b in folds])
    score = _direction(rows, y)
    return _calibrated(MEANS, lambda at: score(material.sae[at]), scores, truth, "all features")


def _direction(rows: Matrix, y: NDArray[np.integer]) -> Callable[[Matrix], Values]:
    n = rows.shape[0]
    centre = np.asarray(rows.sum(0), dtype=np.float64).ravel() / n
    square = np.asarray(rows.multiply(rows).sum(0), dtype=np.float64).ravel() / n
    spread = np.sqrt(np.maximum(square - centre**2, 0))
    toxic, clean = (np.asarray(rows[y == one].mean(0), dtype=np.float64).ravel() for one in (1, 0))
    # variance below what float32 resolves is none
    direction = np.where(spread > 1e-6, (toxic - clean) / np.maximum(spread, 1e-6) ** 2, 0)
    return lambda some: np.asarray(some @ direction, dtype=np.float64).ravel()


def _calibrated(
    method: str, score: Callable[[Positions], Values], held: Values, truth: NDArray[np.integer], chosen: str
) -> Fitted:
    """A method whose scores need a line and a cut, both from held-out documents."""
    from saedata.probing.targets import auc

    line = _line(held, truth)
    cut = best_cut(line.probabilities(held)[:, 1], truth, by=CUT_BY)
    return Fitted(method, None, chosen, auc(held, truth), _saying(score, line, cut), None, line, cut)


def _listed(
    docs: Documents, material: Material, train: Positions, y: NDArray[np.integer], _folds: Sequence[Split]
) -> Fitted:
    """A list of words that is given: nothing is learnt but from how many of them on a document is toxic."""
    assert material.words is not None
    words = material.words

    def score(positions: Positions) -> Values:
        alone = len(docs.names) == 1
        languages = [None if alone else docs.names[one] for one in docs.language[positions]]
        return lexicon.listed(docs.texts[positions].tolist(), languages, words)

    return _calibrated(LISTED, score, score(train), y, f"{len(words):,} words")


def _learnt(
    docs: Documents, _material: Material, train: Positions, y: NDArray[np.integer], folds: Sequence[Split]
) -> Fitted:
    terms = [terms_of(text, longest=lexicon.PIECES) for text in docs.texts[train]]
    size = lexicon.chosen_size(terms, y, folds)
    held, truth = [], []
    for known, unknown in folds:
        words = lexicon.ranked_words([terms[i] for i in known], y[known])[:size]
        held.append(lexicon.matches([terms[i] for i in unknown], words))
        truth.append(y[unknown])
    words = lexicon.ranked_words(terms, y)[:size]

    def score(positions: Positions) -> Values:
        return lexicon.matches([terms_of(text, longest=lexicon.PIECES) for text in docs.texts[positions]], words)

    return _calibrated(LEARNT, score, np.concatenate(held), np.concatenate(truth), f"{len(words):,} words")
