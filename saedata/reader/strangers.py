"""Loading strangers' files with transformers: options for big models, quiet, and errors in one sentence."""

from __future__ import annotations

import importlib.util
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError
from saedata.reader.places import QUANTISED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

_one_at_a_time = threading.RLock()
_EXTRA = "install it with: pip install 'saedata[big]'"


def placing(precision: str, dtype: torch.dtype, where: torch.device, device_map: str | None) -> dict[str, Any]:
    """Options of `from_pretrained` for quantised weights and for several devices; none for the plain case."""
    options: dict[str, Any] = {}
    if device_map is not None or precision in QUANTISED:
        _check_installed("accelerate", "a model spread over several devices, or a quantised one")
        options["device_map"] = device_map or {"": where}
    if precision in QUANTISED:
        _check_installed("bitsandbytes", f"precision {precision!r}")
        options["quantization_config"] = _quantisation(precision, dtype)
    return options


def _quantisation(precision: str, dtype: torch.dtype) -> Any:
    import transformers

    config: Any = transformers.BitsAndBytesConfig
    if precision == "int8":
        return config(load_in_8bit=True)
    return config(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _check_installed(package: str, purpose: str) -> None:
    if not _is_installed(package):
        msg = f"{purpose} needs the package {package}; {_EXTRA}"
        raise EncoderError(msg)


@contextmanager
def one_sentence(source: str | Path) -> Iterator[None]:
    """Turn whatever the loading of strangers' files raises into one sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except EncoderError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        RuntimeError,
        ImportError,
        SafetensorError,
    ) as error:
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        msg = f"the reader {str(source)!r} cannot be loaded: {said}"
        raise EncoderError(msg) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from remarking on unused later layers, which are what we asked for, and on what we refuse.

    One thread at a time: the settings are the whole process's, and two threads that both make transformers import its
    parts for the first time can catch each other half-way ("module 'transformers' has no attribute ...").
    """
    with _one_at_a_time:
        from transformers.utils import logging

        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()  # type: ignore[no-untyped-call]
