"""All pairs: adjustment from bins, best pairs, calibration under the null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from correlate_frames import Matrix, random_matrix

from saedata import cooccur
from saedata.analysis.correlate.null import Margins, stratified_p
from saedata.analysis.correlate.search import Adjustment, Search, npmi
from saedata.analysis.correlate.strata import crossed, strata_of
from saedata.cooccur import Cooccurrence, Side
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.correlate.search import Direction

    Array = NDArray[Any]


def search_of(on: Array, stratum: Array, direction: Direction = "both") -> tuple[Search, Side, Margins]:
    total = on.sum(axis=0)
    side = Side.of(Matrix(on), np.flatnonzero(total), total[total > 0])
    counts = np.stack([np.bincount(stratum, on[:, f], stratum.max() + 1) for f in side.features]).astype(np.int64)
    margins = Margins(counts, np.bincount(stratum))
    return Search(Cooccurrence(side), margins, margins, direction=direction), side, margins


def slow_pairs(on: Array, side: Side, margins: Margins):
    """Every pair's (row, column, count, p, together)."""
    rows, columns = np.triu_indices(len(side), 1)
    mine = on[:, side.features].astype(int)
    both = (mine.T @ mine)[rows, columns]
    p, together = stratified_p(both, margins.take(rows), margins.take(columns))
    return rows, columns, both, p, together


@pytest.fixture
def linked():
    """Features of which some go together and some keep apart."""
    on = random_matrix(0, 500, 40)
    for f in range(8, 16):
        on[:, f] = on[:, 2 * f] & (np.arange(500) % 2 == 0)
    for f in range(16, 30, 2):
        on[:, f] &= ~on[:, f + 9]
    return on, np.arange(500) // 50


@pytest.mark.parametrize("cells", [10**9, 300])
def test_all_pairs_get_the_p_and_q_of_the_slow_way(
    linked: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch, cells: int
):
    monkeypatch.setattr(cooccur, "CELLS", cells)
    on, stratum = linked
    search, side, margins = search_of(on, stratum)
    adjustment = search.adjustment()
    found = search.best(adjustment, size=10**6, most_p=1.0)
    rows, columns, both, p, together = slow_pairs(on, side, margins)
    assert adjustment.tested == len(rows) == found.height
    np.testing.assert_array_equal(found["row"], rows)
    np.testing.assert_array_equal(found["column"], columns)
    np.testing.assert_array_equal(found["documents"], both)
    np.testing.assert_array_equal(found["together"], together)
    np.testing.assert_array_equal(found["p"], p)
    q = benjamini_hochberg(np.minimum(1, 2 * p))
    np.testing.assert_allclose(found["q"], q, rtol=2.5e-4)
    assert (found["q"] >= q * (1 - 1e-12)).all()
    assert 5 < (q < 0.05).sum() < 200


def test_one_direction_is_tested_one_sided(linked: tuple[Array, Array]):
    on, stratum = linked
    for direction, way in (("together", 1), ("apart", -1)):
        search, side, margins = search_of(on, stratum, direction)
        adjustment = search.adjustment()
        found = search.best(adjustment, size=10**6, most_p=1.0)
        rows, columns, both, _, together = slow_pairs(on, side, margins)
        p, _ = stratified_p(both, margins.take(rows), margins.take(columns), way=way)
        mine = together == (way > 0)
        np.testing.assert_array_equal(found["p"], p[mine])
        np.testing.assert_allclose(found["q"], benjamini_hochberg(p)[mine], rtol=2.5e-4)


def test_the_pool_holds_exactly_the_best(linked: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saedata.analysis.correlate.search.CHUNK", 60)
    on, stratum = linked
    search, *_ = search_of(on, stratum)
    adjustment = search.adjustment()
    cutoff = adjustment.cutoff(0.05)
    every = search.best(adjustment, size=10**6, most_p=cutoff)
    assert (every["q"] < 0.05).all()
    for size in (1, 4, 7):
        best = search.best(adjustment, size=size, most_p=cutoff)
        for side, sign in ((True, -1), (False, 1)):
            mine = every.filter(every["together"] == side)
            order = np.lexsort((mine["column"], mine["row"], mine["p"], sign * mine["npmi"].to_numpy()))[:size]
            expected = mine[np.sort(order)]
            assert best.filter(best["together"] == side).rows() == expected.rows()


def test_adjustment_from_bins_by_hand():
    counts, largest = np.array([1, 0, 2, 1]), np.array([0.01, 0.0, 0.04, 0.5])
    adjustment = Adjustment.of(counts, largest)
    assert adjustment.tested == 4
    assert adjustment.q[[0, 2, 3]].tolist() == pytest.approx([0.04, 4 * 0.04 / 3, 0.5])
    assert adjustment.cutoff(0.05) == 0.01
    assert adjustment.cutoff(0.001) == -1.0
    assert adjustment.cutoff(0.001, at_least=2) == 0.04


def test_npmi_by_hand():
    # 100 documents, both in 10, either in 20: ln(0.1 / 0.04) / -ln(0.1)
    found = npmi(np.array([10]), np.array([20]), np.array([20]), 100)
    assert found[0] == pytest.approx(np.log(2.5) / np.log(10))
    ends = npmi(np.array([7, 0]), np.array([7, 7]), np.array([7, 7]), 70)
    assert ends.tolist() == pytest.approx([1.0, -1.0])


def test_strata_have_equal_sizes_and_keep_equal_lengths_together():
    length = np.random.default_rng(0).integers(1, 500, 1000)
    stratum = strata_of(length, 10)
    assert np.bincount(stratum).min() > 80
    assert stratum.max() == 9
    for value in np.unique(length):
        assert len(np.unique(stratum[length == value])) == 1
    order = np.argsort(length)
    assert (np.diff(stratum[order]) >= 0).all()
    assert strata_of(np.full(20, 7), 10).max() == 0
    assert strata_of(length, 1).max() == 0


def test_crossed_strata_divide_both_lengths():
    rng = np.random.default_rng(1)
    first, second = rng.integers(1, 100, 2000), rng.integers(1, 100, 2000)
    stratum = crossed(first, second, 10)
    assert stratum.max() == 15
    for one in range(16):
        assert np.ptp(first[stratum == one]) < 40
        assert np.ptp(second[stratum == one]) < 40


def null_runs(runs: int, *, strata: int) -> float:
    """Share of runs with any q < 0.05 when every feature is shuffled within length deciles."""
    hits = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        decile = np.arange(400) // 40
        chance = np.clip(np.linspace(0.02, 0.5, 60) * (0.4 + 0.12 * decile[:, None]), 0, 1)
        search, *_ = search_of(rng.random((400, 60)) < chance, decile if strata > 1 else np.zeros(400, dtype=int))
        hits += bool(search.adjustment().cutoff(0.05) >= 0)
    return hits / runs


def test_shuffled_within_length_deciles_nothing_is_found():
    assert null_runs(200, strata=10) <= 0.08


def test_without_strata_length_alone_ties_features_together():
    assert null_runs(20, strata=1) > 0.5
