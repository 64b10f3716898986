"""Weights files of every kind, opened without trust: what is in them, and nothing of it executed."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import orjson

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from saedata.sae.model import SAE

WEIGHTS = (
    "sae_weights.safetensors",
    "sae.safetensors",
    "ae.pt",
    "params.npz",
    "params.safetensors",
    "checkpoints/final.safetensors",
    "final.safetensors",
    "atoms.pt",
    "sae.pt",
)
CONFIGS = ("cfg.json", "config.json", "hyperparams.json", "metadata.yaml")
_SUFFIXES = (".safetensors", ".pt", ".pth", ".npz")
_UNREADABLE = (
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    MemoryError,
    OverflowError,
)
"""What `torch.load` says to nonsense, besides `UnpicklingError`."""

_NESTED = ("state_dict", "sae", "model_state_dict")
_BESIDE = {"atom_indices.pt", "statistics.safetensors", "sparsity.safetensors"}


@dataclass(frozen=True)
class Opened:
    """What was found at a path.

    Attributes
    ----------
    path
        File of the weights.
    tensors
        By name, as they were stored; a lone tensor has the name "".
    values
        What else a `.pt` file holds: numbers, names, options.
    config
        The JSON (or YAML) file beside it; empty if there is none.
    config_path
        Where that is.
    """

    path: Path
    tensors: dict[str, torch.Tensor]
    values: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    config_path: Path | None = None

    def has(self, *names: str) -> bool:
        """Whether tensors of all these names are there."""
        return all(name in self.tensors for name in names)

    def refuse(self, problem: str) -> NoReturn:
        """Raise an error that says where."""
        msg = f"{self.path}: {problem}"
        raise EncoderError(msg)

    def checked(self, sae: SAE) -> SAE:
        """The same SAE, if its parts fit together."""
        if problem := sae.problem():
            self.refuse(problem)
        return sae

    def take(self, name: str, *shape: int | None) -> torch.Tensor:
        """A tensor in single precision, after a look at its kind, its shape and its numbers.

        Parameters
        ----------
        name
            Which.
        shape
            Expected; None: any length.
        """
        import torch

        if name not in self.tensors:
            msg = f"{self.path} lacks {name}"
            raise EncoderError(msg)
        tensor = self.tensors[name]
        expected = tuple(found if want is None else want for want, found in zip(shape, tensor.shape, strict=False))
        if len(shape) != tensor.ndim or tuple(tensor.shape) != expected:
            want = ", ".join("any" if size is None else str(size) for size in shape) + "," * (len(shape) == 1)
            self.refuse(f"{name} has shape {tuple(tensor.shape)}, expected ({want})")
        if 0 in tensor.shape:
            self.refuse(f"{name} is empty")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
            self.refuse(f"{name} is not a plain tensor")
        found = tensor.detach().float()
        if not bool(torch.isfinite(found).all()):
            self.refuse(f"{name} holds numbers that are not finite; the file is damaged")
        return found

    def number(self, source: Mapping[str, Any], *names: str) -> int | None:
        """A whole positive number under the first of some names that is there; None if there is none."""
        for name in names:
            value = source.get(name)
            if value is not None:
                if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
                    self.refuse(f"{name} is {value!r}; a whole number of at least 1 is expected")
                return int(value)
        return None


def weights_files(source: Path) -> list[Path]:
    """The files of an SAE: its configuration, where there is one, and its weights. Parameters as in `open_weights`."""
    path = source if source.is_file() else _find(source)
    config = _config_of(path)
    return [config, path] if config else [path]


def open_weights(source: Path) -> Opened:
    """Find and read the weights at a path.

    Parameters
    ----------
    source
        A file, or a folder that holds one SAE.

    Raises
    ------
    EncoderError
        If there is nothing, more than one, or what is there cannot be read.
    """
    *configs, path = weights_files(source)
    config_path = configs[0] if configs else None
    config = _read_config(config_path) if config_path else {}
    if path.suffix == ".safetensors":
        return Opened(path, read_safetensors(path), {}, config, config_path)
    if path.suffix == ".npz":
        return Opened(path, _read_npz(path), {}, config, config_path)
    tensors, values = _read_torch(path)
    return Opened(path, tensors, values, config, config_path)


def open_config(source: Path) -> dict[str, Any]:
    """The configuration beside an SAE's weights; empty if there is none. Parameters as in `open_weights`."""
    *configs, _ = weights_files(source)
    return _read_config(configs[0]) if configs else {}


def _find(folder: Path) -> Path:
    if not folder.is_dir():
        msg = f"there is no SAE file or folder {str(folder)!r}"
        raise EncoderError(msg)
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    found = sorted(p for p in folder.iterdir() if p.suffix in _SUFFIXES and p.name not in _BESIDE)
    if len(found) == 1:
        return found[0]
    inside = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    if found:
        msg = f"{folder} holds several weights files ({inside}); name the one to load"
    else:
        msg = f"{folder} is not an SAE folder: expected cfg.json and {WEIGHTS[0]}, or one of "
        msg += f"{', '.join(WEIGHTS[1:])}, or a single .pt, .pth, .npz or .safetensors file; found {inside}"
    raise EncoderError(msg)


def _config_of(path: Path) -> Path | None:
    folders = [path.parent, path.parent.parent] if path.parent.name == "checkpoints" else [path.parent]
    return next((folder / name for folder in folders for name in CONFIGS if (folder / name).is_file()), None)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = _parse_yaml(path) if path.suffix == ".yaml" else orjson.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        kind = "YAML" if path.suffix == ".yaml" else "JSON"
        msg = f"{path} is not valid {kind}: {error}"
        raise EncoderError(msg) from error
    if not isinstance(config, dict):
        msg = f"{path} does not hold a JSON object"
        raise EncoderError(msg)
    return config


def _parse_yaml(path: Path) -> Any:
    import yaml  # type: ignore[import-untyped]

    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        msg = f"{path} cannot be read as safetensors: {error}"
        raise EncoderError(msg) from error


def _read_npz(path: Path) -> dict[str, torch.Tensor]:
    """Arrays of numbers; what would have to be unpickled is refused."""
    import torch

    _check_archive(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        msg = f"{path} cannot be read as an .npz file of numbers: {_first_line(error)}"
        raise EncoderError(msg) from error


def _read_torch(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and plain values; `weights_only` refuses everything that would run code."""
    import torch

    if zipfile.is_zipfile(path):
        _check_archive(path)
    try:
        with warnings.catch_warnings():  # of another pickle protocol than torch writes itself
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        msg = f"{path} is not a file of weights alone, and is not opened: it could run code, or is damaged"
        raise EncoderError(msg) from error
    except _UNREADABLE as error:
        msg = f"{path} cannot be read as a PyTorch file: {_first_line(error)}"
        raise EncoderError(msg) from error
    if isinstance(content, torch.Tensor):
        return {"": content}, {}
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, not a state dict"
        raise EncoderError(msg)
    return _flat(content)


def _flat(content: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    import torch

    inner = next((content[key] for key in _NESTED if isinstance(content.get(key), dict)), content)
    tensors = {str(k): v for k, v in inner.items() if isinstance(v, torch.Tensor)}
    values = {str(k): v for k, v in {**content, **inner}.items() if not isinstance(v, torch.Tensor)}
    return tensors, values


def _check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than there is memory for: a few bytes can promise terabytes."""
    import psutil

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        msg = f"{path} is damaged or no weights file: {_first_line(error)}"
        raise EncoderError(msg) from error
    free = psutil.virtual_memory().available
    if size > free:
        msg = f"{path} unpacks to {size / 1e9:.1f} GB, but {free / 1e9:.1f} GB of memory are free"
        raise EncoderError(msg)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
