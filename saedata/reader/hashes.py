"""What tells one reader from another: hashes of its weights, configuration and tokenizer."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

_HASHED = ("*.safetensors", "config.json", "tokenizer.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def file_hashes(folder: Path) -> dict[str, str]:
    """Hashes of weights, configuration and tokenizer, by file name: each file is read once."""
    return {path.name: _hash(path) for pattern in _HASHED for path in sorted(folder.glob(pattern))}


def _hash(path: Path) -> str:
    """Hash of one file; the hub's cache keeps large files under their own sha256, so they need not be read."""
    try:
        kept = path.readlink().name if path.is_symlink() else ""
        if path.suffix == ".safetensors" and _SHA256.fullmatch(kept):
            return kept
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"the reader's file {path} cannot be read: {error.strerror}"
        raise EncoderError(msg) from error


def joint_hash(hashes: dict[str, str]) -> str:
    """One sha256 over all of them, whatever the folder is called."""
    return hashlib.sha256("".join(f"{name}\0{found}\n" for name, found in hashes.items()).encode()).hexdigest()


def check_weights(path: Path, hashes: dict[str, str], expected: str | None) -> None:
    """Refuse weights that are not the ones the SAE was trained on."""
    found = hashes.get(path.name, "none: the file is not there")
    if expected is not None and found != expected:
        msg = (
            f"the reader's weights {path} are not the expected ones (sha256 {found[:12]}…, expected "
            f"{expected[:12]}…); reinstall the package that carries them"
        )
        raise EncoderError(msg)
