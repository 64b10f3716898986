"""What `languages` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.analysis.languages.found import Thresholds
    from saedata.probing.detector import Detector

TABLE = pl.Schema(
    {
        "language": pl.String(),
        "rank": pl.UInt32(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "share": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "share_random": pl.Float64(),
        "share_others": pl.Float64(),
        "other": pl.String(),
        "evidence": pl.List(pl.UInt32()),
    }
)
COUNTS = pl.Schema(
    {
        "language": pl.String(),
        "features": pl.UInt32(),
        "dropped": pl.UInt32(),
        "train": pl.UInt32(),
        "test": pl.UInt32(),
        "latin": pl.Boolean(),
    }
)
MATRIX = pl.Schema({"language": pl.String(), "other": pl.String(), "share": pl.Float64(), "features": pl.UInt32()})
CONVERGENCE = pl.Schema(
    {"language": pl.String(), "documents": pl.UInt32(), "features": pl.Float64(), "jaccard": pl.Float64()}
)
IDENTIFICATION = pl.Schema(
    {"method": pl.String(), "scope": pl.String(), "languages": pl.UInt32(), "features": pl.UInt32()}
    | dict.fromkeys(["accuracy", "low", "high", "difference", "difference_low", "difference_high"], pl.Float64())
    | {"documents": pl.UInt32()}
)
MIX = pl.Schema({"language": pl.String(), "documents": pl.UInt32(), "share": pl.Float64(), "labelled": pl.UInt32()})
SWITCHING = pl.Schema(
    {
        "doc": pl.UInt32(),
        "language": pl.String(),
        "other": pl.String(),
        "score": pl.Float64(),
        "usual": pl.Float64(),
        "words": pl.List(pl.String()),
        "starts": pl.List(pl.UInt32()),
        "stops": pl.List(pl.UInt32()),
    }
)


@dataclass(frozen=True, eq=False)
class Languages:
    """Features of each language, and what they tell, as a few tables.

    Attributes
    ----------
    table
        The features found: ``language``, ``rank`` (by ``share`` less that in the other languages, as `limits` counts
        it), ``feature``, ``label``, ``kind``, ``share`` of the language's training documents where it is on (Wilson
        interval ``low`` to ``high``), ``share_random`` of the random sequences (null without them), ``share_others``
        (the largest share in any other language, the ``other``), and its strongest training documents as ``evidence``.
    dropped
        The same for those that only the random sequences rule out.
    counts
        Of each language the number of ``features``, of those ``dropped``, of documents in ``train`` and ``test``, and
        whether its script is ``latin``.
    matrix
        Mean ``share`` of the test documents of ``other`` in which the features of ``language`` are on.
    convergence
        Features found from few ``documents`` of every language: their mean number, and their ``jaccard`` index with
        those found from all; in the rows "mean" over the languages.
    identification
        Share of test documents whose language is told, mean over the languages of the ``scope`` ("all languages",
        "Latin script", or one): ``method`` ("features": logistic regression on the activations of at most so many
        features of each language; "on or off": naive Bayes on the same; "features, no random filter"; "character
        n-grams"; "dense"), ``accuracy`` with its interval, and its paired ``difference`` from the character n-grams.
    mix
        Documents of each predicted ``language`` in the corpus that was asked about, with their ``share``; ``labelled``
        says how many its column names, where it is the same corpus.
    switching
        Documents of that corpus that two languages explain better than any one, the clearest first: ``doc``, the
        ``language`` that is likelier and the ``other``, a ``score`` (log likelihood ratio of the two against the one
        that explains it best, over all features found; of monolingual training documents seldom more than ``usual``),
        and the ``words`` that speak for the other one, from ``starts`` to ``stops``.
    limits
        The thresholds.
    detector
        Tells the language, for `classify`; None where there is one language.
    """

    table: pl.DataFrame
    dropped: pl.DataFrame
    counts: pl.DataFrame
    matrix: pl.DataFrame
    convergence: pl.DataFrame
    identification: pl.DataFrame
    mix: pl.DataFrame
    switching: pl.DataFrame
    limits: Thresholds
    detector: Detector | None

    def save(self, path: str | Path) -> None:
        """Write the detector as JSON, for `classify`.

        Raises
        ------
        InputError
            There is one language, so nothing to tell, or the file cannot be written.
        """
        if self.detector is None:
            msg = "there is no detector of languages: it needs two languages with features"
            raise InputError(msg)
        self.detector.save(path)
