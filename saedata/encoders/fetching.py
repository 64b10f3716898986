"""Getting the parts of a named encoder: what is here, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from saedata.errors import EncoderError
from saedata.hub import GatedError
from saedata.reader.packed import find_packed, is_packed, packed_folder, packed_is_here
from saedata.reader.places import READER_FILES, find_folder
from saedata.sae.formats import hub

if TYPE_CHECKING:
    from saedata.encoders.encoder import Encoder

State = Literal["here", "in part", "to fetch"]


def fetch(spec: Encoder) -> None:
    """Bring what is missing of an encoder from the hub to this machine.

    Raises
    ------
    EncoderError
        What cannot be had, all of it in one sentence, and how to get it; or that a repository is gated.
    """
    if spec.listing is None:
        return  # a folder, or a pair of the user's own: loading says what is wrong
    if missing := missing_parts(spec, download=True):
        names, commands = (", ".join(column) for column in zip(*missing, strict=True))
        msg = (
            f"the encoder {spec.name} needs {names}: not in the Hugging Face cache of this machine, and the hub cannot "
            f"be reached or does not have it; where there is a network: {commands.replace(', ', ' && ')}"
        )
        raise EncoderError(msg)


def state(spec: Encoder) -> State:
    """Whether the parts of an encoder are on this machine; the hub is not asked."""
    missing = len(missing_parts(spec, download=False))
    return "here" if not missing else "in part" if missing < 2 else "to fetch"


def missing_parts(spec: Encoder, *, download: bool) -> list[tuple[str, str]]:
    """What of an encoder is not on this machine: its name, and the command that gets it."""
    missing = []
    if not _has_reader(spec, download=download):
        missing.append((f"the reader {spec.reader}", _command(spec.reader)))
    if str(spec.sae).startswith(hub.PREFIX) and hub.find(spec.sae, download=download) is None:
        place = hub.split(spec.sae)
        missing.append((f"the SAE {place.file} of {place.repository}", place.command))
    return missing


def _command(reader: str) -> str:
    if is_packed(reader):
        return find_packed(reader).command
    return f"hf download {reader} " + " ".join(f"--include '{pattern}'" for pattern in READER_FILES)


def _has_reader(spec: Encoder, *, download: bool) -> bool:
    if Path(spec.reader_folder).is_dir():
        return True
    if is_packed(spec.reader):
        if download:
            packed_folder(spec.reader)  # says itself what is missing
        return packed_is_here(spec.reader)
    try:
        find_folder(spec.reader_folder, download=download)
    except GatedError:
        raise
    except EncoderError:
        return False
    return True
