"""Everything a report shows, gathered before a single line of it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saedata.errors import InputError
from saedata.frame.layout import RESERVED
from saedata.reports.alone import Characteristic, characteristic
from saedata.reports.asked import Answer
from saedata.reports.compared import Differences, differences
from saedata.reports.corpora import Corpus, Counted, Histogram, Idle, describe, distinct_names, histograms, idle
from saedata.reports.groups import Groups, groups
from saedata.reports.origin import Origin, origin
from saedata.reports.probed import Probed, probed
from saedata.reports.separated import Separated, separated
from saedata.reports.spoken import Spoken, spoken
from saedata.reports.together import Together, together
from saedata.reports.toxic import Toxic, toxic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.analysis.diff import Duplicates
    from saedata.frame import Embeddings


_LEAST = {"features": 1, "examples": 0, "pairs": 0}


@dataclass(frozen=True)
class Settings:
    """Options of a report; see `saedata.reports.report`."""

    title: str | None = None
    duplicates: Duplicates = "once"
    threshold: float | None = None
    level: float = 0.95
    features: int = 20
    examples: int = 3
    pairs: int = 5
    groups: bool = False
    label: str | None = None
    toxic: str | None = None
    language: str | None = None
    seed: int = 0
    command: str | None = None


@dataclass(frozen=True)
class Report:
    """All numbers and names of one report.

    Parameters
    ----------
    settings
        The options.
    corpora
        The target first.
    differences
        Of two or more corpora; None for one alone.
    alone
        Of one corpus alone: its most common features, and its rare but strong ones.
    together
        Pairs of features that go together, in each of the first corpora.
    groups
        Groups of documents of all corpora; None: nobody asked.
    probed, separated
        Of each of the first corpora: what predicts the label, and which features tell its values apart.
    toxic, spoken
        Of each of the first corpora: what is toxic, and which features are a language's own.
    idle
        Features that are left out because they are on nearly everywhere, and how many are on nowhere.
    histograms
        Features on, densities, lengths, variance unexplained.
    origin
        How it was made.
    """

    settings: Settings
    corpora: tuple[Corpus, ...]
    differences: Differences | None
    alone: Characteristic | None
    together: tuple[Together, ...]
    groups: Answer[Groups] | None
    probed: tuple[Answer[Probed], ...]
    separated: tuple[Answer[Separated], ...]
    toxic: tuple[Answer[Toxic], ...]
    spoken: tuple[Answer[Spoken], ...]
    idle: Idle
    histograms: tuple[Histogram, ...]
    origin: Origin


def gather(frames: Sequence[Embeddings], settings: Settings) -> Report:
    """Compute everything.

    Parameters
    ----------
    frames
        One or more; the first is the target.
    settings
        The options.

    Raises
    ------
    InputError
        There is no frame, an option is out of range, or a corpus has no documents.
    MismatchError
        The corpora were not embedded alike.
    """
    _check(frames, settings)
    names = distinct_names([frame.name for frame in frames])
    sides = [
        Counted.of(frame, name, duplicates=settings.duplicates, threshold=settings.threshold)
        for frame, name in zip(frames, names, strict=True)
    ]
    several = len(sides) > 1
    unshown = idle(sides)
    return Report(
        settings=settings,
        differences=differences(sides, settings, without=unshown.always) if several else None,
        alone=None if several else characteristic(sides[0], settings, without=unshown.always),
        together=together(sides, settings, without=unshown.always),
        groups=groups(sides, settings),
        probed=probed(sides, settings),
        separated=separated(sides, settings),
        toxic=toxic(sides, settings),
        spoken=spoken(sides, settings),
        idle=unshown,
        corpora=tuple(describe(side) for side in sides),
        histograms=histograms(sides),
        origin=origin(sides, settings),
    )


def _check(frames: Sequence[Embeddings], settings: Settings) -> None:
    msg = ""
    if not frames:
        msg = "there is nothing to report on; give at least one corpus"
    elif small := [name for name, least in _LEAST.items() if getattr(settings, name) < least]:
        msg = f"{small[0]} is {getattr(settings, small[0])}; it must be {_LEAST[small[0]]} or more"
    elif not 0 < settings.level < 1:
        msg = f"level is {settings.level}; it must be between 0 and 1, e.g. 0.95"
    elif settings.duplicates not in ("once", "keep"):
        msg = f"duplicates is {settings.duplicates!r}; it must be 'once' or 'keep'"
    elif settings.threshold is not None and not settings.threshold >= 0:
        msg = f"threshold is {settings.threshold}; it must be 0 or more"
    if msg:
        raise InputError(msg)
    for frame in frames:
        frames[0].check_comparable(frame)
        if frame.n_documents == 0:
            msg = f"{frame.name} has no documents, so there is nothing to report; give one that has some"
            raise InputError(msg)
    _check_columns(frames, settings)


def _check_columns(frames: Sequence[Embeddings], settings: Settings) -> None:
    """Refuse, before any work is done, a column that no corpus has."""
    there = {name: None for frame in frames for name in frame.scan_documents().collect_schema()}
    own = [name for name in there if name not in RESERVED]
    for option in ("label", "toxic", "language"):
        column = getattr(settings, option)
        if column is not None and column not in own:
            listed = ", ".join(map(repr, own)) or "none of their own"
            msg = f"{option} is {column!r}, but no corpus has such a column; their columns are: {listed}"
            raise InputError(msg)
