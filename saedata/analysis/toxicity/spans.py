"""Which characters of a document a detector's features point at."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import MismatchError
from saedata.frame.compare import COMPARABLE, encoder_differences
from saedata.probing.frame_encoder import token_rows
from saedata.probing.terms import is_unspaced
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.probing.detector import Detector

SPANS = pl.Schema(
    {
        "doc": pl.UInt32(),
        "start": pl.UInt32(),
        "stop": pl.UInt32(),
        "text": pl.String(),
        "value": pl.Float32(),
        "features": pl.List(pl.String()),
    }
)

_BLOCK = 512


def toxic_spans(
    frame: Embeddings,
    detector: Detector,
    docs: Sequence[int] | None = None,
    *,
    tokens: bool = False,
    words: bool = True,
    encoder: LoadedEncoder | None = None,
) -> pl.DataFrame:
    """Find the character spans on which features of a detector speak for "yes".

    Both rules are those of Breaking Bad Tokens (2505.14536), as detectors: per input, a document counts where any token
    exceeds a feature's level; per token, each token that does.

    Parameters
    ----------
    frame
        The documents; of the detector's encoder.
    detector
        Such as `Toxicity.detector` gives; features with a weight above 0 count, above their levels.
    docs
        Numbers of documents; None: all.
    tokens
        False: the one token of each document where a feature is strongest, which the frame holds. True: every token;
        the documents are read again with the encoder.
    words
        Widen spans to whole words, in scripts with spaces.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    polars.DataFrame
        ``doc``, ``start``, ``stop`` (characters, ascending; spans that touch are one), the ``text`` there, the largest
        ``value``, and names of the ``features``.

    Raises
    ------
    MismatchError
        The frame was made with another encoder than the detector.
    EncoderError
        `tokens` needs the encoder, which is not here.
    """
    words_for = (f"in {frame.name}", "in the detector")
    if found := encoder_differences(frame.encoder, detector.encoder, only=COMPARABLE, words=words_for):
        msg = f"{frame.name} and the detector do not fit: {'; '.join(found)}"
        raise MismatchError(msg)
    numbers = frame.doc_numbers if docs is None else np.unique(np.asarray(docs, dtype=np.uint32))
    levels = _levels(detector)
    parts = [pl.DataFrame(schema=SPANS)]
    with progress("finding spans", total=len(numbers), unit="documents") as done:
        for first in range(0, len(numbers), _BLOCK):
            some = frame.filter(pl.col("doc").is_in(pl.Series(numbers[first : first + _BLOCK]).implode()))
            texts = some.scan_documents().select("doc", pl.col("text").fill_null("")).sort("doc").collect()
            cells = token_rows(some, encoder=encoder) if tokens else some.scan().collect()
            cells = cells.join(levels, on="feature").filter(pl.col("value") > pl.col("level"))
            parts.append(_joined(cells, texts, words=words))
            done(texts.height)
    return pl.concat(parts)


def _levels(detector: Detector) -> pl.DataFrame:
    levels = detector.levels if detector.binary else np.full(len(detector.features), detector.encoder.threshold)
    speaks = detector.weights[:, 0] > 0
    names = pl.Series("name", detector.labels, dtype=pl.String)
    table = pl.DataFrame({"feature": detector.features, "level": levels.astype(np.float32)}).with_columns(names)
    return table.filter(pl.Series(speaks))


def _joined(cells: pl.DataFrame, texts: pl.DataFrame, *, words: bool) -> pl.DataFrame:
    """Spans of each document, those that touch as one."""
    known = dict(texts.iter_rows())
    rows: list[tuple[int, int, int, str, float, list[str]]] = []
    for (doc,), own in cells.sort("doc", "start", "stop", "feature").group_by("doc", maintain_order=True):
        text = known[doc]
        found: list[tuple[int, int, float, list[str]]] = []
        for start, stop, value, name in own.select("start", "stop", "value", "name").iter_rows():
            begin, end = _trimmed(text, start, stop)
            if end <= begin:
                continue
            begin, end = widened(text, begin, end) if words else (begin, end)
            if found and begin <= found[-1][1]:
                before = found.pop()
                names = before[3] if name in before[3] else [*before[3], name]
                found.append((min(before[0], begin), max(before[1], end), max(before[2], value), names))
            else:
                found.append((begin, end, value, [name]))
        rows += [(doc, begin, end, text[begin:end], value, names) for begin, end, value, names in found]
    return pl.DataFrame(rows, schema=SPANS, orient="row")


def _trimmed(text: str, start: int, stop: int) -> tuple[int, int]:
    """Without white space at either end."""
    piece = text[start:stop]
    return start + len(piece) - len(piece.lstrip()), stop - (len(piece) - len(piece.rstrip()))


def widened(text: str, start: int, stop: int) -> tuple[int, int]:
    """Grow a span to the ends of its words, where words are set apart by spaces.

    Examples
    --------
    >>> widened("so rudely said", 3, 7)
    (3, 9)
    """
    while start > 0 and _in_word(text[start - 1]) and _in_word(text[start]):
        start -= 1
    while stop < len(text) and _in_word(text[stop]) and _in_word(text[stop - 1]):
        stop += 1
    return start, stop


def _in_word(letter: str) -> bool:
    if is_unspaced(letter):
        return False
    return letter.isalnum() or letter == "_" or unicodedata.category(letter).startswith("M")
