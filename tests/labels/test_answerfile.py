"""Prompts go out as lines and answers come in from strangers: nothing is lost, nothing is made up."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from saedata.endpoint import Prompt
from saedata.errors import FrameError, InputError
from saedata.labels import answerfile
from saedata.labels.answerfile import AnswerFile, export_prompts


def lines(path: Path, *rows: object) -> Path:
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
    return path


def ask(file: AnswerFile, *keys: str) -> dict[str, str | None]:
    return {reply.key: reply.text for reply in file.ask(Prompt(key, "s", "u") for key in keys)}


def test_prompts_are_lines_with_everything_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    assert export_prompts(path, [Prompt("1-a", "system", "two\nlines"), Prompt("2-b", "system", "☕")]) == 2
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"key": "1-a", "system": "system", "user": "two\nlines", "max_tokens": 200}
    assert [entry.name for entry in tmp_path.iterdir()] == ["prompts.jsonl"]
    with pytest.raises(FrameError):
        export_prompts(tmp_path / "nowhere" / "prompts.jsonl", [])


def test_answers_are_texts_or_labels_with_kinds(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"key": "1-a", "text": "hm"}, {"key": "2-b", "label": "x", "kind": "topic"}, b"")
    more = lines(tmp_path / "b.jsonl", {"key": "3-c", "text": "ho", "model": "whatever"})
    file = AnswerFile([path, more], name="me")
    assert file.name == "me"
    assert ask(file, "1-a", "2-b", "3-c", "4-d") == {
        "1-a": "hm",
        "2-b": '{"label":"x","kind":"topic"}',
        "3-c": "ho",
        "4-d": None,
    }
    assert not file.problems


def test_broken_lines_are_told_with_their_number(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        b"not json",
        {"key": "1-a", "text": "one"},
        ["1-a", "two"],
        {"key": 1, "text": "three"},
        {"key": "1-a", "text": None},
        {"key": "2-b", "text": "x" * answerfile.LONGEST_LINE},
        b"\xff\xfe",
        {"key": "3-c", "text": "last"},
        b'{"key": "4-d", "text": "to',
    )
    file = AnswerFile(path)
    assert ask(file, "1-a", "2-b", "3-c", "4-d") == {"1-a": "one", "2-b": None, "3-c": "last", "4-d": None}
    numbers = [problem.partition("line ")[2].partition(":")[0] for problem in file.problems]
    assert numbers == ["1", "3", "4", "5", "6", "7", "9"]
    assert "longer than" in file.problems[4]


def test_of_answers_that_differ_none_is_used(tmp_path: Path) -> None:
    same = {"key": "1-a", "text": "one"}
    first, second, third = ({"key": "2-b", "text": text} for text in ("x", "y", "x"))
    file = AnswerFile(lines(tmp_path / "a.jsonl", same, first, same, second, third))
    assert ask(file, "1-a", "2-b") == {"1-a": "one", "2-b": None}
    assert ["line 4" in file.problems[0], "line 5" in file.problems[1], len(file.problems)] == [True, True, 2]


def test_answers_that_nobody_asked_for_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = [{"key": f"{i}-\x1b[31mz", "text": "hm"} for i in range(30)]
    file = AnswerFile(lines(tmp_path / "a.jsonl", *rows))
    assert ask(file, "1-a") == {"1-a": None}
    file.tell()
    assert len(caplog.records) == 21
    assert "line 1: nobody asked for the key" in caplog.records[0].getMessage()
    assert "\x1b" not in caplog.text


def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot read the answers"):
        AnswerFile(tmp_path / "nowhere.jsonl")
    monkeypatch.setattr(answerfile, "LARGEST_FILE", 10)
    with pytest.raises(InputError, match="larger than"):
        AnswerFile(lines(tmp_path / "a.jsonl", {"key": "1-a", "text": "one"}))
