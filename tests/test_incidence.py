from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from saedata import incidence
from saedata.incidence import Incidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

ROWS = [(f"text {i}", {i % 5: 1.0, 5: float(i)} if i % 4 else {}) for i in range(1, 24)]


def listed(found: Incidence) -> list[list[int]]:
    """Features of each document, and a check that the blocks are what they say."""
    rows, position = [], 0
    for block in found.blocks():
        assert block.documents.start == position
        pieces = zip(block.pointers[:-1], block.pointers[1:], strict=True)
        rows += [block.features[begin:end].tolist() for begin, end in pieces]
        position = block.documents.stop
    assert position == len(found)
    return rows


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]):
    return make_frame("a.sae", ROWS, user={"i": list(range(1, 24))})


@pytest.fixture(params=[1000, 4], ids=["one block", "many"])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidence, "BLOCK", request.param)


@pytest.fixture(params=[10**9, 0], ids=["kept", "read again"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidence, "KEPT_BYTES", request.param)


EXPECTED = [sorted(values) for _, values in ROWS]


def test_all_documents(frame: Embeddings, block: None, kept: None):
    found = Incidence(frame, np.arange(23), threshold=0.0)
    assert listed(found) == EXPECTED
    assert listed(found) == EXPECTED  # a second time


def test_some_documents_in_any_order(frame: Embeddings, block: None, kept: None):
    for docs in ([3, 5, 6, 22], [22, 3, 11, 0, 4], [0], []):
        assert listed(Incidence(frame, np.array(docs, dtype=np.uint32), threshold=0.0)) == [EXPECTED[d] for d in docs]


def test_values_must_exceed_the_threshold(frame: Embeddings, block: None):
    found = listed(Incidence(frame, np.arange(23), threshold=10.0))
    assert found == [[5] if 5 in values and values[5] > 10 else [] for _, values in ROWS]


def test_a_view_and_a_concatenation(frame: Embeddings, make_frame: Callable[..., Embeddings], block: None):
    view = frame.filter(pl.col("i") > 15).select([5])
    docs = view.documents["doc"].to_numpy()
    assert listed(Incidence(view, docs, threshold=0.0)) == [[f for f in EXPECTED[d] if f == 5] for d in docs]
    both = type(frame).concat([frame, make_frame("b.sae", ROWS[:5], user={"i": [1, 2, 3, 4, 5]})])
    assert listed(Incidence(both, np.arange(28), threshold=0.0)) == EXPECTED + EXPECTED[:5]


def test_counts_in_strata(frame: Embeddings, block: None):
    stratum = np.arange(23) % 3
    counts = Incidence(frame, np.arange(23), threshold=0.0).count_on(stratum, 3)
    on = np.zeros((23, 8), dtype=int)
    for doc, features in enumerate(EXPECTED):
        on[doc, features] = 1
    np.testing.assert_array_equal(counts, np.stack([on[stratum == s].sum(axis=0) for s in range(3)], axis=1))
