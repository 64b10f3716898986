"""Every method on every task: texts become rows, rows become probes, probes become one table for each encoder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.probing.cache import Source
from benchmarks.probing.compare import BASELINES, paired, sparse_name
from benchmarks.probing.matrices import Matrices
from benchmarks.probing.tasks import Task
from saedata.probing.features import Form
from saedata.probing.linear import splits
from saedata.probing.probes import FORMS, KS, Probe, fit_dense, fit_sparse, fit_terms
from saedata.probing.targets import auc

Labels = NDArray[np.int8]
Tasks = Sequence[tuple[Task, pl.DataFrame]]
"""Tasks with their rows, as `tasks.load` gives them; without the test rows where nobody is to see them."""

_DENSE = {
    "sentence embedding": "sentence",
    "sentence embedding, whole text": "sentence_whole",
    "dense mean": "mean",
    "dense max": "max",
}


@dataclass(frozen=True)
class Part:
    """Rows of a task on one side.

    Attributes
    ----------
    matrices
        For each encoder.
    texts, y, groups
        What goes with the rows; y is 1 for yes.
    """

    matrices: Sequence[Matrices]
    texts: Sequence[str]
    y: Labels
    groups: Sequence[str]


@dataclass(frozen=True)
class Options:
    """What is fitted.

    Attributes
    ----------
    forms
        Forms of a feature that cross-validation chooses from.
    ks
        Numbers of features.
    baselines
        Whether the dense and lexical methods run too.
    """

    forms: Sequence[Form] = FORMS
    ks: Sequence[int] = KS
    baselines: bool = True


def evaluate(source: Source, tasks: Tasks, options: Options | None = None) -> list[pl.DataFrame]:
    """Fit and score every method on every task.

    Parameters
    ----------
    source
        The encoders, and where their matrices come from.
    tasks
        Where a task has no test rows, its `test_auc` is null.
    options
        What is fitted; default: the whole protocol.

    Returns
    -------
    list of polars.DataFrame
        For each encoder: task, question, train, test (rows), method, form, penalty, c, cv_auc, test_auc.
    """
    jobs = ((train, test, options or Options()) for train, test in parts(source, [rows for _, rows in tasks]))
    found: list[list[pl.DataFrame]] = [[] for _ in source.encoders]
    for (task, rows), frames in zip(tasks, _parallel(probe, jobs, len(tasks)), strict=True):
        sizes = {part: int((rows["part"] == part).sum()) for part in ("train", "test")}
        about = {"task": task.name, "question": task.question, **sizes}
        for place, frame in enumerate(frames):
            found[place].append(frame.select(*(pl.lit(value).alias(key) for key, value in about.items()), pl.all()))
    return [pl.concat(frames) for frames in found]


def compare_forms(source: Source, tasks: Tasks, forms: Sequence[Form], *, ks: Sequence[int] = KS) -> list[pl.DataFrame]:
    """Cross-validated AUC of each form of a feature by itself; test rows are not looked at.

    Returns
    -------
    list of polars.DataFrame
        For each encoder: form; for each k the mean AUC over tasks, its mean difference from the first form, and the
        95 % interval of that (`k=16`, `k=16 gap`, `k=16 low`, `k=16 high`).
    """
    frames = [rows.filter(pl.col("part") == "train") for _, rows in tasks]
    sides = [train for train, _ in parts(source, frames)]
    tables = []
    for place in range(len(source.encoders)):
        jobs = ((side.matrices[place], side.y, side.groups, forms, ks) for side in sides)
        aucs = np.array(list(_parallel(_each_form, jobs, len(sides))))  # tasks, forms, ks
        tables.append(pl.DataFrame([_form_row(form, aucs[:, at], aucs[:, 0], ks) for at, form in enumerate(forms)]))
    return tables


def _each_form(
    rows: Matrices, y: Labels, groups: Sequence[str], forms: Sequence[Form], ks: Sequence[int]
) -> list[list[float]]:
    folds = splits(y, groups)
    found = [fit_sparse(rows.sae, y, folds, ks=ks, forms=[form]) for form in forms]
    return [[probes[k].choice.score for k in ks] for probes in found]


def _form_row(
    form: Form, aucs: NDArray[np.float64], first: NDArray[np.float64], ks: Sequence[int]
) -> dict[str, str | float]:
    row: dict[str, str | float] = {"form": str(form)}
    for at, k in enumerate(ks):
        gap = paired(aucs[:, at].tolist(), first[:, at].tolist())
        row |= {f"k={k}": float(aucs[:, at].mean()), f"k={k} gap": gap.mean}
        row |= {f"k={k} low": gap.low, f"k={k} high": gap.high}
    return row


def probe(train: Part, test: Part | None, options: Options) -> list[pl.DataFrame]:
    """Fit every method on the training rows, for each encoder; score the test rows if there are any."""
    shared: dict[str, dict[str, Any]] = {}
    frames = []
    for place, own in enumerate(train.matrices):
        held = test.matrices[place] if test else None
        found = fit_sparse(own.sae, train.y, splits(train.y, train.groups), ks=options.ks, forms=options.forms)
        rows = [_row(sparse_name(k), fitted, held and held.sae, test) for k, fitted in found.items()]
        for name in BASELINES if options.baselines else ():
            if name.startswith("dense") or name not in shared:  # the others do not depend on the layer
                shared[name] = _baseline(name, train, test, place)
            rows.append(shared[name])
        frames.append(pl.DataFrame(rows, schema_overrides={"form": pl.String, "test_auc": pl.Float64}))
    return frames


def _baseline(name: str, train: Part, test: Part | None, place: int) -> dict[str, Any]:
    folds = splits(train.y, train.groups)
    if name == "TF-IDF":
        return _row(name, fit_terms(train.texts, train.y, folds), test and test.texts, test)
    fitted = fit_dense(getattr(train.matrices[place], _DENSE[name]), train.y, folds)
    return _row(name, fitted, test and getattr(test.matrices[place], _DENSE[name]), test)


def _row(method: str, fitted: Probe, rows: Any, test: Part | None) -> dict[str, Any]:
    return {
        "method": method,
        "form": fitted.form,
        "penalty": fitted.choice.penalty,
        "c": fitted.choice.c,
        "cv_auc": fitted.choice.score,
        "test_auc": auc(fitted.scores(rows), test.y) if test else None,
    }


def parts(source: Source, frames: Sequence[pl.DataFrame]) -> Iterator[tuple[Part, Part | None]]:
    """Both sides of each task; the second is None where there are no test rows.

    Training texts are encoded apart from the others, so that a run with test rows finds them in the cache.
    """
    sides = [[frame.filter(pl.col("part") == part) for frame in frames] for part in ("train", "test")]
    train, test = (_Texts(source, side) for side in sides)
    for known, new in zip(*sides, strict=True):
        yield train.part(known), (test.part(new) if new.height else None)


class _Texts:
    """Matrices of all texts of some frames."""

    def __init__(self, source: Source, frames: Sequence[pl.DataFrame]) -> None:
        texts = list(dict.fromkeys(text for frame in frames for text in frame["text"]))
        self._place = {text: row for row, text in enumerate(texts)}
        self._matrices = source.matrices(texts) if texts else []

    def part(self, rows: pl.DataFrame) -> Part:
        texts = rows["text"].to_list()
        where: NDArray[np.intp] = np.array([self._place[text] for text in texts], dtype=np.intp)
        labels = rows["label"].to_numpy().astype(np.int8)
        return Part([found.rows(where) for found in self._matrices], texts, labels, rows["group"].to_list())


def _parallel(function: Any, jobs: Iterable[tuple[Any, ...]], total: int) -> Iterator[Any]:
    """Results in order, from as many processes as there are cores; says how far it is."""
    from joblib import Parallel, delayed

    since = time.monotonic()
    workers = Parallel(n_jobs=min(os.cpu_count() or 1, total), batch_size=1, return_as="generator")
    for number, result in enumerate(workers(delayed(function)(*job) for job in jobs)):
        line = f"probing: {number + 1} of {total} tasks, {time.monotonic() - since:.0f} s"
        print(line, file=sys.stderr, flush=True)
        yield result
