"""Label similarity, couplings, and the sampling of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from correlate_frames import frame_of

from saedata.analysis.correlate import witness
from saedata.analysis.correlate.coupling import partial_correlations
from saedata.analysis.correlate.similarity import Similarity, label_text
from saedata.analysis.correlate.witness import Pairs, witnesses
from saedata.incidence import Incidence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings


def test_a_feature_is_its_label_or_else_its_tokens():
    rows = [["cat", ["x"]], [None, ["dog", "puppy"]], [" ", None], [None, []]]
    table = pl.DataFrame(rows, schema={"label": pl.String, "tokens": pl.List(pl.String)}, orient="row")
    assert table.select(text=label_text())["text"].to_list() == ["cat", "dog, puppy", None, None]


def test_every_text_is_embedded_once_and_only_when_it_is_needed():
    given: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float64]:
        given.extend(texts)
        return np.array([{"cat": [1, 0], "dog": [0.6, 0.8], "pup": [0, 1]}[text] for text in texts])

    similarity = Similarity(embed)
    found = similarity.of(pl.Series(["cat", None, "cat", "bird"]), pl.Series(["dog", "cat", "cat", None]))
    assert found.to_list() == pytest.approx([0.6, None, 1.0, None])
    assert given == ["cat", "dog"]
    assert similarity.of(pl.Series(["pup"]), pl.Series(["dog"])).to_list() == pytest.approx([0.8])
    assert given == ["cat", "dog", "pup"]
    assert Similarity(None).of(pl.Series(["cat"]), pl.Series(["dog"])).to_list() == [None]


def test_partial_correlations_are_the_graphical_lasso():
    covariance = pytest.importorskip("sklearn.covariance")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 12))
    values[:, 6:] += 0.8 * values[:, :6]
    correlation = np.corrcoef(values.T)
    found = partial_correlations(correlation, penalty=0.05)
    _, precision = covariance.graphical_lasso(correlation + 0.01 * np.eye(12), 0.05, tol=1e-8, enet_tol=1e-8)
    scale = np.sqrt(np.diag(precision))
    expected = -precision / np.outer(scale, scale)
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert ((np.abs(expected) < 1e-12) == (np.abs(found) < 1e-6)).mean() > 0.97


def test_couplings_of_twins_are_finite():
    values = np.random.default_rng(1).normal(size=(100, 3))
    twins = np.column_stack([values, values[:, 0]])
    found = partial_correlations(np.corrcoef(twins.T))
    assert np.isfinite(found).all()
    assert found[0, 3] > 0.8


def test_a_sample_of_documents_is_fair_and_follows_the_seed(
    make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(witness, "SAMPLE", 20)
    frame = frame_of(make_frame, "a", np.ones((400, 2), dtype=bool))
    incidence = Incidence(frame, np.arange(400), threshold=0.0)
    pairs = Pairs(incidence, incidence, np.array([0], np.uint32), np.array([1], np.uint32))
    drawn = [witnesses(pairs, seed=seed)["doc_a"].to_list() for seed in range(60)]
    assert all(len(set(docs)) == 20 for docs in drawn)
    assert drawn[0] != drawn[1]
    assert witnesses(pairs, seed=7)["doc_a"].to_list() == drawn[7]
    mean = np.mean(drawn)  # 1200 draws of 0 to 399: standard error 3.3
    assert 186 < mean < 213
    quarters = np.bincount(np.ravel(drawn) // 100, minlength=4)
    assert quarters.min() > 240
