"""What is toxic: the figures of `toxicity` in each corpus, its features, and whom it wrongs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.toxicity import toxicity
from saedata.analysis.toxicity.methods import BASELINES, DENSE, HEAD
from saedata.reports.asked import Answer, ask_each
from saedata.reports.features import Example, Feature, in_turn, named, passages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.toxicity import Toxicity
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

WITHOUT_ENCODER = {"baselines": tuple(name for name in BASELINES if name != DENSE)}
"""Methods that do not read the hook layer."""

OWN, MEAN = "each its own", "mean"


@dataclass(frozen=True)
class Figure:
    """How well a method tells toxic documents.

    Parameters
    ----------
    f1, low, high, auc
        As in `toxicity`.
    """

    f1: float | None
    low: float | None
    high: float | None
    auc: float | None


@dataclass(frozen=True)
class Judged:
    """All methods in one language, each learnt from that language.

    Parameters
    ----------
    language
        Which; "mean": over all.
    documents
        That judge; None: a mean.
    figures
        By method.
    """

    language: str
    documents: int | None
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Sign:
    """A feature that is more frequent in toxic documents.

    Parameters
    ----------
    language, toxic, clean, difference, low, high, in_rule
        As in `toxicity`.
    feature
        Which feature.
    examples
        Toxic documents where it is strongest.
    """

    language: str
    feature: Feature
    toxic: float
    clean: float
    difference: float
    low: float
    high: float
    in_rule: bool
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Wronged:
    """Clean documents that mention an identity, beside those that do not.

    Parameters
    ----------
    language, mentioned, others, fpr_mentioned, fpr_others, difference, low, high
        As in `toxicity`.
    """

    language: str
    mentioned: int
    others: int
    fpr_mentioned: float | None
    fpr_others: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Toxic:
    """What is toxic in one corpus.

    Parameters
    ----------
    label
        The column.
    languages
        Their names; one that is null where no column names them.
    methods
        Names, the features' first.
    judged
        A row for each language, and their mean where there are several.
    signs
        Features of each language.
    wronged
        False alarms of the head on documents that mention an identity.
    found
        What `toxicity` returned.
    """

    label: str
    languages: tuple[str, ...]
    methods: tuple[str, ...]
    judged: tuple[Judged, ...]
    signs: tuple[Sign, ...]
    wronged: tuple[Wronged, ...]
    found: Toxicity = field(repr=False, compare=False)


def toxic(sides: Sequence[Counted], settings: Settings) -> tuple[Answer[Toxic], ...]:
    """Ask what is toxic by the columns that the settings name.

    Parameters
    ----------
    sides
        The corpora.
    settings
        Options of the report.
    """
    label, language = settings.toxic, settings.language
    if label is None:
        return ()
    options = {
        "label": label,
        "language": language,
        "efficiency": False,
        "evidence": settings.examples,
        "level": settings.level,
        "seed": settings.seed,
    }
    columns = [label] if language is None else [label, language]
    answers = ask_each(sides, toxicity, columns=columns, options=options, without_encoder=WITHOUT_ENCODER)
    dress = partial(_dressed, label=label, settings=settings)
    return tuple(answer.dressed(partial(dress, side=side)) for side, answer in answers)


def _dressed(found: Toxicity, side: Counted, label: str, settings: Settings) -> Toxic:
    table = found.table.filter(pl.col("best"))
    same = pl.col("train_language") == pl.col("test_language")
    mean = (pl.col("train_language") == OWN) & (pl.col("test_language") == MEAN)
    own = table.filter(same | mean).sort(pl.col("test_language") == MEAN, maintain_order=True)
    languages = own.filter(pl.col("test_language") != MEAN)["test_language"].unique(maintain_order=True).to_list()
    return Toxic(
        label=label,
        languages=tuple(languages),
        methods=tuple(own["method"].unique(maintain_order=True).to_list()),
        judged=tuple(_judged(rows) for rows in own.partition_by("test_language", maintain_order=True)),
        signs=_signs(in_turn(found.features, "language", settings.features), side),
        wronged=_wronged(found.fairness),
        found=found,
    )


def _judged(rows: pl.DataFrame) -> Judged:
    figures = {
        row["method"]: Figure(*(row[name] for name in ("f1", "low", "high", "auc"))) for row in rows.rows(named=True)
    }
    return Judged(rows["test_language"][0], rows["test"][0], figures)


def _signs(rows: pl.DataFrame, side: Counted) -> tuple[Sign, ...]:
    names = named([side.frame], rows["feature"].to_list())
    texts = passages(
        side.frame, [(row["feature"], doc) for row in rows.iter_rows(named=True) for doc in row["evidence"]]
    )
    figures = ("language", "toxic", "clean", "difference", "low", "high", "in_rule")

    def sign(row: dict[str, Any]) -> Sign:
        shown = tuple(texts[row["feature"], doc] for doc in row["evidence"])
        return Sign(feature=names[row["feature"]], examples=shown, **{name: row[name] for name in figures})

    return tuple(sign(row) for row in rows.iter_rows(named=True))


def _wronged(fairness: pl.DataFrame) -> tuple[Wronged, ...]:
    rows = fairness.filter(pl.col("method") == HEAD, pl.col("mentioned") > 0)
    figures = ("language", "mentioned", "others", "fpr_mentioned", "fpr_others", "difference", "low", "high")
    return tuple(Wronged(*(row[name] for name in figures)) for row in rows.iter_rows(named=True))
