"""The table of all methods on all tasks: its first column, its differences, and what it says in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from benchmarks import probe_tasks
from benchmarks.probe_tasks import baselines, differences, figures, probed_tasks, report, rows_of, table_of, write
from benchmarks.probing.compare import means, methods
from benchmarks.probing.tasks import Task

METHODS = ("dense mean", "TF-IDF", "quiver", "quiver + SAE")


def found() -> pl.DataFrame:
    """Three tasks; k=16 validates best but for the last; the dense mean is always ahead, TF-IDF always behind."""
    rows = []
    for number, name in enumerate(("one", "two", "three")):
        own = {"SAE k=1": 0.6 + number / 10, "SAE k=16": 0.7 + number / 20}
        best = own["SAE k=1" if number == 2 else "SAE k=16"]
        own |= {"dense mean": best + 0.02, "TF-IDF": best - 0.1, "quiver": best + 0.02, "quiver + SAE": best + 0.02}
        for method, value in own.items():
            is_best = method == ("SAE k=1" if number == 2 else "SAE k=16")
            row = {"task": name, "question": "is it?", "train": 100, "test": 50, "leaks": number, "method": method}
            rows.append(row | {"value": value, "best": is_best})
    return pl.DataFrame(rows)


def test_the_sparse_probe_that_validates_best_stands_first():
    table = table_of(found())
    assert methods(table) == ["SAE", "SAE k=1", "SAE k=16", *METHODS]
    assert table["SAE"].to_list() == pytest.approx([0.7, 0.75, 0.8])
    assert table["SAE k=1"].to_list() == pytest.approx([0.6, 0.7, 0.8])
    assert baselines(table) == ["dense mean", "TF-IDF", "quiver"]
    assert means(table)[0] == pytest.approx(0.75)


def test_differences_are_paired_by_task():
    gaps = differences(table_of(found()))
    assert gaps["dense mean"].mean == pytest.approx(-0.02)
    assert gaps["dense mean"].high < 0
    assert (gaps["TF-IDF"].wins, gaps["TF-IDF"].losses) == (3, 0)
    named = {figure.name: figure for figure in figures(table_of(found()))}
    assert named["tasks in one table"].verdict == "MISS"
    assert named["methods missing from it"].value == 9
    assert named["test AUC, quiver + SAE minus quiver"].value == 0


def test_the_report_says_where_the_sparse_probe_loses(tmp_path: Path):
    text = report(table_of(found()), found())
    assert "- The sparse probe is behind (interval below 0): dense mean (-0.020), quiver (-0.020)." in text
    assert "- It is ahead of (interval above 0): TF-IDF (+0.100)." in text
    assert "- dense mean: SAE loses on one (-0.020), two (-0.020), three (-0.020)." in text
    assert "- TF-IDF: SAE loses nowhere." in text
    assert "kept: three (2), two (1)." in text
    write(found(), tmp_path)
    assert (tmp_path / "probe_tasks.md").read_text() == text
    assert pl.read_csv(tmp_path / "probe_tasks.csv").columns == table_of(found()).columns


def test_test_rows_are_bounded_and_balanced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    texts = [f"text {n}" for n in range(400)]
    parts = ["test" if n % 10 < 5 else "train" for n in range(400)]
    table = pl.DataFrame({"text": texts, "label": [n % 2 for n in range(400)], "part": parts})
    monkeypatch.setattr(probe_tasks, "TEST_EACH", 30)
    rows = rows_of(Task("t", "?", lambda _: table), tmp_path)
    counts = dict(rows.group_by("part", "label").len().select(pl.concat_str("part", "label"), "len").rows())
    assert counts["testyes"] == counts["testno"] == 30
    assert counts["trainyes"] == counts["trainno"] == 80
    assert rows.columns == ["text", "label", "part", "group"]


def test_a_finished_task_is_kept_until_the_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    table = pl.DataFrame({"text": [f"text {n}" for n in range(80)], "label": [0, 1] * 40})
    task = Task("t", "?", lambda _: table)
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path))
    monkeypatch.setattr(probe_tasks, "TASKS", (task,))
    encoder = SimpleNamespace(sae_sha256="1", reader=SimpleNamespace(sha256="2"))
    monkeypatch.setattr(probe_tasks, "load_encoder", lambda: encoder)
    monkeypatch.setattr(
        probe_tasks, "probed", lambda task, *_: calls.append(task.name) or pl.DataFrame({"task": ["t"]})
    )
    for code in ("a", "a", "b"):
        assert probe_tasks._kept("t", tmp_path, code)["task"].to_list() == ["t"]
    assert calls == ["t", "t"]


def test_without_data_it_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAEDATA_BENCH_DATA", raising=False)
    with pytest.raises(probe_tasks.Skipped, match=r"tweeteval\.parquet"):
        probed_tasks(probe_tasks.TASKS)
