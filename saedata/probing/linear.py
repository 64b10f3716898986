"""Logistic and ridge regression along a grid of penalties, and the choice of the penalty by cross-validation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saedata.errors import InputError
from saedata.probing.targets import kind_of, quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from saedata.probing.targets import Target

    Split = tuple[NDArray[np.intp], NDArray[np.intp]]
    Fold = tuple[Any, Target, Any, Target]

Penalty = Literal["l2", "l1"]

PENALTIES: tuple[Penalty, ...] = ("l2", "l1")
"""Of yes/no questions; several classes and numbers are fitted with L2 alone."""

CS = tuple(float(c) for c in np.logspace(-5, 5, 10))
"""The grid of sae-probes: scikit-learn's C, so small is strong."""

FOLDS, SEED = 5, 0

ONE_FOLD = 4_000
"""With more rows than this one fold in five is held out, not each in turn."""

PATIENCE = 2
"""A path, from strong to weak penalty, ends after this many values of C worse than the best so far: the weak end
takes nine tenths of the time and was never chosen where the whole path was run."""

WHOLE = 2_000
"""The L2 path of a yes/no question is run whole up to this many rows."""

_ITERATIONS = 1000
_TOLERANCE = {"l2": 1e-4, "l1": 1e-2}
_STRATA = 10
_UNSPLIT = (
    "the documents that belong together leave no training part with every class; "
    "use fewer classes, or another column of groups"
)


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose.

    Attributes
    ----------
    penalty, c
        Kind and strength; ridge regression has alpha = 1 / c.
    score
        Mean over the folds of the AUC, macro AUC or R squared that it reached there.
    """

    penalty: Penalty
    c: float
    score: float

    def __str__(self) -> str:
        return f"{self.penalty.upper()}, C {self.c:.3g}"


def splits(y: Target, groups: Sequence[Any], *, seed: int = SEED, every: bool = False) -> list[Split]:
    """Stratified folds as (train, held out) row numbers; rows of one group stay together.

    Parameters
    ----------
    y
        Classes, or numbers, which are stratified by their ranks.
    groups
        Of each row.
    seed
        Of the order in which rows are dealt.
    every
        All folds, however many rows there are.

    Raises
    ------
    InputError
        Rows that belong together leave no fold with all classes to train on.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # type: ignore[import-untyped]

    shared = len(set(groups)) < len(groups)
    strata = strata_of(y)
    kind = StratifiedGroupKFold if shared else StratifiedKFold
    folds = min(max(int(np.bincount(strata).min()), 2), FOLDS, len(set(groups)))
    if folds < 2:
        raise InputError(_UNSPLIT)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        found = list(kind(folds, shuffle=True, random_state=seed).split(y, strata, groups if shared else None))
    usable = [one for one in found if _usable(y, *one)]
    if not usable:
        raise InputError(_UNSPLIT)
    return usable if every or len(y) <= ONE_FOLD else usable[:1]


def strata_of(y: Target) -> NDArray[np.int64]:
    """Classes; of numbers, tenths by rank."""
    if kind_of(y) != "regression":
        return np.asarray(y, dtype=np.int64)
    strata = min(_STRATA, max(len(y) // FOLDS, 1))
    return np.asarray(np.argsort(np.argsort(y, kind="stable")) * strata // len(y), dtype=np.int64)


def _usable(y: Target, train: NDArray[np.intp], held: NDArray[np.intp]) -> bool:
    if kind_of(y) == "regression":
        return len(held) > 1
    return len(np.unique(y[train])) == len(np.unique(y)) and len(np.unique(y[held])) > 1


def fit(x: Any, y: Target, penalty: Penalty, c: float) -> Any:
    """One regression."""
    return next(path(x, y, penalty, (c,)))


def path(x: Any, y: Target, penalty: Penalty, cs: Sequence[float] = CS) -> Iterator[Any]:
    """A fitted model for every C in turn; it is the same object, so use it before the next.

    L2: lbfgs, each C from the solution before; several classes in one softmax. L1: liblinear, with its intercept under
    the penalty, which matters little where columns are standardised and classes balanced. Numbers: ridge regression.
    """
    from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]

    if kind_of(y) == "regression":
        for c in cs:
            yield Ridge(alpha=1 / c, random_state=SEED).fit(x, y)
        return
    settings = {"l2": {"solver": "lbfgs", "warm_start": True}, "l1": {"solver": "liblinear", "l1_ratio": 1.0}}[penalty]
    model = LogisticRegression(max_iter=_ITERATIONS, tol=_TOLERANCE[penalty], random_state=SEED, **settings)
    for c in cs:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*failed to converge")  # weak penalties on separable rows
            yield model.set_params(C=c).fit(x, y)


def scores_of(model: Any, x: Any) -> NDArray[np.float64]:
    """Larger where "yes", or a class, is likelier; of numbers the prediction."""
    score = getattr(model, "decision_function", None) or model.predict
    return np.asarray(score(x), dtype=np.float64)


def choose(
    folds: Sequence[Fold],
    cs: Sequence[float] = CS,
    *,
    penalties: Sequence[Penalty] = PENALTIES,
    judge: Callable[[NDArray[np.float64], Target], float] = quality,
) -> Choice:
    """The penalty and C that do best on average over the folds; of equals the first: L2 and the stronger penalty.

    Parameters
    ----------
    folds
        Of each: columns and target to train on, columns and target to judge by.
    cs
        The grid.
    penalties
        Kinds to choose from, for a yes/no question.
    judge
        How good scores are.
    """
    tried = penalties if kind_of(folds[0][1]) == "binary" else PENALTIES[:1]
    return max((_best(folds, penalty, cs, judge) for penalty in tried), key=lambda choice: choice.score)


def _best(
    folds: Sequence[Fold],
    penalty: Penalty,
    cs: Sequence[float],
    judge: Callable[[NDArray[np.float64], Target], float],
) -> Choice:
    paths = [path(x, y, penalty, cs) for x, y, _, _ in folds]
    cut = penalty == "l1" or kind_of(folds[0][1]) != "binary" or len(folds[0][1]) > WHOLE
    best, worse = Choice(penalty, cs[0], -np.inf), 0
    for c, models in zip(cs, zip(*paths, strict=True), strict=False):
        found = float(np.mean([judge(scores_of(m, f[2]), f[3]) for m, f in zip(models, folds, strict=True)]))
        if found > best.score:
            best, worse = Choice(penalty, c, found), 0
        elif found < best.score:
            worse += 1
            if worse == PATIENCE and cut:
                break
    return best
