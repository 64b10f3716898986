"""Methods to hold a sparse probe against; their settings are chosen by the same cross-validation."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.probing.calibration import Calibration
from saedata.probing.features import Columns
from saedata.probing.linear import fit, scores_of
from saedata.probing.metrics import Prediction
from saedata.probing.targets import kind_of, quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from saedata.probing.features import Float
    from saedata.probing.linear import Split
    from saedata.probing.targets import Target

    Predict = Callable[[Any], Prediction]
    Learn = Callable[[Any, Target, Sequence[Any], int], Iterator[Predict]]

COMPONENTS = (1, 2, 4, 8, 16, 32, 64, 100)
NEIGHBOURS = (1, 2, 5, 10, 20, 50, 100)
TREES = ((0.1, 6), (0.05, 3), (0.3, 3))
"""Learning rate and depth."""

ALPHAS = (1e-4, 1e-1)
"""L2 penalties of the MLP."""

_LAYER, _EPOCHS, _ROUNDS = 64, 100, 100


@dataclass(frozen=True)
class Learner:
    """A method with its settings.

    Attributes
    ----------
    settings
        What cross-validation chooses from.
    learn
        Gives for training rows, target, settings and seed a function that predicts, one for each setting.
    """

    settings: tuple[Any, ...]
    learn: Learn


@dataclass(frozen=True)
class Fitted:
    """A fitted method.

    Attributes
    ----------
    setting
        What cross-validation chose, in words.
    score
        The figure that it was chosen by.
    predict
        Scores and probabilities of any rows, these calibrated on held-out rows as those of linear probes are.
    """

    setting: str
    score: float
    predict: Predict


def tune(learner: Learner, rows: Any, y: Target, folds: Sequence[Split], *, seed: int) -> Fitted:
    """Choose a method's setting by cross-validation, and fit it to all training rows.

    Parameters
    ----------
    learner
        The method.
    rows
        Training rows; anything that a list of row numbers picks from.
    y
        Their target.
    folds
        See `saedata.probing.linear.splits`.
    seed
        Of what the method draws.
    """
    scores: list[list[Any]] = [[] for _ in learner.settings]
    for train, held in folds:
        for place, predict in enumerate(learner.learn(rows[train], y[train], learner.settings, seed)):
            scores[place].append(predict(rows[held]).scores)
    values = [np.mean([quality(one, y[held]) for one, (_, held) in zip(own, folds, strict=True)]) for own in scores]
    best = int(np.argmax(values))
    (predict,) = learner.learn(rows, y, learner.settings[best : best + 1], seed)
    calibration = Calibration.of(np.concatenate(scores[best]), np.concatenate([y[held] for _, held in folds]))
    setting = "" if len(learner.settings) == 1 else str(learner.settings[best])
    return Fitted(setting, float(values[best]), partial(_calibrated, predict, calibration))


def _calibrated(predict: Predict, calibration: Calibration, rows: Any) -> Prediction:
    said = predict(rows)
    return said if said.probabilities is None else Prediction(said.scores, calibration.probabilities(said.scores))


def boosting_name() -> str:
    """The library that boosts trees here: XGBoost where it is installed, else scikit-learn's."""
    return "XGBoost" if importlib.util.find_spec("xgboost") else "HistGradientBoosting"


def learners() -> dict[str, Learner]:
    """The methods on dense vectors, by name."""
    trees = _xgboost if boosting_name() == "XGBoost" else _boosting
    return {
        "PCA": Learner(COMPONENTS, _components),
        "kNN": Learner(NEIGHBOURS, _neighbours),
        boosting_name(): Learner(TREES, partial(_estimators, trees)),
        "MLP": Learner(ALPHAS, partial(_estimators, _network)),
        "difference in means": Learner((None,), _means),
        "majority": Learner((None,), _majority),
    }


def prediction(scores: Any, probabilities: Any = None) -> Prediction:
    """As the metrics want it: of two classes the score of the second."""
    if probabilities is None:
        return Prediction(np.asarray(scores, dtype=np.float64), None)
    known = np.asarray(probabilities, dtype=np.float64)
    scores = np.asarray(scores, dtype=np.float64)
    return Prediction(scores[:, 1] if scores.ndim == 2 and known.shape[1] == 2 else scores, known)


def _components(rows: Float, y: Target, settings: Sequence[int], seed: int) -> Iterator[Predict]:
    """Regression on the first principal components."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    columns = Columns.dense(rows)
    x = columns.of(rows)
    pca = PCA(min(max(settings), *x.shape), random_state=seed).fit(x)
    made = Columns.dense(pca.transform(x))

    def predict(model: Any, count: int, some: Float) -> Prediction:
        z = made.of(pca.transform(columns.of(some)))[:, :count]
        return prediction(scores_of(model, z), model.predict_proba(z) if hasattr(model, "predict_proba") else None)

    for count in settings:
        yield partial(predict, fit(made.of(pca.transform(x))[:, :count], y, "l2", 1.0), count)


def _neighbours(rows: Float, y: Target, settings: Sequence[int], _seed: int) -> Iterator[Predict]:
    """Shares of the classes, or mean of the numbers, among the nearest training rows."""
    from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]

    columns = Columns.dense(rows)
    near = NearestNeighbors(algorithm="brute").fit(columns.of(rows))
    number = kind_of(y) == "regression"
    values = y[:, None] if number else np.eye(max(int(y.max()) + 1, 2))[y]

    def predict(count: int, some: Float) -> Prediction:
        found = near.kneighbors(columns.of(some), min(count, len(rows)), return_distance=False)
        shares = values[found].mean(1)
        return prediction(shares[:, 0]) if number else prediction(shares, shares)

    for count in settings:
        yield partial(predict, count)


def _estimators(
    make: Callable[[bool, Any, int], Any], rows: Float, y: Target, settings: Sequence[Any], seed: int
) -> Iterator[Predict]:
    """A scikit-learn estimator for each setting, on standardised columns."""
    columns = Columns.dense(rows)
    number = kind_of(y) == "regression"
    centre, spread = (float(y.mean()), float(y.std()) or 1.0) if number else (0.0, 1.0)

    def predict(model: Any, some: Float) -> Prediction:
        x = columns.of(some)
        if number:
            return prediction(model.predict(x) * spread + centre)
        shares = model.predict_proba(x)
        return prediction(shares, shares)

    wanted = (y - centre) / spread if number else y
    for setting in settings:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(Maximum iterations|minimum of|[Bb]atch)")
            yield partial(predict, make(number, setting, seed).fit(columns.of(rows), wanted))


def _boosting(number: bool, setting: tuple[float, int], seed: int) -> Any:  # noqa: FBT001
    from sklearn.ensemble import (  # type: ignore[import-untyped]
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    kind = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
    rate, depth = setting
    return kind(learning_rate=rate, max_depth=depth, max_iter=_ROUNDS, early_stopping=False, random_state=seed)


def _xgboost(number: bool, setting: tuple[float, int], seed: int) -> Any:  # noqa: FBT001
    import xgboost  # type: ignore[import-not-found,unused-ignore]

    kind = xgboost.XGBRegressor if number else xgboost.XGBClassifier
    rate, depth = setting
    drawn = {"subsample": 0.8, "colsample_bytree": 0.8, "random_state": seed}
    return kind(learning_rate=rate, max_depth=depth, n_estimators=_ROUNDS, tree_method="hist", **drawn)


def _network(number: bool, alpha: float, seed: int) -> Any:  # noqa: FBT001
    from sklearn.neural_network import MLPClassifier, MLPRegressor  # type: ignore[import-untyped]

    kind = MLPRegressor if number else MLPClassifier
    return kind(hidden_layer_sizes=(_LAYER,), alpha=alpha, max_iter=_EPOCHS, n_iter_no_change=5, random_state=seed)


def _means(rows: Float, y: Target, _settings: Sequence[None], _seed: int) -> Iterator[Predict]:
    """Which class mean is nearer: of two classes, the place along the difference of their means.

    With numbers, the place along the covariance of the columns with them.
    """
    columns = Columns.dense(rows)
    x = columns.of(rows).astype(np.float64)
    if kind_of(y) == "regression":
        direction, offset = (x.T @ (y - y.mean()))[:, None] / len(y), np.zeros(1)
    else:
        centres = np.stack([x[y == c].mean(0) for c in range(max(int(y.max()) + 1, 2))])
        direction, offset = centres.T, np.square(centres).sum(1) / 2
        if len(centres) == 2:
            direction, offset = direction[:, 1:] - direction[:, :1], offset[1:] - offset[:1]
    places = x @ direction - offset
    scale = places.std() or 1.0
    calibrated = fit(places / scale, y, "l2", 1.0)

    def predict(some: Float) -> Prediction:
        z = (columns.of(some).astype(np.float64) @ direction - offset) / scale
        if kind_of(y) == "regression":
            return prediction(calibrated.predict(z))
        return prediction(z[:, 0] if z.shape[1] == 1 else z, calibrated.predict_proba(z))

    yield predict


def _majority(_rows: Any, y: Target, _settings: Sequence[None], _seed: int) -> Iterator[Predict]:
    """The same for every row: shares of the classes in training, or the mean."""

    def predict(some: Any) -> Prediction:
        if kind_of(y) == "regression":
            return prediction(np.full(len(some), y.mean()))
        shares = np.tile(np.bincount(y, minlength=2) / len(y), (len(some), 1))
        return prediction(shares, shares)

    yield predict
