"""SAEs in a repository of the Hugging Face hub: `hub:OWNER/REPOSITORY/PATH/TO/WEIGHTS`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from saedata.errors import EncoderError
from saedata.hub import hub_folder
from saedata.sae.formats.files import CONFIGS

PREFIX = "hub:"


class Place(NamedTuple):
    """Repository, and file in it."""

    repository: str
    file: PurePosixPath

    @property
    def patterns(self) -> list[str]:
        """The weights, and the configurations that may lie beside them."""
        folders = [self.file.parent, *([self.file.parent.parent] if self.file.parent.name == "checkpoints" else [])]
        return [str(self.file), *(str(folder / name) for folder in folders for name in CONFIGS)]

    @property
    def command(self) -> str:
        """How to get the files where there is a network."""
        return f"hf download {self.repository} " + " ".join(f"--include '{name}'" for name in self.patterns[:3])


def split(source: str | Path) -> Place:
    """Repository and file of an SAE.

    Raises
    ------
    EncoderError
        It does not name a file in a repository.

    Examples
    --------
    >>> split("hub:google/gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82/params.npz").repository
    'google/gemma-scope-2b-pt-res'
    """
    owner, _, rest = str(source).removeprefix(PREFIX).partition("/")
    name, _, file = rest.partition("/")
    if not (owner and name and file) or ".." in PurePosixPath(file).parts:
        msg = f"{str(source)!r} should read hub:OWNER/REPOSITORY/PATH/TO/WEIGHTS"
        raise EncoderError(msg)
    return Place(f"{owner}/{name}", PurePosixPath(file))


def find(source: str | Path, *, download: bool = True) -> Path | None:
    """The weights' file on this machine, fetched where need be; None if it cannot be had."""
    place = split(source)
    folder = hub_folder(
        place.repository, place.patterns, complete=lambda found: (found / place.file).is_file(), download=download
    )
    return folder / place.file if folder else None


def fetch(source: str | Path) -> Path:
    """The weights' file on this machine, fetched where need be.

    Raises
    ------
    EncoderError
        It cannot be had.
    """
    if (path := find(source)) is not None:
        return path
    place = split(source)
    msg = (
        f"the SAE {place.file} of {place.repository} is not in the Hugging Face cache, and cannot be had from the hub; "
        f"where there is a network: {place.command}"
    )
    raise EncoderError(msg)
