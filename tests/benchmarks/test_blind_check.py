"""The blind check: what the judge sees, and the arithmetic of the marking."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import blind_check
from benchmarks.blind_check import Item, Refused, balanced_accuracy, counts, figures, interval, make, read_answers
from saedata.labels.windows import WindowPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TRUTH = [0, 5, 1, 0, 2, 0, 3, 0, 4, 0]


def item(name: str, *, swapped: bool = False) -> Item:
    return Item(name, int(name[1:]), "a label", 9999 if swapped else int(name[1:]), TRUTH, [""] * 10)


def pool(features: int, windows: int = 400, *, seed: int = 0) -> WindowPool:
    """Every feature is on in 50 windows, with values 1 to 50."""
    random = np.random.default_rng(seed)
    on = np.concatenate([np.sort(random.permutation(windows)[:50]) for _ in range(features)])
    value = np.concatenate([random.permutation(50) + 1.0 for _ in range(features)])
    zeros = np.zeros(len(on), dtype=np.int32)
    lengths = random.integers(8, 33, windows).astype(np.int32)
    return WindowPool(
        texts=[f"window {i}" for i in range(windows)],
        document=np.arange(windows, dtype=np.int32),
        tokens=lengths,
        threshold=0.0,
        offsets=np.arange(0, len(on) + 1, 50),
        window=on.astype(np.int32),
        start=zeros,
        stop=zeros + 6,
        value=value.astype(np.float32),
    )


def write(path: Path, answers: Mapping[str, Sequence[int]]) -> Path:
    path.write_text("".join(json.dumps({"item": k, "answers": list(v)}) + "\n" for k, v in answers.items()))
    return path


def test_a_perfect_judge_gets_one_and_chance_on_swapped_labels():
    key = [item("i001"), item("i002"), item("i003", swapped=True)]
    right = [int(q > 0) for q in TRUTH]
    half = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]  # three of five positives, two of five negatives
    found = {f.name: f for f in figures(key, {"i001": right, "i002": right, "i003": half})}
    assert found["blind balanced accuracy"].value == 1.0
    assert found["blind balanced accuracy: low"].value == 1.0
    assert found["blind balanced accuracy"].n == "2 features, 20 windows"
    assert found["the same, positives of the top two quintiles"].n == "2 features, 14 windows"
    assert found["the same, swapped labels"].value == pytest.approx(0.5)
    assert found["swapped labels: distance from 0.5"].verdict == "pass"


def test_counts_by_hand():
    said = [1, 1, 0, 0, 0, 0, 0, 0, 1, 0]  # quintiles 5 and 4 found, one false alarm
    table = counts([item("i001")], {"i001": said})
    assert table.tolist() == [[2, 5, 4, 5]]
    assert balanced_accuracy(table.sum(0)) == pytest.approx((2 / 5 + 4 / 5) / 2)
    strong = counts([item("i001")], {"i001": said}, weakest=4)
    assert strong.tolist() == [[2, 2, 4, 5]]
    assert balanced_accuracy(strong.sum(0)) == pytest.approx(0.9)


@pytest.mark.parametrize("constant", [0, 1])
def test_a_judge_who_always_says_the_same_is_at_chance(constant: int):
    table = counts([item("i001"), item("i002")], {"i001": [constant] * 10, "i002": [constant] * 10})
    assert balanced_accuracy(table.sum(0)) == 0.5


def test_the_interval_is_that_of_the_features():
    random = np.random.default_rng(0)
    right = random.random((200, 10)) < random.beta(6, 2, size=(200, 1))  # accuracy differs between features
    table = np.stack([right[:, :5].sum(1), np.full(200, 5), right[:, 5:].sum(1), np.full(200, 5)], axis=1)
    low, high = interval(table)
    error = (right.mean(1).std(ddof=1)) / 200**0.5
    value = float(balanced_accuracy(table.sum(0)))
    assert low == pytest.approx(value - 1.96 * error, abs=0.004)
    assert high == pytest.approx(value + 1.96 * error, abs=0.004)


def test_what_the_judge_sees_tells_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blind_check, "OWN", 20)
    monkeypatch.setattr(blind_check, "SWAPPED", 10)
    windows = pool(40)
    labels = {f: f"label {f}" for f in range(40)} | {39: "label 0"}
    material, key = make(windows, labels)
    assert [row["item"] for row in material] == [k.item for k in key] == [f"i{i:03}" for i in range(1, 31)]
    assert all(set(row) == {"item", "label", "windows"} for row in material)
    assert all([set(w) for w in row["windows"]] == [{"window", "text"}] * 10 for row in material)
    assert sum(k.swapped for k in key) == 10
    assert [k.swapped for k in key] != sorted(k.swapped for k in key)
    assert len({k.feature for k in key}) == 30
    for row, truth in zip(material, key, strict=True):
        assert row["label"] == truth.label == labels[truth.label_of]
        assert truth.swapped == (labels[truth.label_of] != labels[truth.feature])
        assert sorted(truth.quintiles) == [0] * 5 + [1, 2, 3, 4, 5]
        on, values = windows.activating(truth.feature)
        value = dict(zip(on.tolist(), values.tolist(), strict=True))
        found = [value.get(int(w["text"].split()[1]), 0.0) for w in row["windows"]]
        assert [-(-int(v) // 10) for v in found] == truth.quintiles
    assert len({tuple(k.quintiles) for k in key}) > 20
    again = make(windows, labels)
    assert again == (material, key)


def test_negatives_are_as_long_as_positives(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blind_check, "OWN", 20)
    monkeypatch.setattr(blind_check, "SWAPPED", 5)
    windows = pool(30, 2000)
    material, key = make(windows, {f: f"label {f}" for f in range(30)})
    for row, truth in zip(material, key, strict=True):
        length = [int(windows.tokens[int(w["text"].split()[1])]) for w in row["windows"]]
        sides = [
            sorted(n for n, q in zip(length, truth.quintiles, strict=True) if (q > 0) is on) for on in (True, False)
        ]
        assert sides[0] == sides[1]


def test_too_few_live_features_are_refused():
    with pytest.raises(Refused, match="only 30 labelled features"):
        make(pool(30), {f: f"label {f}" for f in range(30)})


def test_answers_are_read_or_refused(tmp_path: Path):
    key = [item("i001"), item("i002")]
    good = {"i002": [0] * 10, "i001": [1] * 10}
    assert read_answers(write(tmp_path / "a.jsonl", good), key) == good
    bad = {
        "1 of 2 items have no answers, the first is i002": '{"item": "i001", "answers": [1,1,1,1,1,1,1,1,1,1]}',
        "line 1: i001 needs 10 answers": '{"item": "i001", "answers": [1,1,1]}',
        "line 1: i001 needs 10 answers, each 0 or 1": '{"item": "i001", "answers": [1,1,1,1,1,1,1,1,1,2]}',
        "i001 needs": '{"item": "i001", "answers": "1111111111"}',
        "i001 needs 10": '{"item": "i001", "answers": [1,1,1,1,1,1,1,1,1,null]}',
        "there is no item 'i003'": '{"item": "i003", "answers": [1,1,1,1,1,1,1,1,1,1]}',
        "line 2: i001 was answered before": '{"item": "i001", "answers": [1,1,1,1,1,1,1,1,1,1]}\n' * 2,
        "line 1: expected": "not json",
        "b.jsonl, line 1: expected": "[1, 2]",
    }
    for message, text in bad.items():
        (tmp_path / "b.jsonl").write_text(text)
        with pytest.raises(Refused, match=message):
            read_answers(tmp_path / "b.jsonl", key)


def test_the_command_scores_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key = [item(f"i{i:03}") for i in range(1, 5)] + [replace(item("i005", swapped=True), label="other")]
    (tmp_path / "key.jsonl").write_text("".join(json.dumps(vars(k)) + "\n" for k in key))
    right = [int(q > 0) for q in TRUTH]
    answers = write(tmp_path / "answers.jsonl", {k.item: right for k in key})
    assert blind_check.main(["score", str(tmp_path), str(answers)]) == 1  # swapped labels judged right: something leaks
    assert "MISS" in capsys.readouterr().out
    answers.write_text("")
    assert blind_check.main(["score", str(tmp_path), str(answers)]) == 2
    assert "5 of 5 items have no answers" in capsys.readouterr().err
