"""The corpus report: one HTML file that opens anywhere, needs no network and runs no script.

`model` gathers every number, a module for each section; `pictures` draws, `words` and `verdicts` put numbers into
sentences, `contents` names the sections, `render` makes the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from saedata.plots.files import check_place, write_atomically
from saedata.reports.groups import wanted
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
    groups: bool | None = None,
    label: str | None = None,
    toxic: str | None = None,
    language: str | None = None,
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
    groups
        Whether the documents of all corpora are grouped and put on a map (of more than 5 000 a random choice). None:
        where there are at least 100.
    label
        Column whose values are predicted from features (see `saedata.probe`), and told apart by single ones (see
        `saedata.separability`), in each of the first three corpora that have it. None: no such sections.
    toxic
        Column that says what is toxic, see `saedata.toxicity`; with `language` in each language.
    language
        Column with the language, see `saedata.languages`.
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
        There is no frame, an option is out of range, a corpus is empty, no corpus has a column that was asked for, or
        the file cannot be written. What a section cannot answer, for example because there are too few documents, is
        no error: the section says so.
    MismatchError
        The corpora were not embedded alike.

    Examples
    --------
    >>> report(saedata.open("willow.sae"), saedata.open("flint.sae"), out="report.html")  # doctest: +SKIP
    PosixPath('report.html')
    """
    if pairs is None:
        pairs = PAIRS if any(frame.n_documents >= FEWEST_FOR_PAIRS for frame in frames) else 0
    settings = Settings(
        title=title,
        duplicates=duplicates,
        threshold=threshold,
        level=level,
        features=features,
        examples=examples,
        pairs=pairs,
        groups=wanted(frames) if groups is None else groups,
        label=label,
        toxic=toxic,
        language=language,
        seed=seed,
        command=command,
    )
    path = check_place(Path(out))
    write_atomically(path, render(gather(frames, settings)))
    return path
