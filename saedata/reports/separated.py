"""Which single features tell concepts apart: the figures of `separability` in each corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from saedata.analysis.separability import separability
from saedata.reports.asked import Answer, ask_each
from saedata.reports.features import Example, Feature, in_turn, named, passages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.separability import Separability
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

WITHOUT_ENCODER = {"against": ()}


@dataclass(frozen=True)
class Units:
    """How well one kind of units separates the concepts.

    Parameters
    ----------
    name, live, mean, max, held_out
        As in `separability`.
    """

    name: str
    live: int
    mean: float
    max: float
    held_out: float | None


@dataclass(frozen=True)
class Teller:
    """A feature that tells a concept from the others.

    Parameters
    ----------
    concept, direction, distance, low, high, inside, outside, q
        As in `separability`.
    feature
        Which feature.
    examples
        Documents that show it.
    """

    concept: str
    feature: Feature
    direction: str
    distance: float
    low: float
    high: float
    inside: float
    outside: float
    q: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Separated:
    """How well single units tell the concepts of one corpus apart.

    Parameters
    ----------
    label
        The column.
    concepts, documents
        How many there are.
    units
        Features first, then dense units.
    tellers
        The best features of each concept.
    table
        What they are chosen from.
    found
        What `separability` returned.
    """

    label: str
    concepts: int
    documents: int
    units: tuple[Units, ...]
    tellers: tuple[Teller, ...]
    table: pl.DataFrame = field(repr=False, compare=False)
    found: Separability = field(repr=False, compare=False)


def separated(sides: Sequence[Counted], settings: Settings) -> tuple[Answer[Separated], ...]:
    """Ask how well features separate the values of the label that the settings name.

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
        "threshold": settings.threshold,
        "evidence": settings.examples,
        "level": settings.level,
        "seed": settings.seed,
    }
    answers = ask_each(sides, separability, columns=[label], options=options, without_encoder=WITHOUT_ENCODER)
    dress = partial(_dressed, label=label, settings=settings)
    return tuple(answer.dressed(partial(dress, side=side)) for side, answer in answers)


def _dressed(found: Separability, side: Counted, label: str, settings: Settings) -> Separated:
    summary = found.summary.rows(named=True)
    concepts = found.concepts
    if summary[0]["concepts"] == 2:  # what tells one tells the other: named once, where it is stronger
        concepts = concepts.filter(pl.col("direction") == "more")
    return Separated(
        label=label,
        concepts=summary[0]["concepts"],
        documents=summary[0]["documents"],
        units=tuple(Units(row["units"], row["live"], row["mean"], row["max"], row["held_out"]) for row in summary),
        tellers=_tellers(in_turn(concepts, "concept", settings.features), side),
        table=concepts,
        found=found,
    )


def _tellers(rows: pl.DataFrame, side: Counted) -> tuple[Teller, ...]:
    names = named([side.frame], rows["feature"].to_list())
    texts = passages(
        side.frame, [(row["feature"], doc) for row in rows.iter_rows(named=True) for doc in row["evidence"]]
    )
    return tuple(
        Teller(
            concept=row["concept"],
            feature=names[row["feature"]],
            direction=row["direction"],
            distance=row["js"],
            low=row["low"],
            high=row["high"],
            inside=row["share_inside"],
            outside=row["share_outside"],
            q=row["q"],
            examples=tuple(texts[row["feature"], doc] for doc in row["evidence"]),
        )
        for row in rows.iter_rows(named=True)
    )
