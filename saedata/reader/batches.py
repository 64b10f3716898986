"""Windows in batches, and the hidden states of the tokens that count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from saedata.reader.model import Reader
    from saedata.reader.windows import Window


def batches(windows: Sequence[Window], *, token_budget: int) -> Iterator[list[Window]]:
    """Group windows of similar length, longest first, so that little of a batch is padding.

    Parameters
    ----------
    windows
        In any order; the order of equally long ones is kept.
    token_budget
        Most tokens in a batch, padding included; a single longer window is a batch of its own.
    """
    ordered = sorted(windows, key=lambda window: -len(window.ids))
    begin = 0
    while begin < len(ordered):
        fit = max(1, token_budget // _padded(len(ordered[begin].ids)))
        yield ordered[begin : begin + fit]
        begin += fit


def _padded(length: int) -> int:
    """Length of a batch: a multiple of 8, so that few shapes occur and memory of one serves the next."""
    return -(-length // 8) * 8


def read(reader: Reader, windows: Sequence[Window]) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """Hidden states of the tokens that count, one batch of windows at a time.

    Returns
    -------
    tuple
        Hidden states [tokens, d_model] of all pooled tokens, window after window, and how many each window has.
    """
    hidden, kept = read_windows(reader, windows)
    return hidden, np.array([window.pooled.sum() for window in kept])


def read_windows(reader: Reader, windows: Sequence[Window]) -> tuple[torch.Tensor, list[Window]]:
    """Hidden states of the tokens that count, and the windows as they were pooled.

    Returns
    -------
    tuple
        Hidden states [tokens, d_model], window after window; and the windows, without the tokens whose hidden state
        is longer than the reader's `norm_limit` allows.
    """
    ids, mask, pooled = padded(windows, reader.context)
    hidden = reader.hidden(ids, mask)
    pooled = pooled.to(hidden.device)
    if reader.norm_limit is None:
        return hidden[pooled], list(windows)
    pooled &= _ordinary(hidden, pooled, reader.norm_limit)
    kept = pooled.cpu().numpy()
    rows = zip(windows, kept, strict=True)
    return hidden[pooled], [replace(window, pooled=row[: len(window.ids)]) for window, row in rows]


def padded(windows: Sequence[Window], context: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids, attention mask and which tokens are pooled, each [windows, tokens]."""
    import torch

    longest = max(len(window.ids) for window in windows)
    longest = max(longest, min(_padded(longest), context))
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    pooled = torch.zeros(len(windows), longest, dtype=torch.bool)
    for row, window in enumerate(windows):
        size = len(window.ids)
        ids[row, :size] = torch.from_numpy(window.ids)
        mask[row, :size] = 1
        pooled[row, :size] = torch.from_numpy(window.pooled)
    return ids, mask, pooled


def _ordinary(hidden: torch.Tensor, pooled: torch.Tensor, limit: float) -> torch.Tensor:
    """Tokens whose hidden state is at most so many times longer than the median of their window's."""
    import torch

    norms = torch.linalg.vector_norm(hidden.float(), dim=-1)
    median = norms.masked_fill(~pooled, torch.nan).nanmedian(dim=1, keepdim=True).values
    ordinary: torch.Tensor = norms <= limit * median
    return ordinary
