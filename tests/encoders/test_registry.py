"""Named encoders, folders as encoders, and pairs that do not belong together."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import orjson
import pytest

from saedata.encoders import custom_encoder, find_encoder, list_encoders, load_encoder, load_sae, save_encoder
from saedata.errors import EncoderError
from saedata.sae import SAE, save_sae


def test_the_bundled_encoder_is_listed_and_found() -> None:
    listed = list_encoders()
    assert "minilm" in listed["name"].to_list()
    assert {"name", "reader", "layer", "features", "labelled", "about"} <= set(listed.columns)
    spec = find_encoder("minilm")
    assert Path(spec.reader_folder).is_dir()  # the package that carries the reader is installed
    assert load_sae("minilm").d_in == 384


def test_bundled_weights_are_small_enough_for_a_wheel() -> None:
    assert sum(p.stat().st_size for p in find_encoder("minilm").sae.iterdir()) <= 16e6


def test_a_missing_package_falls_back_to_the_hub_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert find_encoder("minilm").reader_folder == "sentence-transformers/all-MiniLM-L6-v2"


def test_a_folder_is_an_encoder(tiny_encoder: Path) -> None:
    loaded = load_encoder(tiny_encoder, device="cpu", precision="float32")
    assert (loaded.spec.name, loaded.reader.layer, loaded.sae.d_sae) == ("tiny", 2, 64)
    assert loaded.reader.precision == "float32"


def test_a_custom_pair_takes_its_reader_from_a_name_or_a_folder(tiny_reader: Path, tiny_encoder: Path) -> None:
    assert custom_encoder("minilm", layer=3, sae=tiny_encoder).reader == "sentence-transformers/all-MiniLM-L6-v2"
    assert load_encoder(custom_encoder(str(tiny_reader), layer=1, sae=tiny_encoder), device="cpu").reader.layer == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("minlm", "did you mean 'minilm'"), ("quite-other", "known names: minilm")],
)
def test_an_unknown_name_says_which_there_are(name: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        find_encoder(name)


def test_an_sae_of_another_width_is_refused(tiny_reader: Path, tmp_path: Path) -> None:
    save_sae(SAE.random(d_in=16, d_sae=8, seed=0), tmp_path)
    with pytest.raises(EncoderError, match=r"width 16.*has width 32: they do not belong together"):
        load_encoder(custom_encoder(str(tiny_reader), layer=1, sae=tmp_path), device="cpu")
    with pytest.raises(EncoderError, match="no SAE folder"):
        custom_encoder(str(tiny_reader), layer=1, sae=tmp_path / "nowhere")


def test_weights_of_another_reader_are_refused(monkeypatch: pytest.MonkeyPatch, tiny_reader: Path) -> None:
    monkeypatch.setattr("saedata.encoders.registry.Encoder.reader_folder", tiny_reader)
    with pytest.raises(EncoderError, match="are not the expected ones"):
        load_encoder("minilm")


def test_the_readers_files_are_hashed_once_and_still_checked(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path
) -> None:
    spec = find_encoder(tiny_encoder)
    weights = Path(spec.reader_folder) / "model.safetensors"
    right = hashlib.sha256(weights.read_bytes()).hexdigest()
    seen: list[str] = []
    digest = hashlib.file_digest

    def counted(file: BinaryIO, name: str) -> object:
        seen.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    load_encoder(replace(spec, reader_sha256=right), device="cpu")
    assert [Path(name) for name in seen].count(weights) == 1
    with pytest.raises(EncoderError, match="are not the expected ones"):
        load_encoder(replace(spec, reader_sha256="0" * 64), device="cpu")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"name": 3}', '{"name": "a", "reader": "b"}', '{"nome": "a"}', '{"reader_package": []}']
)
def test_a_strangers_description_is_checked(tmp_path: Path, content: str) -> None:
    (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(EncoderError, match=r"encoder\.json"):
        find_encoder(tmp_path)


def test_description_round_trip(tiny_encoder: Path, tmp_path: Path) -> None:
    spec = replace(find_encoder(tiny_encoder), sae=tmp_path, about="a test")
    save_encoder(spec)
    assert find_encoder(tmp_path) == spec
    assert orjson.loads((tmp_path / "encoder.json").read_bytes())["about"] == "a test"
