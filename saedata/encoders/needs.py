"""What an encoder needs in memory, told before anything of it is fetched or loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saedata.encode import tokens_at_once
from saedata.errors import EncoderError
from saedata.memory import free_memory, in_bytes
from saedata.reader.places import QUANTISED, pick_device, pick_dtype
from saedata.reader.size import reader_shape

if TYPE_CHECKING:
    import torch

    from saedata.encoders.encoder import Encoder

_WHILE_LOADING = 3
"""An SAE on its way from a file: what was read, in another number format, and turned round."""

_STATES = 20
"""Hidden states of a token that are held at once, those inside attention and MLP counted as such."""

_CELLS = {"cpu": 2**21, "cuda": 2**28}
_BITS = {"int8": 8, "nf4": 4}


@dataclass(frozen=True)
class Need:
    """Bytes that an encoder takes.

    Attributes
    ----------
    reader, sae, work
        Weights of either, and what a batch needs on top.
    """

    reader: int
    sae: int
    work: int

    @property
    def total(self) -> int:
        """At the peak: while it works, or while the SAE is read."""
        return max(self.reader + self.sae + self.work, _WHILE_LOADING * self.sae)

    def __str__(self) -> str:
        parts = ((self.reader, "the reader"), (self.sae, "the SAE"), (self.work, "a batch"))
        told = ", ".join(f"{in_bytes(size)} for {what}" for size, what in parts)
        return f"about {in_bytes(self.total)} of memory ({told})"


def memory_needed(
    spec: Encoder, *, precision: str = "bfloat16", device: str = "cpu", token_budget: int | None = None
) -> Need | None:
    """What an encoder needs, from the shapes of its parts.

    Parameters
    ----------
    spec
        The encoder.
    precision
        Number format of the reader's weights; the SAE computes in float32.
    device
        Kind of device, which decides the size of a batch.
    token_budget
        Tokens in a forward pass; default: that of the device.

    Returns
    -------
    Need or None
        None if the shapes are not known before loading.

    Examples
    --------
    >>> from saedata.encoders import find_encoder
    >>> str(memory_needed(find_encoder("gemma-2-2b")))
    'about 3.7 GB of memory (3.2 GB for the reader, 302 MB for the SAE, 211 MB for a batch)'
    """
    known = spec.listing
    if known is not None and known.has_shape:
        parameters, width, sae = known.parameters, known.width, 2 * 4 * known.features * known.width
    else:
        shape = reader_shape(spec.reader_folder, layer=spec.layer)
        if shape is None or not spec.sae.exists():
            return None
        (parameters, width), sae = shape, _on_disk(spec)
    bits = _BITS.get(precision, 32 if precision == "float32" else 16)
    tokens = token_budget or tokens_at_once(device)
    work = tokens * width * _STATES * (4 if precision == "float32" else 2) + 4 * 2 * _CELLS.get(device, 2**21)
    return Need(parameters * bits // 8, sae, work + 100_000_000)


def check_memory(
    spec: Encoder, *, device: torch.device | str = "auto", precision: str = "auto", device_map: str | None = None
) -> None:
    """Refuse an encoder that does not fit into the memory that is free.

    Parameters
    ----------
    spec
        The encoder.
    device, precision, device_map
        As in `load_reader`. With a `device_map` all devices and the machine's memory count together.

    Raises
    ------
    EncoderError
        Says what it needs and what there is.
    """
    where = pick_device(str(device))
    number = precision if precision in QUANTISED else str(pick_dtype(precision, where)).removeprefix("torch.")
    need = memory_needed(spec, precision=number, device=where.type)
    if need is None:
        return
    free = _free(where, everywhere=device_map is not None)
    if need.total > free:
        msg = (
            f"the encoder {spec.name} needs {need} with the reader in {number}, but {in_bytes(free)} are free"
            f"{'' if where.type == 'cpu' else f' on {where}'}: take a smaller encoder, --precision nf4, --device-map "
            "auto or a larger machine; --no-memory-check tries all the same"
        )
        raise EncoderError(msg)


def _free(where: torch.device, *, everywhere: bool) -> int:
    import torch

    if not everywhere or where.type != "cuda":
        return free_memory(where)
    cards = (torch.device("cuda", number) for number in range(torch.cuda.device_count()))
    return sum(map(free_memory, cards)) + free_memory(torch.device("cpu"))


def _on_disk(spec: Encoder) -> int:
    """Size of an SAE's files: that of its weights in float32, half of it where they are stored in 16 bits."""
    from saedata.sae.formats.files import weights_files

    return sum(path.stat().st_size for path in weights_files(spec.sae))
