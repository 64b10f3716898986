from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from correlate_frames import Matrix
from dataset_frames import frame_of
from polars.testing import assert_frame_equal

from saedata.analysis import overlap as module
from saedata.analysis.overlap import overlap
from saedata.errors import InputError, MismatchError
from saedata.incidence import Incidence
from saedata.stats.resampled import centred_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

A = np.array([[1, 1, 0, 0, 1], [1, 0, 1, 0, 0], [1, 1, 0, 0, 0]], dtype=bool)
B = np.array([[1, 0, 0, 1, 0], [1, 1, 0, 0, 0]], dtype=bool)


@pytest.fixture
def frames(make_frame: MakeFrame) -> tuple[Embeddings, Embeddings]:
    return frame_of(make_frame, A, name="a"), frame_of(make_frame, B, name="b")


def test_both_directions_by_hand(frames: tuple[Embeddings, Embeddings]):
    found = overlap(*frames)
    assert found["corpus"].to_list() == ["a", "b"]
    assert found["other"].to_list() == ["b", "a"]
    assert found["documents"].to_list() == [3, 2]
    assert found["features"].to_list() == [4, 3]
    assert found["shared"].to_list() == [2, 2]
    assert found["overlap"].to_list() == [pytest.approx(2 / 4), pytest.approx(2 / 3)]
    assert (found["low"] <= found["overlap"]).all()
    assert (found["overlap"] <= found["high"]).all()


def test_a_feature_must_be_on_often_enough(frames: tuple[Embeddings, Embeddings]):
    found = overlap(*frames, min_documents=2)
    assert found["features"].to_list() == [2, 1]
    assert found["overlap"].to_list() == [0.5, 1.0]
    assert overlap(*frames, min_share=0.5)["features"].to_list() == [2, 3]


def test_the_same_seed_gives_the_same_interval(frames: tuple[Embeddings, Embeddings]):
    assert_frame_equal(overlap(*frames, seed=3), overlap(*frames, seed=3))


def test_the_interval_holds_what_other_samples_give(monkeypatch: pytest.MonkeyPatch):
    """Of 60 pairs of samples, some 95 % of the intervals hold the mean of all; documents come in groups."""
    monkeypatch.setattr(module, "GROUPS", 60)
    rng = np.random.default_rng(5)
    share_a, share_b = rng.beta(0.3, 8, 200), rng.beta(0.3, 8, 200)
    share_b[:100] = share_a[:100]
    values, intervals = [], []
    for _ in range(60):
        has, drawn = zip(
            *(
                module._features_of(_incidence(rng.random((300, 200)) < share), (3, 0.0), 100, rng)
                for share in (share_a, share_b)
            ),
            strict=True,
        )
        values.append(float(module._share(*has)))
        intervals.append(centred_interval(values[-1], module._share(*drawn), level=0.95))
    low, high = np.array(intervals).T
    inside = ((low <= np.mean(values)) & (np.mean(values) <= high)).mean()
    assert 0.88 <= inside <= 1.0
    assert (high - low).mean() < 6 * np.std(values)  # about 4 would be right


def _incidence(on: Any) -> Any:
    matrix = Matrix(on)
    matrix.count_on = Incidence.count_on.__get__(matrix)  # type: ignore[attr-defined]
    return matrix


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_documents": 0}, "min_documents is 0"),
        ({"min_share": 2}, "between 0 and 1"),
        ({"level": 1.0}, "level is 1.0"),
        ({"resamples": 5}, "100 or more"),
        ({"min_documents": 3}, "b has no feature that is on in so many documents"),
        ({"duplicates": "no"}, "'once' or 'keep'"),
    ],
)
def test_bad_input_gets_a_sentence(frames: tuple[Embeddings, Embeddings], options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        overlap(*frames, **options)


def test_other_encoders_are_refused(frames: tuple[Embeddings, Embeddings], make_frame: MakeFrame):
    with pytest.raises(MismatchError, match="cannot be compared"):
        overlap(frames[0], frame_of(make_frame, B, name="c", encoder={"layer": 5}))
