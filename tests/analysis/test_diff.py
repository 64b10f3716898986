from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from statsmodels.stats.proportion import confint_proportions_2indep

from saedata.analysis.diff import SCHEMA, Side, compare, diff, rank
from saedata.errors import InputError, MismatchError
from saedata.stats import benjamini_hochberg, newcombe_interval, two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Build = Callable[..., Embeddings]


@pytest.fixture
def build(make_frame: Build) -> Build:
    """Write a frame whose activations are a matrix [documents, features]; a zero is off."""
    count = itertools.count()

    def make(
        name: str,
        values: list[list[float]] | NDArray[np.float64],
        *,
        texts: list[str | None] | None = None,
        columns: dict[str, pl.Series] | None = None,
        **settings: object,
    ) -> Embeddings:
        matrix = np.asarray(values, dtype=np.float64)
        texts = [f"text {i}" for i in range(len(matrix))] if texts is None else texts
        on = [{int(feature): float(row[feature]) for feature in np.flatnonzero(row)} for row in matrix]
        user = pl.DataFrame(columns or {})
        return make_frame(
            f"{next(count)}/{name}.sae",
            list(zip(texts, on, strict=True)),
            features=matrix.shape[1],
            shard=20,
            user=user.to_dict(as_series=False),
            tables=user.schema,
            **settings,
        )

    return make


def random_values(seed: int, n: int, d_sae: int = 40) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    on = rng.random((n, d_sae)) < np.linspace(0.02, 0.7, d_sae)
    return np.where(on, rng.integers(1, 9, (n, d_sae)), 0).astype(np.float64)


# --- one other


def test_counts_shares_and_statistics_of_two_corpora(build: Build):
    a, b = random_values(1, 60), random_values(2, 45)
    a[:, 7] = b[:, 7] = 0
    b[:, 11] = 0
    table = diff(build("a", a), build("b", b))
    assert table.schema == SCHEMA
    assert sorted(table["feature"].to_list()) == [f for f in range(40) if f != 7]
    assert table["other_name"].unique().to_list() == ["b"]
    feature = table["feature"].to_numpy()
    on_a, on_b = (a > 0).sum(axis=0)[feature], (b > 0).sum(axis=0)[feature]
    expected = {
        "target": on_a / 60,
        "other": on_b / 45,
        "difference": on_a / 60 - on_b / 45,
        "p": two_proportion_p(on_a, 60, on_b, 45),
        "target_on": on_a,
        "other_on": on_b,
        "target_documents": 60,
        "other_documents": 45,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values, rtol=1e-12)
    low, high = newcombe_interval(on_a, 60, on_b, 45, level=0.95)
    np.testing.assert_allclose(table["low"], low, rtol=1e-9)
    np.testing.assert_allclose(table["high"], high, rtol=1e-9)
    np.testing.assert_array_equal(table["q"], benjamini_hochberg(table["p"].to_numpy()))


def test_rows_are_sorted_by_difference_then_p_then_feature():
    table = rank(
        pl.DataFrame(
            {
                "feature": [4, 3, 2, 1, 0],
                "difference": [0.1, -0.3, 0.3, 0.1, 0.0],
                "p": [0.5, 0.1, 0.05, 0.5, 1.0],
            }
        )
    )
    assert table["feature"].to_list() == [2, 3, 1, 4, 0]


def test_swapping_two_corpora_mirrors_everything(build: Build):
    a, b = build("a", random_values(3, 50)), build("b", random_values(4, 70))
    there = diff(a, b).sort("feature")
    back = diff(b, a).sort("feature")
    np.testing.assert_allclose(there["difference"], -back["difference"], atol=1e-12)
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-12)
    np.testing.assert_allclose(there["p"], back["p"], rtol=1e-9)
    np.testing.assert_allclose(there["q"], back["q"], rtol=1e-9)
    assert there["target_evidence"].to_list() == back["other_evidence"].to_list()


def test_two_calls_give_the_same_frame(build: Build):
    a, b = build("a", random_values(5, 40)), build("b", random_values(6, 40))
    assert_frame_equal(diff(a, b, seed=1), diff(a, b, seed=2), check_exact=True)


def test_level_widens_the_interval_and_nothing_else(build: Build):
    a, b = build("a", random_values(7, 40)), build("b", random_values(8, 40))
    narrow, wide = diff(a, b, level=0.8), diff(a, b, level=0.99)
    assert (narrow["low"] > wide["low"]).all()
    assert (narrow["high"] < wide["high"]).all()
    bounds = ["low", "high", "log_odds_low", "log_odds_high"]
    assert_frame_equal(narrow.drop(bounds), wide.drop(bounds))


def test_equal_texts_weigh_once_a_side_unless_kept(build: Build):
    a = build("a", [[1], [1], [1], [0], [0]], texts=["same", "same", "other", None, ""])
    b = build("b", [[0], [1]], texts=["same", "same again"])
    once, keep = diff(a, b).row(0, named=True), diff(a, b, duplicates="keep").row(0, named=True)
    assert (once["target_on"], once["target_documents"]) == (2, 3)
    assert (keep["target_on"], keep["target_documents"]) == (3, 5)
    assert (once["other_on"], once["other_documents"]) == (1, 2)
    assert once["target_evidence"] == [0, 2]
    assert keep["target_evidence"] == [0, 1, 2]


def test_threshold_decides_what_is_on(build: Build):
    a, b = build("a", [[1, 0], [5, 0], [9, 2]]), build("b", [[2, 1], [6, 0], [0, 0]])
    table = diff(a, b, threshold=5.0)
    assert table.select("feature", "target_on", "other_on").rows() == [(0, 1, 1)]
    assert table["target_evidence"].to_list() == [[2]]


def test_nothing_on_gives_an_empty_frame(build: Build):
    table = diff(build("a", np.zeros((3, 4))), build("b", np.zeros((2, 4))))
    assert table.is_empty()
    assert table.schema == SCHEMA


def test_only_selected_features_are_tested(build: Build):
    a, b = build("a", random_values(9, 40)), build("b", random_values(10, 40))
    table = diff(a.select([3, 20, 30]), b)
    assert sorted(table["feature"].to_list()) == [3, 20, 30]
    np.testing.assert_array_equal(table["q"], benjamini_hochberg(table["p"].to_numpy()))


def test_a_filtered_view_counts_only_its_documents(build: Build):
    values = random_values(11, 50)
    whole = build("whole", values, columns={"half": pl.Series([i % 2 for i in range(50)])})
    table = diff(whole.filter(pl.col("half") == 0), whole.filter(pl.col("half") == 1)).sort("feature")
    np.testing.assert_array_equal(table["target_on"], (values[::2] > 0).sum(axis=0))
    assert all(doc % 2 == 0 for docs in table["target_evidence"] for doc in docs)


# --- names and evidence


def test_features_are_named_by_label_or_by_the_tokens_of_any_side(build: Build):
    labels = pl.DataFrame({"feature": [0], "label": ["apology"], "kind": ["tone"]})
    a = build("a", [[1, 0, 1], [1, 0, 0]], texts=["sorry one", "sorry two"], labels=labels)
    b = build("b", [[0, 1, 0], [0, 1, 0]], texts=["one list", "two list"], labels=labels)
    names = {row["feature"]: (row["label"], row["kind"]) for row in diff(a, b).iter_rows(named=True)}
    assert names[0] == ("apology", "tone")
    assert names[1] == ("feature 1 · tokens: list", None)
    assert names[2] == ("feature 2 · tokens: sorry", None)


def test_sides_of_equal_name_are_told_apart(build: Build):
    a = build("answers", [[1, 0, 0], [1, 0, 0], [1, 1, 0]])
    b = build("answers", [[0, 1, 0], [0, 1, 0], [0, 1, 1]])
    c = build("answers", [[0, 0, 1], [1, 0, 1], [0, 0, 1]])
    assert dict(diff(a, b, c).select("feature", "other_name").iter_rows())[0] == "answers (3)"
    assert diff(a, b)["other_name"].unique().to_list() == ["answers (2)"]


def test_evidence_names_the_strongest_documents_of_both_sides(build: Build):
    a = build("a", [[2, 0], [0, 0], [7, 0], [5, 0], [6, 0]])
    b = build("b", [[0, 1], [3, 4], [0, 4]])
    table = diff(a, b, evidence=2).sort("feature")
    assert table["target_evidence"].to_list() == [[2, 4], []]
    assert table["other_evidence"].to_list() == [[1], [1, 2]]


def test_evidence_stops_after_the_first_rows(build: Build):
    a, b = build("a", random_values(12, 40)), build("b", random_values(13, 40))
    table = diff(a, b, evidence_rows=5)
    has = table.select((pl.col("target_evidence").list.len() + pl.col("other_evidence").list.len()) > 0)
    assert has.to_series().to_list() == [True] * 5 + [False] * (table.height - 5)
    assert diff(a, b, evidence=0)["target_evidence"].list.len().sum() == 0
    assert table["other_evidence"].null_count() == 0


# --- several others


def union_by_hand(k: int, n: int, others: list[tuple[int, int]]) -> dict[str, float]:
    """The rule in plain Python, one feature at a time."""
    shares = [j / m for j, m in others]
    share = k / n
    if share > max(shares) or share < min(shares):
        more = share > max(shares)
    else:
        more = share == max(shares) or max(shares) - share < share - min(shares)
    other = max(shares) if more else min(shares)
    pairs = [
        confint_proportions_2indep(k, n, j, m, compare="diff", method="newcomb", alpha=0.05 / len(others))
        for j, m in others
    ]
    bound = min if more else max
    one_sided = {
        side: max(float(two_proportion_p(k, n, j, m, alternative=side)) for j, m in others)
        for side in ("greater", "less")
    }
    return {
        "other": other,
        "difference": share - other,
        "low": bound(low for low, _ in pairs),
        "high": bound(high for _, high in pairs),
        "p": min(1.0, 2 * min(one_sided.values())),
    }


def test_several_others_by_hand():
    # of 10 documents on: 6, against 1, 3 and 2; then 0, against 5, 6 and 4; then 3, against 1, 3 and 9
    target = Side("t", np.array([6, 0, 3]), 10)
    others = [
        Side("a", np.array([1, 5, 1]), 10),
        Side("b", np.array([3, 6, 3]), 10),
        Side("c", np.array([2, 4, 9]), 10),
    ]
    table = compare(target, others)
    assert table["other_name"].to_list() == ["b", "c", "a"]
    np.testing.assert_allclose(table["other"], [0.3, 0.4, 0.1])
    np.testing.assert_allclose(table["difference"], [0.3, -0.4, 0.2], atol=1e-12)
    assert table["other_on"].to_list() == [3, 4, 1]
    # the largest one-sided p of the first feature is that against 3: sum of C(9, k) C(11, 10 - k), k from 6
    ways = 84 * 330 + 36 * 165 + 9 * 55 + 1 * 11
    assert table["p"][0] == pytest.approx(2 * ways / 184_756, rel=1e-9)
    assert table["p"][2] == 1.0


@pytest.mark.parametrize("m", [2, 3, 5])
def test_several_others_equal_the_rule_written_out(m: int):
    rng = np.random.default_rng(m)
    n, sizes, features = 14, rng.integers(8, 40, m), 200
    on = rng.integers(0, n + 1, features)
    others = [Side(f"other {j}", rng.integers(0, size + 1, features), int(size)) for j, size in enumerate(sizes)]
    table = compare(Side("target", on, n), others)
    assert table.height == features
    for row in table.iter_rows(named=True):
        counts = [(int(side.on[row["feature"]]), side.documents) for side in others]
        expected = union_by_hand(int(on[row["feature"]]), n, counts)
        for name in ("other", "difference", "low", "high", "p"):
            assert row[name] == pytest.approx(expected[name], abs=1e-9)
        side = {side.name: side for side in others}[row["other_name"]]
        assert row["other_on"] / row["other_documents"] == row["other"]
        assert row["other_on"] == side.on[row["feature"]]


def test_several_equal_others_say_what_one_of_them_says():
    rng = np.random.default_rng(14)
    target = Side("t", rng.integers(0, 300, 80), 300)
    other = Side("o", rng.integers(0, 400, 80), 400)
    one = compare(target, [other], level=0.95)
    three = compare(target, [other, other, other], level=1 - 3 * 0.05)
    assert_frame_equal(one.drop("p"), three.drop("p"), check_exact=False, abs_tol=1e-12)
    asymptotic = np.minimum(target.on + other.on, 700 - target.on - other.on) * 300 / 700 > 100
    assert asymptotic.sum() > 30
    np.testing.assert_allclose(one["p"].to_numpy()[asymptotic], three["p"].to_numpy()[asymptotic], rtol=1e-9)


def test_turning_on_into_off_mirrors_several_others():
    rng = np.random.default_rng(15)
    sides = [Side(str(j), rng.integers(1, 50, 100), 50 + j) for j in range(4)]
    off = [Side(side.name, side.documents - side.on, side.documents) for side in sides]
    there, back = compare(sides[0], sides[1:]), compare(off[0], off[1:])
    nearer = np.abs(there["difference"].to_numpy()) > 1e-9  # a tie with the nearer side has two sides
    np.testing.assert_allclose(there["p"], back["p"], rtol=1e-9)
    np.testing.assert_allclose(there["low"].to_numpy()[nearer], -back["high"].to_numpy()[nearer], atol=1e-9)


def test_evidence_with_several_others_is_of_the_deciding_one(build: Build):
    target = build("t", [[5, 0], [4, 0], [3, 0]])
    near = build("near", [[0, 7], [9, 7], [0, 7]])
    far = build("far", [[0, 0], [0, 0], [0, 2]])
    table = diff(target, near, far).sort("feature")
    assert table["other_name"].to_list() == ["near", "far"]
    assert table["other_evidence"].to_list() == [[1], [2]]


# --- groups of one corpus


@pytest.fixture
def grouped(build: Build) -> Embeddings:
    """Three groups and some of none; texts occur twice in a group, and in several groups."""
    rng = np.random.default_rng(16)
    text = rng.integers(0, 60, 150)
    group = pl.Series(rng.choice(["x", "y", "z", None], 150, p=[0.4, 0.3, 0.2, 0.1]), dtype=pl.String)
    return build("mixed", random_values(17, 60)[text], texts=[f"text {i}" for i in text], columns={"group": group})


@pytest.mark.parametrize("duplicates", ["once", "keep"])
def test_each_group_is_compared_with_the_rest(grouped: Embeddings, duplicates: str):
    table = diff(grouped, by="group", duplicates=duplicates, evidence_rows=1000)
    assert table.columns == ["group", *SCHEMA]
    np.testing.assert_array_equal(table["q"], benjamini_hochberg(table["p"].to_numpy()))
    for name in ("x", "y", "z"):
        mine = grouped.filter(pl.col("group") == name)
        rest = grouped.filter(pl.col("group") != name)
        expected = diff(mine, rest, duplicates=duplicates, evidence_rows=1000)
        got = table.filter(pl.col("group") == name)
        of_all_rows = ["q", "other_name", "label", "length_q", "length_explains", "tested", "detectable"]
        assert_frame_equal(got.drop("group", *of_all_rows), expected.drop(of_all_rows))
        assert got["other_name"].unique().to_list() == ["the rest"]


def test_groups_of_numbers_and_truth_values_work(build: Build):
    year = pl.Series([2001, 2002, 2001, 2002], dtype=pl.Int32)
    good = pl.Series([True, False, True, False])
    frame = build("years", [[1], [0], [2], [0]], columns={"year": year, "good": good})
    assert set(diff(frame, by="year")["group"]) == {"2001", "2002"}
    table = diff(frame, by="good")
    assert dict(table.select("group", "difference").iter_rows()) == {"true": 1.0, "false": -1.0}


def test_a_group_of_one_document_is_only_part_of_the_rest(build: Build):
    group = pl.Series(["a", "a", "b", "b", "lonely"])
    frame = build("few", [[1], [0], [1], [1], [1]], columns={"group": group})
    with pytest.warns(UserWarning, match="lonely"):
        table = diff(frame, by="group")
    rows = {row["group"]: row for row in table.iter_rows(named=True)}
    assert sorted(rows) == ["a", "b"]
    assert (rows["a"]["other_on"], rows["a"]["other_documents"]) == (3, 3)


# --- honesty


def on_matrix(seed: int, n: int, features: int) -> NDArray[np.int64]:
    """Documents x features with the density profile of a real frame: many rare features, some common ones."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, features)) < 10 ** rng.uniform(-2.5, -0.3, features)).astype(np.int64)


@pytest.mark.parametrize("sizes", [(300, 300), (60, 540), (200, 200, 200)])
def test_shuffled_sides_differ_in_nothing(sizes: tuple[int, ...]):
    on = on_matrix(18, sum(sizes), 400)
    rng = np.random.default_rng(19)
    false = small = 0
    for _ in range(200):
        pieces = np.split(rng.permutation(len(on)), np.cumsum(sizes)[:-1])
        sides = [Side(str(i), on[rows].sum(axis=0), len(rows)) for i, rows in enumerate(pieces)]
        table = rank(compare(sides[0], sides[1:]))
        false += bool(table["q"].min() < 0.05)
        small += bool(table["p"].min() < 0.05)
    assert false / 200 <= 0.08
    assert small / 200 > 0.5  # without the adjustment nearly every run would have had findings


def test_planted_differences_are_found_and_few_others():
    rng = np.random.default_rng(20)
    recovered, wrong = [], []
    for _ in range(200):
        share = np.where(np.arange(4000) % 2, 0.05, 0.30)
        planted = np.zeros(4000)
        planted[rng.choice(4000, 40, replace=False)] = 0.10
        target = Side("t", rng.binomial(1000, share + planted), 1000)
        table = rank(compare(target, [Side("o", rng.binomial(1000, share), 1000)]))
        found = table.filter(pl.col("q") < 0.05)["feature"].to_numpy()
        recovered.append((planted[found] > 0).sum() / 40)
        wrong.append((planted[found] == 0).sum() / max(len(found), 1))
    assert np.mean(recovered) > 0.9
    assert np.mean(wrong) <= 0.06


# --- bad input


def test_nothing_to_compare_with_is_refused(build: Build):
    with pytest.raises(InputError, match="give another corpus"):
        diff(build("a", [[1]]))


def test_groups_and_another_corpus_together_are_refused(build: Build):
    with pytest.raises(InputError, match="no other corpus"):
        diff(build("a", [[1]]), build("b", [[1]]), by="group")


def test_an_absent_column_is_refused_with_the_ones_there_are(build: Build):
    frame = build("a", [[1], [1]], columns={"model": pl.Series(["x", "y"]), "year": pl.Series([1, 2])})
    with pytest.raises(InputError, match=r"no column 'modle'.*'model', 'year'$"):
        diff(frame, by="modle")


def test_a_column_of_lists_is_refused(build: Build):
    frame = build("a", [[1], [1]], columns={"tags": pl.Series([["x"], ["y"]])})
    with pytest.raises(InputError, match="'tags' holds lists"):
        diff(frame, by="tags")


def test_too_many_groups_are_refused(build: Build):
    frame = build("a", np.ones((51, 1)), columns={"id": pl.Series(range(51))})
    with pytest.raises(InputError, match="51 different values, and at most 50"):
        diff(frame, by="id")


@pytest.mark.parametrize("values", [["x", "x", "x"], ["x", "y", "z"], [None, None, None]])
def test_a_column_without_groups_is_refused(build: Build, values: list[str | None]):
    frame = build("a", np.ones((3, 1)), columns={"model": pl.Series(values, dtype=pl.String)})
    with pytest.raises(InputError, match="does not split"):
        diff(frame, by="model")


def test_a_side_without_documents_is_refused(build: Build):
    with pytest.raises(InputError, match="empty has no documents"):
        diff(build("a", [[1]]), build("empty", np.zeros((0, 1))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": "twice"}, "'once' or 'keep'"),
        ({"evidence": -1}, "0 or more"),
        ({"threshold": -0.5}, "threshold is .*; it must be 0 or more"),
        ({"threshold": float("nan")}, "threshold is .*; it must be 0 or more"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_options_out_of_range_are_refused(build: Build, options: dict[str, object], message: str):
    with pytest.raises(InputError, match=message):
        diff(build("a", [[1]]), build("b", [[1]]), build("c", [[1]]), **options)


def test_corpora_of_other_encoders_are_refused(build: Build):
    a, b, c = build("a", [[1]]), build("b", [[1]]), build("c", [[1]], encoder={"layer": 5})
    with pytest.raises(MismatchError, match="layer 4 in a, 5 in c"):
        diff(a, b, c)
