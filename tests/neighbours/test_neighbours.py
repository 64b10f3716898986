from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of

from saedata.counted import counted
from saedata.neighbours import Profiles, coordinates, graph, nearest, read_profiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

NOTHING = np.zeros(0, np.float32)


def profiles_of(values: Any, *, weights: Any = None, similarity: Any = "jaccard", binary: bool = True) -> Profiles:
    """Profiles of a matrix."""
    rows, features = np.nonzero(values)
    pointers = np.concatenate(([0], np.cumsum((values > 0).sum(axis=1))))
    weights = np.ones(values.shape[1]) if weights is None else weights
    held = NOTHING if binary else values[rows, features].astype(np.float32)
    return Profiles(pointers, features.astype(np.uint16), held, np.asarray(weights, np.float32), similarity)


def similarities(values: Any, *, weights: Any = None, similarity: Any = "jaccard", binary: bool = True) -> Any:
    """All similarities, the slow way."""
    values = (values > 0).astype(float) if binary else values.astype(float)
    values = values if weights is None else values * weights
    found = np.zeros((len(values), len(values)))
    for a, mine in enumerate(values):
        for b, theirs in enumerate(values):
            if similarity == "jaccard":
                over, under = np.minimum(mine, theirs).sum(), np.maximum(mine, theirs).sum()
            else:
                over, under = mine @ theirs, np.linalg.norm(mine) * np.linalg.norm(theirs)
            found[a, b] = over / under if under > 0 else 0.0
    np.fill_diagonal(found, 0)
    return found


def random_values(seed: int, documents: int = 70, features: int = 40) -> Any:
    rng = np.random.default_rng(seed)
    on = rng.random((documents, features)) < rng.choice([0.05, 0.2, 0.5], features)
    return on * (rng.exponential(1, on.shape) + 0.1)


@pytest.mark.parametrize("similarity", ["jaccard", "cosine"])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_all_similarities_by_counting(similarity: Any, binary: bool, weighted: bool, search: Any):
    values = random_values(1)
    weights = np.random.default_rng(2).random(40) if weighted else None
    options = {"weights": weights, "similarity": similarity, "binary": binary}
    found = nearest(profiles_of(values, **options), 6, search=search)
    slow = similarities(values, **options)
    np.testing.assert_allclose(found.similarity, -np.sort(-slow, axis=1)[:, :6], atol=1e-5)
    here = found.found >= 0
    rows = np.repeat(np.arange(len(values)), 6).reshape(-1, 6)
    np.testing.assert_allclose(found.similarity[here], slow[rows[here], found.found[here]], atol=1e-5)
    assert (found.similarity[~here] == 0).all()
    assert (found.found != np.arange(len(values))[:, None]).all()


def test_of_equally_similar_documents_the_first():
    found = nearest(profiles_of(np.ones((9, 3))), 3, search="exact")
    assert found.found[0].tolist() == [1, 2, 3]
    assert found.found[8].tolist() == [0, 1, 2]
    candidates = nearest(profiles_of(np.ones((9, 3))), 3, search="approximate")
    assert candidates.found.tolist() == found.found.tolist()


def test_documents_that_share_nothing_have_no_neighbours():
    found = nearest(profiles_of(np.eye(4)), 2)
    assert (found.found == -1).all()
    assert found.graph().nnz == 0


@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_queries_among_other_documents(search: Any):
    values = random_values(3)
    base, queries = profiles_of(values[:50]), profiles_of(values[50:])
    found = nearest(base, 4, queries=queries, search=search)
    slow = similarities(values)[50:, :50]
    np.testing.assert_allclose(found.similarity, -np.sort(-slow, axis=1)[:, :4], atol=1e-5)


def groups(seed: int, documents: int, features: int = 400) -> Any:
    rng = np.random.default_rng(seed)
    chances = rng.uniform(0.005, 0.05, features) + 0.4 * (rng.random((20, features)) < 0.06)
    return rng.random((documents, features)) < chances[rng.integers(20, size=documents)]


def test_few_candidates_and_their_neighbours_find_nearly_all(monkeypatch: pytest.MonkeyPatch):
    profiles = profiles_of(groups(4, 1500))
    exact = nearest(profiles, 15, search="exact")
    monkeypatch.setattr(graph, "FEWEST", 20)
    monkeypatch.setattr(graph, "CANDIDATES", 0)
    recalls = []
    for rounds in (0, 2):
        monkeypatch.setattr(graph, "ROUNDS", rounds)
        found = nearest(profiles, 15, search="approximate", seed=1)
        recalls.append((found.similarity >= exact.similarity[:, -1:] - 1e-6).mean())
    assert 0.3 < recalls[0] < recalls[1]
    assert recalls[1] >= 0.9
    again = nearest(profiles, 15, search="approximate", seed=1)
    np.testing.assert_array_equal(again.found, found.found)


def test_cells_of_the_index(monkeypatch: pytest.MonkeyPatch):
    profiles = profiles_of(groups(5, 1500))
    exact = nearest(profiles, 15, search="exact")
    monkeypatch.setattr("saedata.neighbours.candidates.FLAT", 100)
    found = nearest(profiles, 15, search="approximate")
    assert (found.similarity >= exact.similarity[:, -1:] - 1e-6).mean() >= 0.9


def test_the_graph_is_symmetric():
    links = nearest(profiles_of(random_values(6)), 5).graph()
    assert abs(links - links.T).nnz == 0
    assert links.diagonal().sum() == 0


def test_the_map_keeps_groups_together():
    chances = np.full((3, 90), 0.03)
    for number in range(3):
        chances[number, 30 * number : 30 * number + 30] = 0.5
    group = np.repeat(np.arange(3), 40)
    profiles = profiles_of(np.random.default_rng(7).random((120, 90)) < chances[group])
    known = nearest(profiles, 10)
    places = coordinates(profiles, known, seed=3)
    assert places.shape == (120, 2)
    assert np.isfinite(places).all()
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).mean() > 0.95
    np.testing.assert_array_equal(coordinates(profiles, known, seed=3), places)


@pytest.mark.parametrize("values", [np.ones((2, 3)), np.ones((30, 3)), np.eye(5)])
def test_a_map_of_what_cannot_be_told_apart(values: Any):
    profiles = profiles_of(values)
    places = coordinates(profiles, nearest(profiles, min(5, len(values) - 1)))
    assert np.isfinite(places).all()


def test_read_from_a_frame(make_frame: MakeFrame):
    on = random_values(8, 30, 12) > 0
    frame = frame_of(make_frame, on)
    weights = np.ones(12)
    weights[3] = 0
    incidence = counted(frame, duplicates="keep", threshold=None)
    binary = read_profiles(incidence, weights)
    dense = np.zeros_like(on)
    dense[np.repeat(np.arange(30), np.diff(binary.pointers)), binary.features] = True
    np.testing.assert_array_equal(dense, on & (np.arange(12) != 3))
    assert binary.values.size == 0
    valued = read_profiles(incidence, weights, binary=False)
    np.testing.assert_array_equal(valued.features, binary.features)
    np.testing.assert_allclose(valued.values, 1.0)  # the same in every document, so each is its feature's mean


def test_values_are_those_of_the_documents_that_count(make_frame: MakeFrame):
    rows = [(f"text {i}", {1: 1.0 + i, 2: 2.0 * (1 + i)}) for i in range(10)]
    frame = make_frame("v.sae", rows)
    incidence = counted(frame.filter(pl.col("doc") % 2 == 0), duplicates="keep", threshold=None)
    found = read_profiles(incidence, np.ones(8), binary=False)
    even = np.array([1.0, 3, 5, 7, 9]) / 5
    np.testing.assert_allclose(found.values, np.repeat(even, 2), rtol=1e-6)


def test_taking_and_narrowing():
    values = random_values(9)
    profiles = profiles_of(values, binary=False)
    rows, chosen = np.array([5, 2, 60]), np.arange(40) % 3 == 0
    part = profiles.take(rows).only(chosen)
    np.testing.assert_allclose(part.matrix().toarray(), values[rows] * chosen, rtol=1e-6)
    np.testing.assert_allclose(part.totals, (values[rows] * chosen).sum(axis=1), rtol=1e-5)
