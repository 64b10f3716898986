"""The probing tasks again with features chosen by an L1 path: a second way, tried after the first missed at k = 16.

The rule of sae-probes ranks each feature for itself, so that the sixteen best can say the same thing sixteen times.
Here they enter an L1-penalised regression one after the other. All else is as before: training rows only, forms and
penalties by cross-validation. Baselines are those of `probing`, which has to run first.
"""

from __future__ import annotations

from benchmarks.harness import RESULTS, Figure, Skipped
from benchmarks.probing.cache import Source
from benchmarks.probing.compare import paired, sparse_name
from benchmarks.probing.evaluate import Options, evaluate
from benchmarks.probing.run import tasks_with_rows
from saedata.encoders import load_encoder
from saedata.probing.features import Form

FORMS = (Form(select="l1"), Form(0.0, select="l1"), Form(0.3, relative=True, select="l1"))
KS = (16, 128)
AGAINST = {16: ("sentence embedding", "sentence embedding, whole text"), 128: ("dense max", "dense mean")}


def measure() -> list[Figure]:
    """Mean test AUC at k = 16 and 128, and the paired differences from the baselines."""
    import polars as pl

    path = RESULTS / "probing_tasks.csv"
    if not path.exists():
        msg = "the baselines are not there: run `python -m benchmarks probing` first"
        raise Skipped(msg)
    baselines = pl.read_csv(path)
    options = Options(forms=FORMS, ks=KS, baselines=False)
    (found,) = evaluate(Source.of([load_encoder()]), tasks_with_rows(), options)
    figures = []
    for k in KS:
        own = found.filter(pl.col("method") == sparse_name(k)).select("task", "test_auc")
        table = own.join(baselines, on="task", how="inner", maintain_order="left")
        figures.append(Figure(f"mean test AUC, {sparse_name(k)} by L1 path", float(own["test_auc"].mean()), "39 tasks"))
        for at, other in enumerate(AGAINST[k]):
            gap = paired(table["test_auc"].to_list(), table[other].to_list())
            n = f"{gap.tasks} tasks, 95 % interval {gap.low:+.4f} to {gap.high:+.4f}; won {gap.wins}, lost {gap.losses}"
            name = f"test AUC, {sparse_name(k)} by L1 path minus {other}"
            figures.append(Figure(name, gap.mean, n, None if at else (">=", 0.0)))
    return figures
