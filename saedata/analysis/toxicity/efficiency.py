"""How many discovery documents are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.toxicity.figures import mean_of, measured
from saedata.analysis.toxicity.methods import HEAD, RULE, fit_methods
from saedata.analysis.toxicity.result import EFFICIENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.toxicity.documents import Documents
    from saedata.analysis.toxicity.figures import Interval
    from saedata.analysis.toxicity.methods import Fitted, Material, Settings
    from saedata.analysis.toxicity.training import Training
    from saedata.probing.metrics import Drawn

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
FEWEST = 5
"""Documents of each class that a part of the discovery must have."""

MEAN = "mean"


def efficiency_rows(
    docs: Documents,
    material: Material,
    own: Sequence[Training],
    settings: Settings,
    interval: Interval,
    *,
    repeats: int,
    done: Callable[[float], None],
) -> pl.DataFrame:
    """Learn again from parts of the discovery documents of each language.

    Parameters
    ----------
    docs, material
        All documents.
    own
        What each language learnt from all of its own.
    settings, interval
        Of fits and figures.
    repeats
        Random parts of each size, whose figures are averaged.
    done
        Called with the number of languages just done.
    """
    rows: list[dict[str, Any]] = []
    for one in own:
        assert one.own is not None
        test = docs.evaluation(one.own)
        for share in SHARES:
            parts = _parts(docs, one.train, share, repeats, settings.seed)
            if not parts:
                continue
            fits = [_fitted(docs, material, part, settings) for part in parts] if share < 1 else [_whole(one)]
            for method, drawn in _figures(docs, test, fits, interval.of(one.own)).items():
                low, high = drawn.interval("f1", interval.level)
                about = {"language": one.name, "method": method, "share": share, "documents": len(parts[0])}
                rows.append(about | {"f1": drawn.value, "low": low, "high": high, "drawn": drawn})
        done(1)
    rows += _means(rows, len(own), interval)
    return _with_kept(rows)


def _parts(docs: Documents, train: NDArray[np.int64], share: float, repeats: int, seed: int) -> list[NDArray[np.int64]]:
    """Random parts with both classes in proportion."""
    if share == 1:
        return [train]
    found = []
    for repeat in range(repeats):
        rng = np.random.default_rng((seed, repeat))
        chosen = []
        for side in (0, 1):
            own = rng.permutation(train[docs.y[train] == side])
            chosen.append(own[: round(share * len(own))])
        if min(map(len, chosen)) < FEWEST:
            return []
        found.append(np.sort(np.concatenate(chosen)))
    return found


def _whole(one: Training) -> list[Fitted | None]:
    return [one.best(RULE), one.best(HEAD)]


def _fitted(docs: Documents, material: Material, part: NDArray[np.int64], settings: Settings) -> list[Fitted | None]:
    fits = fit_methods(docs, material, part, (RULE, HEAD), settings)
    return [next(one for one in fits if one.method == name and one.best) for name in (RULE, HEAD)]


def _figures(
    docs: Documents, test: NDArray[np.int64], fits: Sequence[Sequence[Fitted | None]], interval: Interval
) -> dict[str, Drawn]:
    known = [fit for each in fits for fit in each if fit is not None]
    drawn = measured(docs.y[test], [fit.say(test) for fit in known], interval)
    found: dict[str, list[Drawn]] = {}
    for fit, one in zip(known, drawn, strict=True):
        found.setdefault(fit.method, []).append(one["f1"])
    return {method: mean_of(each) for method, each in found.items()}


def _means(rows: Sequence[dict[str, Any]], languages: int, interval: Interval) -> list[dict[str, Any]]:
    """Means over the languages, where all of them are there."""
    if languages == 1:
        return []
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["share"]), []).append(row)
    made = []
    for (method, share), each in groups.items():
        if len(each) < languages:
            continue
        drawn = mean_of([row["drawn"] for row in each])
        low, high = drawn.interval("f1", interval.level)
        about = {"language": MEAN, "method": method, "share": share, "documents": sum(row["documents"] for row in each)}
        made.append(about | {"f1": drawn.value, "low": low, "high": high})
    return made


def _with_kept(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    table = pl.DataFrame([{name: row.get(name) for name in EFFICIENCY} for row in rows], schema=EFFICIENCY)
    whole = table.filter(pl.col("share") == 1).select("language", "method", whole="f1")
    joined = table.join(whole, on=["language", "method"], how="left", maintain_order="left")
    kept = pl.when(pl.col("whole") > 0).then(pl.col("f1") / pl.col("whole"))
    return joined.with_columns(kept=kept).select(list(EFFICIENCY))
