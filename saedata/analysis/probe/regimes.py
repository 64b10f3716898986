"""The settings of sae-probes: all training documents, few of them, unequal classes, wrong labels, another domain.

Kantamneni, S., Engels, J. et al. (2025), Are Sparse Autoencoders Useful? A Case Study in Sparse Probing (2502.16681).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from saedata.errors import InputError
from saedata.probing.linear import strata_of
from saedata.probing.targets import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from saedata.probing.parts import Parts
    from saedata.probing.targets import Target

    Positions = NDArray[np.int64]

Regime = Literal["normal", "scarcity", "imbalance", "label_noise", "covariate_shift"]

REGIMES: tuple[Regime, ...] = ("normal", "scarcity", "imbalance", "label_noise", "covariate_shift")

SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Of yes among the training documents."""

NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of the training labels that are replaced by another."""

SMALLEST = 8
"""Fewest training documents; then twice as many, and so on."""

MOST_DOMAINS = 20
_EACH = 2


@dataclass(frozen=True, eq=False)
class Setting:
    """One training and one test part.

    Attributes
    ----------
    name, amount
        What was varied, in words and as a number.
    train, test
        Positions of the documents.
    y
        Target of the training documents, which may be wrong on purpose.
    """

    name: str
    amount: float | None
    train: Positions
    test: Positions
    y: Target


def settings_of(regime: Regime, y: Target, parts: Parts, domains: pl.Series | None, *, seed: int) -> list[Setting]:
    """The settings of a regime.

    Parameters
    ----------
    regime
        One of `REGIMES`.
    y
        Target of all documents.
    parts
        Which train and which test; "covariate_shift" makes its own.
    domains
        Where each document comes from, for "covariate_shift".
    seed
        Of what is drawn.

    Raises
    ------
    InputError
        The regime does not suit the target.
    """
    rng = np.random.default_rng(seed)
    if regime == "covariate_shift":
        assert domains is not None
        return list(_shifted(y, domains))
    if (regime == "imbalance" and kind_of(y) != "binary") or (regime == "label_noise" and kind_of(y) == "regression"):
        needs = "a yes/no question" if regime == "imbalance" else "classes"
        msg = f"the regime {regime!r} needs {needs}, and this label is another kind; say which value is positive"
        raise InputError(msg)
    if regime == "scarcity":
        return list(_scarce(y, parts, rng))
    if regime == "imbalance":
        return list(_unequal(y, parts, rng))
    if regime == "label_noise":
        return list(_noisy(y, parts, rng))
    return [Setting("all", None, parts.train, parts.test, y[parts.train])]


def _scarce(y: Target, parts: Parts, rng: np.random.Generator) -> Iterator[Setting]:
    """The first 8, 16, 32, ... of the training documents in a random order that keeps the classes in proportion."""
    strata = strata_of(y[parts.train]) if kind_of(y) != "regression" else np.zeros(len(parts.train), np.int64)
    shuffled = rng.permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    sizes = np.bincount(strata)
    within = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[strata[order]]
    place = np.where(within < _EACH, within - _EACH, (within + 0.5) / sizes[strata[order]])
    chosen = parts.train[order[np.argsort(place, kind="stable")]]
    size = max(SMALLEST, _EACH * len(np.unique(strata)))
    while size < len(chosen):
        some = np.sort(chosen[:size])
        yield Setting(f"{size} documents", float(size), some, parts.test, y[some])
        size *= 2
    yield Setting(f"{len(chosen)} documents", float(len(chosen)), parts.train, parts.test, y[parts.train])


def _unequal(y: Target, parts: Parts, rng: np.random.Generator) -> Iterator[Setting]:
    """As many training documents each time, of which more and more are yes."""
    yes, no = (rng.permutation(parts.train[y[parts.train] == value]) for value in (1, 0))
    size = int(min(len(yes) / max(SHARES), len(no) / (1 - min(SHARES))))
    if size * min(SHARES) < _EACH:
        msg = (
            f"the regime 'imbalance' needs at least {round(_EACH / min(SHARES))} training documents of each class, "
            f"and there are {min(len(yes), len(no))}"
        )
        raise InputError(msg)
    for share in SHARES:
        positives = round(size * share)
        some = np.sort(np.concatenate([yes[:positives], no[: size - positives]]))
        yield Setting(f"{share:.0%} yes", share, some, parts.test, y[some])


def _noisy(y: Target, parts: Parts, rng: np.random.Generator) -> Iterator[Setting]:
    """More and more training labels become another one; test labels stay."""
    known = y[parts.train]
    order = rng.permutation(len(known))
    other = (known + rng.integers(1, int(y.max()) + 1, len(known))) % (int(y.max()) + 1)
    for share in NOISES:
        wrong = order[: int(share * len(known))]
        labels = known.copy()
        labels[wrong] = other[wrong]
        yield Setting(f"{share:.0%} wrong labels", share, parts.train, parts.test, labels)


def _shifted(y: Target, domains: pl.Series) -> Iterator[Setting]:
    """Each domain tests what all others taught."""
    codes, names = domains.rank("dense").to_numpy() - 1, domains.unique().sort().to_list()
    if not 2 <= len(names) <= MOST_DOMAINS:
        msg = f"column {domains.name!r} has {len(names)} values; domains must be 2 to {MOST_DOMAINS}"
        raise InputError(msg)
    for code, name in enumerate(names):
        train, test = np.flatnonzero(codes != code), np.flatnonzero(codes == code)
        known = set(np.unique(y[test]).tolist()), set(np.unique(y[train]).tolist())
        if kind_of(y) != "regression" and (len(known[0]) < 2 or len(known[1]) < len(np.unique(y))):
            msg = (
                f"the domain {str(name)[:40]!r} of column {domains.name!r} has only one class, or the others lack one; "
                "leave it out or choose another column"
            )
            raise InputError(msg)
        yield Setting(f"tested on {name}", None, train, test, y[train])
