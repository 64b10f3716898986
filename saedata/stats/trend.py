"""Shares that rise or fall over ordered groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import counted, normal_p, quantile
from saedata.stats.clusters import FEWEST_CLUSTERS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from saedata.stats.checks import Counts, Floats

SYMMETRIC = 1e-3
"""Skewness below which the normal distribution is used as it is."""


class Trend(NamedTuple):
    """Slopes with their intervals and p-values.

    Parameters
    ----------
    slope
        Change of the share for each unit of the scores.
    low, high
        Its interval.
    p
        Two-sided p-value of no trend.
    """

    slope: Floats
    low: Floats
    high: Floats
    p: Floats


def cochran_armitage(on: ArrayLike, n: ArrayLike, *, scores: ArrayLike | None = None, level: float = 0.95) -> Trend:
    """Test whether a share changes linearly over ordered groups.

    Parameters
    ----------
    on
        How many documents are on: the first axis is that of the groups.
    n
        How many documents each group has, at least 1.
    scores
        Place of each group on the scale; 0, 1, 2, ... by default.
    level
        Confidence level of the slope's interval, between 0 and 1.

    Returns
    -------
    Trend
        Without the first axis.

    Raises
    ------
    InputError
        If a count or the level is out of range, or the scores do not differ.

    Notes
    -----
    Cochran, W. G. (1954). Biometrics 10, 417-451; Armitage, P. (1955). Biometrics 11, 375-386, with the variance
    of sampling without replacement (N - 1), so that with two groups the test is the N-1 chi-squared test. Where
    groups of unlike size make the statistic skewed, its tail is that of a Pearson type III (shifted gamma)
    distribution of the same mean, variance and skewness (Mielke, P. W. and Berry, K. J. (2007). Permutation
    Methods, 2nd ed., Springer). The slope is that of least squares weighted by group size; its standard error
    takes every group's own share.

    Examples
    --------
    >>> found = cochran_armitage([[10], [20], [30]], [[100], [100], [100]])
    >>> [round(float(x[0]), 5) for x in found]
    [0.1, 0.04597, 0.15403, 0.00042]
    """
    x, sizes = np.broadcast_arrays(*counted(on, n))
    place = _centred(scores, sizes)
    total, on_all = sizes.sum(axis=0), x.sum(axis=0)
    spread = (sizes * place**2).sum(axis=0)
    statistic = (place * x).sum(axis=0)
    slope = statistic / spread
    shares = (x + 0.5) / (sizes + 1)  # a group without any would have no error at all
    reach = quantile(level) * np.sqrt((place**2 * sizes * shares * (1 - shares)).sum(axis=0)) / spread
    share = on_all / total
    variance = share * (1 - share) * spread * total / np.maximum(total - 1, 1)
    known = variance > 0
    z = np.divide(statistic, np.sqrt(np.where(known, variance, 1.0)), out=np.zeros(slope.shape), where=known)
    p = np.where(known, _gamma_p(z, _skewness(place, sizes, share, total)), 1.0)
    return Trend(slope, slope - reach, slope + reach, p)


def trend_cluster_variance(on: ArrayLike, n: ArrayLike, *, scores: ArrayLike | None = None) -> tuple[Floats, float]:
    """Variance of the slope of `cochran_armitage` where documents come in clusters, and its degrees of freedom.

    Parameters
    ----------
    on
        How many documents are on: [groups, clusters, ...].
    n
        How many documents there are [groups, clusters]; 0 is allowed.
    scores
        As in `cochran_armitage`.

    Returns
    -------
    tuple
        The variance, without the first two axes, and at least 1 degree of freedom.

    Raises
    ------
    InputError
        If there are fewer than 4 clusters.

    Notes
    -----
    The sandwich of the regression on the scores, a term for each cluster (Liang, K.-Y. and Zeger, S. L. (1986).
    Longitudinal data analysis using generalized linear models. Biometrika 73, 13-22), with the factor C / (C - 2) for
    C clusters; degrees of freedom as in `cluster_degrees`.

    Examples
    --------
    >>> variance, degrees = trend_cluster_variance(np.eye(4)[:, :, None], np.eye(4) * 2)
    >>> float(variance[0]), degrees
    (0.0, 1.0)
    """
    x, sizes = np.asarray(on, dtype=np.float64), np.asarray(n, dtype=np.float64)
    clusters = int((sizes.sum(axis=0) > 0).sum())
    if clusters < FEWEST_CLUSTERS:
        msg = f"there are {clusters} clusters; at least {FEWEST_CLUSTERS} are needed to see how they differ"
        raise InputError(msg)
    place = _centred(scores, sizes.sum(axis=1))
    spread = (place**2 * sizes.sum(axis=1)).sum()
    slope = np.tensordot(place, x.sum(axis=1), 1) / spread
    share = x.sum(axis=(0, 1)) / sizes.sum()
    fitted = np.multiply.outer(place @ sizes, share) + np.multiply.outer(place**2 @ sizes, slope)
    added = (np.tensordot(place, x, 1) - fitted) / spread
    weight = ((place[:, None] * sizes) ** 2).sum(axis=0)
    degrees = max(float(weight.sum() ** 2 / (weight**2).sum()) - 2, 1.0)
    return np.asarray((added**2).sum(axis=0) * clusters / (clusters - 2)), degrees


def _centred(scores: ArrayLike | None, sizes: Counts | Floats) -> Floats:
    given = np.arange(len(sizes)) if scores is None else np.asarray(scores)
    place = given.astype(np.float64).reshape(-1, *[1] * (sizes.ndim - 1))
    if len(place) != len(sizes) or len(np.unique(place)) < 2:
        msg = f"there are {len(sizes)} groups with {len(np.unique(place))} different scores; a trend needs two or more"
        raise InputError(msg)
    return np.asarray(place - (place * sizes).sum(axis=0) / sizes.sum(axis=0))


def _skewness(place: Floats, sizes: Counts, share: Floats, total: Counts) -> Floats:
    """Skewness of a sum of scores drawn without replacement (Mielke and Berry, as for a finite population)."""
    second = (sizes * place**2).sum(axis=0) / total
    third = (sizes * place**3).sum(axis=0) / total
    spread = np.sqrt(np.maximum(total * share * (1 - share), 1e-300))
    return np.asarray(third / second**1.5 * (1 - 2 * share) / spread)


def _gamma_p(z: Floats, skewness: Floats) -> Floats:
    """Two-sided p of a standardised statistic: twice the tail on its side."""
    from scipy.special import gammainc, gammaincc

    normal = np.abs(skewness) < SYMMETRIC
    shape = 4 / np.where(normal, 1.0, skewness) ** 2
    along = np.where(skewness < 0, -z, z)  # turned so that the long tail lies above
    at = np.maximum(shape + along * np.sqrt(shape), 0.0)
    tail = np.where(along > 0, gammaincc(shape, at), gammainc(shape, at))
    return np.where(normal, normal_p(z, "two-sided"), np.minimum(1.0, 2 * tail))
