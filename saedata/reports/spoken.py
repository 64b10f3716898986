"""Which features are a language's own: the figures of `languages` in each corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from saedata.analysis.languages import languages
from saedata.analysis.languages.identify import BASELINES, DENSE
from saedata.reports.asked import Answer, ask_each
from saedata.reports.features import Example, Feature, in_turn, named, passages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.languages import Languages
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

WITHOUT_ENCODER = {"baselines": tuple(name for name in BASELINES if name != DENSE), "random_sequences": 0}
"""Nothing is read again, and no random tokens are."""

EVERYWHERE = "all languages"


@dataclass(frozen=True)
class Language:
    """One language.

    Parameters
    ----------
    name, train, test, features
        As in `languages`.
    """

    name: str
    train: int
    test: int
    features: int


@dataclass(frozen=True)
class Own:
    """A feature that belongs to a language.

    Parameters
    ----------
    language, share, random, others, other
        As in `languages`; None: not known.
    feature
        Which feature.
    examples
        Documents of the language where it is strongest.
    """

    language: str
    feature: Feature
    share: float
    random: float | None
    others: float | None
    other: str | None
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Told:
    """How well a method tells languages.

    Parameters
    ----------
    method, accuracy, low, high
        As in `languages`, over all languages.
    """

    method: str
    accuracy: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Spoken:
    """Languages of one corpus.

    Parameters
    ----------
    column
        That names them.
    languages
        The languages.
    own
        Their features.
    told
        Methods that tell them; none where there is one language.
    switching
        Documents with features of another language than their own.
    found
        What `languages` returned.
    """

    column: str
    languages: tuple[Language, ...]
    own: tuple[Own, ...]
    told: tuple[Told, ...]
    switching: int
    found: Languages = field(repr=False, compare=False)


def spoken(sides: Sequence[Counted], settings: Settings) -> tuple[Answer[Spoken], ...]:
    """Ask which features belong to the languages that the settings' column names.

    Parameters
    ----------
    sides
        The corpora.
    settings
        Options of the report.
    """
    column = settings.language
    if column is None:
        return ()
    options = {"language": column, "evidence": settings.examples, "level": settings.level, "seed": settings.seed}
    answers = ask_each(sides, languages, columns=[column], options=options, without_encoder=WITHOUT_ENCODER)
    dress = partial(_dressed, column=column, settings=settings)
    return tuple(answer.dressed(partial(dress, side=side)) for side, answer in answers)


def _dressed(found: Languages, side: Counted, column: str, settings: Settings) -> Spoken:
    counts = found.counts.select("language", "train", "test", "features")
    told = found.identification.filter(pl.col("scope") == EVERYWHERE).select("method", "accuracy", "low", "high")
    return Spoken(
        column=column,
        languages=tuple(Language(*row) for row in counts.iter_rows()),
        own=_own(in_turn(found.table, "language", settings.features), side),
        told=tuple(Told(*row) for row in told.iter_rows()),
        switching=found.switching.height,
        found=found,
    )


def _own(rows: pl.DataFrame, side: Counted) -> tuple[Own, ...]:
    names = named([side.frame], rows["feature"].to_list())
    texts = passages(
        side.frame, [(row["feature"], doc) for row in rows.iter_rows(named=True) for doc in row["evidence"]]
    )
    return tuple(
        Own(
            language=row["language"],
            feature=names[row["feature"]],
            share=row["share"],
            random=row["share_random"],
            others=row["share_others"],
            other=row["other"],
            examples=tuple(texts[row["feature"], doc] for doc in row["evidence"]),
        )
        for row in rows.iter_rows(named=True)
    )
