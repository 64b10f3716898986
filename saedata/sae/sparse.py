"""Sparse matrices of activations, as torch multiplies them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def row_starts(rows: torch.Tensor, size: int) -> torch.Tensor:
    """Where each of `size` rows begins in a list of sorted row numbers; shape [size + 1]."""
    import torch

    counts = torch.bincount(rows, minlength=size)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def csr(starts: torch.Tensor, columns: torch.Tensor, values: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Compressed sparse rows; the caller vouches for sorted rows and columns inside `shape`."""
    import torch

    with warnings.catch_warnings():  # torch calls its CSR tensors beta; the products used here are tested
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
