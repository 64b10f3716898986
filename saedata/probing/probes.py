"""Linear probes on the best features, on dense vectors, and on words (sae-probes; Kantamneni et al. 2025, 2502.16681).

Everything is learnt from training rows. In cross-validation, features are ranked, thresholds set and columns scaled
anew within each fold's training part, so that the figure that chooses is not flattered by its own choice of features.
The functions that fit never see a test row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.probing.calibration import Calibration, best_cut
from saedata.probing.features import Columns, Form
from saedata.probing.linear import PENALTIES, Choice, choose, fit, scores_of
from saedata.probing.targets import kind_of, quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.probing.calibration import CutBy
    from saedata.probing.features import Float, Rows
    from saedata.probing.linear import Fold, Penalty, Split
    from saedata.probing.targets import Target

    Judge = Callable[[NDArray[np.float64], Target], float]

KS = (1, 4, 16, 64, 128)
FORMS = (Form(), Form(0.0), Form(0.3, relative=True))
"""Forms of a feature that cross-validation chooses from: the activation, on or off, strongly on or not."""

TERM_CS = tuple(float(c) for c in np.logspace(-2, 4, 13))
"""Grid of C for TF-IDF, whose rows have unit length and want weaker penalties."""


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Attributes
    ----------
    columns
        Makes the model's columns of any rows.
    choice
        Penalty and C, with the cross-validated figure that they were chosen by.
    model
        The regression, fitted to all training rows.
    calibration
        From its scores to probabilities, by scores of held-out rows.
    cut
        Probability from which saying "yes" had the best F1 (or macro F1) on held-out rows; 0.5 where that is not asked.
    """

    columns: Columns | Terms
    choice: Choice
    model: Any
    calibration: Calibration
    cut: float = 0.5

    @property
    def form(self) -> str | None:
        """What is read of SAE features; None for the other methods."""
        if isinstance(self.columns, Columns) and self.columns.chosen is not None:
            return str(self.columns.form)
        return None

    def scores(self, rows: Any) -> NDArray[np.float64]:
        """Larger where "yes", or a class ([rows, classes]), is likelier; of numbers the prediction."""
        return scores_of(self.model, self.columns.of(rows))

    def probabilities(self, rows: Any) -> NDArray[np.float64] | None:
        """Of each class, [rows, classes]; None where numbers are predicted."""
        if not hasattr(self.model, "classes_"):
            return None
        return self.calibration.probabilities(_sums(self.model, self.columns.of(rows)))


@dataclass(frozen=True)
class Terms:
    """TF-IDF weights of words and pairs of words, or of characters, with the vocabulary of the training texts."""

    vectoriser: Any

    @classmethod
    def learnt(cls, texts: Sequence[str], *, characters: bool = False) -> Terms:
        """The vocabulary and weights of the training texts; of characters, runs of one to five inside of words."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

        if characters:
            runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, dtype=np.float32)
            return cls(runs.fit(texts if any(map(str.strip, texts)) else [*texts, "a"]))
        words = r"(?u)\b\w+\b"  # short ones too
        vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=words)
        return cls(vectoriser.fit(texts if any(map(_has_word, texts)) else [*texts, "a"]))

    def of(self, texts: Sequence[str]) -> Any:
        """Sparse rows of unit length."""
        return self.vectoriser.transform(texts)


def _has_word(text: str) -> bool:
    return any(letter.isalnum() or letter == "_" for letter in text)


def fit_sparse(
    rows: Rows,
    y: Target,
    folds: Sequence[Split],
    *,
    ks: Sequence[int] = KS,
    forms: Sequence[Form] = FORMS,
    cut_by: CutBy = "f1",
) -> dict[int, Probe]:
    """Probes on the k best SAE features, for each k; form, penalty and C are chosen for each k by itself.

    Parameters
    ----------
    rows
        Training rows, [texts, features].
    y
        What to predict: classes numbered from 0 (two: 1 = yes), or floats.
    folds
        Of the training rows; see `saedata.probing.linear.splits`.
    ks
        Numbers of features, each at least 1.
    forms
        What may be read of a feature.
    cut_by
        See `saedata.probing.calibration.best_cut`.
    """
    best: dict[int, tuple[Choice, Form]] = {}
    made = {}
    for form in forms:
        made[form] = [_sparse_fold(rows, y, train, held, form, max(ks)) for train, held in folds]
        for k in ks:
            choice = choose(_narrow(made[form], k))
            if k not in best or choice.score > best[k][0].score:
                best[k] = choice, form
    columns = {form: Columns.features(rows, y, form, max(ks)) for form in {form for _, form in best.values()}}
    return {
        k: _probe(columns[form].first(k), rows, y, choice, _narrow(made[form], k), cut_by)
        for k, (choice, form) in best.items()
    }


def _narrow(folds: Sequence[Fold], k: int) -> list[Fold]:
    """The first k columns."""
    return [(x[:, :k], a, z[:, :k], b) for x, a, z, b in folds]


def fit_features(
    rows: Rows,
    y: Target,
    folds: Sequence[Split],
    columns: NDArray[np.intp],
    *,
    judge: Judge = quality,
) -> Probe:
    """A probe on the activations of features that were chosen before, from the same training rows or others.

    Parameters
    ----------
    rows, y, folds
        As for `fit_sparse`.
    columns
        The features.
    judge
        How good scores are.
    """
    made: list[Fold] = []
    for train, held in folds:
        own = Columns.given(rows[train], columns)
        made.append((own.of(rows[train]), y[train], own.of(rows[held]), y[held]))
    return _probe(Columns.given(rows, columns), rows, y, choose(made, judge=judge), made)


def refit_sparse(rows: Rows, y: Target, like: Probe) -> Probe:
    """A probe on other rows with the form, number of features, penalty, C and calibration of one that was chosen."""
    assert isinstance(like.columns, Columns)
    assert like.columns.chosen is not None
    columns = Columns.features(rows, y, like.columns.form, len(like.columns.chosen))
    model = fit(columns.of(rows), y, like.choice.penalty, like.choice.c)
    return Probe(columns, like.choice, model, like.calibration)


def _sparse_fold(rows: Rows, y: Target, train: NDArray[np.intp], held: NDArray[np.intp], form: Form, most: int) -> Fold:
    columns = Columns.features(rows[train], y[train], form, most)
    return columns.of(rows[train]), y[train], columns.of(rows[held]), y[held]


def fit_dense(
    rows: Float,
    y: Target,
    folds: Sequence[Split],
    *,
    penalties: Sequence[Penalty] = PENALTIES,
    judge: Judge = quality,
    cut_by: CutBy = "f1",
) -> Probe:
    """A probe on every column of a dense matrix, standardised."""
    made: list[Fold] = []
    for train, held in folds:
        columns = Columns.dense(rows[train])
        made.append((columns.of(rows[train]), y[train], columns.of(rows[held]), y[held]))
    return _probe(Columns.dense(rows), rows, y, choose(made, penalties=penalties, judge=judge), made, cut_by)


def fit_terms(
    texts: Sequence[str],
    y: Target,
    folds: Sequence[Split],
    *,
    characters: bool = False,
    penalties: Sequence[Penalty] = PENALTIES,
    cut_by: CutBy = "f1",
) -> Probe:
    """A probe on words and pairs of words, or on runs of characters."""
    made: list[Fold] = []
    for train, held in folds:
        known, unknown = [texts[i] for i in train], [texts[i] for i in held]
        terms = Terms.learnt(known, characters=characters)
        made.append((terms.of(known), y[train], terms.of(unknown), y[held]))
    chosen = choose(made, TERM_CS, penalties=penalties)
    return _probe(Terms.learnt(texts, characters=characters), texts, y, chosen, made, cut_by)


def _sums(model: Any, columns: Any) -> NDArray[np.float64]:
    """Scores without the intercept."""
    intercept = np.asarray(model.intercept_)
    scores = scores_of(model, columns)
    return scores - (intercept if scores.ndim > 1 else float(intercept.ravel()[0]))


def _probe(
    columns: Columns | Terms, rows: Any, y: Target, choice: Choice, folds: Sequence[Fold], cut_by: CutBy = "f1"
) -> Probe:
    """Fit what was chosen to all rows; scores of the rows that the folds held out calibrate it."""
    held = [_sums(fit(x, a, choice.penalty, choice.c), z) for x, a, z, _ in folds]
    scores, truth = np.concatenate(held), np.concatenate([b for *_, b in folds])
    calibration = Calibration.of(scores, truth)
    cut = best_cut(calibration.probabilities(scores)[:, 1], truth, by=cut_by) if kind_of(y) == "binary" else 0.5
    return Probe(columns, choice, fit(columns.of(rows), y, choice.penalty, choice.c), calibration, cut)
