"""Sparse matrices of activations, as torch multiplies them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


class Entries(NamedTuple):
    """What is on, in three columns of equal length, ordered by token and feature.

    Attributes
    ----------
    token, feature
        Row and column.
    value
        The activation, never zero; below zero only where the architecture has signed features.
    """

    token: torch.Tensor
    feature: torch.Tensor
    value: torch.Tensor

    def shifted(self, tokens: int = 0, features: int = 0) -> Entries:
        """The same with other numbers of the first token and feature."""
        return Entries(self.token + tokens, self.feature + features, self.value)

    def ordered(self) -> Entries:
        """The same ordered by token; within a token the order stays."""
        order = self.token.argsort(stable=True)
        return Entries(self.token[order], self.feature[order], self.value[order])

    def dense(self, tokens: int, features: int) -> torch.Tensor:
        """As a matrix [tokens, features]."""
        return self.value.new_zeros(tokens, features).index_put_((self.token, self.feature), self.value)

    def matrix(self, tokens: int, features: int) -> torch.Tensor:
        """As compressed sparse rows of the same shape, to multiply with."""
        return csr(row_starts(self.token, tokens), self.feature, self.value, (tokens, features))

    @classmethod
    def joined(cls, parts: Sequence[Entries]) -> Entries:
        """Entries of several parts, one after the other."""
        import torch

        return cls(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


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
