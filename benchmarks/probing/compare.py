"""What the probes of all tasks say together: means, paired differences with intervals, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

RESAMPLES, SEED, LEVEL = 10_000, 0, 0.95

BASELINES = ("sentence embedding", "sentence embedding, whole text", "dense mean", "dense max", "TF-IDF")


def sparse_name(k: int) -> str:
    """Name of the probe on the k best features."""
    return f"SAE k={k}"


PAIRS = (
    (sparse_name(16), "sentence embedding"),
    (sparse_name(128), "dense max"),
)
"""The two comparisons that the SAE has to win on average."""


@dataclass(frozen=True)
class Difference:
    """Mean difference of two methods over tasks, with its interval, and how many tasks either wins."""

    mean: float
    low: float
    high: float
    wins: int
    losses: int
    tasks: int

    def __str__(self) -> str:
        counts = f"better on {self.wins}, worse on {self.losses} of {self.tasks} tasks"
        return f"{self.mean:+.4f} ({self.low:+.4f} to {self.high:+.4f}), {counts}"


def paired(one: Sequence[float], other: Sequence[float]) -> Difference:
    """Mean of `one` minus `other`, task by task; percentile bootstrap over tasks, 10 000 resamples, 95 %.

    Examples
    --------
    >>> print(paired([0.9, 0.8, 0.7], [0.8, 0.7, 0.6]))
    +0.1000 (+0.1000 to +0.1000), better on 3, worse on 0 of 3 tasks
    """
    gaps = np.asarray(one, dtype=float) - np.asarray(other, dtype=float)
    low, high = _interval(gaps)
    return Difference(float(gaps.mean()), low, high, int((gaps > 1e-12).sum()), int((gaps < -1e-12).sum()), len(gaps))


def _interval(gaps: NDArray[np.float64]) -> tuple[float, float]:
    random = np.random.default_rng(SEED)
    means = gaps[random.integers(len(gaps), size=(RESAMPLES, len(gaps)))].mean(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wide(results: pl.DataFrame, value: str) -> pl.DataFrame:
    """One row per task (in the order it came), one column per method."""
    about = ["task", "question", "train", "test"]
    return results.pivot("method", index=about, values=value, maintain_order=True)


def methods(table: pl.DataFrame) -> list[str]:
    """Columns of a wide table that are methods."""
    return table.columns[4:]


def means(table: pl.DataFrame) -> list[float]:
    """Mean over tasks of every method."""
    return [float(np.mean(table[name].to_numpy())) for name in methods(table)]


def differences(table: pl.DataFrame) -> dict[tuple[str, str], Difference]:
    """The two comparisons of `PAIRS`, as far as the table has their methods."""
    there = [pair for pair in PAIRS if set(pair) <= set(table.columns)]
    return {(a, b): paired(table[a].to_list(), table[b].to_list()) for a, b in there}


def report(table: pl.DataFrame, *, title: str, measure: str) -> str:
    """The table in Markdown, with means, the comparisons, and the tasks where the SAE loses."""
    names = methods(table)
    lines = [f"# {title}", "", f"{measure} of {table.height} tasks; bold: the best of a row.", ""]
    lines += [f"| task | train | test | {' | '.join(names)} |", "|---|--:|--:|" + "--:|" * len(names)]
    for row in table.iter_rows(named=True):
        lines.append(f"| {row['task']} | {row['train']} | {row['test'] or ''} | {cells([row[n] for n in names])} |")
    lines.append(f"| **mean** | | | {cells(means(table))} |")
    for (one, other), found in differences(table).items():
        lines += ["", f"**{one} minus {other}**: {found}.", "", losses(table, one, other)]
    return "\n".join(lines) + "\n"


def cells(values: Sequence[float]) -> str:
    """Figures of a row of a table, the best in bold."""
    best = max(round(value, 3) for value in values)
    return " | ".join(f"**{value:.3f}**" if round(value, 3) == best else f"{value:.3f}" for value in values)


def losses(table: pl.DataFrame, one: str, other: str) -> str:
    """The tasks on which a method is behind another, in words, those with the largest difference first."""
    lost = table.with_columns(gap=pl.col(one) - pl.col(other)).filter(pl.col("gap") < -1e-12).sort("gap")
    if lost.is_empty():
        return f"{one} loses nowhere."
    return (
        f"{one} loses on " + ", ".join(f"{task} ({gap:+.3f})" for task, gap in lost.select("task", "gap").rows()) + "."
    )
