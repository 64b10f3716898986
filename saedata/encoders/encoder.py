"""What an encoder is made of."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from saedata.folders import cache_folder

if TYPE_CHECKING:
    from saedata.reader import Hook

DESCRIPTION, LABELS = "encoder.json", "features.parquet"


@dataclass(frozen=True)
class Listing:
    """What is known of an encoder before any of its files are here.

    Attributes
    ----------
    features, width
        Of the SAE, and of the hidden states it reads; 0: not known.
    parameters
        Of the reader up to the hook layer, embeddings included; 0: not known.
    labels
        Where labels of its features can be had.
    licence
        Of reader and SAE.
    gated
        Repositories that give their files only to those who accepted their terms.
    seen
        Public sources in which names and figures were seen.
    unverified
        What was not seen in any.
    """

    features: int = 0
    width: int = 0
    parameters: int = 0
    labels: str = ""
    licence: str = ""
    gated: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    unverified: str = ""

    @property
    def has_shape(self) -> bool:
        """Whether all three sizes are known, so that the memory it needs is too."""
        return min(self.features, self.width, self.parameters) > 0


@dataclass(frozen=True)
class Encoder:
    """What an encoder is made of; nothing is loaded yet.

    Attributes
    ----------
    name
        Short name.
    reader
        Hub name of the reader, or a folder.
    layer
        Blocks of the reader that run (see `load_reader`).
    sae
        Folder or file of the SAE; or where else it is: see `saedata.sae.formats.load_sae`.
    context
        Most tokens per window; None: what the reader was made for.
    threshold
        A feature is on above this value.
    reader_package
        Python package and folder in it that carries the reader, tried before the hub.
    reader_sha256
        Expected hash of the reader's `model.safetensors`, where it is known.
    about
        One line for people.
    hook
        Where in the last block the hidden state is taken (see `load_reader`).
    add_bos, skip_first, norm_limit
        Which tokens are read and pooled (see `Reader`).
    centred
        Whether the SAE was trained on hidden states less the mean of their own numbers, as TransformerLens makes them
        with `center_writing_weights`.
    listing
        What a list of encoders says about it; None for those that are folders.
    """

    name: str
    reader: str
    layer: int
    sae: Path
    context: int | None = None
    threshold: float = 0.0
    reader_package: tuple[str, str] | None = None
    reader_sha256: str | None = None
    about: str = ""
    hook: Hook = "resid_post"
    add_bos: bool = False
    skip_first: int = 0
    norm_limit: float | None = None
    centred: bool = False
    listing: Listing | None = field(default=None, compare=False)

    @property
    def folder(self) -> Path:
        """Where labels and whatever else belongs to it are kept: beside the SAE; of a listed one in the cache."""
        if self.listing is None or self.sae.is_dir():
            return self.sae
        parts = hashlib.sha256(f"{self.reader} {self.layer} {self.hook} {self.sae}".encode()).hexdigest()
        return cache_folder() / "encoders" / f"{self.name}-{parts[:12]}"

    @property
    def labels(self) -> Path | None:
        """Table of feature labels and top tokens, if it has one."""
        path = self.folder / LABELS
        return path if path.exists() else None

    @property
    def reader_folder(self) -> str | Path:
        """Where to load the reader from: the installed package that carries it, else the hub name or folder."""
        if self.reader_package:
            package, folder = self.reader_package
            spec = importlib.util.find_spec(package)  # finds the package without importing it
            if spec and spec.submodule_search_locations:
                path = Path(spec.submodule_search_locations[0], folder)
                if path.is_dir():
                    return path
        return self.reader
