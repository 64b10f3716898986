"""The arithmetic of planted pairs: what counts as found, plain NPMI, and the draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from benchmarks.keywords import Keywords
from benchmarks.planted_correlations import (
    METHODS,
    MIXTURE,
    Plant,
    all_npmi,
    drawn_documents,
    figures,
    first_by_hash,
    found_per_draw,
    plain,
    top_pairs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

PLANT = Plant("bees_opera", [], Keywords(["bee*"]), Keywords(["opera*", "aria"]))


def pairs(*labels: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(labels, schema=["label_a", "label_b"], orient="row")


@pytest.mark.parametrize(
    ("labels", "rank"),
    [
        ([("rain", "snow"), ("beekeeping", "opera singers")], 2),
        ([("an aria", "bees")], 1),
        ([("bees", "honey"), ("opera", "arias")], None),
        ([("bees at the opera", "rain")], None),
        ([("bees at the opera", "beer at the opera")], 1),
        ([], None),
    ],
)
def test_one_label_must_name_the_one_concept_and_the_other_the_other(labels: list[tuple[str, str]], rank: int | None):
    assert PLANT.rank(pairs(*labels)) == rank


def test_a_draw_has_its_share_of_each_kind_and_is_always_the_same():
    kinds = [kind for kind, size in MIXTURE.items() for _ in range(2 * size)]
    pool = pl.DataFrame({"kind": kinds})
    docs = drawn_documents(pool, 1)
    assert len(docs) == 990
    assert pool[docs]["kind"].value_counts().sort("kind").rows() == sorted(MIXTURE.items())
    assert (docs == drawn_documents(pool, 1)).all()
    assert (docs != drawn_documents(pool, 2)).any()


def test_texts_come_once_and_in_an_order_of_their_own():
    values = pl.Series(["b", "a", None, " ", "b", "c"])
    assert sorted(first_by_hash(values, 10)) == ["a", "b", "c"]
    assert first_by_hash(values, 2) == first_by_hash(values.reverse(), 2)


def test_npmi_of_all_pairs(make_frame: Callable[..., Embeddings]):
    on = [{0: 1.0, 1: 1.0}] * 2 + [{2: 1.0}] * 2 + [{2: 1.0, 3: 1.0}] + [{}] * 3
    frame = make_frame("a.sae", [(f"text {i}", row) for i, row in enumerate(on)])
    features, values = all_npmi(frame, fewest=1)
    assert features.tolist() == [0, 1, 2, 3]
    assert values[0, 1] == pytest.approx(1)
    assert values[2, 3] == pytest.approx(np.log(8 / 3) / np.log(8))
    assert values[0, 2] == -1
    assert (values[np.tril_indices(4)] == -2).all()
    assert all_npmi(frame, fewest=2)[0].tolist() == [0, 1, 2]
    assert plain(frame).height == 6


def test_top_pairs_are_the_largest_and_of_equal_ones_the_first():
    values = np.full((4, 4), -2.0)
    values[0, 1], values[0, 2], values[0, 3], values[1, 2], values[1, 3], values[2, 3] = 0.1, 0.5, 0.9, 0.5, 0.5, -1
    a, b = top_pairs(values, 3)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == [(0, 3), (0, 2), (1, 2)]
    assert len(top_pairs(values, 20)[0]) == 6


def test_plants_found_in_each_draw():
    rows = [
        (draw, plant, method, rank)
        for draw in (0, 1)
        for plant in "ab"
        for method, rank in zip(METHODS, (1, 2, None, None), strict=True)
    ]
    table = pl.DataFrame(rows, schema=["draw", "plant", "method", "rank"], orient="row")
    missed = table.with_columns(rank=pl.when(pl.col("draw") == 1, pl.col("plant") == "b").then(None).otherwise("rank"))
    assert found_per_draw(missed.filter(pl.col("method") == METHODS[0])) == [2, 1]
    shown = {figure.name: figure.value for figure in figures(missed, table)}
    assert shown["interesting: plants found, fewest in a draw"] == 1
    assert shown["interesting: plants found, mean of the draws"] == 1.5
    assert shown[f"{METHODS[2]}: plants found, mean of the draws"] == 0
    assert shown["interesting: found though not planted, mean"] == 2
    assert shown["b: draws where it is found"] == 1
