"""Clusters of pairs, strata of clusters, pairs adjusted for a covariate: by hand, under the null, and their power."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from saedata.errors import InputError
from saedata.stats import (
    ClusteredStrata,
    cluster_variance,
    clustered_interval,
    clustered_mantel_haenszel_interval,
    clustered_mantel_haenszel_p,
    clustered_p,
    clustered_paired_interval,
    linked_clusters,
    mantel_haenszel_p,
    matched_interval,
    matched_p,
    matched_shares,
    mcnemar_p,
    newcombe_paired_interval,
    paired_cluster_variance,
    sign_flip_p,
)

Flags = NDArray[np.bool_]


# --- pairs in clusters


@pytest.mark.parametrize("sums", [[1, 1, 1, -1], [3, -2, 1, 0, 5], [2, 2, 4], [-1, -6], [0, 0]])
def test_flipping_clusters_equals_trying_every_flip(sums: list[int]) -> None:
    flipped = [
        sum(s * x for s, x in zip(signs, sums, strict=True)) for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    more, less = (np.mean([way * f >= way * sum(sums) for f in flipped]) for way in (1, -1))
    assert sign_flip_p(sums, alternative="greater") == pytest.approx(more)
    assert sign_flip_p(sums, alternative="less") == pytest.approx(less)
    assert sign_flip_p(sums) == pytest.approx(min(1, 2 * min(more, less)))


def test_clusters_of_one_pair_are_mcnemars_test() -> None:
    assert sign_flip_p([1] * 30 + [-1] * 12 + [0] * 9) == pytest.approx(float(mcnemar_p(30, 12)))
    sums = np.array([1] * 5200 + [-1] * 4900)  # many: the normal tail
    assert sign_flip_p(sums) == pytest.approx(float(mcnemar_p(5200, 4900)), rel=0.02)
    variance = paired_cluster_variance([1] * 12 + [-1] * 2 + [0] * 36, [1] * 50)
    got = clustered_paired_interval(36, 12, 2, 0, variance=variance, degrees=1e6)
    np.testing.assert_allclose(got, newcombe_paired_interval(36, 12, 2, 0), atol=0.01)
    with pytest.raises(InputError, match="there are 3 clusters"):
        paired_cluster_variance([1, 1, 1], [1, 1, 1])


def test_clusters_are_linked_by_any_shared_key() -> None:
    rng = np.random.default_rng(0)
    keys = [rng.integers(-1, 40, 60), rng.integers(-1, 40, 60)]
    got = linked_clusters(keys)
    alike = np.eye(60, dtype=bool)
    for key in keys:
        alike |= (key[:, None] == key) & (key >= 0)
    for _ in range(6):
        alike = (alike.astype(int) @ alike) > 0
    np.testing.assert_array_equal(got[:, None] == got, alike)


def paired_clusters(
    rng: np.random.Generator, shift: float, features: int = 60
) -> tuple[Flags, Flags, NDArray[np.int64]]:
    """25 authors with 12 pairs each; an author leans to one side or the other, the sides as a whole by `shift`."""
    author = np.repeat(np.arange(25), 12)
    lean = rng.normal(shift, 1.5, (25, features))
    base = rng.normal(-1, 1, (300, features))
    chance = [1 / (1 + np.exp(-(base + way * lean[author] / 2))) for way in (1, -1)]
    one, two = (rng.random(chance[0].shape) < c for c in chance)
    return one, two, author


def test_a_null_of_leaning_authors_rejects_as_often_as_it_should_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(1)
    rates = {}
    for shift in (0.0, 1.5):
        found, naive, covered = [], [], []
        for _ in range(6):
            one, two, author = paired_clusters(rng, shift)
            ahead = one.astype(int) - two
            for feature in range(ahead.shape[1]):
                sums = np.bincount(author, ahead[:, feature])
                a, b = int((ahead[:, feature] > 0).sum()), int((ahead[:, feature] < 0).sum())
                found.append(sign_flip_p(sums) < 0.05)
                naive.append(float(mcnemar_p(a, b)) < 0.05)
                both = int((one & two)[:, feature].sum())
                variance = paired_cluster_variance(sums, np.full(25, 12))
                low, high = clustered_paired_interval(both, a, b, 300 - both - a - b, variance=variance, degrees=24)
                covered.append(low <= 0 <= high)
        rates[shift] = np.mean(found), np.mean(naive), np.mean(covered)
    assert rates[0.0][0] == pytest.approx(0.05, abs=0.025)
    assert rates[0.0][1] > 0.15  # pairs taken for independent
    assert rates[0.0][2] == pytest.approx(0.95, abs=0.03)
    assert rates[1.5][0] > 0.9


# --- strata and clusters


def test_one_stratum_is_the_jackknife_of_plain_shares() -> None:
    rng = np.random.default_rng(3)
    n, m = rng.integers(0, 9, 20), rng.integers(0, 9, 20)
    on, off = rng.binomial(n, 0.3), rng.binomial(m, 0.5)
    cells = ClusteredStrata(n, m, np.arange(20), np.zeros(20, dtype=np.int64))
    left = [
        np.delete(on, c).sum() / np.delete(n, c).sum() - np.delete(off, c).sum() / np.delete(m, c).sum()
        for c in range(20)
    ]
    whole = on.sum() / n.sum() - off.sum() / m.sum()
    assert float(cells.variance(on, off)) == pytest.approx(19 / 20 * np.square(np.array(left) - whole).sum())
    assert float(cells.variance(on, off)) == pytest.approx(float(cluster_variance(on, n, off, m)), rel=0.15)


def test_the_jackknife_of_strata_equals_leaving_clusters_out_one_by_one() -> None:
    rng = np.random.default_rng(4)
    cluster, stratum = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    n, m = rng.integers(0, 6, 24), rng.integers(0, 6, 24)
    a, b = rng.binomial(n, 0.4), rng.binomial(m, 0.4)

    def estimate(keep: NDArray[np.bool_]) -> float:
        totals = [np.bincount(stratum[keep], x[keep], minlength=3)[:, None] for x in (a, n, b, m)]
        return float(
            clustered_mantel_haenszel_interval(*(x.astype(int) for x in totals), variance=0.0, degrees=3)[0][0]
        )

    whole = estimate(np.ones(24, dtype=bool))
    left = np.array([estimate(cluster != c) for c in range(8)])
    got = ClusteredStrata(n, m, cluster, stratum).variance(a, b)
    assert float(got) == pytest.approx(7 / 8 * np.square(left - whole).sum())


def test_with_one_stratum_p_and_interval_are_those_of_clusters() -> None:
    at = {"variance": np.array([0.003]), "degrees": 17.0}
    table = [[40]], [[100]], [[25]], [[90]]
    flat = [40], 100, [25], 90
    assert clustered_mantel_haenszel_p(*table, **at) == pytest.approx(clustered_p(*flat, **at))
    _, low, high = clustered_mantel_haenszel_interval(*table, **at)
    np.testing.assert_allclose((low, high), clustered_interval(*flat, **at))


def clustered_strata(
    rng: np.random.Generator, shift: float, features: int
) -> tuple[Flags, Flags, NDArray[np.int64], NDArray[np.int64]]:
    """24 authors of 30 documents, whole authors on a side; documents of four lengths, which one side has longer."""
    author = np.repeat(np.arange(24), 30)
    side = author % 2 == 0
    length = np.minimum(rng.poisson(np.where(side, 1.8, 1.0)), 3)
    habit = rng.normal(0, 1.0, (24, features))
    chance = 1 / (1 + np.exp(-(-2 + 0.7 * length[:, None] + habit[author] + shift * side[:, None])))
    return rng.random(chance.shape) < chance, side, author, length


def test_a_null_of_authors_of_unlike_length_needs_both_strata_and_clusters() -> None:
    rng = np.random.default_rng(5)
    rates = {}
    for shift in (0.0, 1.6):
        found = []
        for _ in range(12):
            on, side, author, length = clustered_strata(rng, shift, 60)
            cell = author * 4 + length
            into = np.eye(96)[cell].T

            def counted(x: Flags, into: NDArray[np.float64] = into) -> NDArray[np.float64]:
                return np.rint(into @ x.astype(float)).astype(int)

            a, n = counted(on & side[:, None]), counted(side[:, None])
            b, m = counted(on & ~side[:, None]), counted(~side[:, None])
            strata = [x.reshape(24, 4, -1).sum(axis=0) for x in (a, n, b, m)]
            whole = [x.reshape(24, 4, -1).sum(axis=1) for x in (a, n, b, m)]
            cells = ClusteredStrata(n, m, np.arange(96) // 4, np.arange(96) % 4)
            at = {"variance": cells.variance(a, b), "degrees": cells.degrees}
            plain = {"variance": cluster_variance(*whole), "degrees": 22.0}
            totals = [x.sum(axis=0) for x in whole]
            found.append(
                [
                    (clustered_mantel_haenszel_p(*strata, **at) < 0.05).mean(),
                    (mantel_haenszel_p(*strata) < 0.05).mean(),
                    (clustered_p(*totals, **plain) < 0.05).mean(),
                ]
            )
        rates[shift] = np.mean(found, axis=0)
    assert rates[0.0][0] == pytest.approx(0.05, abs=0.025)
    assert rates[0.0][1] > 0.3  # strata alone
    assert rates[0.0][2] > 0.08  # clusters alone
    assert rates[1.6][0] > 0.7


# --- pairs and a covariate


def test_what_only_the_longer_document_does_is_no_difference() -> None:
    # a's document is longer in 20 pairs, b's in 10; the longer one is on alone in half of them
    table = [[[5]], [[0]]], [[[10]], [[0]]], [[[0]], [[5]]], [[20], [10]]
    found = matched_shares(*table)
    assert found.difference.tolist() == [0.0]
    assert matched_p([[10]], [[0]], [[0]], [[5]]).tolist() == [1.0]
    assert float(mcnemar_p(10, 5)) > 0.05
    one_way = matched_shares([[[5]], [[0]]], [[[10]], [[0]]], [[[0]], [[0]]], [[20], [0]])
    assert np.isnan(one_way.difference).all()
    assert [x.tolist() for x in matched_interval(one_way)] == [[-1.0], [1.0]]


def test_pairs_of_equal_values_are_mcnemars_test() -> None:
    nothing = [[0, 0]]
    for a, b in ((4, 0), (7, 1), (2, 3), (3700, 3540)):
        got = matched_p(nothing, nothing, nothing, nothing, equal_a=[a, b], equal_b=[b, a])
        np.testing.assert_allclose(got, mcnemar_p([a, b], [b, a]), rtol=0.05)
    # a coin more makes what the strata say more certain, or less
    table = [[[8]], [[1]], [[7]], [[2]]]
    agree, contradict = (matched_p(*table, equal_a=x, equal_b=y) for x, y in ((6, 0), (0, 6)))
    assert agree < matched_p(*table) < contradict


def matched_pairs(rng: np.random.Generator, shift: float, features: int) -> tuple[Flags, Flags, NDArray[np.int64]]:
    """400 pairs; a's document is the longer one in three of four, and longer documents have more."""
    longer = np.where(rng.random(400) < 0.75, 1, -1)
    base = rng.normal(-1, 1.5, (400, features))
    chance = [1 / (1 + np.exp(-(base + way * (0.5 * longer[:, None] + shift / 2)))) for way in (1, -1)]
    one, two = (rng.random(chance[0].shape) < c for c in chance)
    return one, two, longer


def test_a_null_of_longer_answers_rejects_as_often_as_it_should_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(6)
    rates = {}
    for shift in (0.0, 0.9):
        rows = []
        for _ in range(8):
            one, two, longer = matched_pairs(rng, shift, 80)
            halves = [
                np.stack([kind[longer == way].sum(axis=0)[None] for way in (1, -1)])
                for kind in (one & two, one & ~two, two & ~one)
            ]
            both, a, b = halves
            pairs = np.array([[(longer == 1).sum()], [(longer == -1).sum()]])
            low, high = matched_interval(matched_shares(both, a, b, pairs))
            p = matched_p(a[0], b[0], a[1], b[1])
            naive = mcnemar_p(a.sum(axis=(0, 1)), b.sum(axis=(0, 1)))
            rows.append([(p < 0.05).mean(), (naive < 0.05).mean(), ((low <= 0) & (high >= 0)).mean()])
        rates[shift] = np.mean(rows, axis=0)
    assert rates[0.0][0] <= 0.06
    assert rates[0.0][0] > 0.01
    assert rates[0.0][1] > 0.25  # length taken for a difference of the sides
    assert rates[0.0][2] == pytest.approx(0.95, abs=0.03)
    assert rates[0.9][0] > 0.8
