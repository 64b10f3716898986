"""Memory: counted from shapes, said in words, and refused before anything is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from saedata.encoders import check_memory, find_encoder, load_encoder, memory_needed
from saedata.errors import EncoderError
from saedata.memory import free_memory
from saedata.reader import load_reader
from saedata.reader.size import reader_shape


def test_parameters_are_counted_without_weights(tiny_reader: Path) -> None:
    for layer in (1, 3):
        parameters, width = reader_shape(tiny_reader, layer=layer) or (0, 0)
        loaded = load_reader(tiny_reader, layer=layer, device="cpu").model
        assert parameters == sum(p.numel() for p in loaded.parameters())
        assert width == 32
    assert reader_shape(tiny_reader, layer=9) is None  # loading it says why
    assert reader_shape(tiny_reader / "nowhere", layer=1) is None


def test_named_encoders_need_what_their_shapes_say() -> None:
    need = memory_needed(find_encoder("llama-3.1-8b"))
    assert need is not None
    assert need.reader == pytest.approx(2 * 4.89e9, rel=0.01)
    assert need.sae == 4 * 2 * 65536 * 4096
    quantised = memory_needed(find_encoder("llama-3.1-8b"), precision="nf4")
    assert quantised is not None
    assert quantised.reader * 4 == need.reader
    on_card = memory_needed(find_encoder("llama-3.1-8b"), device="cuda")
    assert on_card is not None
    assert need.total < on_card.total < 26e9


def test_a_folder_is_measured_by_its_files(tiny_encoder: Path) -> None:
    need = memory_needed(find_encoder(tiny_encoder), precision="float32")
    assert need is not None
    assert need.sae == pytest.approx(2 * 64 * 32 * 4, rel=0.2)
    unknown = replace(find_encoder(tiny_encoder), reader="/nowhere")
    assert memory_needed(unknown) is None


def test_too_little_is_said_before_anything_is_loaded(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saedata.encoders.needs.free_memory", lambda _device: 1000)
    with pytest.raises(
        EncoderError, match=r"tiny needs about .* MB of memory \(.* but 1.0 kB are free.*--no-memory-check"
    ):
        load_encoder(tiny_encoder, device="cpu")
    assert load_encoder(tiny_encoder, device="cpu", memory_check=False).sae.d_sae == 64


def test_what_fits_is_let_through(tiny_encoder: Path) -> None:
    check_memory(find_encoder(tiny_encoder), device="cpu")
    assert free_memory(torch.device("cpu")) > 1e6
