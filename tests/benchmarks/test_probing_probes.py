from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from benchmarks.probing.evaluate import Options, Part, probe
from benchmarks.probing.matrices import Matrices
from saedata.probing.features import Columns, Form
from saedata.probing.linear import splits
from saedata.probing.probes import fit_dense, fit_sparse, fit_terms
from saedata.probing.targets import auc

ROWS, FEATURES = 160, 600
QUICK = Options(forms=(Form(), Form(0.0)), ks=(1, 16))


def make_part(rows: int, *, seed: int, signal: float = 2.0) -> Part:
    """Feature 7 and dense column 2 say what the label is; so does a word."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(rows) % 2).astype(np.int8)
    x = np.maximum(random.normal(size=(rows, FEATURES)) - 1, 0).astype(np.float32)
    x[:, 7] += signal * y * (random.random(rows) < 0.9)
    dense = random.normal(size=(rows, 12)).astype(np.float32)
    dense[:, 2] += signal * y
    texts = [f"{'sun' if label and signal else 'day'} and word{random.integers(30)}" for label in y]
    found = Matrices(sparse.csr_matrix(x), dense, dense, dense, dense)
    return Part([found], texts, y, [str(row) for row in range(rows)])


def run(train: Part, test: Part | None) -> pl.DataFrame:
    return probe(train, test, QUICK)[0]


def test_every_method_finds_a_planted_signal():
    table = run(make_part(ROWS, seed=0), make_part(300, seed=1))
    assert table["method"].to_list() == [
        *(f"SAE k={k}" for k in QUICK.ks),
        *("sentence embedding", "sentence embedding, whole text", "dense mean", "dense max", "TF-IDF"),
    ]
    assert table["test_auc"].min() > 0.75
    assert table["form"].null_count() == 5
    assert np.abs(table["test_auc"] - table["cv_auc"]).max() < 0.15


def test_the_best_feature_is_the_planted_one():
    part = make_part(ROWS, seed=0)
    probes = fit_sparse(part.matrices[0].sae, part.y, splits(part.y, part.groups), ks=(1,), forms=[Form()])
    columns = probes[1].columns
    assert isinstance(columns, Columns)
    assert columns.chosen is not None
    assert columns.chosen.tolist() == [7]


def test_shuffled_labels_leave_nothing_to_find():
    random = np.random.default_rng(3)
    parts = [make_part(ROWS, seed=0), make_part(1500, seed=1)]
    train, test = (replace(part, y=random.permutation(part.y)) for part in parts)
    found = run(train, test)["test_auc"].to_numpy()
    np.testing.assert_allclose(found, 0.5, atol=0.05)  # standard error of an area over 1500 rows: .015


def test_noise_is_not_flattered_by_the_choice_of_features():
    """Ranking 600 features on all training rows before cross-validating would give far more than this."""
    part = make_part(ROWS, seed=5, signal=0.0)
    honest = fit_sparse(part.matrices[0].sae, part.y, splits(part.y, part.groups), ks=(16,), forms=[Form()])[16]
    assert honest.choice.score < 0.62
    dense = part.matrices[0].sae.toarray()
    picked = dense[:, Columns.features(dense, part.y, Form(), 16).chosen]
    assert fit_dense(picked, part.y, splits(part.y, part.groups)).choice.score > 0.75


def test_test_rows_change_nothing_but_the_test_figure():
    train, test, other = make_part(ROWS, seed=0), make_part(300, seed=1), make_part(200, seed=2, signal=0.0)
    figures = pl.exclude("test_auc")
    one, two, none = run(train, test), run(train, other), run(train, None)
    assert one.select(figures).equals(two.select(figures))
    assert one.select(figures).equals(none.select(figures))
    assert none["test_auc"].null_count() == none.height
    mirrored = run(train, replace(test, y=1 - test.y))
    np.testing.assert_allclose(mirrored["test_auc"] + one["test_auc"], 1)


def test_scores_of_a_row_do_not_depend_on_the_rows_beside_it():
    train, test = make_part(ROWS, seed=0), make_part(50, seed=1)
    rows = test.matrices[0]
    folds = splits(train.y, train.groups)
    fitted = fit_sparse(train.matrices[0].sae, train.y, folds, ks=(16,), forms=[Form()])[16]
    np.testing.assert_allclose(fitted.scores(rows.sae)[:1], fitted.scores(rows.sae[:1]), rtol=1e-5)
    terms = fit_terms(train.texts, train.y, folds)
    np.testing.assert_allclose(terms.scores(test.texts)[:1], terms.scores(test.texts[:1]))


def test_shuffled_test_rows_keep_the_figure():
    train, test = make_part(ROWS, seed=0), make_part(80, seed=1)
    fitted = fit_dense(train.matrices[0].mean, train.y, splits(train.y, train.groups))
    order = np.random.default_rng(0).permutation(80)
    one = auc(fitted.scores(test.matrices[0].mean), test.y)
    assert auc(fitted.scores(test.matrices[0].mean[order]), test.y[order]) == pytest.approx(one)
