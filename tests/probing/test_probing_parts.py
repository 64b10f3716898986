"""Training and test documents: what is the same, or nearly, or belongs together, is on one side or is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from saedata.errors import InputError
from saedata.probing.parts import Alike, given_parts, leaked, own_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

Y = np.arange(40) % 2


def alike_of(make_frame: MakeFrame, **texts: str) -> tuple[Embeddings, Alike]:
    """40 documents with 12 random features each; document 5 has those of 3 but one, 9 and 11 the text of 8."""
    rng = np.random.default_rng(0)
    on = [sorted(rng.choice(200, 12, replace=False).tolist()) for _ in range(40)]
    on[5] = [*on[3][:-1], *on[3][-1:], 199] if 199 not in on[3] else on[3]
    rows = [(f"text {i}", dict.fromkeys(on[i], 1.0)) for i in range(40)]
    rows[9] = rows[11] = ("text 8", rows[8][1])
    frame = make_frame("a.sae", rows, features=200, shard=16)
    return frame, Alike.of(frame, np.arange(40, dtype=np.uint32), seed=0)


def test_what_is_alike_is_found(make_frame: MakeFrame):
    _, alike = alike_of(make_frame)
    assert np.flatnonzero(alike.first != np.arange(40)).tolist() == [9, 11]
    assert list(zip(alike.a.tolist(), alike.b.tolist(), strict=True)) == [(3, 5)]
    assert alike.similarity[0] == pytest.approx(12 / 13)


@pytest.mark.parametrize("seed", range(8))
def test_own_split_keeps_together_what_belongs_together(make_frame: MakeFrame, seed: int):
    frame, alike = alike_of(make_frame)
    authors = np.arange(40) // 4
    for groups in (np.arange(40), authors):
        parts = own_parts(Y, groups, alike, test=0.25, seed=seed)
        assert sorted([*parts.train, *parts.test]) == list(range(40))
        held = set(parts.test.tolist())
        assert len({3, 5} & held) in (0, 2)
        assert len({8, 9, 11} & held) in (0, 3)
        assert 8 <= len(held) <= 12
        assert 0.3 <= Y[parts.test].mean() <= 0.7
        assert leaked(parts, np.arange(40, dtype=np.uint32), alike).is_empty()
    assert not set(authors[parts.train].tolist()) & set(authors[parts.test].tolist())
    assert len(frame.documents) == 40


def test_a_random_split_of_different_documents_is_stratified():
    none = np.zeros(0, dtype=np.int64)
    alike = Alike(np.arange(40), none, none, np.zeros(0))
    parts = own_parts(Y, np.arange(40), alike, test=0.25, seed=0)
    assert (len(parts.test), int(Y[parts.test].sum())) == (10, 5)
    numbers = own_parts(np.arange(40.0), np.arange(40), alike, test=0.25, seed=0)
    assert len(numbers.test) == 10
    assert {int(place) // 10 for place in numbers.test} == {0, 1, 2, 3}


def test_a_chain_through_all_documents_does_not_prevent_a_split():
    first = np.arange(40)
    alike = Alike(first, first[:-1], first[1:], np.full(39, 0.95))
    parts = own_parts(Y, first, alike, test=0.25, seed=0)
    assert len(parts.test) == 10
    found = leaked(parts, first.astype(np.uint32), alike)
    assert found.height > 5  # and what is in both parts is named
    assert (found["similarity"] == 0.95).all()


def test_leaks_of_a_given_split(make_frame: MakeFrame):
    _, alike = alike_of(make_frame)
    said = pl.Series("part", ["Train", "validation"] * 20)
    said[5], said[9], said[11], said[20] = "test", "TEST", "test", "test"
    parts = given_parts(said, np.arange(40), alike)
    assert parts.test.tolist() == [5, 9, 11, 20]
    found = leaked(parts, np.arange(100, 140, dtype=np.uint32), alike)
    assert found.rows() == [
        (105, 103, pytest.approx(12 / 13), False),
        (109, 108, 1.0, True),
        (111, 108, 1.0, True),
    ]
    flags = pl.Series("held", said.str.to_lowercase() == "test")
    assert given_parts(flags, np.arange(40), alike).test.tolist() == [5, 9, 11, 20]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["train"] * 39 + ["later"], "'part' cannot be the split: it has the value 'later'"),
        (["train"] * 40, "leaves no documents to test with"),
        (["test"] * 40, "leaves no documents to train with"),
    ],
)
def test_a_split_that_is_none(values: list[Any], message: str):
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(InputError, match=message):
        given_parts(pl.Series("part", values), np.arange(40), Alike(np.arange(40), none, none, np.zeros(0)))


def test_groups_that_cannot_be_split():
    none = np.zeros(0, dtype=np.int64)
    alike = Alike(np.arange(40), none, none, np.zeros(0))
    with pytest.raises(InputError, match="cannot be split so that training and test have the classes"):
        own_parts(Y, Y.astype(np.int64), alike, test=0.25, seed=0)
