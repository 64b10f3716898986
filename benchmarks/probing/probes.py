"""The probing protocol (sae-probes; Kantamneni et al. 2025, 2502.16681) for one task: what is fitted, and how chosen.

Everything is learnt from training rows. In cross-validation, features are ranked, thresholds set and columns scaled
anew within each fold's training part, so that the figure that chooses is not flattered by its own choice of features.
The functions that fit never see a test row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.probing.features import Columns, Form, Rows
from benchmarks.probing.matrices import Float
from benchmarks.probing.regression import Choice, Fold, choose, fit, splits

KS = (1, 4, 16, 64, 128)
FORMS = (Form(), Form(0.0), Form(0.3, relative=True))
"""Forms of a feature that cross-validation chooses from: the activation, on or off, strongly on or not."""

TERM_CS = tuple(float(c) for c in np.logspace(-2, 4, 13))
"""Grid of C for TF-IDF, whose rows have unit length and want weaker penalties."""

Labels = NDArray[np.int8]


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Attributes
    ----------
    columns
        Makes the model's columns of any rows.
    choice
        Penalty and C, with the cross-validated AUC that they were chosen by.
    model
        The regression, fitted to all training rows.
    """

    columns: Columns | Terms
    choice: Choice
    model: Any

    @property
    def form(self) -> str | None:
        """What is read of SAE features; None for the other methods."""
        if isinstance(self.columns, Columns) and self.columns.chosen is not None:
            return str(self.columns.form)
        return None

    def scores(self, rows: Any) -> NDArray[np.float64]:
        """Larger where "yes" is likelier."""
        scores: NDArray[np.float64] = self.model.decision_function(self.columns.of(rows))
        return scores


@dataclass(frozen=True)
class Terms:
    """TF-IDF weights of words and pairs of words, with the vocabulary of the training texts."""

    vectoriser: Any

    @classmethod
    def learnt(cls, texts: Sequence[str]) -> Terms:
        """The vocabulary and weights of the training texts."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        return cls(vectoriser.fit(texts))

    def of(self, texts: Sequence[str]) -> Any:
        """Sparse rows of unit length."""
        return self.vectoriser.transform(texts)


def fit_sparse(
    rows: Rows, y: Labels, groups: Sequence[str], *, ks: Sequence[int] = KS, forms: Sequence[Form] = FORMS
) -> dict[int, Probe]:
    """Probes on the k best SAE features, for each k; form, penalty and C are chosen for each k by itself.

    Parameters
    ----------
    rows
        Training rows, [texts, features].
    y
        1 = yes, 0 = no.
    groups
        Rows of one group are never on both sides of a fold.
    """
    parts = splits(y, groups)
    best: dict[int, tuple[Choice, Form]] = {}
    for form in forms:
        folds = [_sparse_fold(rows, y, train, held, form, max(ks)) for train, held in parts]
        for k in ks:
            choice = choose([(x[:, :k], a, z[:, :k], b) for x, a, z, b in folds])
            if k not in best or choice.auc > best[k][0].auc:
                best[k] = choice, form
    columns = {form: Columns.features(rows, y, form, max(ks)) for form in {form for _, form in best.values()}}
    return {k: _probe(columns[form].first(k), rows, y, choice) for k, (choice, form) in best.items()}


def _sparse_fold(rows: Rows, y: Labels, train: NDArray[np.intp], held: NDArray[np.intp], form: Form, most: int) -> Fold:
    columns = Columns.features(rows[train], y[train], form, most)
    return columns.of(rows[train]), y[train], columns.of(rows[held]), y[held]


def fit_dense(rows: Float, y: Labels, groups: Sequence[str]) -> Probe:
    """A probe on every column of a dense matrix, standardised."""
    folds: list[Fold] = []
    for train, held in splits(y, groups):
        columns = Columns.dense(rows[train])
        folds.append((columns.of(rows[train]), y[train], columns.of(rows[held]), y[held]))
    return _probe(Columns.dense(rows), rows, y, choose(folds))


def fit_terms(texts: Sequence[str], y: Labels, groups: Sequence[str]) -> Probe:
    """A probe on words and pairs of words."""
    folds: list[Fold] = []
    for train, held in splits(y, groups):
        known, unknown = [texts[i] for i in train], [texts[i] for i in held]
        terms = Terms.learnt(known)
        folds.append((terms.of(known), y[train], terms.of(unknown), y[held]))
    return _probe(Terms.learnt(texts), texts, y, choose(folds, TERM_CS))


def _probe(columns: Columns | Terms, rows: Any, y: Labels, choice: Choice) -> Probe:
    return Probe(columns, choice, fit(columns.of(rows), y, choice.penalty, choice.c))
