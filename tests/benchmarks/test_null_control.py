from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import null_control
from benchmarks.null_control import (
    alarms,
    any_below,
    compare,
    figure,
    halves,
    interval,
    shuffled_within,
    shuffles,
    swapped_pairs,
    whole_clusters,
)
from benchmarks.simulated import Authors, write
from saedata.analysis.correlate import correlate
from saedata.analysis.correlate.strata import strata_of
from saedata.frame import Embeddings

PAIRED_UP = null_control.PAIRED_UP


@pytest.fixture
def authors(tmp_path: Path, quick_disk: None) -> Embeddings:
    """25 authors of 8 documents, who differ a lot."""
    made = Authors(documents=8, features=40, spread=3.0)
    return write(tmp_path / "authors.sae", documents=200, encoder=made.encoder, shard=made.shard)


@pytest.fixture
def pairs(make_frame: Callable[..., Embeddings]) -> Embeddings:
    rng = np.random.default_rng(0)
    rows = [(f"text {i}", {int(f): 1.0 for f in np.flatnonzero(rng.random(20) < 0.4)}) for i in range(60)]
    return make_frame("pairs.sae", rows, features=20, shard=30, user={"pair": [i % 30 for i in range(60)]})


def docs(frame: Embeddings) -> list[int]:
    return frame.documents["doc"].to_list()


def test_interval_is_clopper_and_pearsons():
    low, high = interval(10, 200)
    assert (round(low, 4), round(high, 4)) == (0.0242, 0.0900)
    assert figure("name", [True] * 10 + [False] * 190).n == "200 runs, 95 % interval 0.024 to 0.090"
    assert figure("name", [True, False], ("<=", 0.08)).verdict == "MISS"


def test_halves_share_no_document(pairs: Embeddings):
    one, two = halves(pairs, np.random.default_rng(0))
    assert len(docs(one)) == len(docs(two)) == 30
    assert sorted(docs(one) + docs(two)) == docs(pairs)
    assert docs(halves(pairs, np.random.default_rng(1))[0]) != docs(one)


def test_authors_stand_whole_on_a_side(authors: Embeddings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(null_control, "DOCUMENTS", 6)
    sides = whole_clusters(authors, "author", np.random.default_rng(0))
    counts = [side.documents.group_by("author").len() for side in sides]
    assert [table.height for table in counts] == [10, 10]
    assert set(pl.concat(counts)["len"]) == {6}
    assert not set(counts[0]["author"]) & set(counts[1]["author"])


def test_pairs_are_swapped_within(pairs: Embeddings):
    one, two = swapped_pairs(pairs, np.random.default_rng(0))
    for side in (one, two):
        assert sorted(side.documents["pair"]) == list(range(30))
    assert 5 < sum(doc < 30 for doc in docs(one)) < 25


def test_columns_are_shuffled_within_strata():
    rng = np.random.default_rng(0)
    values = rng.random((40, 6)).astype(np.float32)
    stratum = np.repeat([1, 0, 1, 2], 10)
    found = shuffled_within(values, stratum, rng)
    for one in range(3):
        rows = stratum == one
        np.testing.assert_array_equal(np.sort(found[rows], axis=0), np.sort(values[rows], axis=0))
    order = np.argsort(found[stratum == 2], axis=0).T
    assert len(np.unique(order, axis=0)) == 6


def test_shuffled_frames_keep_the_margins_and_lose_the_pairs(authors: Embeddings, tmp_path: Path):
    assert any_below(correlate(authors, **PAIRED_UP))
    found = []
    for shuffled in shuffles(authors, tmp_path, 5):
        np.testing.assert_array_equal(shuffled.documents_on(), authors.documents_on())
        assert shuffled.documents["tokens"].equals(authors.documents["tokens"])
        found.append(any_below(correlate(shuffled, **PAIRED_UP)))
    assert sum(found) <= 1


def test_length_alone_ties_features_together_without_strata(make_frame: Callable[..., Embeddings], tmp_path: Path):
    rng = np.random.default_rng(3)
    words = np.repeat([2, 20], 100)
    rows = [
        (f"{i} " + "word " * n, {f: 1.0 for f in range(20) if rng.random() < (0.1 if n == 2 else 0.6)})
        for i, n in enumerate(words)
    ]
    frame = make_frame("lengths.sae", rows, features=20, shard=50)
    assert len(np.unique(strata_of(frame.documents["tokens"].to_numpy(), null_control.LENGTHS))) > 1
    shuffled = next(frames := shuffles(frame, tmp_path, 1))
    assert not any_below(correlate(shuffled, **PAIRED_UP))
    assert any_below(correlate(shuffled, strata=1, **PAIRED_UP))
    frames.close()


def test_authors_taken_for_independent_give_false_alarms(authors: Embeddings):
    def draw(rng: np.random.Generator) -> tuple[Embeddings, Embeddings]:
        return whole_clusters(authors, "author", rng)

    assert sum(alarms(draw, compare(), 6)) > 3
    assert sum(alarms(draw, compare(cluster="author"), 6)) <= 1
