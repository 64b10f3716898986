"""Every method of `saedata.probe` on the yes/no tasks of `probing`, in one table, and where the sparse probe loses.

    SAEDATA_BENCH_DATA=... python -m benchmarks.probe_tasks --out FOLDER [--tasks NAME ...]

Tasks, questions and parts are those of `benchmarks/probing/tasks.py`, fixed before any encoder was trained; of the 39
the first 25 are taken, as each costs two to three minutes of a processor (`--tasks` takes others). All their training
rows are used, at most 512 of each class, and of the test rows the first 500 of each class by hash. Each task is a frame
of the bundled encoder, and `probe` is called with its defaults, the parts and groups of the task, and the quiver of
arrows. "SAE" is the sparse probe whose k did best in cross-validation; nothing is chosen by test rows.

Frames and finished tasks are kept in the cache; of these a change of the probes' code makes new ones.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import saedata
from benchmarks.harness import RESULTS, Figure, Skipped, data
from benchmarks.probing.compare import cells, losses, means, methods, paired, wide
from benchmarks.probing.tasks import TASKS, load
from saedata.analysis.probe.methods import BASELINES, BOOSTING
from saedata.analysis.probe.result import ARROWS, ARROWS_WITH, SAE
from saedata.encoders import load_encoder
from saedata.folders import cache_folder
from saedata.probing.baselines import boosting_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.probing.compare import Difference
    from benchmarks.probing.tasks import Task
    from saedata.encoders import LoadedEncoder

TEST_EACH = 500
FEWEST, MOST = 25, 25
"""Tasks that a table has to have, and that `measure` takes, the first in the list."""

SEED = 0
_CODE = ("probing", "analysis/probe")


def measure() -> list[Figure]:
    """The first tasks; the tables are written beside the other results."""
    found = probed_tasks(TASKS[:MOST])
    write(found, RESULTS)
    return figures(table_of(found))


def probed_tasks(tasks: Sequence[Task]) -> pl.DataFrame:
    """A row for each task and method: its test AUC as ``value``, with an interval, and what was ``chosen``."""
    from joblib import Parallel, delayed

    folder = data("tweeteval.parquet").parent
    since, tables, code = time.monotonic(), [], _code()
    workers = Parallel(n_jobs=min(os.cpu_count() or 1, len(tasks)), batch_size=1, return_as="generator")
    for table in workers(delayed(_kept)(task.name, folder, code) for task in tasks):
        tables.append(table)
        spent = f"{time.monotonic() - since:.0f} s"
        print(f"{len(tables)} of {len(tasks)} tasks, {spent}: {table['task'][0]}", file=sys.stderr, flush=True)
    return pl.concat(tables)


def _kept(name: str, folder: Path, code: str) -> pl.DataFrame:
    """Results of a task, from the cache if they are there."""
    (task,) = (one for one in TASKS if one.name == name)
    rows = rows_of(task, folder)
    encoder = load_encoder()
    key = hashlib.sha256(repr((code, encoder.sae_sha256, encoder.reader.sha256, rows.rows())).encode()).hexdigest()
    path = cache_folder() / "probe_tasks" / f"{key[:24]}.parquet"
    if path.exists():
        return pl.read_parquet(path)
    found = probed(task, rows, encoder)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    found.write_parquet(draft)
    draft.replace(path)
    return found


def _code() -> str:
    """Hash of the code that fits probes."""
    place = Path(saedata.__file__).parent
    files = sorted(path for part in _CODE for path in (place / part).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def rows_of(task: Task, folder: Path) -> pl.DataFrame:
    """`text`, `label` ("yes", "no"), `part` and `group`; of each class in the test part the first rows by hash."""
    rows = load(task, folder)
    place = pl.int_range(pl.len()).over("part", "label")
    kept = rows.filter((pl.col("part") == "train") | (place < TEST_EACH))
    return kept.select("text", pl.col("label").replace_strict({0: "no", 1: "yes"}).alias("label"), "part", "group")


def probed(task: Task, rows: pl.DataFrame, encoder: LoadedEncoder) -> pl.DataFrame:
    """What `probe` says of a task, and how many of its test texts are nearly in the training part."""
    frame = saedata.embed(rows, text="text", encoder=encoder)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*in the training part too", category=UserWarning)
        found = saedata.probe(
            frame,
            label="label",
            positive="yes",
            split="part",
            group="group",
            arrows=True,
            disputes=0,
            evidence=0,
            seed=SEED,
            encoder=encoder,
        )
    name = pl.when(pl.col("k").is_null()).then("method").otherwise(pl.format("{} k={}", "method", "k"))
    about = {"task": task.name, "question": task.question}
    return found.table.filter(metric="auc").select(
        *(pl.lit(value).alias(key) for key, value in about.items()),
        "train",
        "test",
        pl.lit(found.leaks.height).alias("leaks"),
        name.alias("method"),
        "k",
        "value",
        "low",
        "high",
        "validation",
        "chosen",
        "best",
    )


def table_of(found: pl.DataFrame) -> pl.DataFrame:
    """One row per task, one column per method; the first is the sparse probe that validates best."""
    best = found.filter("best").with_columns(method=pl.lit(SAE))
    return wide(pl.concat([best, found.filter(pl.col("method") != SAE)]), "value").select(
        "task", "question", "train", "test", SAE, pl.exclude("task", "question", "train", "test", SAE)
    )


def baselines(table: pl.DataFrame) -> list[str]:
    """The dense and lexical methods of a table, and the quiver of them."""
    return [name for name in methods(table) if not name.startswith(SAE) and name != ARROWS_WITH]


def differences(table: pl.DataFrame) -> dict[str, Difference]:
    """SAE minus each baseline, paired by task; bootstrap over tasks."""
    return {name: paired(table[SAE].to_list(), table[name].to_list()) for name in baselines(table)}


def figures(table: pl.DataFrame) -> list[Figure]:
    """Size of the table, means, and differences."""
    wanted = {boosting_name() if name == BOOSTING else name for name in BASELINES} | {ARROWS, ARROWS_WITH, SAE}
    there = wanted & set(methods(table))
    rows = f"{table['train'].sum():,} training rows, {table['test'].sum():,} test rows"
    made = [
        Figure("tasks in one table", table.height, rows, (">=", FEWEST)),
        Figure("methods missing from it", len(wanted - there), f"{len(wanted)} methods", ("<=", 0)),
    ]
    for name, value in zip(methods(table), means(table), strict=True):
        made.append(Figure(f"mean test AUC, {name}", value, f"{table.height} tasks"))
    for name, gap in differences(table).items():
        made.append(Figure(f"test AUC, SAE minus {name}", gap.mean, _said(gap)))
    gap = paired(table[ARROWS_WITH].to_list(), table[ARROWS].to_list())
    return [*made, Figure(f"test AUC, {ARROWS_WITH} minus {ARROWS}", gap.mean, _said(gap))]


def _said(gap: Difference) -> str:
    return f"95 % interval {gap.low:+.4f} to {gap.high:+.4f}; won {gap.wins}, lost {gap.losses} of {gap.tasks} tasks"


def write(found: pl.DataFrame, folder: Path) -> None:
    """The table as CSV and Markdown, and every choice."""
    folder.mkdir(parents=True, exist_ok=True)
    table = table_of(found)
    table.write_csv(folder / "probe_tasks.csv", float_precision=4)
    found.drop("question").write_csv(folder / "probe_tasks_choices.csv", float_precision=6)
    (folder / "probe_tasks.md").write_text(report(table, found))


def report(table: pl.DataFrame, found: pl.DataFrame) -> str:
    """The table, the differences, and in words where the sparse probe loses."""
    names = methods(table)
    leaks = found.unique("task").filter(pl.col("leaks") > 0).sort("leaks", "task", descending=True)
    lines = ["# `saedata probe` on yes/no tasks", "", *_verdict(table), ""]
    lines += [f"Test AUC of {table.height} tasks; SAE: the sparse probe that validates best. Bold: best of a row.", ""]
    lines += [f"| task | train | test | {' | '.join(names)} |", "|---|--:|--:|" + "--:|" * len(names)]
    for row in table.iter_rows(named=True):
        lines.append(f"| {row['task']} | {row['train']} | {row['test']} | {cells([row[name] for name in names])} |")
    lines += [f"| **mean** | | | {cells(means(table))} |", ""]
    lines += ["| SAE minus | mean | 95 % interval over tasks | better | worse |", "|---|--:|--:|--:|--:|"]
    for name, gap in differences(table).items():
        lines.append(f"| {name} | {gap.mean:+.4f} | {gap.low:+.4f} to {gap.high:+.4f} | {gap.wins} | {gap.losses} |")
    lines += ["", "## Where the SAE loses", ""]
    lines += [f"- {name}: {losses(table, SAE, name)}" for name in baselines(table)]
    said = ", ".join(f"{task} ({n})" for task, n in leaks.select("task", "leaks").rows()) or "none"
    return "\n".join([*lines, "", f"Test texts that are nearly in the training part, kept: {said}."]) + "\n"


def _verdict(table: pl.DataFrame) -> Iterator[str]:
    """Which baselines are behind, ahead, or level on average, in words."""
    gaps = differences(table)
    kinds = {
        "The sparse probe is behind (interval below 0)": [name for name, gap in gaps.items() if gap.high < 0],
        "It is ahead of (interval above 0)": [name for name, gap in gaps.items() if gap.low > 0],
        "Undecided": [name for name, gap in gaps.items() if gap.low <= 0 <= gap.high],
    }
    for said, names in kinds.items():
        yield f"- {said}: {', '.join(f'{name} ({gaps[name].mean:+.3f})' for name in names) or 'none'}."
    gap = paired(table[ARROWS_WITH].to_list(), table[ARROWS].to_list())
    verb = "helps" if gap.low > 0 else "harms" if gap.high < 0 else "neither helps nor harms for sure"
    yield f"- Adding sparse probes to the quiver of baselines {verb}: {gap}."


def main() -> int:
    """Some tasks, with the tables in a folder of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    args = parser.parse_args()
    try:
        found = probed_tasks([task for task in TASKS if not args.tasks or task.name in args.tasks])
    except Skipped as reason:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        return 0
    write(found, args.out)
    for figure in figures(table_of(found)):
        print(*figure.cells(), sep=" | ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
