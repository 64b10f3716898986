from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of, jaccard_pairs
from polars.testing import assert_frame_equal

from saedata.analysis.near_duplicates import near_duplicates
from saedata.errors import InputError
from saedata.rows import Rows
from saedata.similar import Sets, similar_pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]


def changed_copies(seed: int, documents: int, features: int, density: float = 0.08) -> NDArray[np.bool_]:
    """Random documents; the second half are copies of the first, each with up to 30 % of its features moved."""
    rng = np.random.default_rng(seed)
    on = rng.random((documents, features)) < density * np.linspace(0.2, 1.8, features)
    half = documents // 2
    for copy in range(half, documents):
        on[copy] = on[copy - half]
        given = np.flatnonzero(on[copy])
        n = int(rng.uniform(0, 0.15) * len(given))
        on[copy, rng.choice(given, n, replace=False)] = False
        on[copy, rng.integers(0, features, n)] = True
    return on


def rows_of(on: NDArray[np.bool_]) -> Rows:
    pointers = np.concatenate(([0], np.cumsum(on.sum(axis=1))))
    return Rows(np.arange(len(on), dtype=np.uint32), pointers, np.nonzero(on)[1].astype(np.uint16))


def pairs_of(on: NDArray[np.bool_], similarity: float, method: Any, seed: int = 0) -> dict[tuple[int, int], float]:
    chosen = np.flatnonzero(on.any(axis=1))
    found: dict[tuple[int, int], float] = {}
    for parts in similar_pairs(Sets(rows_of(on), chosen, similarity), method=method, seed=seed):
        for a, b, alike in parts:
            new = {(int(chosen[x]), int(chosen[y])): float(s) for x, y, s in zip(a, b, alike, strict=True)}
            assert not found.keys() & new.keys()
            found |= new
    return found


def test_five_documents_by_hand(make_frame: MakeFrame):
    on = np.zeros((7, 8), dtype=bool)
    on[0, :5] = on[1, :4] = on[2, :5] = on[3, 6:] = on[4, :5] = True  # 5 and 6 have nothing on
    frame = frame_of(make_frame, on, texts=["a", "b", "c", "d", "a", None, ""])
    found = near_duplicates(frame, similarity=0.8)
    expected = [(0, 1, 0.8, False, 0), (0, 2, 1.0, False, 0), (0, 4, 1.0, True, 0), (5, 6, 1.0, True, 5)]
    assert found.rows() == expected
    assert found.schema == {
        "doc_a": pl.UInt32, "doc_b": pl.UInt32, "similarity": pl.Float64, "exact": pl.Boolean, "group": pl.UInt32,
    }  # fmt: skip
    assert near_duplicates(frame, similarity=0.81)["doc_b"].to_list() == [2, 4, 6]


def test_groups_follow_links(make_frame: MakeFrame):
    on = np.zeros((6, 40), dtype=bool)
    for doc in range(6):
        on[doc, 2 * doc : 2 * doc + 20] = True  # neighbours share 18 of 22
    on[5] = False
    on[5, 30:] = True
    found = near_duplicates(frame_of(make_frame, on), similarity=0.8)
    assert found.select("doc_a", "doc_b").rows() == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert found["group"].to_list() == [0, 0, 0, 0]


@pytest.mark.parametrize("features", [64, 500, 3000])
@pytest.mark.parametrize("similarity", [0.3, 0.8, 1.0])
def test_the_exact_way_equals_counting(features: int, similarity: float):
    on = changed_copies(features, 300, features)
    assert pairs_of(on, similarity, "exact") == jaccard_pairs(on, similarity)


@pytest.mark.parametrize("similarity", [0.6, 0.8])
def test_minhash_finds_nearly_all_and_nothing_else(similarity: float):
    on = changed_copies(1, 3000, 1500)
    truth = jaccard_pairs(on, similarity)
    found = [pairs_of(on, similarity, "minhash", seed) for seed in range(3)]
    assert len(truth) > 500
    assert all(truth[pair] == alike for pairs in found for pair, alike in pairs.items())
    assert min(len(pairs) for pairs in found) >= 0.985 * len(truth)


def test_both_ways_give_one_table(make_frame: MakeFrame):
    on = changed_copies(2, 240, 300)
    texts = [f"text {i % 230}" for i in range(240)]
    frame = frame_of(make_frame, on, texts=texts)
    exact = near_duplicates(frame, similarity=0.7, method="exact")
    assert exact["exact"].sum() == 10
    assert exact.height > 100
    assert_frame_equal(near_duplicates(frame, similarity=0.7, method="minhash"), exact)
    assert_frame_equal(near_duplicates(frame, similarity=0.7), exact)


def test_the_most_similar_pairs_stay_and_groups_are_of_all(make_frame: MakeFrame):
    on = changed_copies(3, 200, 300)
    frame = frame_of(make_frame, on)
    every = near_duplicates(frame, similarity=0.6)
    with pytest.warns(UserWarning, match="the 5 most similar are listed"):
        few = near_duplicates(frame, similarity=0.6, limit=5)
    alike = every.filter(pl.col("similarity") < 1).sort("similarity", "doc_a", "doc_b", descending=[True, False, False])
    kept = pl.concat([every.filter(pl.col("similarity") == 1), alike.head(5)]).sort("group", "doc_a", "doc_b")
    assert_frame_equal(few, kept)


def test_views_keep_their_numbers(make_frame: MakeFrame):
    on = changed_copies(4, 100, 200)
    frame = frame_of(make_frame, on, user={"i": list(range(100))}).filter(pl.col("i") % 50 >= 10)
    found = near_duplicates(frame, similarity=0.7)
    truth = jaccard_pairs(on, 0.7)
    assert found.height > 20
    assert set(found.select("doc_a", "doc_b").rows()) == {(a, b) for a, b in truth if a % 50 >= 10 and b % 50 >= 10}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": 0}, "above 0 and at most 1"),
        ({"similarity": 1.5}, "above 0 and at most 1"),
        ({"method": "fast"}, "'auto', 'exact' or 'minhash'"),
        ({"limit": 0}, "1 or more rows"),
        ({"threshold": -2.0}, "it must be 0 or more"),
    ],
)
def test_bad_input_gets_a_sentence(make_frame: MakeFrame, options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        near_duplicates(frame_of(make_frame, np.eye(3, dtype=bool)), **options)
