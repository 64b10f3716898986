"""Units in memory, for the tests of `separability`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.analysis.separability.units import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]

CONCEPTS = ("arts", "law", "sport")


@dataclass
class Matrix:
    """A matrix [documents, units]; sparse: where it is 0 a unit is off."""

    values: Array
    sparse: bool = True
    name: str = "SAE"
    numbers: Array = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = np.arange(self.values.shape[1])

    def columns(self, rows: Array) -> Iterator[Column]:
        for unit in self.numbers.tolist():
            own = self.values[rows, unit]
            positions = np.flatnonzero(own) if self.sparse else np.arange(len(rows))
            yield Column(unit, positions, own[positions])


def real_shaped(each: int, concepts: int, units: int, *, seed: int) -> tuple[Array, Array]:
    """Features as an SAE's: most of them rare, densities over three decades, few of them tell concepts apart much."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(concepts), each)
    plan = np.random.default_rng(12345)
    density = 10 ** plan.uniform(-3, -0.3, units)
    tells = plan.exponential(0.5, units)
    lean = plan.normal(size=(units, concepts)) * tells[:, None]
    odds = (density / (1 - density))[:, None] * np.exp(lean)
    chance = odds / (1 + odds)
    height = np.exp(0.2 * lean)
    on = rng.random((len(y), units)) < chance.T[y]
    values = np.where(on, 1 + rng.gamma(2.0, size=on.shape) * height.T[y], 0)
    return values.astype(np.float32), y


def planted(
    make_frame: Callable[..., Embeddings], documents: int = 240, *, name: str = "a.sae", **user: Any
) -> Embeddings:
    """Feature 3 is on in "law" only, 5 more strongly in "arts", 7 everywhere but in "sport"; 0 to 2 at random; 9 never.

    Values at or below 1 are off.
    """
    rng = np.random.default_rng(0)
    topic = rng.permutation(np.arange(documents) % 3)
    x = np.zeros((documents, 10))
    x[:, :3] = (rng.random((documents, 3)) < 0.3) * (1 + rng.random((documents, 3)))
    x[:, 3] = np.where(topic == 1, 2 + rng.random(documents), 0.5)
    x[:, 5] = 1.5 + rng.random(documents) + 0.7 * (topic == 0)
    x[:, 7] = np.where(topic == 2, 0, 2 + rng.random(documents))
    rows = [(f"text {n}", {int(f): float(row[f]) for f in np.flatnonzero(row)}) for n, row in enumerate(x)]
    own = {"topic": [CONCEPTS[t] for t in topic]} | user
    encoder = {"threshold": 1.0, "d_in": 6}
    return make_frame(name, rows, features=10, shard=500, user=own, encoder=encoder)
