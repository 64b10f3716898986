"""What predicts a label: the figures of `probe` in each corpus, its features, and labels that look wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.probe import probe
from saedata.analysis.probe.methods import INPUTS
from saedata.reports.asked import Answer, ask_each
from saedata.reports.features import Example, Feature, in_turn, named, passages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.probe import Probing
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

DISPUTES = 5
"""Documents with disputed labels that are shown."""

SPARSE, QUIVER = "SAE", "quiver"

WITHOUT_ENCODER = {"baselines": tuple(name for name, reads in INPUTS.items() if reads in ("sentence", "texts", "none"))}
"""Methods that do not read the hook layer."""

METRICS = {
    "auc": "an area under the ROC curve of",
    "macro auc": "a mean area under the ROC curve over the classes of",
    "r2": "a share of the variance explained of",
}


@dataclass(frozen=True)
class Method:
    """One way to predict the label.

    Parameters
    ----------
    name, k, value, low, high, difference, difference_low, difference_high, best
        As in `probe`.
    """

    name: str
    k: int | None
    value: float
    low: float | None
    high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    best: bool

    @property
    def sparse(self) -> bool:
        """Whether it reads features."""
        return self.name == SPARSE


@dataclass(frozen=True)
class Reading:
    """A feature that the best sparse probe reads.

    Parameters
    ----------
    feature
        Which feature.
    speaks_for
        The class that its weight speaks for; of numbers "more" or "less".
    weight, inside, outside
        Its weight, and shares of the training documents where it is on: of two classes in the second and in the first,
        else in the class and in the others (None: of numbers).
    examples
        Documents where it is strongest.
    """

    feature: Feature
    speaks_for: str
    weight: float
    inside: float | None
    outside: float | None
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Disputed:
    """A document whose label the probe disputes.

    Parameters
    ----------
    label, predicted, score
        As in `probe`.
    because
        The feature that says most.
    example
        The document.
    """

    label: str
    predicted: str
    score: float
    because: Feature
    example: Example


@dataclass(frozen=True)
class Probed:
    """What predicts a label in one corpus.

    Parameters
    ----------
    label
        The column.
    metric
        Which figure is told.
    train, test
        Documents that taught and that tested.
    methods
        The best first.
    features
        Of the best sparse probe.
    of
        How many it reads.
    classes
        What it tells apart; nothing: numbers.
    disputed
        Labels that look wrong.
    table
        Of `probe`.
    """

    label: str
    metric: str
    train: int
    test: int
    methods: tuple[Method, ...]
    features: tuple[Reading, ...]
    of: int
    classes: tuple[str, ...]
    disputed: tuple[Disputed, ...]
    table: pl.DataFrame = field(repr=False, compare=False)

    @property
    def best(self) -> Method:
        """The sparse probe that validates best."""
        return next(method for method in self.methods if method.best)

    @property
    def rival(self) -> Method | None:
        """The best of the others."""
        return next((method for method in self.methods if not method.sparse), None)


def probed(sides: Sequence[Counted], settings: Settings) -> tuple[Answer[Probed], ...]:
    """Ask what predicts the label that the settings name.

    Parameters
    ----------
    sides
        The corpora.
    settings
        Options of the report.
    """
    label = settings.label
    if label is None:
        return ()
    options = {
        "label": label,
        "duplicates": settings.duplicates,
        "disputes": DISPUTES,
        "evidence": settings.examples,
        "level": settings.level,
        "seed": settings.seed,
    }
    answers = ask_each(sides, probe, columns=[label], options=options, without_encoder=WITHOUT_ENCODER)
    return tuple(answer.dressed(partial(_dressed, side=side, settings=settings)) for side, answer in answers)


def _dressed(found: Probing, side: Counted, settings: Settings) -> Probed:
    table = found.table.filter(pl.col("metric") == found.table["metric"][0], pl.col("value").is_not_null())
    table = table.filter(~pl.col("method").str.starts_with(QUIVER)).sort("value", descending=True, maintain_order=True)
    first = table.row(0, named=True)
    figures = ("k", "value", "low", "high", "difference", "difference_low", "difference_high", "best")
    methods = [Method(row["method"], *(row[name] for name in figures)) for row in table.iter_rows(named=True)]
    own = found.features.filter(pl.col("k") == found.best)
    return Probed(
        label=first["task"],
        metric=first["metric"],
        train=first["train"],
        test=first["test"],
        methods=tuple(methods),
        features=_features(_strongest(own, settings.features), found.detector.classes, side),
        of=own["feature"].n_unique(),
        classes=found.detector.classes,
        disputed=_disputed(found.disputed.head(DISPUTES), side),
        table=found.table,
    )


def _strongest(own: pl.DataFrame, most: int) -> pl.DataFrame:
    """The first features of a probe; of several classes those that speak most for each."""
    if own["class"].n_unique() == 1:
        return own.head(most)
    speaking = own.filter(pl.col("weight") > 0).sort("class", -pl.col("weight"), "rank")
    return in_turn(speaking, "class", most)


def _features(rows: pl.DataFrame, classes: tuple[str, ...], side: Counted) -> tuple[Reading, ...]:
    names = named([side.frame], rows["feature"].to_list())
    texts = passages(
        side.frame, [(row["feature"], doc) for row in rows.iter_rows(named=True) for doc in row["evidence"]]
    )
    return tuple(
        Reading(
            feature=names[row["feature"]],
            speaks_for=_speaks_for(row["weight"], row["class"], classes),
            weight=row["weight"],
            inside=row["share_inside"],
            outside=row["share_outside"],
            examples=tuple(texts[row["feature"], doc] for doc in row["evidence"]),
        )
        for row in rows.iter_rows(named=True)
    )


def _speaks_for(weight: float, name: str | None, classes: tuple[str, ...]) -> str:
    """Of two classes a negative weight speaks for the first."""
    if name is None:
        return "more" if weight > 0 else "less"
    return name if weight > 0 or len(classes) > 2 else classes[0]


def _disputed(rows: pl.DataFrame, side: Counted) -> tuple[Disputed, ...]:
    told: list[dict[str, Any]] = [row for row in rows.iter_rows(named=True) if row["feature_ids"]]
    names = named([side.frame], sorted({row["feature_ids"][0] for row in told}))
    texts = passages(side.frame, [(row["feature_ids"][0], row["doc"]) for row in told])
    return tuple(
        Disputed(
            label=row["label"],
            predicted=row["predicted"],
            score=row["score"],
            because=names[row["feature_ids"][0]],
            example=texts[row["feature_ids"][0], row["doc"]],
        )
        for row in told
    )
