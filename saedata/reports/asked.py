"""Analyses that a section asks of each corpus: what they found, or one sentence that says why there is nothing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from saedata.errors import CorpusError, EncoderError, FrameError, InputError
from saedata.reports.together import CORPORA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from saedata.frame import Embeddings
    from saedata.reports.corpora import Counted

Found = TypeVar("Found")
Shown = TypeVar("Shown")


@dataclass(frozen=True, eq=False)
class Answer(Generic[Found]):
    """What an analysis said of one corpus.

    Parameters
    ----------
    name
        The corpus.
    found
        What it found; None: it refused.
    notes
        What it warned of, and what it did without.
    refused
        Why there is nothing: one sentence; empty where something was found.
    """

    name: str
    found: Found | None
    notes: tuple[str, ...] = ()
    refused: str = ""

    def dressed(self, dress: Callable[[Found], Shown]) -> Answer[Shown]:
        """The same with names and examples."""
        return Answer(self.name, None if self.found is None else dress(self.found), self.notes, self.refused)


def ask_each(
    sides: Sequence[Counted],
    analysis: Callable[..., Found],
    *,
    columns: Sequence[str] = (),
    options: Mapping[str, Any],
    without_encoder: Mapping[str, Any],
) -> list[tuple[Counted, Answer[Found]]]:
    """Ask an analysis of each of the first corpora.

    Parameters
    ----------
    sides
        The corpora; only the first `CORPORA` are looked at.
    analysis
        Called as ``analysis(frame, **options)``.
    columns
        Columns that a corpus must have to be asked about.
    options
        For all of them.
    without_encoder
        Options that it gets besides where the frame's encoder is needed and not here; the answer then says so.
    """
    return [(side, _ask(side, analysis, columns, options, without_encoder)) for side in sides[:CORPORA]]


def ask(
    name: str,
    frame: Embeddings,
    analysis: Callable[..., Found],
    *,
    options: Mapping[str, Any],
    without_encoder: Mapping[str, Any] | None = None,
) -> Answer[Found]:
    """Ask once.

    Parameters
    ----------
    name
        Of the corpus.
    frame, analysis, options, without_encoder
        See `ask_each`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            found, notes = _found(frame, analysis, options, without_encoder)
        except (CorpusError, FrameError):
            raise  # files are broken, which no page may hide
        except InputError as error:
            found, notes, refused = None, [], str(error)
        else:
            refused = ""
    for one in caught:
        if one.category is UserWarning:
            notes.append(str(one.message))
        else:  # of other libraries
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return Answer(name, found, tuple(dict.fromkeys(notes)), refused)


def _ask(
    side: Counted,
    analysis: Callable[..., Found],
    columns: Sequence[str],
    options: Mapping[str, Any],
    without_encoder: Mapping[str, Any],
) -> Answer[Found]:
    there = side.frame.scan_documents().collect_schema()
    if absent := [column for column in columns if column not in there]:
        return Answer(side.name, None, refused=f"{side.name} has no column “{absent[0]}”")
    return ask(side.name, side.frame, analysis, options=options, without_encoder=without_encoder)


def _found(
    frame: Embeddings,
    analysis: Callable[..., Found],
    options: Mapping[str, Any],
    without_encoder: Mapping[str, Any] | None,
) -> tuple[Found, list[str]]:
    try:
        return analysis(frame, **options), []
    except EncoderError as error:
        if without_encoder is None:
            raise
        why = f"What needs the frame's encoder is left out: {error.__cause__ or error}"
    return analysis(frame, **{**options, **without_encoder}), [why]
