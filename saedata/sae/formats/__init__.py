"""SAEs on disk: our own files and those of everybody else, told apart by what is in them.

**A new format** is a module here with a `NAME` for people, `matches(found)` that looks at the names in the file, and
`build(found)` that maps them to an architecture; `Opened.take` checks shapes and numbers. List it in `FORMATS`.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from saedata.errors import EncoderError
from saedata.sae.formats import (
    batchtopk,
    dictionary_learning,
    gemma_scope,
    goodfire,
    hub,
    hypothesaes,
    itda,
    llama_scope,
    openai,
    overcomplete,
    qwen_scope,
    registry,
    saelens,
    sparsify,
)
from saedata.sae.formats.files import open_weights, weights_files
from saedata.sae.formats.saelens import save_sae

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE


class Format(Protocol):
    """What a module of a format offers."""

    NAME: str

    def matches(self, found: Opened) -> bool:
        """Whether what was found is in this format."""

    def build(self, found: Opened) -> SAE:
        """The SAE in it."""


__all__ = ["FORMATS", "hash_sae", "is_elsewhere", "is_registered", "load_sae", "save_sae"]

FORMATS: tuple[Format, ...] = (
    saelens,
    sparsify,
    goodfire,
    openai,
    hypothesaes,
    overcomplete,
    itda,
    batchtopk,
    gemma_scope,
    llama_scope,
    qwen_scope,
    dictionary_learning,
)
"""Every format, tried in this order."""


def load_sae(source: str | Path, *, prefix: int | None = None) -> SAE:
    """Load an SAE in any known format.

    Parameters
    ----------
    source
        A folder or a weights file; ``hub:OWNER/REPOSITORY/FILE`` for one on the Hugging Face hub; or
        ``saelens:RELEASE/ID`` for one of SAELens's registry.
    prefix
        Use only so many features, the first: for Matryoshka SAEs.

    Raises
    ------
    EncoderError
        If it is absent, incomplete, damaged, or of no known format or architecture.
    """
    sae = registry.load_pretrained(str(source)) if is_registered(source) else _build(open_weights(_local(source)))
    return sae if prefix is None else sae.prefix(prefix)


def is_registered(source: str | Path) -> bool:
    """Whether this names an SAE of SAELens's registry, and not a file."""
    return str(source).startswith(registry.PREFIX)


def is_elsewhere(source: str | Path) -> bool:
    """Whether this names an SAE on the hub or in SAELens's registry, and not a path."""
    return is_registered(source) or str(source).startswith(hub.PREFIX)


def hash_sae(source: str | Path) -> str:
    """One sha256 over the weights and the configuration of an SAE on disk, or over the weights of a registry's."""
    if is_registered(source):
        return _content_hash(load_sae(source))
    digest = hashlib.sha256()
    for path in weights_files(_local(source)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _local(source: str | Path) -> Path:
    return hub.fetch(source) if str(source).startswith(hub.PREFIX) else Path(source)


def _build(found: Opened) -> SAE:
    for form in FORMATS:
        if form.matches(found):
            return found.checked(form.build(found))
    held = ", ".join(sorted(found.tensors)[:6]) or "no tensors"
    msg = f"{found.path} is in no known SAE format: it holds {held}; known are {'; '.join(f.NAME for f in FORMATS)}"
    raise EncoderError(msg)


def _content_hash(sae: SAE) -> str:
    """Hash of architecture, settings and weights; what people wrote about it does not count."""
    import torch

    digest = hashlib.sha256(sae.architecture.encode())
    for field in fields(sae):
        value = getattr(sae, field.name)
        if isinstance(value, torch.Tensor):
            digest.update(field.name.encode() + value.detach().cpu().float().contiguous().numpy().tobytes())
        elif field.name != "metadata":
            digest.update(f"{field.name}={value!r}".encode())
    return digest.hexdigest()
