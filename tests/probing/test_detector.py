"""A detector comes back from its file as it was, and a file that is none is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from scipy import sparse

from saedata.errors import InputError
from saedata.frame import EncoderInfo
from saedata.probing.detector import Detector

if TYPE_CHECKING:
    from pathlib import Path

INFO = EncoderInfo("tiny", "reader", 4, "hook", 16, 8, "jumprelu", "a", "b")


def detector(kind: Any = "binary", **changes: Any) -> Detector:
    classes = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}[kind]
    outputs = max(len(classes), 1) if kind == "multiclass" else 1
    values: dict[str, Any] = {
        "kind": kind,
        "label": "toxic",
        "classes": classes,
        "features": np.array([5, 2], dtype=np.uint32),
        "labels": ("insult", "thanks"),
        "binary": False,
        "levels": np.array([0.5, 1.5]),
        "centre": np.array([1.0, 2.0]),
        "spread": np.array([2.0, 0.5]),
        "weights": np.arange(2.0 * outputs).reshape(2, outputs) + 1 / 3,
        "intercepts": np.full(outputs, -0.1),
        "threshold": 0.5,
        "encoder": INFO,
        "about": {"form": "value", "k": 2, "test auc": 0.9, "note": None},
    }
    return Detector(**values | changes)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_it_comes_back(tmp_path: Path, kind: Any):
    path = tmp_path / "probe.json"
    one = detector(kind)
    one.save(path)
    again = Detector.load(path)
    for field in fields(Detector):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(one, field.name))
    assert again.features.dtype == np.uint32
    one.save(path)  # over what is there
    assert sorted(file.name for file in tmp_path.iterdir()) == ["probe.json"]


def test_scores_by_hand():
    rows = sparse.csr_matrix(np.array([[0, 0, 2.0, 0, 0, 3.0, 0, 0], [0, 0, 1.0, 0, 0, 0, 0, 0]], dtype=np.float32))
    columns = detector().columns(rows)
    np.testing.assert_allclose(columns, [[1.0, 0.0], [-0.5, -2.0]])
    scores = detector().scores(columns)
    np.testing.assert_allclose(scores[:, 0], [1 / 3 - 0.1, -1 / 6 - 8 / 3 - 0.1])
    np.testing.assert_allclose(detector().probabilities(scores)[:, 1], 1 / (1 + np.exp(-scores[:, 0])))
    on = detector(binary=True).columns(rows)
    np.testing.assert_allclose(on, [[0.0, -2.0], [-0.5, -4.0]])
    several = detector("multiclass")
    np.testing.assert_allclose(several.probabilities(several.scores(columns)).sum(1), 1)


def broken() -> dict[str, tuple[Any, str]]:
    return {
        "format": ("other", "its 'format' is not"),
        "schema_version": (2, "schema version 2"),
        "kind": ("rule", "'kind', 'label' or 'binary' is wrong"),
        "features": ([5, 8], "numbers that the encoder has not"),
        "labels": (["one"], "not as many"),
        "classes": (["no", "yes", "maybe"], "not as many"),
        "spread": ([1.0, 0.0], "'spread' must be above 0"),
        "weights": ([[1.0], [None]], "'weights' does not hold"),
        "intercepts": ([], "'intercepts' does not hold"),
        "levels": ([[1.0, 2.0]], "'levels' does not hold"),
        "centre": ("1 2", "'centre' does not hold"),
        "threshold": ("half", "'threshold' does not hold"),
        "encoder": ({"name": "tiny"}, "'encoder' does not say"),
        "about": ({"a": [1]}, "'about' is not"),
    }


@pytest.mark.parametrize("field", broken())
def test_files_that_are_none(tmp_path: Path, field: str):
    path = tmp_path / "probe.json"
    detector().save(path)
    value, message = broken()[field]
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {field: value}))
    with pytest.raises(InputError, match=message):
        Detector.load(path)


def test_files_that_cannot_be_read_or_written(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read the detector"):
        Detector.load(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("not json")
    with pytest.raises(InputError, match="is no detector: it is not JSON"):
        Detector.load(tmp_path / "text.json")
    with pytest.raises(InputError, match="cannot write the detector"):
        detector().save(tmp_path / "no folder" / "probe.json")
    (tmp_path / "more.json").write_bytes(orjson.dumps({"format": "saedata-detector", "schema_version": 1}))
    with pytest.raises(InputError, match="it lacks or should not have"):
        Detector.load(tmp_path / "more.json")
