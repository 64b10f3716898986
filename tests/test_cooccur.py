from __future__ import annotations

import numpy as np
import pytest
from correlate_frames import Matrix, random_matrix

from saedata import cooccur
from saedata.cooccur import Cooccurrence, Side


def table(counts: Cooccurrence, columns: int) -> np.ndarray:
    """All counts; 0 where a pair is not counted."""
    found = np.zeros((len(counts.x), columns), dtype=np.int64)
    for block in counts.blocks():
        for row in range(block.first, block.stop):
            begin = row + 1 if counts.same else 0
            start = block.base[row - block.first]
            found[row, begin:] = block.cells[start + begin : start + columns]
    return found


def test_three_documents_by_hand():
    on = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=bool)
    side = Side.of(Matrix(on), np.arange(3), on.sum(axis=0))
    order = side.features.tolist()
    by_number = {(0, 1): 2, (0, 2): 1, (1, 2): 1}
    counted = table(Cooccurrence(side), 3)
    for row in range(3):
        for column in range(row + 1, 3):
            assert counted[row, column] == by_number[tuple(sorted((order[row], order[column])))]


@pytest.mark.parametrize("bit_cost", [0.0, 0.02, 1e9], ids=["all dense", "mixed", "all sparse"])
@pytest.mark.parametrize("cells", [10**9, 700], ids=["one block of rows", "many"])
@pytest.mark.parametrize("documents", [10**6, 90], ids=["one block of documents", "many"])
def test_counts_equal_a_matrix_product(monkeypatch: pytest.MonkeyPatch, bit_cost: float, cells: int, documents: int):
    monkeypatch.setattr(cooccur, "BIT_COST", bit_cost)
    monkeypatch.setattr(cooccur, "CELLS", cells)
    on = random_matrix(0, 400, 50)
    chosen = np.flatnonzero(np.arange(50) % 7)  # some features are not counted
    matrix = Matrix(on, block=documents)
    side = Side.of(matrix, chosen, on.sum(axis=0)[chosen])
    assert side.n_sparse in ({0.0: [0], 1e9: [len(chosen)]}.get(bit_cost) or range(1, len(chosen)))
    counts = Cooccurrence(side)
    mine = on[:, side.features].astype(np.int64)
    np.testing.assert_array_equal(table(counts, len(side)), np.triu(mine.T @ mine, 1))
    assert counts.pairs == len(chosen) * (len(chosen) - 1) // 2

    other = random_matrix(1, 400, 30)
    theirs = Side.of(Matrix(other, block=documents), np.arange(30), other.sum(axis=0))
    between = Cooccurrence(side, theirs)
    np.testing.assert_array_equal(table(between, 30), mine.T @ other[:, theirs.features].astype(np.int64))
    assert between.pairs == len(chosen) * 30


def test_counts_across_many_words_of_bits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cooccur, "BIT_COST", 0.0)
    on = random_matrix(2, 9000, 6)  # more than one group of 8 192 documents
    side = Side.of(Matrix(on), np.arange(6), on.sum(axis=0))
    mine = on[:, side.features].astype(np.int64)
    np.testing.assert_array_equal(table(Cooccurrence(side), 6), np.triu(mine.T @ mine, 1))


def test_a_single_block_is_counted_once():
    on = random_matrix(3, 50, 5)
    matrix = Matrix(on)
    counts = Cooccurrence(Side.of(matrix, np.arange(5), on.sum(axis=0)))
    first = next(iter(counts.blocks()))
    matrix.on = np.zeros_like(on)
    assert next(iter(counts.blocks())) is first


def test_no_features_and_one_feature_have_no_pairs():
    on = random_matrix(4, 20, 3)
    for chosen in (np.array([], dtype=int), np.array([2])):
        counts = Cooccurrence(Side.of(Matrix(on), chosen, on.sum(axis=0)[chosen]))
        assert counts.pairs == 0
        assert table(counts, len(chosen)).sum() == 0


def test_dense_features_are_counted_by_bits_and_rare_ones_by_documents():
    density = np.array([0.0001] * 500 + [0.5] * 100)
    on = (density * 10_000).astype(int)
    side = Side.of(Matrix(np.zeros((10_000, 600), dtype=bool)), np.arange(600), on)
    assert side.n_sparse == 500
    assert side.features[:500].tolist() == list(range(500))
