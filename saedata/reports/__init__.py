"""The corpus report: one HTML file that opens anywhere, needs no network and runs no script.

`model` gathers every number, `charts` and `saedata.plots` draw, `words` puts numbers into sentences, `render` makes
the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from saedata.plots.files import check_place, write_atomically
from saedata.reports.model import Settings, gather
from saedata.reports.render import render

if TYPE_CHECKING:
    from saedata.analysis.diff import Duplicates
    from saedata.frame import Embeddings

__all__ = ["report"]

PAIRS, FEWEST_FOR_PAIRS = 5, 500
"""Pairs shown unless a number is given, and documents from which on."""


def report(
    *frames: Embeddings,
    out: str | Path,
    title: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.95,
    features: int = 20,
    examples: int = 3,
    pairs: int | None = None,
    seed: int = 0,
    command: str | None = None,
) -> Path:
    """Write a report on one corpus, or on how a corpus differs from others.

    The same frames and options give the same bytes. Features that are on in at least 95% of the documents of every
    corpus are tested like all others, but left out of what is shown.

    Parameters
    ----------
    frames
        One corpus: what is in it. Two or more: how the first differs from the others.
    out
        The HTML file to write; one that exists is replaced.
    title
        Heading; None: made from the names of the corpora.
    duplicates
        "once": documents of equal text weigh once a side; "keep": every document weighs.
    threshold
        What an activation must exceed to count as on; None: the encoder's own threshold.
    level
        Confidence level of the intervals, between 0 and 1.
    features
        Features shown for each direction, at least 1.
    examples
        Example documents for each feature and side; 0 for none.
    pairs
        Pairs of features that go together, shown for each corpus (of three at most); 0 leaves the section out. None:
        five where a corpus has at least 500 documents; in fewer, what stands out is mostly odd.
    seed
        Passed to the analyses.
    command
        The command line shown as the one that makes this report; None: one made from the frames' folders.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        There is no frame, an option is out of range, a corpus is empty, or the file cannot be written.
    MismatchError
        The corpora were not embedded alike.

    Examples
    --------
    >>> report(saedata.open("willow.sae"), saedata.open("flint.sae"), out="report.html")  # doctest: +SKIP
    PosixPath('report.html')
    """
    if pairs is None:
        pairs = PAIRS if any(frame.n_documents >= FEWEST_FOR_PAIRS for frame in frames) else 0
    settings = Settings(title, duplicates, threshold, level, features, examples, pairs, seed, command)
    path = check_place(Path(out))
    write_atomically(path, render(gather(frames, settings)))
    return path
