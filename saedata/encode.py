"""The hot path: documents in, sparse rows out (reader, SAE, maximum over the document's tokens)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.corpus.chat import Conversation
from saedata.reader import Document, Window, batches, read_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from numpy.typing import NDArray

    from saedata.reader import Reader
    from saedata.sae.model import SAE
    from saedata.sae.sparse import Entries

_CPU_TOKENS, _GPU_TOKENS = 1024, 65_536
_CPU_CELLS, _GPU_CELLS = 2**21, 2**28


@dataclass(frozen=True)
class Encoded:
    """What a list of documents became.

    Attributes
    ----------
    documents
        One row per document, in order: tokens, features_on, variance_unexplained (null without tokens), windows.
    activations
        doc (position in the list), feature, value, start, stop; sorted by doc and feature.
    """

    documents: pl.DataFrame
    activations: pl.DataFrame


@dataclass(frozen=True)
class Rows:
    """Sparse rows of some tokens: parallel arrays, one entry per (token, feature) that is on.

    `doc` is the position of the document in the list that was read, `start` and `stop` the token's characters in it.
    """

    doc: NDArray[np.int64]
    feature: NDArray[np.int64]
    value: NDArray[np.float32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    def strongest(self) -> Rows:
        """Of each document and feature the strongest entry, the earliest of equals; sorted by both.

        The strongest is the one of largest magnitude; where features are signed it keeps its sign.
        """
        order = np.lexsort((self.start, -np.abs(self.value), self.feature, self.doc))
        doc, feature = self.doc[order], self.feature[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (doc[1:] != doc[:-1]) | (feature[1:] != feature[:-1])
        kept = order[first]
        return Rows(*(column[kept] for column in vars(self).values()))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Rows of several parts, one after the other."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def frame(self) -> pl.DataFrame:
        """The same as a table."""
        whole = pl.UInt32
        return pl.DataFrame(vars(self)).cast(
            {"doc": whole, "feature": whole, "value": pl.Float32, "start": whole, "stop": whole}
        )


_NONE = np.empty(0, dtype=np.int64)
_NOTHING = Rows(_NONE, _NONE, np.empty(0, dtype=np.float32), _NONE, _NONE)


def encode(
    texts: Sequence[Document],
    reader: Reader,
    sae: SAE,
    *,
    threshold: float = 0.0,
    token_budget: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Encoded:
    """Embed documents: of every SAE feature the strongest activation over the document's tokens, and where it was.

    Parameters
    ----------
    texts
        Documents: texts or conversations; null and empty ones get a row without features.
    reader, sae
        A pair: the SAE was trained on the reader's hidden states.
    threshold
        A feature counts as on above it (`features_on`), a signed feature where its magnitude is; every activation that
        is not zero is kept all the same.
    token_budget
        Tokens in a forward pass, padding included; the result does not depend on it beyond rounding. Default: what is
        fastest on the device.
    progress
        Called with the number of tokens just read.
    """
    windows = list(reader.windows(texts))
    token_budget = token_budget or default_token_budget(reader)
    parts, tokens, error, spread = [_NOTHING], *np.zeros((3, len(texts)))
    for batch in batches(windows, token_budget=token_budget):
        rows, doc, missed, varied = _encode_batch(batch, reader, sae)
        parts.append(rows.strongest())
        tokens += np.bincount(doc, minlength=len(texts))
        error += np.bincount(doc, missed, minlength=len(texts))
        spread += np.bincount(doc, varied, minlength=len(texts))
        progress(len(doc))
    rows = Rows.joined(parts).strongest()
    on = np.bincount(rows.doc[np.abs(rows.value) > threshold], minlength=len(texts))
    counts = np.bincount([window.document for window in windows], minlength=len(texts))
    unexplained = np.divide(error, spread, out=np.full(len(texts), np.nan), where=spread > 0)
    documents = pl.DataFrame(
        {
            "tokens": pl.Series(tokens, dtype=pl.UInt32),
            "features_on": pl.Series(on, dtype=pl.UInt32),
            "variance_unexplained": pl.Series(unexplained, dtype=pl.Float32).fill_nan(None),
            "windows": pl.Series(counts, dtype=pl.UInt32),
        }
    )
    return Encoded(documents, rows.frame())


def default_token_budget(reader: Reader) -> int:
    """Tokens in a forward pass: on a CPU what stays in its cache, on a GPU what fills it."""
    return tokens_at_once(reader.device.type)


def tokens_at_once(device: str) -> int:
    """The same for a kind of device, as torch names it."""
    return _CPU_TOKENS if device == "cpu" else _GPU_TOKENS


def encode_tokens(document: str | Conversation, reader: Reader, sae: SAE) -> pl.DataFrame:
    """Every token of one document with every feature that is on there.

    Returns
    -------
    polars.DataFrame
        token (its text), start, stop, feature, value; in reading order. Tokens with nothing on are left out.
    """
    rows = encode_windows(list(reader.windows([document])), reader, sae, token_budget=1)
    text = (document.text or "") if isinstance(document, Conversation) else document
    frame = rows.frame().sort("start", "feature", maintain_order=True)
    span = [text[a:b] for a, b in frame.select("start", "stop").iter_rows()]
    return frame.select(pl.Series("token", span, dtype=pl.String), "start", "stop", "feature", "value")


def encode_windows(windows: Sequence[Window], reader: Reader, sae: SAE, *, token_budget: int | None = None) -> Rows:
    """Every token of some windows with every feature that is on there; see `encode` for the parameters."""
    found = batches(windows, token_budget=token_budget or default_token_budget(reader))
    return Rows.joined([_NOTHING, *(_encode_batch(batch, reader, sae)[0] for batch in found)])


def _encode_batch(
    batch: Sequence[Window], reader: Reader, sae: SAE
) -> tuple[Rows, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Sparse rows of a batch; and for each token its document, squared error and squared distance from the mean."""
    import torch

    hidden, batch = read_windows(reader, batch)
    x = hidden.to(sae.W_enc.device, sae.W_enc.dtype)
    with torch.inference_mode():
        on = sae.encode_entries(x, cells=_CPU_CELLS if x.device.type == "cpu" else _GPU_CELLS)
        missed, varied = _misfit(x, on, sae)
    doc = np.repeat([window.document for window in batch], [window.pooled.sum() for window in batch])
    where = on.token.cpu().numpy()
    starts = np.concatenate([window.starts[window.pooled] for window in batch])
    stops = np.concatenate([window.stops[window.pooled] for window in batch])
    rows = Rows(doc[where], on.feature.cpu().numpy(), on.value.float().cpu().numpy(), starts[where], stops[where])
    return rows, doc, missed.double().cpu().numpy(), varied.double().cpu().numpy()


def _misfit(x: torch.Tensor, on: Entries, sae: SAE) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared error of each token's reconstruction, and its squared distance from the mean.

    A transcoder rebuilds the states of another hook, which are not read: both are zero, and say nothing.
    """
    if sae.transcoder:
        return x.new_zeros(len(x)), x.new_zeros(len(x))
    return (sae.decode_entries(on, x) - x).square().sum(1), (x - sae.mean).square().sum(1)
