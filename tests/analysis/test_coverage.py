from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of

from saedata.analysis.coverage import coverage
from saedata.errors import InputError
from saedata.stats.subsets import chance_within, expected_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

ON = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)


def test_every_subset_of_five_documents(make_frame: MakeFrame):
    found = coverage(frame_of(make_frame, ON))
    assert found["documents"].to_list() == [1, 2, 3, 4, 5]
    means = [
        np.mean([ON[list(docs)].any(axis=0).sum() for docs in itertools.combinations(range(5), n)]) for n in range(1, 6)
    ]
    np.testing.assert_allclose(found["features"], means)
    np.testing.assert_allclose(found["coverage"], np.array(means) / 4)
    np.testing.assert_allclose(found["of_encoder"], np.array(means) / 5)
    np.testing.assert_allclose(found["redundancy"], np.mean(means) / 4)


def test_copies_make_a_corpus_redundant(make_frame: MakeFrame):
    on = np.eye(4, dtype=bool)
    once = coverage(frame_of(make_frame, on, name="once"))
    copied = frame_of(make_frame, np.repeat(on, 5, axis=0), name="copied", texts=[f"t {i // 5}" for i in range(20)])
    assert once["redundancy"][0] == pytest.approx(0.625)  # (1 + 2 + 3 + 4) / 16
    assert coverage(copied)["redundancy"][0] == pytest.approx(0.625)
    assert coverage(copied, duplicates="keep")["redundancy"][0] > 0.8


def test_thresholds_and_selected_features(make_frame: MakeFrame):
    frame = frame_of(make_frame, ON)
    assert coverage(frame, threshold=2.5)["features"][-1] == pytest.approx(2)  # feature f has the value 1 + f
    some = coverage(frame.select([0, 1, 3]))
    assert some["features"][-1] == pytest.approx(2)
    assert some["of_encoder"][-1] == pytest.approx(2 / 3)


def test_a_million_documents_lose_no_digits():
    on = np.array([1, 3, 500_000, 1_000_000])
    sizes = np.array([1, 1000, 999_999, 1_000_000])
    share = np.array([[chance_within(d, 1_000_000, n) for d in on] for n in sizes])
    np.testing.assert_allclose(share[:, 0], sizes / 1e6, rtol=1e-6)
    assert (share[:, 3] == 1).all()
    assert (share[3] == 1).all()
    np.testing.assert_allclose(expected_share(on, 1_000_000, sizes, np.ones(4)), share.mean(axis=1), rtol=1e-9)


def test_bad_input_gets_a_sentence(make_frame: MakeFrame):
    frame = frame_of(make_frame, ON)
    with pytest.raises(InputError, match="has no documents"):
        coverage(frame.filter(pl.col("doc") > 9))
    with pytest.raises(InputError, match="no feature is on in a"):
        coverage(frame.filter(pl.col("doc") == 4))
    with pytest.raises(InputError, match="it must be 0 or more"):
        coverage(frame, threshold=-0.5)
