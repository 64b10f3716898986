from __future__ import annotations

import numpy as np
import pytest

from saedata.probing import linear
from saedata.probing.linear import CS, PENALTIES, choose, fit, path, splits
from saedata.probing.targets import auc


def test_auc_equals_the_share_of_ordered_pairs():
    random = np.random.default_rng(0)
    scores, y = random.integers(0, 8, 60).astype(float), random.integers(0, 2, 60)
    gaps = scores[y == 1][:, None] - scores[y == 0]
    assert auc(scores, y) == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def test_rows_of_a_group_are_never_on_both_sides():
    groups = [f"pair {row // 2}" for row in range(80)]
    y = np.array([row % 2 for row in range(80)], dtype=np.int8)
    folds = splits(y, groups)
    assert len(folds) == 5
    for train, held in folds:
        assert not {groups[row] for row in train} & {groups[row] for row in held}
        assert sorted([*train, *held]) == list(range(80))
        assert 0 < y[held].sum() < len(held)
    assert sorted(row for _, held in folds for row in held) == list(range(80))


def test_folds_are_stratified_where_no_rows_belong_together():
    y = np.repeat(np.array([0, 1], dtype=np.int8), [40, 20])
    folds = splits(y, [str(row) for row in range(60)])
    assert [(y[held] == 1).sum() for _, held in folds] == [4] * 5


def test_the_grid_is_that_of_sae_probes():
    assert PENALTIES == ("l2", "l1")
    assert [len(CS), CS[0], CS[-1]] == pytest.approx([10, 1e-5, 1e5])


def _noisy(rows: int, columns: int, *, seed: int):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] + random.normal(size=rows) > 0).astype(np.int8)
    return x, y


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_path_ends_where_a_fresh_fit_ends(penalty: linear.Penalty):
    x, y = _noisy(200, 10, seed=0)
    *_, last = path(x, y, penalty, CS[:6])
    fresh = fit(x, y, penalty, CS[5])
    np.testing.assert_allclose(last.coef_, fresh.coef_, atol=0.02)


def test_cutting_a_path_short_chooses_what_the_whole_grid_does(monkeypatch: pytest.MonkeyPatch):
    x, y = _noisy(120, 60, seed=1)
    folds = [(x[a], y[a], x[b], y[b]) for a, b in splits(y, [str(row) for row in range(120)])]
    short = choose(folds)
    monkeypatch.setattr(linear, "PATIENCE", len(CS) + 1)
    assert choose(folds) == short
    assert 0.7 < short.score < 0.95
