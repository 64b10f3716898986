from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saedata.errors import InputError
from saedata.stats import (
    benjamini_hochberg,
    cluster_degrees,
    cluster_variance,
    clustered_interval,
    clustered_p,
    newcombe_interval,
    two_proportion_p,
)

Counts = NDArray[np.int64]


def test_variance_by_hand():
    # two authors a side: 4 of 4 and 0 of 4 against 2 of 4 and 2 of 4; terms (4 - 2) / 8, -2 / 8, 0, 0; factor 4 / 2
    got = cluster_variance([4, 0, 0, 0], [4, 4, 0, 0], [0, 0, 2, 2], [0, 0, 4, 4])
    assert float(got) == pytest.approx((2 / 8) ** 2 * 2 * 2)


def test_what_a_cluster_has_in_common_on_both_sides_cancels():
    on = np.array([10, 0, 7, 3, 9, 1])
    assert float(cluster_variance(on, [10] * 6, on, [10] * 6)) == pytest.approx(0, abs=1e-15)


def test_clusters_of_one_document_are_independent_documents():
    rng = np.random.default_rng(1)
    on = rng.random(2000) < 0.3
    side = np.arange(2000) < 1200
    variance = cluster_variance(on & side, side, on & ~side, ~side)
    p, q = on[side].mean(), on[~side].mean()
    assert float(variance) == pytest.approx(p * (1 - p) / 1200 + q * (1 - q) / 800, rel=0.003)
    a, b = int(on[side].sum()), int(on[~side].sum())
    degrees = cluster_degrees(side, ~side)
    got = clustered_interval(a, 1200, b, 800, variance=variance, degrees=degrees)
    np.testing.assert_allclose(got, newcombe_interval(a, 1200, b, 800), atol=1e-3)


def test_degrees_count_large_clusters_only():
    even = cluster_degrees([50] * 10 + [0] * 10, [0] * 10 + [50] * 10)
    one_large = cluster_degrees([5000] + [50] * 9 + [0] * 10, [0] * 10 + [50] * 10)
    assert float(even) == pytest.approx(18)
    assert float(one_large) < 2


def deal(rng: np.random.Generator, design: str) -> tuple[Counts, Counts]:
    """20 authors of 50 documents: whole authors on a side, or the documents of each on both."""
    if design == "whole":
        side = np.zeros((20, 1), dtype=np.int64)
        side[rng.permutation(20)[:10]] = 50
    else:
        side = rng.binomial(50, rng.beta(1, 1, (20, 1)))
    return side, 50 - side


@pytest.mark.parametrize("design", ["whole", "both"])
@pytest.mark.parametrize("habit", [0.3, 5.0])
def test_authors_of_unlike_habits_give_no_findings(design: str, habit: float):
    """A clustered null: what an author has in common is not what a side has in common."""
    rng = np.random.default_rng(2)
    false = naive = 0
    for _ in range(200):
        base = 10 ** rng.uniform(-2.5, -0.3, 300)
        share = rng.beta(base * habit, (1 - base) * habit, (20, 300))
        n, m = deal(rng, design)
        a, b = rng.binomial(n, share), rng.binomial(m, share)
        totals = a.sum(axis=0), n.sum(), b.sum(axis=0), m.sum()
        p = clustered_p(*totals, variance=cluster_variance(a, n, b, m), degrees=cluster_degrees(n, m))
        false += bool(benjamini_hochberg(p).min() < 0.05)
        naive += bool(benjamini_hochberg(two_proportion_p(*totals)).min() < 0.05)
    assert false / 200 <= 0.08
    assert naive / 200 > 0.9


def test_the_interval_covers_and_the_plain_one_does_not():
    rng = np.random.default_rng(3)
    share = rng.beta(0.3 * 4, 0.7 * 4, (40, 4000))
    n, m = np.repeat([[50], [0]], 20, axis=0), np.repeat([[0], [50]], 20, axis=0)
    a, b = rng.binomial(n, share), rng.binomial(m, share)
    totals = a.sum(axis=0), 1000, b.sum(axis=0), 1000
    low, high = clustered_interval(*totals, variance=cluster_variance(a, n, b, m), degrees=cluster_degrees(n, m))
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.02)
    low, high = newcombe_interval(*totals)
    assert np.mean((low <= 0) & (high >= 0)) < 0.6


def test_a_difference_that_all_authors_share_is_found():
    n, m = np.repeat([50, 0], 20), np.repeat([0, 50], 20)
    rng = np.random.default_rng(4)
    a, b = rng.binomial(n, 0.3), rng.binomial(m, 0.1)
    options = {"variance": cluster_variance(a, n, b, m), "degrees": cluster_degrees(n, m)}
    totals = a.sum(), 1000, b.sum(), 1000
    assert float(clustered_p(*totals, **options)) < 1e-6
    assert float(clustered_p(*totals, alternative="greater", **options)) < 1e-6
    assert float(clustered_p(*totals, alternative="less", **options)) > 0.99


def test_p_is_never_below_the_one_of_independent_documents():
    rng = np.random.default_rng(5)
    n, m = deal(rng, "both")
    a, b = rng.binomial(n, 0.02, (20, 200)), rng.binomial(m, 0.02, (20, 200))
    totals = a.sum(axis=0), n.sum(), b.sum(axis=0), m.sum()
    p = clustered_p(*totals, variance=cluster_variance(a, n, b, m), degrees=cluster_degrees(n, m))
    assert (p >= two_proportion_p(*totals)).all()


def test_too_few_clusters_are_refused():
    with pytest.raises(InputError, match="3 clusters; at least 4"):
        cluster_variance([1, 2, 3], [5, 5, 5], [1, 2, 3], [5, 5, 5])
    with pytest.raises(InputError, match="no documents"):
        cluster_variance([1, 2, 3, 1], [5, 5, 5, 5], [0] * 4, [0] * 4)
    with pytest.raises(InputError, match="between 0 and 1"):
        clustered_interval(1, 5, 1, 5, variance=0.1, degrees=3, level=1)
