"""Probe the tasks with an encoder's features and with its baselines.

    SAEDATA_BENCH_DATA=... python -m benchmarks.probing.run [--encoder NAME_OR_FOLDER ...] [--validation] [--threshold]

Encoders, thresholds and options are to be chosen by `--validation`: it cross-validates within the training rows, and
test rows are dropped before anything is encoded. Without it the test rows are opened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import polars as pl

from benchmarks.harness import RESULTS, Figure, Skipped, data
from benchmarks.probing.cache import Source
from benchmarks.probing.compare import BASELINES, PAIRS, means, methods, paired, report, sparse_name, wide
from benchmarks.probing.evaluate import Options, Tasks, compare_forms, evaluate
from benchmarks.probing.tasks import TASKS, load
from saedata.encoders import load_encoder
from saedata.probing.features import Form

FORMS = ("0", "0.5", "1", "2", "0.1q", "0.2q", "0.3q", "0.5q", "value")
"""What `--threshold` compares when it is given none; differences are from the first."""


def measure() -> list[Figure]:
    """The bundled encoder on the test rows; writes the tables beside the other results."""
    tasks = tasks_with_rows()
    (results,) = evaluate(Source.of([load_encoder()]), tasks)
    table = wide(results, "test_auc")
    RESULTS.mkdir(exist_ok=True)
    table.write_csv(RESULTS / "probing_tasks.csv", float_precision=4)
    results.drop("question").write_csv(RESULTS / "probing_choices.csv", float_precision=6)
    (RESULTS / "probing_tasks.md").write_text(report(table, title="Sparse probing", measure="Test AUC"))
    return figures(table)


def figures(table: pl.DataFrame) -> list[Figure]:
    """The two comparisons with their targets, one with the sentence embedding of whole texts, every method's mean."""
    found = []
    whole = sparse_name(16), BASELINES[1]
    for one, other in (*PAIRS, whole):
        gap = paired(table[one].to_list(), table[other].to_list())
        n = f"{gap.tasks} tasks, 95 % interval {gap.low:+.4f} to {gap.high:+.4f}; won {gap.wins}, lost {gap.losses}"
        target = None if (one, other) == whole else (">=", 0.0)
        found.append(Figure(f"test AUC, {one} minus {other}", gap.mean, n, target))
    n = f"{table.height} tasks, {table['test'].sum():,} test rows"
    named = zip(methods(table), means(table), strict=True)
    return found + [Figure(f"mean test AUC, {name}", value, n) for name, value in named]


def tasks_with_rows(*, validation: bool = False, most: int | None = None) -> Tasks:
    """The tasks and their rows; for validation the training rows only."""
    folder = data("tweeteval.parquet").parent
    kept = ["train"] if validation else ["train", "test"]
    return [(task, load(task, folder).filter(pl.col("part").is_in(kept))) for task in TASKS[:most]]


def main() -> int:
    """Parse the command line, print the report, and write it where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", action="append", help="name or folder; several share one pass over the texts")
    parser.add_argument("--validation", action="store_true", help="cross-validated AUC; test rows stay closed")
    parser.add_argument("--threshold", nargs="*", metavar="T", help="compare on/off above T, or above a share: 0.3q")
    parser.add_argument("--sae-only", action="store_true", help="leave out the dense and lexical baselines")
    parser.add_argument("--tasks", type=int, help="the first few tasks only")
    parser.add_argument("--cache", type=Path, help="where encoded texts are kept")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--out", type=Path, help="folder for the tables")
    args = parser.parse_args()
    if args.threshold is not None and not args.validation:
        parser.error("--threshold chooses an option, so it goes with --validation")
    args.encoder = args.encoder or ["minilm"]
    try:
        tasks = tasks_with_rows(validation=args.validation, most=args.tasks)
    except Skipped as reason:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        return 0
    loaded = [load_encoder(name, device=args.device, precision=args.precision) for name in args.encoder]
    source = Source.of(loaded, cache=args.cache, device=args.device, precision=args.precision)
    run = _probe if args.threshold is None else _compare_forms
    run(args, source, tasks)
    return 0


def _probe(args: argparse.Namespace, source: Source, tasks: Tasks) -> None:
    found = evaluate(source, tasks, Options(baselines=not args.sae_only))
    value, measured = ("cv_auc", "Cross-validated AUC (training rows)") if args.validation else ("test_auc", "Test AUC")
    for name, results in zip(args.encoder, found, strict=True):
        table = wide(results, value)
        text = report(table, title=str(name), measure=measured)
        print(text)
        _write(args.out, Path(name).name, table, text)


def _compare_forms(args: argparse.Namespace, source: Source, tasks: Tasks) -> None:
    forms = [Form.parsed(text) for text in args.threshold or FORMS]
    for name, table in zip(args.encoder, compare_forms(source, tasks, forms), strict=True):
        print(f"# {name}: cross-validated AUC by what is read of a feature, mean of {len(tasks)} tasks\n")
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, float_precision=4, tbl_width_chars=250):
            print(table)
        _write(args.out, f"{Path(name).name}-thresholds", table, None)


def _write(out: Path | None, name: str, table: pl.DataFrame, text: str | None) -> None:
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    table.write_csv(out / f"{name}.csv", float_precision=4)
    if text is not None:
        (out / f"{name}.md").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
