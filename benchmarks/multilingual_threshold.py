"""Above which activation a feature of `multilingual` counts as on, told from rows that no other benchmark tests on.

Toxicity in fifteen languages (the discovery part of that benchmark) and topics of SIB-200 (its train part, all
languages together, translations of one sentence in one fold): cross-validated on/off probes. Beside it how many
features are on, how many are on in most documents and so say nothing, and what random halves of a corpus differ in.

Environment: SAEDATA_BENCH_FRAMES (folder with `textdetox_toxicity.sae`, `sib200.sae`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from scipy.stats import false_discovery_control

from benchmarks.harness import Figure, data
from benchmarks.languages import CODES
from benchmarks.multilingual import frame_of
from benchmarks.toxicity import LABEL, LANGUAGE, SEED, TEST
from saedata.analysis.toxicity.documents import read_documents
from saedata.analysis.toxicity.main import DOCUMENTS
from saedata.probing.features import Form
from saedata.probing.linear import splits
from saedata.probing.probes import fit_sparse
from saedata.stats.proportions import two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.frame import Embeddings

FORMS = ("0", "75", "100", "150", "0.5q", "0.8q")
"""The smallest activation is 49, the median of all 75, of the features' 90th percentiles 68."""

K, ROWS, SHUFFLES = 16, 1000, 50


@dataclass(frozen=True)
class _Task:
    """Rows of a yes/no question; rows of one group stay in one fold."""

    x: sparse.csr_matrix[np.float32]
    y: NDArray[np.int8]
    groups: Sequence[int]


def measure() -> list[Figure]:
    """Figures of every candidate; none has a target, the encoder's description names the one chosen."""
    toxic = frame_of("textdetox_toxicity", pl.read_parquet(data("textdetox_toxicity.parquet")))
    rows = pl.read_parquet(data("sib200.parquet")).filter(pl.col("lang").is_in(list(CODES)))
    tasks = [*_toxic_tasks(toxic), *_topic_tasks(frame_of("sib200", rows))]
    forms = [Form.parsed(text) for text in FORMS]
    jobs = (delayed(_auc)(task, form) for task in tasks for form in forms)
    aucs = np.array(Parallel(n_jobs=2)(jobs)).reshape(len(tasks), len(forms))
    figures = []
    for form, column in zip(forms, aucs.T, strict=True):
        gap = column - aucs[:, 0]
        error = 1.96 * gap.std(ddof=1) / np.sqrt(len(gap))
        low, high = gap.mean() - error, gap.mean() + error
        n = f"{len(tasks)} tasks, {gap.mean():+.4f} from the first, {low:+.4f} to {high:+.4f}"
        figures.append(Figure(f"AUC of on/off probes, k = {K}, on {form}", float(column.mean()), n))
    x = toxic.to_csr()
    for form in forms:
        figures += _on(x, form)
    return figures


def _toxic_tasks(frame: Embeddings) -> Iterator[_Task]:
    options = {"positive": None, "split": None, "test": TEST, "documents": DOCUMENTS, "drop_leaks": True, "seed": SEED}
    docs = read_documents(frame, LABEL, language=LANGUAGE, **options)  # type: ignore[arg-type]
    x = frame.to_csr()
    for number in range(len(docs.names)):
        chosen = docs.discovery(number)[:ROWS]
        yield _Task(x[docs.found.docs[chosen]], docs.y[chosen].astype(np.int8), range(len(chosen)))


def _topic_tasks(frame: Embeddings) -> Iterator[_Task]:
    table = frame.documents.filter(pl.col("split") == "train").sample(ROWS * 2, seed=SEED)
    x = frame.to_csr()[table["doc"].to_numpy()]
    for topic in table["category"].unique().sort():
        y = (table["category"] == topic).to_numpy().astype(np.int8)
        yield _Task(x, y, table["index_id"].to_list())


def _auc(task: _Task, form: Form) -> float:
    folds = splits(task.y, task.groups)
    return fit_sparse(task.x, task.y, folds, ks=[K], forms=[form])[K].choice.score


def _on(x: sparse.csr_matrix[np.float32], form: Form) -> list[Figure]:
    """How much is on, and whether random halves differ."""
    dense = x.toarray()
    on = form.apply(dense, form.levels(dense)) > 0
    share, n = on.mean(0), f"{x.shape[0]:,} comments in 15 languages"
    found = np.mean([_any_difference(on, seed) for seed in range(SHUFFLES)])
    return [
        Figure(f"features on per document, on {form}", float(on.sum(1).mean()), n),
        Figure(f"features on in more than half of the documents, on {form}", float((share > 0.5).sum()), n),
        Figure(f"shuffles with any q < 0.05, on {form}", float(found), f"{SHUFFLES} shuffles"),
    ]


def _any_difference(on: NDArray[np.bool_], seed: int) -> bool:
    first = np.random.default_rng(seed).permutation(len(on)) < len(on) // 2
    one, two = on[first].sum(0), on[~first].sum(0)
    p = two_proportion_p(one, int(first.sum()), two, int((~first).sum()))
    return bool((false_discovery_control(p[one + two > 0]) < 0.05).any())
