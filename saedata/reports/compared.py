"""The differences that the report shows: rows of `diff`, dressed with names and examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.diff import diff
from saedata.reports.features import Example, Feature, examples, named
from saedata.stats import two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

ALPHA = 0.05
"""A difference stands out where its q is below this."""

SHOWN_IN_VAIN = 5
"""Rows shown for each direction where nothing stands out."""


@dataclass(frozen=True)
class Side:
    """One side of a difference.

    Parameters
    ----------
    name
        The corpus.
    on, documents
        In how many of its documents the feature is on, of how many.
    share
        Their ratio.
    examples
        Its strongest documents.
    """

    name: str
    on: int
    documents: int
    share: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Difference:
    """One row of `diff`.

    Parameters
    ----------
    feature
        Which feature.
    target, other
        The two sides.
    difference, low, high, p, q
        As in `diff`.
    """

    feature: Feature
    target: Side
    other: Side
    difference: float
    low: float
    high: float
    p: float
    q: float

    @property
    def stands_out(self) -> bool:
        """Whether it is more than chance explains."""
        return self.q < ALPHA


@dataclass(frozen=True)
class Differences:
    """All that is said about how the target differs.

    Parameters
    ----------
    tested
        Features tested.
    n_more, n_less
        How many stand out, more and less frequent in the target.
    more, less
        The largest of them that are shown (if none stands out on either side: the largest of all).
    seeable
        The smallest difference that would have stood out had it been the only one: for a feature absent from
        the other side, and for one on in half of its documents. None: not even the largest possible.
    table
        What `diff` returned.
    """

    tested: int
    n_more: int
    n_less: int
    more: tuple[Difference, ...]
    less: tuple[Difference, ...]
    seeable: tuple[float | None, float | None]
    table: pl.DataFrame = field(repr=False, compare=False)

    @property
    def found(self) -> int:
        """How many stand out in all."""
        return self.n_more + self.n_less


def differences(sides: Sequence[Counted], settings: Settings, *, without: NDArray[np.intp]) -> Differences:
    """Compare the first side with the others.

    Parameters
    ----------
    sides
        The target first.
    settings
        Options of the report.
    without
        Numbers of features that are tested and counted but not shown.
    """
    target, *others = sides
    table = diff(
        target.frame,
        *(side.frame for side in others),
        duplicates=settings.duplicates,
        threshold=settings.threshold,
        level=settings.level,
        seed=settings.seed,
        evidence=0,  # this module fetches the documents of the rows it shows, with their spans
    )
    out = table.filter(pl.col("q") < ALPHA)
    n_more, n_less = (int((out["difference"] > 0).sum()), int((out["difference"] < 0).sum()))
    rows = out if out.height else table
    rows = rows.filter(~pl.col("feature").is_in(without.tolist()))
    most = settings.features if out.height else min(settings.features, SHOWN_IN_VAIN)
    shown = [
        rows.filter(pl.col("difference") > 0).head(most),
        rows.filter(pl.col("difference") < 0).head(most),
    ]
    more, less = _dressed(shown, sides, settings.examples)
    return Differences(table.height, n_more, n_less, more, less, _seeable(sides, table.height), table)


def smallest_seeable(n: int, other_n: int, *, base: float, tested: int) -> float | None:
    """Find the smallest difference that stands out on its own among all features tested.

    Benjamini-Hochberg lets a single difference through where p <= 0.05 / number of tests.

    Parameters
    ----------
    n, other_n
        Documents on either side.
    base
        Share on the other side, in [0, 1).
    tested
        Number of tests, at least 1.

    Returns
    -------
    float or None
        The difference of shares; None if even a share of 1 would not stand out.

    Examples
    --------
    >>> smallest_seeable(100, 100, base=0.0, tested=1000)
    0.16
    """
    other_on = round(base * other_n)
    low = min(n, int(other_on / other_n * n) + 1)  # no fewer are more frequent at all
    high = n
    if not _seen(high, n, other_on, other_n, tested):
        return None
    while low < high:
        middle = (low + high) // 2
        seen = _seen(middle, n, other_on, other_n, tested)
        low, high = (low, middle) if seen else (middle + 1, high)
    return high / n - other_on / other_n


def _seen(on: int, n: int, other_on: int, other_n: int, tested: int) -> bool:
    return bool(two_proportion_p([on], n, [other_on], other_n)[0] <= ALPHA / tested)


def _seeable(sides: Sequence[Counted], tested: int) -> tuple[float | None, float | None]:
    """Hold against the smallest of the others, the hardest to beat."""
    n, other_n = sides[0].documents, min(side.documents for side in sides[1:])
    absent, half = (smallest_seeable(n, other_n, base=base, tested=max(tested, 1)) for base in (0.0, 0.5))
    return absent, half


def _dressed(tables: Sequence[pl.DataFrame], sides: Sequence[Counted], n: int) -> list[tuple[Difference, ...]]:
    rows = pl.concat(tables)
    features = rows["feature"].to_list()
    names = named([side.frame for side in sides], features)
    texts = {sides[0].name: examples(sides[0], features, n)}
    for side in sides[1:]:
        decided = rows.filter(pl.col("other_name") == side.name)["feature"].to_list()
        texts[side.name] = examples(side, decided, n)
    return [
        tuple(_difference(row, sides[0].name, names, texts) for row in table.iter_rows(named=True)) for table in tables
    ]


def _difference(
    row: Mapping[str, Any],
    target: str,
    names: Mapping[int, Feature],
    texts: Mapping[str, Mapping[int, tuple[Example, ...]]],
) -> Difference:
    number = row["feature"]
    mine, other = (
        Side(
            name=name,
            on=row[f"{which}_on"],
            documents=row[f"{which}_documents"],
            share=row[which],
            examples=texts[name][number],
        )
        for which, name in (("target", target), ("other", row["other_name"]))
    )
    statistics = {name: row[name] for name in ("difference", "low", "high", "p", "q")}
    return Difference(names[number], mine, other, **statistics)
