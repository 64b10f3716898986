"""`concept_mask`: what speaks for a concept is attenuated, and what does not is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from separability_units import planted

from saedata.analysis.separability import concept_mask
from saedata.errors import InputError, MismatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]


def test_values_lose_what_the_posterior_says(make_frame: MakeFrame):
    frame = planted(make_frame)
    mask = concept_mask(frame, label="topic", concept="law", bins=1)
    assert set(mask.features["feature"]) == {3, 7}
    own, before = mask.apply(frame).toarray(), frame.to_csr().toarray()
    law = (frame.documents["topic"] == "law").to_numpy()
    # 80 of 80 documents of "law" have it, and none of the others: half a document is added to either state.
    on = np.array([0.5, 80.5, 0.5]) / 81
    np.testing.assert_allclose(own[law, 3], before[law, 3] * (1 - on[1] / on.sum()), rtol=1e-5)
    off = np.array([80.5, 0.5, 80.5]) / 81
    np.testing.assert_allclose(own[~law, 3], before[~law, 3] * (1 - off[1] / off.sum()), rtol=1e-5)
    np.testing.assert_array_equal(own[:, 0], before[:, 0])
    assert mask.features.filter(feature=3)["posterior"][0] == pytest.approx(on[1] / on.sum())


def test_scores_add_up(make_frame: MakeFrame):
    frame = planted(make_frame)
    mask = concept_mask(frame, label="topic", concept="law")
    scores = mask.scores(frame, reasons=1).join(frame.documents.select("doc", "topic"), on="doc")
    before = frame.to_csr()
    before.data[before.data <= frame.threshold] = 0
    after = mask.apply(frame)
    after.data[frame.to_csr().data <= frame.threshold] = 0
    np.testing.assert_allclose(scores["activation"], np.asarray(before.sum(axis=1)).ravel(), rtol=1e-5)
    np.testing.assert_allclose(scores["taken"], np.asarray((before - after).sum(axis=1)).ravel(), rtol=1e-4)
    np.testing.assert_allclose(scores["score"], scores["taken"] / scores["activation"])
    means = dict(scores.group_by("topic").agg(pl.col("score").mean()).iter_rows())
    assert means["law"] > means["arts"] + 0.1
    first = scores.filter(topic="law")["features"].list.first()
    assert first.str.starts_with("feature 3 ").all()


def test_other_documents(make_frame: MakeFrame):
    frame = planted(make_frame)
    mask = concept_mask(frame, label="topic", concept="law")
    part = frame.filter(pl.col("topic") != "law")
    scores = mask.scores(part, reasons=0)
    assert scores["doc"].to_list() == part.doc_numbers.tolist()
    assert scores["features"].list.len().sum() == 0
    assert mask.apply(part).shape == (160, 10)
    other = make_frame("b.sae", [("x", {0: 2.0})], features=10, encoder={"layer": 2})
    with pytest.raises(MismatchError):
        mask.apply(other)


def test_refusals(make_frame: MakeFrame):
    frame = planted(make_frame, coin=[n % 2 for n in range(240)])
    with pytest.raises(
        InputError, match="has no concept 'poetry' with enough documents; it has 'arts', 'law', 'sport'"
    ):
        concept_mask(frame, label="topic", concept="poetry")
    with pytest.raises(InputError, match="no feature separates the concepts of 'coin'"):
        concept_mask(frame, label="coin", concept=1)
    assert concept_mask(frame, label="coin", concept=1, level=1).features.height == 6
