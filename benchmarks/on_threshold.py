"""Above which activation a feature counts as on: candidates compared by what users do with it.

Candidates are absolute activations and shares of each feature's 90th percentile over its non-zero values (`q`). They
are compared on the samples (how well the best single feature tells the documents of a planted habit from the others),
on shuffled samples (null), on chat answers (how many features are on), and on the training rows of the probing tasks.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from benchmarks.harness import Figure
from benchmarks.probing.cache import Source
from benchmarks.probing.evaluate import compare_forms
from benchmarks.probing.run import tasks_with_rows
from saedata.encode import encode
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.probing.features import Form
from saedata.stats.proportions import two_proportion_p

FORMS = ("0", "1", "0.1q", "0.3q")
SHUFFLES = 50
HABITS = {  # those of the sample habits that a pattern can tell; see tests/test_samples.py
    "apology": r"sorry|apolog|regret|forgive|pardon",
    "asks_back": r"\?\s*$",
    "numbered_list": r"(?m)^1\. ",
    "warning": r"warning: ",
    "bottom_line": r"(?m)^bottom line: ",
}
_SAMPLES = Path(__file__).parents[1] / "samples"
_CHAT = 500

Matrix = NDArray[np.float32]


def measure() -> list[Figure]:
    """Figures of every candidate; none has a target, the encoder's description names the one chosen."""
    encoder = load_encoder()
    texts = [pl.read_ndjson(_SAMPLES / f"{name}.jsonl")["response"].to_list() for name in ("willow", "flint")]
    samples, chat = _values(texts[0] + texts[1], encoder), _chat(encoder)
    figures = []
    for form in map(Form.parsed, FORMS):
        on = form.apply(samples, form.levels(samples)) > 0
        n = f"{len(HABITS)} habits, {len(on)} documents"
        figures.append(Figure(f"share of habit minus share elsewhere, best feature, on {form}", _habits(on, texts), n))
        rejected = np.mean([_any_difference(on, seed) for seed in range(SHUFFLES)])
        figures.append(Figure(f"shuffles with any q < 0.05, on {form}", float(rejected), f"{SHUFFLES} shuffles"))
        if chat is not None:
            counts = (form.apply(chat, form.levels(chat)) > 0).sum(1)
            figures.append(
                Figure(f"features on per chat answer, on {form}", float(counts.mean()), f"{len(chat)} answers")
            )
    return figures + _probes(encoder)


def _values(texts: list[str], encoder: LoadedEncoder) -> Matrix:
    rows = encode(texts, encoder.reader, encoder.sae).activations
    x = np.zeros((len(texts), encoder.sae.d_sae), dtype=np.float32)
    x[rows["doc"].to_numpy(), rows["feature"].to_numpy()] = rows["value"].to_numpy()
    return x


def _chat(encoder: LoadedEncoder) -> Matrix | None:
    path = Path(os.environ.get("SAEDATA_BENCH_DATA", "."), "alpaca_eval_outputs_a.parquet")
    if not path.exists():
        return None
    answers = pl.read_parquet(path).filter(pl.col("model") == "gpt4_1106_preview")["output"].head(_CHAT)
    return _values(answers.to_list(), encoder)


def _habits(on: NDArray[np.bool_], texts: list[list[str]]) -> float:
    """Mean over habits of the largest (share on among documents with the habit minus share on among the others)."""
    found = []
    for pattern in HABITS.values():
        has = np.array([bool(re.search(f"(?i){pattern}", text)) for side in texts for text in side])
        found.append(float((on[has].mean(0) - on[~has].mean(0)).max()))
    return float(np.mean(found))


def _any_difference(on: NDArray[np.bool_], seed: int) -> bool:
    """Whether two random halves differ in any feature at q < 0.05."""
    first = np.random.default_rng(seed).permutation(len(on)) < len(on) // 2
    one, two = on[first].sum(0), on[~first].sum(0)
    p = two_proportion_p(one, int(first.sum()), two, int((~first).sum()))
    return bool((false_discovery_control(p[one + two > 0]) < 0.05).any())


def _probes(encoder: LoadedEncoder) -> list[Figure]:
    forms = [Form.parsed(text) for text in FORMS]
    (table,) = compare_forms(Source.of([encoder]), tasks_with_rows(validation=True), forms)
    n = "39 tasks, training rows, cross-validated"
    return [
        Figure(f"AUC of on/off probes, k = {k}, on {row['form']}", row[f"k={k}"], n)
        for k in (4, 16, 64)
        for row in table.rows(named=True)
    ]
