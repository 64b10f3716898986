"""Load an encoder's weights, and check that its parts belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from saedata.encoders.encoder import Encoder
from saedata.encoders.fetching import fetch
from saedata.encoders.needs import check_memory
from saedata.encoders.registry import all_encoders, find_encoder
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
        Its two halves, on one device. An SAE whose features have a sign is kept as one of twice as many features, none
        of them negative: see `saedata.sae.poles`.
    sae_sha256
        Hash of the SAE's files.
    """

    spec: Encoder
    reader: Reader
    sae: SAE
    sae_sha256: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "sae", self.sae.unsigned())


def load_encoder(
    encoder: str | Path | Encoder = "minilm",
    *,
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    chat_template: bool = False,
    beyond: int = 0,
    memory_check: bool = True,
) -> LoadedEncoder:
    """Load reader and SAE.

    Parameters
    ----------
    encoder
        Name, folder, list, or what `custom_encoder` gave; see `find_encoder`.
    device, precision, device_map, chat_template, beyond
        As in `load_reader`. The SAE computes in float32 everywhere.
    memory_check
        Whether to refuse, before anything is fetched or loaded, what does not fit into the memory that is free.

    Raises
    ------
    EncoderError
        If a part is absent or broken, does not fit into memory, or the SAE reads another width than the reader has.
    """
    spec = encoder if isinstance(encoder, Encoder) else find_encoder(encoder)
    if memory_check:
        check_memory(spec, device=device, precision=precision, device_map=device_map)
    fetch(spec)
    sae = _loaded_sae(spec)
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
        `saedata.sae.formats`); ``hub:OWNER/REPOSITORY/FILE``; or ``saelens:RELEASE/ID``, which needs the extra
        ``saedata[saelens]``.
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
    there = path.exists() or (path.suffix and str(source) not in all_encoders()) or len(path.parts) > 1
    if there or formats.is_elsewhere(source):
        return formats.load_sae(source, prefix=prefix)
    return _loaded_sae(find_encoder(source), prefix=prefix)


def _loaded_sae(spec: Encoder, *, prefix: int | None = None) -> SAE:
    sae = formats.load_sae(spec.sae, prefix=prefix)
    return replace(sae, normalisation="centre") if spec.centred else sae
