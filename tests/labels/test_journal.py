"""The journal keeps every answer, whatever happens to its last line, and gives nobody another's answers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from saedata.endpoint import Reply
from saedata.errors import FrameError
from saedata.labels.journal import Journal

pytestmark = pytest.mark.usefixtures("quick_disk")


def journal(path: Path, *, encoder: str = "e", model: str = "m") -> Journal:
    return Journal(path, encoder=encoder, model=model)


def fill(path: Path, n: int) -> None:
    with journal(path) as book:
        for i in range(n):
            book.add(Reply(f"{i}-k", f"answer {i}\nof two lines"))


def test_answers_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.jsonl"
    fill(path, 3)
    with journal(path) as book:
        assert book.answers == {f"{i}-k": f"answer {i}\nof two lines" for i in range(3)}
    assert path.stat().st_mode & 0o077 == 0


def test_answers_of_another_model_or_encoder_are_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    fill(path, 2)
    for other in ({"model": "n"}, {"encoder": "f"}):
        with journal(path, **other) as book:
            assert book.answers == {}
            book.add(Reply("0-k", "mine"))
    with journal(path) as book:
        assert book.answers["0-k"] == "answer 0\nof two lines"


def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal.jsonl"
    fill(path, 3)
    whole = path.read_bytes()
    second = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for end in range(second, len(whole)):
        path.write_bytes(whole[:end])
        with journal(path) as book:
            assert set(book.answers) == {"0-k", "1-k"}
            book.add(Reply("2-k", "again"))
        with journal(path) as book:
            assert book.answers["2-k"] == "again"
            assert len(book.answers) == 3
    assert not caplog.records


def test_broken_lines_in_the_middle_are_told_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    path = tmp_path / "journal.jsonl"
    fill(path, 2)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'not json\n[1]\n{"key": 3}\n\xff\xfe\n' + lines[1])
    with journal(path) as book:
        assert set(book.answers) == {"0-k", "1-k"}
    assert "4 broken lines are left out" in caplog.text


def test_two_processes_cannot_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with journal(path), pytest.raises(FrameError, match="another process is labelling"), journal(path):
        pass
    fill(path, 1)


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FrameError, match="cannot write the journal"), journal(tmp_path / "file" / "journal.jsonl"):
        pass
