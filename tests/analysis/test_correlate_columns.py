"""Features against the user's own columns."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from correlate_frames import frame_of, null_distribution, random_matrix
from scipy.stats import mannwhitneyu

from saedata.analysis.correlate import correlate_columns
from saedata.analysis.correlate.columns import SCHEMA
from saedata.errors import InputError
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

EVERYTHING = {"limit": 10**6, "min_documents": 1}


@pytest.fixture
def frame(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(0)
    on = random_matrix(5, 150, 6)
    stars = rng.normal(size=150) + 1.5 * on[:, 3]
    user = {
        "model": [["a", "b", "c"][i % 3] if i != 7 else None for i in range(150)],
        "good": (on[:, 4] ^ (rng.random(150) < 0.1)).tolist(),
        "stars": [None if i == 9 else float(s) for i, s in enumerate(stars)],
        "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=int(d)) for d in np.argsort(stars)],
        "tags": [["x"]] * 150,
        "id": [f"id{i}" for i in range(150)],
        "same": ["x"] * 150,
    }
    return frame_of(make_frame, "a", on, words=np.repeat([5, 20, 60], 50), user=user), on, user


def test_values_are_tested_as_pairs_are(frame: Any):
    embeddings, on, user = frame
    table = correlate_columns(embeddings, ["model"], strata=3, **EVERYTHING)
    assert table.schema == SCHEMA
    assert table.height == table["tested"][0] == 18
    known = np.array([value is not None for value in user["model"]])
    stratum = np.repeat(np.arange(3), 50)[known]
    for row in table.iter_rows(named=True):
        x = on[known, row["feature"]]
        y = np.array(user["model"])[known] == row["value"]
        sizes, a, b = (np.bincount(stratum, w, 3).astype(int) for w in (np.ones(149), x, y))
        both = int((x & y).sum())
        assert (row["documents"], row["documents_feature"], row["documents_value"]) == (both, x.sum(), y.sum())
        chances = null_distribution(a, b, sizes)
        together = both > (a * b / sizes).sum()
        assert row["p"] == pytest.approx(chances[both:].sum() if together else chances[: both + 1].sum(), rel=0.05)
        assert row["lift"] == pytest.approx(both / 149 / (x.mean() * y.mean()))
        assert row["p_feature_given_value"] == pytest.approx(both / y.sum())
        assert row["p_value_given_feature"] == pytest.approx(both / x.sum())
        centred = [v - np.bincount(stratum, v)[stratum] / sizes[stratum] for v in (x, y)]
        expected = (centred[0] * centred[1]).sum() / np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
        assert row["correlation"] == pytest.approx(expected)
    q = benjamini_hochberg(np.minimum(1, 2 * table["p"].to_numpy()))
    np.testing.assert_allclose(table["q"], q)
    assert table["p"].is_sorted()


def test_a_boolean_finds_its_feature(frame: Any):
    embeddings, *_ = frame
    table = correlate_columns(embeddings, ["good"], **EVERYTHING)
    assert table["value"].unique().to_list() == ["true"]
    first = table.row(0, named=True)
    assert (first["feature"], first["direction"]) == (4, "together")
    assert first["q"] < 1e-10
    assert first["correlation"] > 0.6


def test_a_number_finds_its_feature_as_a_rank_test_does(frame: Any):
    embeddings, on, user = frame
    table = correlate_columns(embeddings, ["stars"], strata=1, **EVERYTHING)
    first = table.row(0, named=True)
    assert (first["feature"], first["direction"], first["value"]) == (3, "together", None)
    assert first["npmi"] is None
    known = np.array([value is not None for value in user["stars"]])
    stars = np.array([value for value in user["stars"] if value is not None])
    for row in table.iter_rows(named=True):
        x = on[known, row["feature"]]
        way = "greater" if row["direction"] == "together" else "less"
        p = mannwhitneyu(stars[x], stars[~x], alternative=way, method="asymptotic", use_continuity=False).pvalue
        if x.sum() > 10:
            assert row["p"] == pytest.approx(p, rel=0.05)
        ranks = np.argsort(np.argsort(stars))
        assert row["correlation"] == pytest.approx(np.corrcoef(ranks, x)[0, 1], abs=1e-9)


def test_dates_are_numbers(frame: Any):
    embeddings, *_ = frame
    table = correlate_columns(embeddings, ["day"], **EVERYTHING)
    assert table.height == 6
    assert table["value"].null_count() == 6


def test_length_does_not_tie_a_feature_to_a_number(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(1)
    words = np.repeat(np.arange(5, 65), 30)
    on = rng.random((1800, 20)) < 0.01 * words[:, None]
    score = words + rng.normal(size=1800)
    frame = frame_of(make_frame, "a", on, words=words, user={"score": score.tolist()})
    assert (correlate_columns(frame, ["score"], strata=60)["q"] < 0.05).sum() == 0
    assert (correlate_columns(frame, ["score"], strata=1)["q"] < 0.05).sum() > 10


def test_several_columns_share_one_adjustment_and_the_limit(frame: Any):
    embeddings, *_ = frame
    table = correlate_columns(embeddings, ["good", "stars", "same"], limit=4, min_documents=1)
    assert table.height == 4
    assert (table["tested"] == 12).all()  # a column with one value has nothing to compare
    assert table["column"][0] == "good"


def test_rare_values_are_not_tested(frame: Any):
    embeddings, *_ = frame
    assert correlate_columns(embeddings, ["id"], min_documents=2).is_empty()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["mood"], "no column 'mood'; its columns are: 'model'"),
        (["tags"], "'tags' holds lists"),
        (["text"], "'text' is not something"),
        (["id"], "'id' has 150 values"),
        ([], "no columns are named"),
    ],
)
def test_unusable_columns_are_refused(frame: Any, columns: list[str], words: str):
    with pytest.raises(InputError, match=words):
        correlate_columns(frame[0], columns, min_documents=1)


def test_a_column_of_nothing_is_no_error(make_frame: Callable[..., Embeddings]):
    frame = frame_of(make_frame, "a", random_matrix(0, 20, 3), user={"x": [None] * 20}, tables={"x": pl.Float64()})
    assert correlate_columns(frame, ["x"]).is_empty()


def test_evidence_is_on_the_side_that_a_row_speaks_of(frame: Any):
    embeddings, _, user = frame
    table = correlate_columns(embeddings, ["model", "good", "stars", "day"], evidence=4, **EVERYTHING)
    values = {(doc, f): v for doc, f, v in embeddings.scan().select("doc", "feature", "value").collect().iter_rows()}
    text = {name: ["true" if v is True else "false" if v is False else v for v in user[name]] for name in user}
    numbers = {"stars": user["stars"], "day": [day.toordinal() for day in user["day"]]}
    for row in table.iter_rows(named=True):
        name = row["column"]
        if row["value"] is None:
            middle = np.median([v for v in numbers[name] if v is not None])
            has = [None if v is None else v > middle for v in numbers[name]]
        else:
            has = [None if v is None else v == row["value"] for v in text[name]]
        wanted = row["direction"] == "together"
        there = [d for d in range(150) if has[d] is not None and has[d] == wanted and (d, row["feature"]) in values]
        expected = sorted(there, key=lambda d, f=row["feature"]: (-values[d, f], d))[:4]
        assert row["evidence"] == expected
    assert correlate_columns(embeddings, ["good"], evidence=0, **EVERYTHING)["evidence"].list.len().sum() == 0


def test_a_number_that_is_mostly_its_largest_value_still_has_evidence(make_frame: Callable[..., Embeddings]):
    on = np.arange(40)[:, None] % 4 > 0
    frame = frame_of(make_frame, "b", on, user={"stars": [5 if x else 1 for x in on[:, 0]]})
    row = correlate_columns(frame, ["stars"], **EVERYTHING).row(0, named=True)
    assert row["direction"] == "together"
    assert len(row["evidence"]) == 3
