"""Findings: which features belong together, folding and unfolding."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from saedata.analysis.diff import diff, findings
from saedata.analysis.diff.findings import cofiring
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]


@pytest.fixture
def build(make_frame: Callable[..., Any]) -> Build:
    """Write a frame from a matrix [documents, features]."""
    count = itertools.count()

    def make(name: str, values: Any, *, labels: pl.DataFrame | None = None, **columns: list[Any]) -> Embeddings:
        matrix = np.asarray(values, dtype=np.float64)
        on = [{int(f): float(row[f]) for f in np.flatnonzero(row)} for row in matrix]
        rows = [(f"{name} {i}", one) for i, one in enumerate(on)]
        return make_frame(
            f"{next(count)}/{name}.sae", rows, features=matrix.shape[1], shard=100, user=columns, labels=labels
        )

    return make


def families(seed: int, n: int, share: float) -> np.ndarray:
    """Features 0 and 1 go together, 2 and 3 are independent, 4 to 6 are nearly always on, each for itself."""
    rng = np.random.default_rng(seed)
    on = rng.random((n, 7)) < [share, share, share, share / 2, 0.9, 0.9, 0.9]
    on[:, 1] = on[:, 0] ^ (rng.random(n) < 0.03)
    return on.astype(float)


def test_features_of_the_same_documents_are_one_finding(build: Build):
    a, b = build("a", families(1, 300, 0.6)), build("b", families(2, 300, 0.2))
    table = diff(a, b)
    found = dict(table.select("feature", "finding").iter_rows())
    first = table.filter(pl.col("feature").is_in([0, 1]))["feature"][0]
    assert (found[0], found[1]) == (first, first)
    assert all(found[feature] == feature for feature in (2, 3, 4, 5, 6))


def test_features_that_differ_in_opposite_directions_stay_apart(build: Build):
    rng = np.random.default_rng(3)
    x = (rng.random((400, 1)) < 0.5).astype(float)
    on = np.concatenate([x, x], axis=1)
    a, b = on[:200].copy(), on[200:].copy()
    a[:12, 0], a[:12, 1] = 1, 0
    b[:12, 0], b[:12, 1] = 0, 1
    table = diff(build("a", a), build("b", b))
    assert sorted(np.sign(table["difference"].to_list())) == [-1, 1]
    assert table["finding"].to_list() == table["feature"].to_list()


def test_equal_labels_are_one_finding(build: Build):
    labels = pl.DataFrame({"feature": [0, 1, 2], "label": ["apology", "apology", "thanks"]})
    rng = np.random.default_rng(4)
    a, b = (rng.random((200, 3)) < s for s in (0.5, 0.1))
    table = diff(build("a", a, labels=labels), build("b", b, labels=labels))
    assert table.filter(pl.col("label") == "apology")["finding"].n_unique() == 1
    assert table["finding"].n_unique() == 2


def test_rows_beyond_the_first_are_their_own_findings(build: Build):
    a, b = build("a", families(5, 300, 0.6)), build("b", families(6, 300, 0.2))
    table = diff(a, b, evidence_rows=1)
    assert table["finding"].to_list() == table["feature"].to_list()


def test_groups_have_their_own_findings(build: Build):
    values = np.concatenate([families(7, 300, 0.6), families(8, 300, 0.2)])
    table = diff(build("all", values, side=["x"] * 300 + ["y"] * 300), by="side")
    folded = findings(table.filter(pl.col("q") < 0.05))
    assert folded.filter(pl.col("members").list.len() > 1)["group"].sort().to_list() == ["x", "y"]


@pytest.mark.parametrize("n", [5, 64, 65, 200])
def test_cofiring_counts_equal_a_matrix_product(build: Build, n: int):
    rng = np.random.default_rng(n)
    a, b = (rng.random((n, 9)) < 0.4).astype(float), (rng.random((n + 3, 9)) < 0.4).astype(float)
    frames = [build("a", a), build("b", b)]
    counts = [rng.random(len(m)) < 0.8 for m in (a, b)]
    features = np.array([1, 4, 8])
    groups = [np.where(count, 0, -1) for count in counts]
    found = cofiring(list(zip(frames, groups, strict=True)), features, above=0.0)
    for (together, documents), x in zip(found, (a[counts[0]], b[counts[1]]), strict=True):
        np.testing.assert_array_equal(together, x[:, features].T @ x[:, features])
        assert documents == len(x)


def test_features_that_only_stand_for_the_same_side_are_not_one_finding(build: Build):
    """Both are on in 90 % of one side and 10 % of the other, but independently within each."""
    rng = np.random.default_rng(12)
    a, b = (rng.random((300, 2)) < share for share in (0.9, 0.1))
    table = diff(build("a", a.astype(float)), build("b", b.astype(float)))
    assert table["finding"].to_list() == table["feature"].to_list()
    both = np.concatenate([a, b]).astype(float)
    by = diff(build("both", both, side=["a"] * 300 + ["b"] * 300), by="side")
    assert by["finding"].to_list() == by["feature"].to_list()


def test_folding_and_unfolding_lose_nothing(build: Build):
    a, b = build("a", families(9, 300, 0.6)), build("b", families(10, 300, 0.2))
    table = diff(a, b)
    folded, unfolded = findings(table), findings(table, unfold=True)
    assert folded.height == table.height - 1
    assert folded["feature"].to_list() == folded["finding"].to_list()
    assert sorted(folded["members"].explode().to_list()) == sorted(table["feature"].to_list())
    assert (folded["similar"] + 1).to_list() == folded["members"].list.len().to_list()
    assert unfolded["feature"].to_list() == folded["members"].explode().to_list()
    assert_frame_equal(unfolded.select(table.columns).sort("feature"), table.sort("feature"))
    with pytest.raises(InputError, match="no column 'finding'"):
        findings(table.drop("finding"))
