"""Load an encoder's weights, and check that its parts belong together."""

from __future__ import annotations

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
    device_map: str | None = None,
    chat_template: bool = False,
    beyond: int = 0,
) -> LoadedEncoder:
    """Load reader and SAE.

    Parameters
    ----------
    encoder
        Name, folder, or what `custom_encoder` gave.
    device, precision, device_map, chat_template, beyond
        As in `load_reader`. The SAE computes in float32 everywhere.

    Raises
    ------
    EncoderError
        If a part is absent or broken, or the SAE reads another width than the reader has.
    """
    spec = encoder if isinstance(encoder, Encoder) else find_encoder(encoder)
    sae = formats.load_sae(spec.sae)
    reader = load_encoder_reader(
        spec, device=device, precision=precision, device_map=device_map, chat_template=chat_template, beyond=beyond
    )
    if sae.d_in != reader.d_model:
        msg = (
            f"the SAE {spec.name!r} reads hidden states of width {sae.d_in}, but the reader {spec.reader!r} "
            f"has width {reader.d_model}: they do not belong together"
        )
        raise EncoderError(msg)
    return LoadedEncoder(spec, reader, sae.to(reader.device), formats.hash_sae(spec.sae))


def load_encoder_reader(
    spec: Encoder,
    *,
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    chat_template: bool = False,
    beyond: int = 0,
) -> Reader:
    """Load only the reader of an encoder.

    Parameters
    ----------
    spec
        The encoder.
    device, precision, device_map, chat_template, beyond
        As in `load_reader`.
    """
    source = spec.reader_folder
    return load_reader(
        source,
        layer=spec.layer,
        hook=spec.hook,
        name=spec.reader,
        context=spec.context,
        device=device,
        precision=precision,
        device_map=device_map,
        chat_template=chat_template,
        add_bos=spec.add_bos,
        skip_first=spec.skip_first,
        norm_limit=spec.norm_limit,
        beyond=beyond,
        weights_sha256=spec.reader_sha256 if Path(source).is_dir() else None,
    )


def load_sae(source: str | Path, *, prefix: int | None = None) -> SAE:
    """Load an SAE by an encoder's name, from files in any known format, or from SAELens's registry.

    Parameters
    ----------
    source
        A name that `list_encoders()` lists; a folder or a weights file, whose format is told from what is in it (see
        `saedata.sae.formats`); or ``saelens:RELEASE/ID``, which needs the extra ``saedata[saelens]``.
    prefix
        Use only so many features, the first: for Matryoshka SAEs.

    Raises
    ------
    EncoderError
        If it is absent, incomplete, damaged, or of no known format or architecture.

    Examples
    --------
    >>> sae = load_sae("minilm")
    >>> sae.architecture, sae.d_in
    ('jumprelu', 384)
    """
    path = Path(source)
    there = formats.is_registered(source) or path.exists() or path.suffix or len(path.parts) > 1
    return formats.load_sae(source if there else find_encoder(source).sae, prefix=prefix)
