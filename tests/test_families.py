from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from planted_encoder import at_angles, axis
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from saedata import families
from saedata.errors import InputError
from saedata.families import alike, grouped

if TYPE_CHECKING:
    from numpy.typing import NDArray


def random_decoder(seed: int, features: int = 60, *, spread: float = 0.7) -> NDArray[np.float64]:
    """Features around a few centres, so that many cosines are between 0.4 and 0.95; lengths differ."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 16))
    rows = centres[rng.integers(8, size=features)] + spread * rng.normal(size=(features, 16))
    return rows * rng.uniform(0.1, 9, size=(features, 1))


def cosines(decoder: NDArray[np.float64]) -> NDArray[np.float64]:
    unit = decoder / np.linalg.norm(decoder, axis=1, keepdims=True)
    return unit @ unit.T


def linked(decoder: NDArray[np.float64], similarity: float) -> list[int]:
    """Complete linkage by SciPy, each family by its smallest member, -1 for those alone."""
    distance = np.clip(1 - cosines(decoder), 0, None)
    np.fill_diagonal(distance, 0)
    cluster = fcluster(linkage(squareform(distance, checks=False), "complete"), 1 - similarity, "distance")
    sizes = np.bincount(cluster)
    return [int(np.flatnonzero(cluster == c)[0]) if sizes[c] > 1 else -1 for c in cluster]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("similarity", [0.45, 0.7, 0.85])
def test_families_are_those_of_complete_linkage(seed: int, similarity: float):
    decoder = random_decoder(seed)
    expected = linked(decoder, similarity)
    assert grouped(alike(decoder, similarity=similarity)).tolist() == expected
    assert len(set(expected)) > 3


def test_a_chain_does_not_become_one_family():
    chain = at_angles(*np.linspace(0, 2.4, 7))  # neighbours .92, next but one .70, ends -.74
    family = grouped(alike(chain, similarity=0.8))
    assert (alike(chain, similarity=0.8).a + 1 == alike(chain, similarity=0.8).b).all()
    assert np.bincount(family[family >= 0]).max() == 2
    pairs = grouped(alike(at_angles(0, 0.1, 0.5, 0.6), similarity=0.8))
    assert pairs.tolist() == [0, 0, 0, 0]  # the ends are .825 alike
    assert grouped(alike(at_angles(0, 0.1, 0.6, 0.7), similarity=0.8)).tolist() == [0, 0, 2, 2]


def test_equal_opposite_and_unrelated_directions():
    decoder = np.concatenate([at_angles(0.3), axis(4), 7 * at_angles(0.3), -at_angles(0.3), axis(5), 0 * axis(6)])
    found = alike(decoder, similarity=1.0)
    assert (found.a.tolist(), found.b.tolist()) == ([0], [2])
    assert grouped(found).tolist() == [0, -1, 0, -1, -1, -1]
    assert found.cosine[[0, 2]] == pytest.approx(1, abs=1e-6)
    assert found.cosine.max() <= 1
    assert found.nearest[[0, 2]].tolist() == [2, 0]


def test_blocks_give_what_the_whole_matrix_gives(monkeypatch: pytest.MonkeyPatch):
    decoder = random_decoder(3, 101)
    whole = alike(decoder, similarity=0.6)
    exact = cosines(decoder)
    np.fill_diagonal(exact, -2)
    assert whole.nearest.tolist() == exact.argmax(axis=1).tolist()
    assert whole.cosine == pytest.approx(exact.max(axis=1), abs=1e-5)
    for cells in (1, 101 * 7, 101 * 100):
        monkeypatch.setattr(families, "CELLS", cells)
        found = alike(decoder, similarity=0.6)
        assert found.nearest.tolist() == whole.nearest.tolist()
        assert (found.a.tolist(), found.b.tolist()) == (whole.a.tolist(), whole.b.tolist())
        assert found.cosines == pytest.approx(whole.cosines, abs=1e-6)
    expected = {(a, b) for a, b in zip(*np.nonzero(np.triu(exact, 1) >= 0.6), strict=True)}
    assert set(zip(whole.a.tolist(), whole.b.tolist(), strict=True)) == expected


def test_only_candidates_are_nearest_but_all_are_pairs():
    decoder = at_angles(0, 0.1, 0.3)
    found = alike(decoder, candidates=np.array([True, False, True]))
    assert found.nearest.tolist() == [2, 0, 0]
    assert len(found.a) == 3
    alone = alike(decoder, candidates=np.array([True, False, False]))
    assert alone.nearest.tolist() == [-1, 0, 0]
    assert alike(decoder[:0]).nearest.tolist() == grouped(alike(decoder[:0])).tolist() == []


@pytest.mark.parametrize("similarity", [0.0, -0.5, 1.01, float("nan")])
def test_similarity_out_of_range(similarity: float):
    with pytest.raises(InputError, match="it must be above 0 and at most 1"):
        alike(at_angles(0, 1), similarity=similarity)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(families, "MOST_PAIRS", 2)
    assert len(alike(at_angles(0, 0.5, 1.0), similarity=0.8).a) == 2
    with pytest.raises(InputError, match=r"more than 2 pairs of features have a decoder cosine of at least 0\.5"):
        alike(at_angles(0, 0.5, 1.0), similarity=0.5)
