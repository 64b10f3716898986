from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from saedata import compiled


def test_popcount_counts_bits():
    count = compiled.compiled(_bits)
    for word in (0, 1, 255, 2**63, 2**64 - 1, 0x123456789ABCDEF):
        assert count(np.uint64(word)) == word.bit_count()


def _bits(word: Any):
    return compiled.popcount(word)


def test_without_a_writable_folder_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch):
    def njit(*, nogil: bool, cache: bool = False):
        if cache:
            msg = "cannot cache function"
            raise RuntimeError(msg)
        return lambda function: function

    monkeypatch.setattr(compiled.numba, "njit", njit)
    assert compiled.compiled(lambda x: x + 1)(1) == 2


def test_threads_give_results_in_the_order_of_the_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "cores", lambda: 2)
    second = threading.Event()

    def work(part: int) -> int:
        if part == 0:
            assert second.wait(10)  # the first part ends last
        second.set()
        return part * 10

    assert compiled.in_threads(work, range(2)) == [0, 10]
    assert compiled.in_threads(work, []) == []
