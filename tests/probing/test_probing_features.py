from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from saedata.probing.features import Columns, Form, path_order, quantile_of_positives, rank

# Columns: 0 is on in both classes; 1 only in yes, weakly; 2 only in no, once, strongly; 3 never on; 4 as 1, ten times.
X = np.array(
    [
        [2, 0.1, 0, 0, 1.0],
        [2, 0.3, 0, 0, 3.0],
        [4, 0.0, 9, 0, 0.0],
        [4, 0.0, 0, 0, 0.0],
    ],
    dtype=np.float32,
)
Y = np.array([1, 1, 0, 0], dtype=np.int8)


def test_rank_divides_by_the_mean_of_non_zero_values():
    # scaled gaps by hand: 0: |2-4|/3 = .667; 1: .2/.2 = 1; 2: 4.5/9 = .5; 3: 0; 4: 2/2 = 1 (a hair above 1: +1e-6)
    assert rank(X, Y, 5).tolist() == [4, 1, 0, 2, 3]
    assert rank(X, Y, 2).tolist() == [4, 1]


def test_without_the_division_a_rare_strong_feature_would_win():
    raw = np.abs(X[Y == 1].mean(0) - X[Y == 0].mean(0))
    assert raw.argmax() == 2
    assert rank(X, Y, 1)[0] != 2


def test_quantile_of_positives_equals_numpy_column_by_column():
    x = np.random.default_rng(0).exponential(size=(57, 9)).astype(np.float32)
    x[x < 0.8] = 0
    x[:, 3] = 0
    x[1:, 4] = 0
    expected = [np.quantile(c[c > 0], 0.9) if (c > 0).any() else 0 for c in x.T]
    np.testing.assert_allclose(quantile_of_positives(x, 0.9), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Form(), [2, 2, 4, 4]),
        (Form(0.0), [1, 1, 1, 1]),
        (Form(2.0), [0, 0, 1, 1]),
        (Form(0.6, relative=True), [0, 0, 1, 1]),
    ],
)
def test_forms(form: Form, expected: list[float]):
    assert form.apply(X, form.levels(X))[:, 0].tolist() == expected


@pytest.mark.parametrize(("text", "shown"), [("value", "value"), ("0.5", "> 0.5"), ("0.3q", "> 0.3 q90")])
def test_forms_are_read_from_the_command_line(text: str, shown: str):
    assert str(Form.parsed(text)) == shown


def test_columns_are_standardised_by_the_rows_they_were_learnt_from():
    columns = Columns.features(sparse.csr_matrix(X), Y, Form(), 3)
    assert columns.chosen is not None
    assert columns.chosen.tolist() == [4, 1, 0]
    made = columns.of(sparse.csr_matrix(X))
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(made.std(0), 1, atol=1e-5)
    other = columns.of(sparse.csr_matrix(X[:1] * 0))
    np.testing.assert_allclose(other, [-columns.centre / columns.spread])
    np.testing.assert_array_equal(columns.first(1).of(sparse.csr_matrix(X)), made[:, :1])


def test_a_constant_column_stays_finite():
    assert np.isfinite(Columns.dense(np.ones((4, 2), dtype=np.float32)).of(X[:, :2])).all()


def test_the_path_takes_what_adds_before_what_repeats():
    random = np.random.default_rng(0)
    y = (np.arange(400) % 2).astype(np.int8)
    strong = y + random.normal(0, 0.7, 400)
    other = y + random.normal(0, 0.9, 400)
    x = np.stack([strong, strong + random.normal(0, 0.05, 400), other], axis=1).astype(np.float32).clip(0)
    assert set(path_order(x, y, 2).tolist()) in ({0, 2}, {1, 2})
    assert sorted(path_order(x, y, 3).tolist()) == [0, 1, 2]
