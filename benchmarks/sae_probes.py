"""Our sparse probes and those of the package `sae-probes`, on its own tasks and the same activations.

Texts, labels and the rows that train and test are the package's: every fifth of its yes/no tasks, setting "normal", its
seed; of the rows left to test the 400 that it draws first. It reads the last token of a language model through an SAE
of SAELens. No such pair can be had from packages, so both sides get another matrix, the same one: features of the
bundled encoder, each the maximum over the last 256 characters of a text (the package, too, cuts long texts at the
beginning).

Compared are `get_sorted_indices` and `find_best_reg` of the package with

- *its protocol from our parts*: features by `saedata.probing.features.Columns`, C by `choose`, the regression by `fit`,
  on its folds, with its scale (none), its one penalty, and of equal Cs the weakest. What differs with L2 is arithmetic:
  we rank in 64 bits, it in 32; equal scores stand in another order; it shuffles the rows before its last fit, which
  matters where a weak penalty on columns of unlike scale keeps the solver from converging. With L1 the solvers differ:
  ours is liblinear, with the intercept under the penalty; its saga ends after 1 000 rounds, converged or not.
- *our own protocol*, `fit_sparse` as `probe` calls it, but with the activation as the only form: columns standardised,
  five folds in place of one, L1 or L2 by cross-validation, of equal Cs the strongest.

The package pins an old pandas and brings CUDA along with XGBoost, so it goes into an environment of its own:
`pip install 'saedata[interop]' xgboost-cpu; pip install --no-deps sae-probes==0.4.2`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import RESULTS, Figure, Skipped
from benchmarks.probing.compare import paired
from saedata.probing.features import Columns, Form, gaps
from saedata.probing.linear import CS, choose, fit, scores_of, splits
from saedata.probing.probes import fit_sparse
from saedata.probing.targets import auc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.probing.linear import Penalty, Split

    Rows = sparse.csr_matrix[np.float32]

SEED = 42
"""The package's."""

EVERY = 5
"""Of its tasks every fifth is taken: all of them take hours on two cores."""

MOST, TRAIN, LEAST, TEST = 5000, 1024, 100, 400
"""Rows that the package looks at, that train, that it keeps for the test at least; and that test here at most."""

CHARACTERS = 256
KS: dict[Penalty, tuple[int, ...]] = {"l2": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512), "l1": (16, 128)}
OWN_KS = (16, 128)
ROUNDS = 1000
"""After which the package's solvers stop."""

NEAR = 0.005
"""Largest difference of two AUCs that counts as none."""

EQUAL = 1e-5
"""Largest relative difference of two scores of features that counts as none: sums of 1 024 numbers in 32 bits."""


@dataclass(frozen=True)
class Task:
    """A task's texts, those that train first."""

    name: str
    texts: list[str]
    y: NDArray[np.int64]
    train: int


@dataclass(frozen=True)
class Sides:
    """Activations and labels of both parts."""

    known: Rows
    y: NDArray[np.int64]
    unknown: Rows
    truth: NDArray[np.int64]


@dataclass(frozen=True)
class Theirs:
    """What the package's regression reached, with which C, and whether its last fit converged."""

    auc: float
    c: float
    converged: bool


def measure() -> list[Figure]:
    """Every task; the table is written beside the other results."""
    found = compared(tasks())
    RESULTS.mkdir(exist_ok=True)
    found.write_csv(RESULTS / "sae_probes_tasks.csv", float_precision=4)
    return [*selection_figures(found), *protocol_figures(found), *own_figures(found)]


def tasks(most: int | None = None) -> list[Task]:
    """Every fifth of the package's yes/no tasks, with the rows that it draws."""
    if importlib.util.find_spec("sae_probes") is None:
        msg = (
            "the package sae-probes, which has the texts, is not installed; benchmarks/sae_probes.py says how to get it"
        )
        raise Skipped(msg)
    from sae_probes.utils_data import get_numbered_binary_tags

    return [_task(name) for name in get_numbered_binary_tags()[::EVERY][:most]]


def _task(name: str) -> Task:
    from sae_probes.utils_data import get_train_test_indices, get_yvals, read_numbered_dataset_df

    y = get_yvals(name)
    train = min(len(y) - LEAST, TRAIN)
    y = y[:MOST].astype(np.int64)
    parts = get_train_test_indices(y, train, min(len(y) - train - 1, TEST), seed=SEED)
    rows = np.concatenate(parts)
    texts = read_numbered_dataset_df(name)["prompt"].astype(str).str[-CHARACTERS:]
    return Task(name, texts.iloc[rows].tolist(), y[rows], len(parts[0]))


def compared(found: Sequence[Task]) -> pl.DataFrame:
    """A row for each task, penalty and k.

    Whether the ``same`` features are chosen, or others that are ``tied``; the package's ``c`` and whether its last fit
    ``converged``; the areas: ``theirs``, ``ours`` by its protocol, ours with ``same_c``, and of our ``own`` protocol.
    """
    from joblib import Parallel, delayed

    since = time.monotonic()
    workers = Parallel(n_jobs=min(os.cpu_count() or 1, len(found)), batch_size=1, return_as="generator")
    tables = []
    for table in workers(delayed(_compared)(task.name, sides) for task, sides in activations(found)):
        tables.append(table)
        print(f"{len(tables)} of {len(found)} tasks, {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    return pl.concat(tables)


def activations(found: Sequence[Task]) -> Iterator[tuple[Task, Sides]]:
    """Each task's features, from one frame in the cache."""
    texts = list(dict.fromkeys(text for task in found for text in task.texts))
    place = {text: row for row, text in enumerate(texts)}
    rows = saedata.embed(pl.DataFrame({"text": texts}), text="text").to_csr()
    for task in found:
        own = rows[[place[text] for text in task.texts]]
        yield task, Sides(own[: task.train], task.y[: task.train], own[task.train :], task.y[task.train :])


def _compared(name: str, sides: Sides) -> pl.DataFrame:
    chosen = {"theirs": their_features(sides), "ours": our_features(sides)}
    own = our_own(sides)
    rows: list[dict[str, Any]] = []
    for penalty, ks in KS.items():
        for k in ks:
            one, other = chosen["theirs"][:k], chosen["ours"][:k]
            row = {"task": name, "penalty": penalty, "k": k, "train": len(sides.y), "test": len(sides.truth)}
            row |= {"same": set(one.tolist()) == set(other.tolist()), "tied": tied(sides, one, other)}
            found = theirs(sides, one, penalty)
            row |= {"c": found.c, "converged": found.converged, "theirs": found.auc}
            row |= {"ours": our_auc(sides, other, penalty), "same_c": our_auc(sides, other, penalty, c=found.c)}
            rows.append(row | {"own": own.get(k)})
    return pl.DataFrame(rows, infer_schema_length=None)


def their_features(sides: Sides) -> NDArray[np.int64]:
    """All features in the package's order."""
    import torch
    from sae_probes.run_sae_evals import get_sorted_indices, mean_act_normalization

    x, y = torch.from_numpy(sides.known.toarray()), torch.from_numpy(sides.y)
    return np.asarray(get_sorted_indices(x, y, mean_act_normalization))


def our_features(sides: Sides) -> NDArray[np.int64]:
    """The best features in our order."""
    chosen = Columns.features(sides.known, sides.y, Form(), min(max(KS["l2"]), sides.known.shape[1])).chosen
    assert chosen is not None
    return chosen.astype(np.int64)


def tied(sides: Sides, one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether the features that only one of two selections has score as high as those that only the other has."""
    apart = np.setxor1d(one, other)
    if not len(apart):
        return True
    scores = gaps(sides.known[:, apart].toarray(), sides.y)[0]
    return bool(np.ptp(scores) <= EQUAL * scores.max())


def theirs(sides: Sides, chosen: NDArray[np.int64], penalty: Penalty) -> Theirs:
    """The package's regression on some features."""
    import torch
    from sae_probes.run_sae_evals import find_best_reg

    x, z = (torch.from_numpy(rows[:, chosen].toarray()) for rows in (sides.known, sides.unknown))
    y, truth = torch.from_numpy(sides.y), torch.from_numpy(sides.truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unconverged fits; options that scikit-learn calls old
        found = find_best_reg(X_train=x, y_train=y, X_test=z, y_test=truth, penalty=penalty, seed=SEED)
    model: Any = found.classifier
    return Theirs(float(found.metrics.test_auc), float(model.C), int(np.max(model.n_iter_)) < ROUNDS)


def their_folds(y: NDArray[np.int64]) -> list[Split]:
    """Folds of the package: for more than 127 rows its last hundred, or fifth, is held out."""
    from sae_probes.utils_training import get_cv, get_splits

    return [(np.asarray(a), np.asarray(b)) for a, b in get_splits(get_cv(y, seed=SEED), y, y)]


def our_auc(sides: Sides, chosen: NDArray[np.int64], penalty: Penalty, *, c: float | None = None) -> float:
    """Test AUC of our regression with the package's scale; C, where it is not given, is chosen as there."""
    x, z = (rows[:, chosen].toarray() for rows in (sides.known, sides.unknown))
    if c is None:
        folds = [(x[a], sides.y[a], x[b], sides.y[b]) for a, b in their_folds(sides.y)]
        choices = (choose(folds, (one,), penalties=(penalty,)) for one in reversed(CS))
        c = max(choices, key=lambda choice: choice.score).c
    return auc(scores_of(fit(x, sides.y, penalty, c), z), sides.truth)


def our_own(sides: Sides) -> dict[int, float]:
    """Test AUC of `probe`'s own protocol, by k."""
    folds = splits(sides.y, range(len(sides.y)))
    probes = fit_sparse(sides.known, sides.y, folds, ks=OWN_KS, forms=[Form()])
    return {k: auc(probe.scores(sides.unknown), sides.truth) for k, probe in probes.items()}


def selection_figures(found: pl.DataFrame) -> list[Figure]:
    """How often the same features are chosen."""
    one = found.filter(penalty="l2")
    n = f"{one.height:,} selections: {one['task'].n_unique()} tasks x {one['k'].n_unique()} numbers of features"
    same, tie = one["same"], one["same"] | one["tied"]
    said = f"{n}; {int((~same & tie).sum())} differ in features of equal score, {int((~tie).sum())} in others"
    return [
        Figure("selections with the same features, or others of equal score", float(tie.mean()), said, (">=", 1)),
        Figure("selections with the same features", float(same.mean()), n),
    ]


def protocol_figures(found: pl.DataFrame) -> list[Figure]:
    """How far the AUCs of one protocol are apart."""
    figures = []
    for penalty in KS:
        one = found.filter(penalty=penalty)
        done = one.filter("converged")
        name = f"test AUC, its protocol, {penalty.upper()}"
        figures.append(_near(f"{name}: within {NEAR} of its own", one, "ours", (">=", 1)))
        figures.append(_near(f"{name}: the same with the C that it chose", one, "same_c"))
        figures.append(_near(f"{name}: the same where its fit converged", done, "same_c"))
        away = (one["ours"] - one["theirs"]).abs()
        figures.append(Figure(f"{name}: largest difference", float(away.max() or 0), f"{one.height:,} (task, k)"))
        gap = paired(one["ours"].to_list(), one["theirs"].to_list())
        figures.append(Figure(f"{name}: ours minus its, mean", gap.mean, _interval(gap)))
    return figures


def _near(name: str, found: pl.DataFrame, column: str, target: tuple[str, float] | None = None) -> Figure:
    near = int(((found[column] - found["theirs"]).abs() <= NEAR).sum())
    return Figure(name, near / max(found.height, 1), f"{near:,} of {found.height:,} (task, k)", target)


def own_figures(found: pl.DataFrame) -> list[Figure]:
    """Our own protocol beside the package's."""
    figures = []
    for penalty in KS:
        for k in OWN_KS:
            one = found.filter(penalty=penalty, k=k)
            gap = paired(one["own"].to_list(), one["theirs"].to_list())
            name = f"test AUC, k={k}, our protocol minus its with {penalty.upper()}, mean"
            figures.append(Figure(name, gap.mean, _interval(gap), (">=", -NEAR)))
    return figures


def _interval(gap: Any) -> str:
    return f"{gap.tasks} tasks, 95 % interval {gap.low:+.4f} to {gap.high:+.4f}; won {gap.wins}, lost {gap.losses}"
