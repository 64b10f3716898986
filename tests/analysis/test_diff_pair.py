"""Aligned corpora: pairs by hand, several others, groups of one corpus, and what is refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from saedata.analysis.diff import SCHEMA, diff
from saedata.analysis.diff.pairs import agreements
from saedata.errors import InputError
from saedata.stats import mcnemar_p, newcombe_paired_interval, paired_log_odds_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]


@pytest.fixture
def build(make_frame: Callable[..., Any]) -> Build:
    """Write a frame from a matrix [documents, features] and the user's columns."""
    count = itertools.count()

    def make(name: str, values: Any, *, texts: list[str] | None = None, **columns: list[Any]) -> Embeddings:
        matrix = np.asarray(values, dtype=np.float64)
        on = [{int(f): float(row[f]) for f in np.flatnonzero(row)} for row in matrix]
        texts = texts or [f"{name} says {i}" for i in range(len(matrix))]
        rows = list(zip(texts, on, strict=True))
        return make_frame(f"{next(count)}/{name}.sae", rows, features=matrix.shape[1], shard=20, user=columns)

    return make


def answers(seed: int, prompts: int, features: int = 30) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    on = rng.random((prompts, features)) < np.linspace(0.05, 0.8, features)
    return np.where(on, rng.gamma(2, 1, on.shape).round(2) + 0.1, 0)


def test_two_aligned_corpora_by_hand(build: Build):
    # feature 0: on in a alone for prompts 1, 2, 3, in both for 4; feature 1: in b alone for 5
    a = build("a", [[3, 0], [9, 0], [5, 0], [4, 0], [0, 0], [0, 0]], id=[1, 2, 3, 4, 5, 6])
    b = build("b", [[0, 0], [0, 1], [4, 0], [0, 0], [0, 0], [0, 0]], id=[6, 5, 4, 3, 2, 1])
    table = diff(a, b, pair="id", duplicates="keep").sort("feature")
    assert table.schema == SCHEMA
    first, second = table.iter_rows(named=True)
    assert (first["target"], first["other"], first["difference"]) == pytest.approx((4 / 6, 1 / 6, 0.5))
    assert first["p"] == pytest.approx(2 / 2**3)
    assert (first["low"], first["high"]) == pytest.approx([float(x) for x in newcombe_paired_interval(1, 3, 0, 2)])
    odds = [float(x) for x in paired_log_odds_ratio(3, 0)]
    assert [first[f"log_odds_{x}"] for x in ("ratio", "low", "high")] == pytest.approx(odds)
    # where a is ahead most comes first; places belong together
    assert first["target_evidence"] == [1, 2, 0]
    assert first["other_evidence"] == [4, 3, 5]
    assert (second["difference"], second["p"]) == (pytest.approx(-1 / 6), 1.0)
    assert (second["target_evidence"], second["other_evidence"]) == ([4], [1])
    assert table["length_p"].equals(table["p"])  # all are of one length
    assert table["tested"].to_list() == [2, 2]


def test_counts_of_random_pairs_equal_plain_python(build: Build):
    x, y = answers(1, 80), answers(2, 80)
    order = np.random.default_rng(3).permutation(80)
    a, b = build("a", x, id=list(range(80))), build("b", y[order], id=order.tolist())
    table = diff(a, b, pair="id").sort("feature")
    only, only_other = ((x > 0) & (y == 0)).sum(axis=0), ((x == 0) & (y > 0)).sum(axis=0)
    feature = table["feature"].to_numpy()
    np.testing.assert_allclose(table["p"], mcnemar_p(only, only_other)[feature], rtol=1e-9)
    np.testing.assert_allclose(table["difference"], ((only - only_other) / 80)[feature], atol=1e-12)
    for row in table.iter_rows(named=True):
        ids = order[row["other_evidence"]].tolist()
        assert ids == row["target_evidence"]
        ahead = np.sign(row["difference"] or 1) * (x - y)[ids, row["feature"]]
        assert (np.diff(ahead) <= 0).all()
    pooled = np.sqrt((x.var(axis=0, ddof=1) + y.var(axis=0, ddof=1)) / 2)
    g = (x.mean(axis=0) - y.mean(axis=0)) / pooled * (1 - 3 / (4 * 160 - 9))
    np.testing.assert_allclose(table["hedges_g"], g[feature], rtol=1e-5)


@pytest.mark.parametrize("share", [0.001, 0.3])
def test_agreements_of_rare_and_of_common_features_equal_plain_counting(share: float):
    on = np.random.default_rng(9).random((4, 2000)) < share
    on[:, 7] = True
    side, pair = np.nonzero(on)
    got = agreements(side, pair, 4, 2000)
    for target in range(4):
        mine, others = on[target], np.delete(on, target, axis=0)
        some, every = others.any(axis=0), others.all(axis=0)
        expected = (mine.sum(), some.sum(), (some & mine).sum(), every.sum(), (every & mine).sum())
        assert tuple(int(x[target]) for x in got) == expected


def test_several_others_count_any_and_all_of_them(build: Build):
    x, y, z = (answers(seed, 60) for seed in (4, 5, 6))
    x[:, 3], y[:, 3], z[:, 3] = 1, 0, 0
    x[:, 4], y[:, 4], z[:, 4] = 0, 1, 1
    frames = [build(name, m, id=list(range(60))) for name, m in zip("xyz", (x, y, z), strict=True)]
    table = diff(*frames, pair="id", duplicates="keep").sort("feature")
    some, every = ((y > 0) | (z > 0)), ((y > 0) & (z > 0))
    for row in table.iter_rows(named=True):
        f = row["feature"]
        mine = x[:, f] > 0
        differences = mine.sum() - some[:, f].sum(), mine.sum() - every[:, f].sum()
        more = abs(differences[0]) < abs(differences[1]) or differences[0] >= 0
        against = some[:, f] if more else every[:, f]
        assert row["other"] == pytest.approx(against.mean())
        assert row["other_on"] == against.sum()
        assert row["difference"] == pytest.approx(mine.mean() - against.mean(), abs=1e-12)
        only, only_other = (mine & ~against).sum(), (~mine & against).sum()
        one_sided = mcnemar_p(only, only_other, alternative="greater" if more else "less")
        assert row["p"] == pytest.approx(min(1, 2 * float(one_sided)))
        cells = (mine & against).sum(), only, only_other, (~mine & ~against).sum()
        assert (row["low"], row["high"]) == pytest.approx([float(v) for v in newcombe_paired_interval(*cells)])
        assert row["other_name"] in ("y", "z")
    assert table.filter(pl.col("feature") == 3)["difference"].item() == 1.0
    assert table.filter(pl.col("feature") == 4)["difference"].item() == -1.0


def test_rows_without_partner_are_left_out_and_counted(build: Build):
    a = build("a", [[1], [1], [1], [1]], id=["p", "q", None, "r"])
    b = build("b", [[0], [0], [1]], id=["q", "p", "s"])
    with pytest.warns(UserWarning, match="3 of 7 documents have no partner by 'id'"):
        table = diff(a, b, pair="id")
    assert table["target_documents"].to_list() == [2]
    assert table["difference"].to_list() == [1.0]


def test_pairs_of_equal_texts_weigh_once_unless_kept(build: Build):
    a = build("a", [[1], [1], [1]], texts=["no", "no", "no"], id=[1, 2, 3])
    b = build("b", [[0], [0], [0]], texts=["yes", "yes", "well"], id=[1, 2, 3])
    assert diff(a, b, pair="id")["target_documents"].to_list() == [2]
    assert diff(a, b, pair="id", duplicates="keep")["target_documents"].to_list() == [3]


def test_keys_of_other_types_are_compared_as_words(build: Build):
    a, b = build("a", [[1], [1]], id=[1, 2]), build("b", [[0], [1]], id=["2", "1"])
    assert diff(a, b, pair="id")["difference"].to_list() == [0.5]


def test_groups_are_paired_as_corpora_would_be(build: Build):
    parts = {name: answers(seed, 40) for seed, name in enumerate(("x", "y", "z"))}
    ids, models = list(range(40)) * 3, [name for name in parts for _ in range(40)]
    whole = build("whole", np.concatenate(list(parts.values())), id=ids, model=models)
    table = diff(whole, by="model", pair="id", evidence_rows=0)
    for name in parts:
        mine = whole.filter(pl.col("model") == name)
        others = [whole.filter(pl.col("model") == other) for other in parts if other != name]
        expected = diff(mine, *others, pair="id", evidence_rows=0)
        got = table.filter(pl.col("group") == name)
        left_out = ["q", "other_name", "label", "finding", "tested", "detectable"]
        assert_frame_equal(got.drop("group", *left_out), expected.drop(left_out))


def test_swapping_two_aligned_corpora_mirrors_everything(build: Build):
    a, b = build("a", answers(7, 50), id=list(range(50))), build("b", answers(8, 50), id=list(range(50)))
    there, back = diff(a, b, pair="id").sort("feature"), diff(b, a, pair="id").sort("feature")
    np.testing.assert_allclose(there["difference"], -back["difference"], atol=1e-12)
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-9)
    np.testing.assert_allclose(there["q"], back["q"], rtol=1e-9)
    assert_frame_equal(diff(a, b, pair="id"), diff(a, b, pair="id", seed=3), check_exact=True)


def test_a_repeated_key_is_refused(build: Build):
    a, b = build("a", [[1], [1], [1]], id=[1, 1, 2]), build("b", [[0], [0]], id=[1, 2])
    with pytest.raises(InputError, match=r"'id' is 1 in 2 documents of a, and 0 other"):
        diff(a, b, pair="id")


def test_corpora_without_a_common_key_are_refused(build: Build):
    a, b = build("a", [[1], [1]], id=[1, 2]), build("b", [[0], [0]], id=[3, 4])
    with pytest.warns(UserWarning, match="no partner"), pytest.raises(InputError, match="have 0 value"):
        diff(a, b, pair="id")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pair": "prompt"}, "no column 'prompt' to pair by"),
        ({"pair": "id", "cluster": "id"}, "there are 2 clusters; at least 4"),
        ({"pair": "id", "adjust": "model"}, "no column 'model' to adjust for"),
    ],
)
def test_options_that_do_not_fit_are_refused(build: Build, options: dict[str, str], message: str):
    a, b = build("a", [[1], [1]], id=[1, 2]), build("b", [[0], [0]], id=[1, 2])
    with pytest.raises(InputError, match=message):
        diff(a, b, **options)
