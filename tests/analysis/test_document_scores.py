from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of

from saedata.analysis.document_scores import document_scores
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

ON = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]], dtype=bool)
TEXTS = ["one", "one two three", None, "one two"]


@pytest.fixture
def frame(make_frame: MakeFrame) -> Embeddings:
    return frame_of(make_frame, ON, texts=TEXTS)


def test_the_number_of_features_on(frame: Embeddings):
    found = document_scores(frame)
    assert found.columns == ["doc", "tokens", "features_on", "score", "rank", "percentile"]
    assert found["doc"].to_list() == [1, 0, 3, 2]
    assert found["tokens"].to_list() == [3, 1, 2, 0]
    assert found["features_on"].to_list() == [3, 2, 2, 0]
    assert found["score"].to_list() == [3.0, 2.0, 2.0, 0.0]
    assert found["rank"].to_list() == [1, 2, 3, 4]
    assert found["percentile"].to_list() == [87.5, 50.0, 50.0, 12.5]


def test_weights_may_be_negative(frame: Embeddings):
    weights = pl.DataFrame({"feature": [1, 0], "weight": [0.5, -2.0]})
    found = document_scores(frame, weights=weights)
    assert found["doc"].to_list() == [1, 2, 0, 3]
    assert found["score"].to_list() == [0.5, 0.0, -1.5, -1.5]
    assert found["features_on"].to_list() == [3, 0, 2, 2]


def test_rare_features_count_more(frame: Embeddings):
    found = document_scores(frame, weights="rare").sort("doc")
    expected = [2**0.5 + (4 / 3) ** 0.5, (4 / 3) ** 0.5 + 4, 0.0, 2**0.5 + (4 / 3) ** 0.5]
    np.testing.assert_allclose(found["score"], expected)


def test_divided_by_tokens(frame: Embeddings):
    found = document_scores(frame, per_token=True)
    assert found["doc"].to_list() == [0, 1, 3, 2]
    assert found["score"].to_list() == [2.0, 1.0, 1.0, None]
    assert found["rank"].to_list() == [1, 2, 3, 4]
    assert found["percentile"].to_list() == [
        pytest.approx(500 / 6),
        pytest.approx(200 / 6),
        pytest.approx(200 / 6),
        None,
    ]


def test_views_and_thresholds(make_frame: MakeFrame):
    rng = np.random.default_rng(0)
    on = rng.random((90, 20)) < 0.3
    frame = frame_of(make_frame, on, user={"i": list(range(90))})
    found = document_scores(frame.filter(pl.col("i") > 30).select(range(5, 20)), threshold=10.5).sort("doc")
    assert found["doc"].to_list() == list(range(31, 90))
    assert found["score"].to_list() == on[31:, 10:].sum(axis=1).tolist()  # feature f has the value 1 + f


def test_bad_input_gets_a_sentence(frame: Embeddings):
    with pytest.raises(InputError, match="feature 9, but this encoder has features 0 to 3"):
        document_scores(frame, weights=pl.DataFrame({"feature": [9], "weight": [1.0]}))
    with pytest.raises(InputError, match="has no documents"):
        document_scores(frame.filter(pl.col("doc") > 9))
