"""Shares compared within strata where documents come in clusters, too: Mantel-Haenszel with a jackknife."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.stats.checks import Alternative, check_level
from saedata.stats.clusters import FEWEST_CLUSTERS, student_p
from saedata.stats.proportions import hybrid_bounds
from saedata.stats.strata import mantel_haenszel_p, weighted_shares

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Floats


@dataclass(frozen=True, eq=False)
class ClusteredStrata:
    """Documents of two sides in cells: those of one cluster in one stratum.

    Parameters
    ----------
    n_a, n_b
        Documents of either side in each cell: the first axis is that of the cells.
    cluster, stratum
        Number of the cluster and of the stratum of each cell.

    Examples
    --------
    >>> cells = ClusteredStrata(np.array([4, 4, 0, 0]), np.array([0, 0, 4, 4]), np.arange(4), np.zeros(4, np.int64))
    >>> cells.variance(np.array([4, 0, 0, 0]), np.array([0, 0, 2, 2])).tolist()
    0.375
    """

    n_a: NDArray[Any]
    n_b: NDArray[Any]
    cluster: NDArray[np.int64]
    stratum: NDArray[np.int64]

    def variance(self, on_a: ArrayLike, on_b: ArrayLike) -> Floats:
        """Variance of the weighted mean of the differences within strata (see `mantel_haenszel_interval`).

        Parameters
        ----------
        on_a, on_b
            Documents that are on, on either side; the first axis is that of the cells.

        Returns
        -------
        array
            Without the first axis; infinite where fewer than 4 clusters have documents in strata that both sides have.

        Notes
        -----
        The jackknife over clusters around the estimate (CV3 in MacKinnon, J. G., Nielsen, M. O. and Webb, M. D. (2023).
        Cluster-robust inference: a guide to empirical practice. Journal of Econometrics 232, 272-299): leaving a
        cluster out changes the strata's means as well, so strata that few clusters share are not taken for known.
        That the Mantel-Haenszel estimate needs a variance between clusters: Zhang, J. and Boos, D. D. (1997).
        Biometrics 53, 1185-1198.
        """
        clusters = self._clusters
        a, b = np.asarray(on_a, dtype=np.float64), np.asarray(on_b, dtype=np.float64)
        sums = self._into_strata @ a, self._into_strata @ b
        whole = _product(sums[0], self._sizes[0], sums[1], self._sizes[1])
        rest = _product(sums[0][self.stratum] - a, self._rest[0], sums[1][self.stratum] - b, self._rest[1])
        total = whole.sum(axis=0)
        lost = self._into_clusters @ (whole[self.stratum] - rest)
        kept = self._weight - self._weight_lost
        left = np.divide(total - lost, kept, out=np.zeros(lost.shape), where=kept > 0)
        found = np.divide(total, self._weight, out=np.zeros(total.shape), where=self._weight > 0)
        few = clusters < FEWEST_CLUSTERS
        spread = ((left - found) ** 2).sum(axis=0) * ((clusters - 1) / np.maximum(clusters, 1))
        return np.where(few, np.inf, spread)

    @cached_property
    def degrees(self) -> Floats:
        """Degrees of freedom of `variance`, as in `cluster_degrees` with the strata's weights."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = [np.nan_to_num(self._sizes[1 - side] / sum(self._sizes)) for side in (0, 1)]
        terms = [self._into_clusters @ (share[side][self.stratum] * n) for side, n in enumerate((self.n_a, self.n_b))]
        weight = terms[0] ** 2 + terms[1] ** 2
        return np.asarray(np.maximum(weight.sum(axis=0) ** 2 / np.maximum((weight**2).sum(axis=0), 1e-300) - 2, 1.0))

    @cached_property
    def _into_strata(self) -> Any:
        return _indicator(self.stratum)

    @cached_property
    def _into_clusters(self) -> Any:
        return _indicator(self.cluster)

    @cached_property
    def _sizes(self) -> tuple[Floats, Floats]:
        return self._into_strata @ self.n_a.astype(np.float64), self._into_strata @ self.n_b.astype(np.float64)

    @cached_property
    def _rest(self) -> tuple[Floats, Floats]:
        """Documents of each cell's stratum in other clusters."""
        return self._sizes[0][self.stratum] - self.n_a, self._sizes[1][self.stratum] - self.n_b

    @cached_property
    def _weight(self) -> Floats:
        return np.asarray(_harmonic(*self._sizes).sum(axis=0))

    @cached_property
    def _weight_lost(self) -> Floats:
        lost = self._into_clusters @ (_harmonic(*self._sizes)[self.stratum] - _harmonic(*self._rest))
        return np.where(lost < self._weight * (1 - 1e-12), lost, self._weight)

    @cached_property
    def _clusters(self) -> NDArray[np.int64]:
        usable = (self._sizes[0] * self._sizes[1] > 0)[self.stratum] & (self.n_a + self.n_b > 0)
        return np.asarray((self._into_clusters @ usable.astype(np.float64) > 0).sum(axis=0))


def clustered_mantel_haenszel_p(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    variance: ArrayLike,
    degrees: ArrayLike,
    alternative: Alternative = "two-sided",
) -> Floats:
    """P-value of the null hypothesis that two shares are equal in every stratum, where documents come in clusters.

    Parameters
    ----------
    on_a, n_a, on_b, n_b, alternative
        As in `mantel_haenszel_p`.
    variance, degrees
        From `ClusteredStrata`.

    Returns
    -------
    array
        Student's t-test of the weighted mean of the differences; never below `mantel_haenszel_p`.

    Raises
    ------
    InputError
        If a count is out of range or the alternative unknown.

    Examples
    --------
    >>> clustered_mantel_haenszel_p([[4]], [[8]], [[0]], [[8]], variance=[0.25], degrees=2).round(3).tolist()
    [0.423]
    """
    independent = mantel_haenszel_p(on_a, n_a, on_b, n_b, alternative=alternative)
    shares, _, _ = weighted_shares(on_a, n_a, on_b, n_b)
    return np.maximum(student_p(shares[0] - shares[1], variance, degrees, alternative), independent)


def clustered_mantel_haenszel_interval(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    variance: ArrayLike,
    degrees: ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats, Floats]:
    """Weighted mean of the differences within strata, with its interval where documents come in clusters.

    Parameters
    ----------
    on_a, n_a, on_b, n_b, level
        As in `mantel_haenszel_interval`.
    variance, degrees
        From `ClusteredStrata`.

    Returns
    -------
    tuple of arrays
        Difference, lower and upper bound: those of `mantel_haenszel_interval` for documents fewer by the design
        effect (never below 1), with Student's quantile.

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Examples
    --------
    >>> found = clustered_mantel_haenszel_interval([[4]], [[8]], [[0]], [[8]], variance=[0.25], degrees=2)
    >>> [round(float(x[0]), 3) for x in found]
    [0.5, -0.566, 0.987]
    """
    from scipy.special import stdtrit

    check_level(level)
    shares, sizes, none = weighted_shares(on_a, n_a, on_b, n_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        independent = sum(share * (1 - share) / size for share, size in zip(shares, sizes, strict=True))
        effect = np.maximum(np.where(independent > 0, np.asarray(variance) / independent, 1.0), 1.0)
        none = none | ~np.isfinite(effect)
        effect = np.where(none, 1.0, effect)
        z = stdtrit(np.asarray(degrees, dtype=np.float64), 0.5 + level / 2)
        low, high = hybrid_bounds(shares[0], sizes[0] / effect, shares[1], sizes[1] / effect, z)
    difference = np.where(none, np.nan, shares[0] - shares[1])
    return difference, np.where(none, -1.0, low), np.where(none, 1.0, high)


def _product(a: Floats, n: Floats, b: Floats, m: Floats) -> Floats:
    """Weight of a stratum times its difference: (m a - n b) / (n + m)."""
    return np.divide(m * a - n * b, n + m, out=np.zeros(np.broadcast_shapes(a.shape, n.shape)), where=n + m > 0)


def _harmonic(n: Floats, m: Floats) -> Floats:
    return np.divide(n * m, n + m, out=np.zeros(n.shape), where=n + m > 0)


def _indicator(codes: NDArray[np.int64]) -> Any:
    """Sparse matrix [codes, cells] that adds cells of one code."""
    from scipy.sparse import csr_matrix

    cells = np.arange(len(codes))
    return csr_matrix((np.ones(len(codes)), (codes, cells)), shape=(int(codes.max(initial=0)) + 1, len(codes)))
