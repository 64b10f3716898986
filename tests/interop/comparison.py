"""What the interop tests share: hidden states, and the comparison of two SAEs' activations."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from typing import Any

import pytest
import torch

from saedata.sae import SAE

D_IN, D_SAE, TOKENS = 32, 128, 300


def needs(package: str) -> list[pytest.MarkDecorator]:
    """Marks of a module of tests against a library."""
    reason = f"needs {package}: pip install 'saedata[interop]'"
    absent = pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=reason)
    return [pytest.mark.interop, absent, pytest.mark.filterwarnings("ignore")]


def bare(package: str) -> None:
    """Make a package importable without what its first file imports: models, plots, clients of paid services."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations
        module = types.ModuleType(package)
        module.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = module


def states(seed: int = 0, *, width: int = D_IN, scale: float = 1.0) -> torch.Tensor:
    """Hidden states at unit scale, off centre."""
    random = torch.Generator().manual_seed(seed)
    centre = torch.randn(width, generator=random) * 0.5
    return (torch.randn(TOKENS, width, generator=random) + centre) * scale


def shake(module: Any, *, seed: int = 0, scale: float = 0.3) -> None:
    """Give every weight of a module of another library random numbers, biases included."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)


COUNTS: dict[str, list[int]] = {}
"""For each module of tests: SAEs compared, activations compared, on in both, left out as too near a threshold."""


def same(ours: SAE, expected: torch.Tensor, x: torch.Tensor, *, near: torch.Tensor | None = None) -> int:
    """Compare activations in full, and those of the blocked path; gives the number that are on.

    Parameters
    ----------
    near
        Where a value is within 1e-4 of its threshold, so that rounding may decide; default: nowhere.
    """
    found, expected = ours.encode(x), expected.detach().to_dense()
    within = torch.zeros_like(found, dtype=torch.bool) if near is None else near
    assert torch.equal((found != 0) & ~within, (expected != 0) & ~within)
    torch.testing.assert_close(found[~within], expected[~within], rtol=1e-4, atol=1e-5)
    blocks = ours.encode_entries(x, cells=64).dense(len(x), ours.d_sae)
    torch.testing.assert_close(blocks[~within], expected[~within], rtol=1e-4, atol=1e-5)
    on = int((expected != 0).sum())
    assert on > TOKENS
    assert within.sum() <= 0.001 * within.numel()
    module = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]
    counts = COUNTS.setdefault(module, [0, 0, 0, 0])
    counts[:] = [a + b for a, b in zip(counts, (1, found.numel(), on, int(within.sum())), strict=True)]
    return on
