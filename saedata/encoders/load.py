"""Load an encoder's weights, and check that its parts belong together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from saedata.encoders.registry import Encoder, find_encoder
from saedata.errors import EncoderError
from saedata.reader import Device, Precision, Reader, load_reader
from saedata.sae import formats

if TYPE_CHECKING:
    from saedata.sae.model import SAE


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder in memory.

    Attributes
    ----------
    spec
        What it is made of.
    reader, sae
        Its two halves, on one device.
    sae_sha256
        Hash of the SAE's files.
    """

    spec: Encoder
    reader: Reader
    sae: SAE
    sae_sha256: str


def load_encoder(
    encoder: str | Path | Encoder = "minilm",
    *,
    device: Device | str = "auto",
    precision: Precision = "auto",
) -> LoadedEncoder:
    """Load reader and SAE.

    Parameters
    ----------
    encoder
        Name, folder, or what `custom_encoder` gave.
    device, precision
        As in `load_reader`. The SAE computes in float32 everywhere.

    Raises
    ------
    EncoderError
        If a part is absent or broken, or the SAE reads another width than the reader has.
    """
    spec = encoder if isinstance(encoder, Encoder) else find_encoder(encoder)
    source = spec.reader_folder
    if spec.reader_sha256 and Path(source).is_dir():
        _check_hash(Path(source) / "model.safetensors", spec.reader_sha256)
    sae = formats.load_sae(spec.sae)
    reader = load_reader(
        source, layer=spec.layer, name=spec.reader, context=spec.context, device=device, precision=precision
    )
    if sae.d_in != reader.d_model:
        msg = (
            f"the SAE {spec.name!r} reads hidden states of width {sae.d_in}, but the reader {spec.reader!r} "
            f"has width {reader.d_model}: they do not belong together"
        )
        raise EncoderError(msg)
    return LoadedEncoder(spec, reader, sae.to(reader.device), formats.hash_sae(spec.sae))


def load_sae(source: str | Path) -> SAE:
    """Load an SAE by an encoder's name or from a folder.

    Parameters
    ----------
    source
        A name that `list_encoders()` lists, or a folder with `cfg.json` and `sae_weights.safetensors` (SAELens layout).

    Raises
    ------
    EncoderError
        If it is absent, incomplete, corrupt, or of an architecture that is not known here.

    Examples
    --------
    >>> sae = load_sae("minilm")
    >>> sae.architecture, sae.d_in
    ('jumprelu', 384)
    """
    return formats.load_sae(Path(source) if Path(source).is_dir() else find_encoder(source).sae)


def _check_hash(path: Path, expected: str) -> None:
    """Refuse weights that are not the ones the SAE was trained on."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"the reader's weights {path} cannot be read: {error.strerror}"
        raise EncoderError(msg) from error
    if found != expected:
        msg = (
            f"the reader's weights {path} are not the expected ones (sha256 {found[:12]}…, expected "
            f"{expected[:12]}…); reinstall the package that carries them"
        )
        raise EncoderError(msg)
