"""One feature: its documents, its values, and what is on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saedata import activation_histogram, cofiring, feature_documents
from saedata.errors import FrameError, InputError

if TYPE_CHECKING:
    from saedata.frame import Embeddings


@pytest.fixture
def frame(make_frame: Any) -> Embeddings:
    """Feature 1 is on in documents 0 to 4 with values 5, 4, 3, 2, 1; feature 2 in 0 to 3, feature 3 in all of 8."""
    rows = []
    for number in range(8):
        on = {3: 1.0}
        if number < 5:
            on[1] = 5.0 - number
        if number < 4:
            on[2] = 1.0
        rows.append((f"text {number}", on))
    made: Embeddings = make_frame("a.sae", rows, features=5)
    return made


@pytest.mark.parametrize(("which", "docs"), [("strongest", [0, 1, 2]), ("weakest", [4, 3, 2]), ("median", [2, 1, 3])])
def test_documents_come_in_the_order_asked_for(frame: Embeddings, which: Any, docs: list[int]) -> None:
    found = feature_documents(frame, 1, which=which, limit=3)
    assert found["doc"].to_list() == docs
    assert found["value"].to_list() == [5.0 - doc for doc in docs]
    assert found["rank"].to_list() == [1, 2, 3]


def test_a_random_choice_is_one_of_the_documents_and_follows_the_seed(frame: Embeddings) -> None:
    first = feature_documents(frame, 1, which="random", seed=1)["doc"].to_list()
    assert sorted(first) == [0, 1, 2, 3, 4]
    assert first == feature_documents(frame, 1, which="random", seed=1)["doc"].to_list()
    assert any(first != feature_documents(frame, 1, which="random", seed=seed)["doc"].to_list() for seed in range(2, 9))


def test_what_is_on_together_is_counted_by_hand(frame: Embeddings) -> None:
    found = cofiring(frame, 1)
    assert found.select("feature", "documents").rows() == [(2, 4), (3, 5)]
    assert found["jaccard"].to_list() == [4 / 5, 5 / 8]
    assert found["share"].to_list() == [4 / 5, 1.0]
    assert cofiring(frame, 1, min_documents=5)["feature"].to_list() == [3]
    assert cofiring(frame, 1, limit=1).height == 1


def test_values_are_counted(frame: Embeddings) -> None:
    edges, counts = activation_histogram(frame, 1, bins=4)
    assert (edges[0], len(edges), counts) == (1.0, 5, [1.0, 1.0, 1.0, 2.0])
    assert activation_histogram(frame, 4) == ([], [])
    assert feature_documents(frame, 4).is_empty()


def test_what_does_not_exist_is_refused(frame: Embeddings) -> None:
    with pytest.raises(FrameError):
        feature_documents(frame, 99)
    with pytest.raises(InputError, match="which is 'best'"):
        feature_documents(frame, 1, which="best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="limit is 0"):
        feature_documents(frame, 1, limit=0)
