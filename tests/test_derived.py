"""What is made of a frame's texts on demand: resumed, extended, checked, and kept elsewhere if it must be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl
import pytest

from saedata import derived
from saedata.derived import Recipe, derived_folder
from saedata.errors import FrameError
from saedata.frame.lock import lock_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]


class Lengths:
    """Counts characters, and notes what it was asked for."""

    def __init__(self, version: int = 1, fail_at: int | None = None) -> None:
        self.made: list[list[str]] = []
        self.built: list[int] = []
        self.fail_at = fail_at
        self.recipe = Recipe("lengths", "counting", {"version": version}, self.make, self.build)

    def make(self, texts: list[str]) -> pl.DataFrame:
        if len(self.made) == self.fail_at:
            raise KeyboardInterrupt
        self.made.append(texts)
        return pl.DataFrame({"length": [len(text) for text in texts]})

    def build(self, folder: Path, parts: list[Path], firsts: Sequence[int], covered: int) -> None:
        self.built.append(covered)
        total = sum(int(pl.read_parquet(part)["length"].sum()) for part in parts)
        (folder / "total.json").write_bytes(orjson.dumps([total, firsts[-1]]))


@pytest.fixture
def frame(make_frame: MakeFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    return stored(make_frame("a.sae", [(text, {0: 1.0}) for text in ("a", "bb", None, "dddd", "eeeee")]))


def stored(frame: Embeddings) -> Any:
    return frame.view.parts[0].frame


def test_made_once(frame: Any):
    lengths = Lengths()
    folder = derived_folder(frame, lengths.recipe)
    assert folder == frame.layout.root / "lengths"
    assert orjson.loads((folder / "total.json").read_bytes()) == [12, 5]
    assert lengths.made == [["a", "bb", ""], ["dddd", "eeeee"]]
    assert derived_folder(frame, lengths.recipe) == folder
    assert (len(lengths.made), lengths.built) == (2, [0])


def test_a_stopped_run_goes_on(frame: Any):
    stopped = Lengths(fail_at=1)
    with pytest.raises(KeyboardInterrupt):
        derived_folder(frame, stopped.recipe)
    folder = frame.layout.root / "lengths"
    (folder / "part-00001.parquet.partial").write_bytes(b"half")
    (folder / "part-00001.parquet").write_bytes(b"not listed")
    goes_on = Lengths()
    derived_folder(frame, goes_on.recipe)
    assert goes_on.made == [["dddd", "eeeee"]]
    assert not list(folder.glob("*.partial"))


def test_appended_documents_are_added(frame: Any, make_frame: MakeFrame):
    derived_folder(frame, Lengths().recipe)
    longer = stored(make_frame("a.sae", [("ffffff", {0: 1.0})], append=True))
    lengths = Lengths()
    folder = derived_folder(longer, lengths.recipe)
    assert (lengths.made, lengths.built) == ([["ffffff"]], [2])
    assert orjson.loads((folder / "total.json").read_bytes()) == [18, 6]


def test_another_recipe_makes_all_anew(frame: Any):
    derived_folder(frame, Lengths().recipe)
    other = Lengths(version=2)
    derived_folder(frame, other.recipe)
    assert (len(other.made), other.built) == (2, [0])


@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_damaged_part_is_made_again(frame: Any, how: str):
    folder = derived_folder(frame, Lengths().recipe)
    part = folder / "part-00001.parquet"
    content = part.read_bytes()
    if how == "gone":
        part.unlink()
    else:
        part.write_bytes(content[:-1] if how == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    (folder / "index.json").unlink()
    lengths = Lengths()
    derived_folder(frame, lengths.recipe)
    assert lengths.made == [["dddd", "eeeee"]]
    assert part.read_bytes() == content


@pytest.mark.parametrize("broken", [b"{", b"[]", b'{"made_with": {"version": 1}, "parts": [3]}'])
def test_a_broken_list(frame: Any, broken: bytes):
    folder = derived_folder(frame, Lengths().recipe)
    (folder / "parts.json").write_bytes(broken)
    (folder / "index.json").write_bytes(broken)
    lengths = Lengths()
    derived_folder(frame, lengths.recipe)
    assert (len(lengths.made), lengths.built) == (2, [0])


def test_a_frame_that_cannot_be_written(frame: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    plain = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(".sae") and plain(path, mode))
    lengths = Lengths()
    folder = derived_folder(frame, lengths.recipe)
    assert folder.is_relative_to(tmp_path / "cache")
    assert not (frame.layout.root / "lengths").exists()
    assert derived_folder(frame, lengths.recipe) == folder
    assert len(lengths.made) == 2


def test_two_processes_do_not_make_the_same(frame: Any):
    folder = frame.layout.root / "lengths"
    folder.mkdir()
    lock = lock_folder(folder)
    try:
        with pytest.raises(FrameError, match="another process is writing"):
            derived_folder(frame, Lengths().recipe)
    finally:
        os.close(lock)


def test_a_full_disk(frame: Any, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(derived.disk, "write_parquet", full)
    with pytest.raises(FrameError, match="the disk is full"):
        derived_folder(frame, Lengths().recipe)
