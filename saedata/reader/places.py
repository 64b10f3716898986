"""Where a reader is found, where it runs, and in which number format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from saedata.errors import EncoderError
from saedata.hub import hub_folder
from saedata.reader.packed import is_packed, packed_folder

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16", "float16", "int8", "nf4"]

QUANTISED = ("int8", "nf4")
"""Precisions in which the weights of linear layers are stored in 8 or 4 bits (bitsandbytes)."""

READER_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What is fetched of a model's repository."""


def find_folder(source: str | Path, *, download: bool = True) -> Path:
    """Local folder of a model; a hub name is looked up in the cache, then, if `download`, fetched.

    What Python packages carry (see `saedata.reader.packed`) is made ready on first use.
    """
    if Path(source).is_dir():
        return Path(source)
    if is_packed(source):
        return packed_folder(source)
    found = hub_folder(
        str(source), READER_FILES, complete=lambda folder: any(folder.glob("*.safetensors")), download=download
    )
    if found:
        return found
    msg = (
        f"the reader {str(source)!r} is neither a folder nor a model that can be had from the Hugging Face hub "
        "or its local cache; check the name, or give the folder of a downloaded model"
    )
    raise EncoderError(msg)


def pick_device(device: str) -> torch.device:
    """Take the device that was asked for, or the fastest there is."""
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        msg = "device 'cuda' was asked for, but torch sees no CUDA device; use --device cpu"
        raise EncoderError(msg)
    try:
        return torch.device(device)
    except RuntimeError as error:
        msg = f"there is no device {device!r}; use auto, cpu, cuda or mps"
        raise EncoderError(msg) from error


def pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Number format of the forward pass."""
    import torch

    if precision not in ("auto", *QUANTISED):
        found = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        if found is None:
            msg = f"there is no precision {precision!r}; use auto, float32, bfloat16, float16, int8 or nf4"
            raise EncoderError(msg)
        return found
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and cpu_has_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices in hardware (AVX512-BF16, AMX or Arm BF16)."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # came with torch 2.10
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(key, False) for key in ("avx512_bf16", "amx_bf16", "bf16"))
