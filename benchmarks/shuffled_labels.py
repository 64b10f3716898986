"""Labels dealt anew: what `probe` reaches where nothing predicts the label, for each of its methods.

Sentences of the sample corpora, few of which train and many test, get a yes/no label at random, 50 times. Whatever a
method learns of the test documents beforehand - their share in a choice of features, a scale, a setting - shows as an
area away from 0.5. As a control the same is measured with features chosen on all documents, which has to be seen.
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import saedata
from benchmarks.harness import Figure
from benchmarks.probing.tasks import normal_hash
from saedata.analysis.probe.methods import BASELINES
from saedata.encoders import load_encoder
from saedata.probing.features import SELECTS, Columns, Form
from saedata.probing.linear import fit, scores_of
from saedata.probing.targets import auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings

RUNS = 50
TRAIN, TEST = 80, 400
"""Sentences. One area has a standard deviation of 0.029, the mean of 50 one of 0.004."""

AWAY = 0.02
"""How far from 0.5 the mean of the runs may be."""

KS = {"mean_difference": (1, 16, 64), "l1": (16,), "mutual_information": (16,)}
FORMS = ("value", "0")
SAMPLES = Path(__file__).parent.parent / "samples"
SHORTEST = 40
PART = "part"
CONTROL = "control: k=16, features chosen on all documents"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def measure() -> list[Figure]:
    """Every method of `probe`, and the control."""
    encoder = load_encoder()
    table = dealt(sentences())
    frame = saedata.embed(table, text="text", encoder=encoder)
    tests = (table[PART] == "test").to_numpy()
    found: dict[str, list[float]] = {}
    since = time.monotonic()
    for run in range(RUNS):
        for name, value in areas(frame, run, encoder=encoder).items():
            found.setdefault(name, []).append(value)
        control = chosen_on_all(frame, table[_label(run)].to_numpy().astype(np.int64), tests)
        found.setdefault(CONTROL, []).append(control)
        print(f"{run + 1} of {RUNS} runs, {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    return figures(found)


def sentences() -> list[str]:
    """Sentences of the sample corpora, each once, the first by hash."""
    lines = [line for path in sorted(SAMPLES.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    found = {part.strip() for line in lines for part in _SENTENCE.split(json.loads(line)["response"])}
    return sorted((one for one in found if len(one) >= SHORTEST), key=normal_hash)[: TRAIN + TEST]


def dealt(texts: Sequence[str], *, train: int = TRAIN, runs: int = RUNS) -> pl.DataFrame:
    """Texts with their part, and a label for each run; either part is half yes."""
    columns: dict[str, Sequence[str] | NDArray[np.bool_]] = {"text": texts}
    columns[PART] = ["train"] * train + ["test"] * (len(texts) - train)
    for run in range(runs):
        random = np.random.default_rng((run, 0))
        sides = (random.permutation(np.arange(size) % 2 == 1) for size in (train, len(texts) - train))
        columns[_label(run)] = np.concatenate(list(sides))
    return pl.DataFrame(columns)


def _label(run: int) -> str:
    return f"shuffled_{run:02}"


def areas(
    frame: Embeddings, run: int, *, encoder: LoadedEncoder | None = None, baselines: Sequence[str] = BASELINES
) -> dict[str, float]:
    """Test AUC of each method of `probe` with the labels of a run; each way of choosing features by itself."""
    found = {}
    for select in SELECTS:
        ones = baselines if select == SELECTS[0] else ()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*in the training part too", category=UserWarning)
            table = saedata.probe(
                frame,
                label=_label(run),
                ks=KS[select],
                select=select,
                forms=FORMS,
                baselines=ones,
                arrows=bool(ones),
                split=PART,
                disputes=0,
                evidence=0,
                resamples=1,
                seed=run,
                encoder=encoder,
            ).table
        for method, k, value in table.filter(metric="auc").select("method", "k", "value").iter_rows():
            found[f"{method}, k={k}, {select.replace('_', ' ')}" if k else method] = value
    return found


def chosen_on_all(frame: Embeddings, y: NDArray[np.int64], tests: NDArray[np.bool_]) -> float:
    """Test AUC of a probe that is fitted to the training documents, on features chosen with the test ones too."""
    rows = frame.to_csr()
    columns = Columns.features(rows, y, Form(), 16)
    model = fit(columns.of(rows[~tests]), y[~tests], "l2", 1.0)
    return auc(scores_of(model, columns.of(rows[tests])), y[tests])


def figures(found: dict[str, list[float]]) -> list[Figure]:
    """Distance of each mean from 0.5."""
    made = []
    for name, values in found.items():
        error = np.std(values, ddof=1) / len(values) ** 0.5
        n = f"{len(values)} runs, mean {np.mean(values):.4f}, standard error {error:.4f}; {TRAIN} train, {TEST} test"
        target = (">=", AWAY) if name == CONTROL else ("<=", AWAY)
        made.append(Figure(f"distance of the mean AUC from 0.5: {name}", abs(float(np.mean(values)) - 0.5), n, target))
    return made
