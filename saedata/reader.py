"""The reader: a Hugging Face model cut after the hook layer, and the windows of text that it reads."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]

OVERLAP = 32
"""Tokens that a window repeats from the one before, as context only: every token is pooled exactly once."""

_PIECE_CHARACTERS = 200_000  # very long documents reach the tokenizer in pieces, which bounds its memory
_DEFAULT_CONTEXT = 1024
_HASHED_FILES = ("*.safetensors", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one document that fits the reader's context.

    Attributes
    ----------
    document
        Position of the document in the list that was given.
    ids
        Token ids, special tokens included, shape [tokens].
    starts, stops
        Character span of each token in the document, shape [tokens].
    pooled
        True where the token counts: not for special tokens, nor for context repeated from the window before.
    """

    document: int
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    pooled: NDArray[np.bool_]


@dataclass(frozen=True)
class Reader:
    """A tokenizer and a transformer that ends at the hook layer.

    Attributes
    ----------
    name
        What the user called it: a hub name, a folder's name, or an encoder's.
    layer
        Number of blocks that run; the hidden state is `hidden_states[layer]` of the whole model.
    context
        Most tokens in one window, special tokens included.
    """

    name: str
    layer: int
    context: int
    sha256: str
    tokenizer: Any
    model: torch.nn.Module
    device: torch.device
    dtype: torch.dtype

    @property
    def hook(self) -> str:
        """Where the hidden state is taken, in TransformerLens' words (blocks count from 0 there)."""
        return f"blocks.{self.layer - 1}.hook_resid_post"

    @property
    def d_model(self) -> int:
        """Width of the hidden state."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def precision(self) -> str:
        """Number format of the forward pass: "float32" or "bfloat16"."""
        return str(self.dtype).removeprefix("torch.")

    @cached_property
    def _specials(self) -> tuple[list[int], list[int], NDArray[np.int64]]:
        """Ids put before and after a text, and every id that stands for no text of the user's."""
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        full = self.tokenizer("a")["input_ids"]
        at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        unknown = self.tokenizer.unk_token_id  # stands for text (an emoji, a rare letter), so it is pooled
        ids = [i for i in self.tokenizer.all_special_ids if i != unknown]
        return full[:at], full[at + len(bare) :], np.array(ids, dtype=np.int64)

    def windows(self, texts: Sequence[str | None]) -> Iterator[Window]:
        """Cut documents into windows of at most `context` tokens; empty and null documents give none.

        Parameters
        ----------
        texts
            Documents in any number; a long one becomes several windows that overlap by 32 tokens.
        """
        before, after, special = self._specials
        room = self.context - len(before) - len(after)
        for document, text in enumerate(texts):
            ids, starts, stops = self._tokens(text or "")
            counts = ~np.isin(ids, special) & (stops > starts)
            for begin in range(0, len(ids), room - OVERLAP):
                stop = min(begin + room, len(ids))
                pooled = counts[begin:stop].copy()
                pooled[: OVERLAP if begin else 0] = False
                yield Window(
                    document,
                    np.concatenate([before, ids[begin:stop], after]).astype(np.int64),
                    _pad(starts[begin:stop], len(before), len(after)),
                    _pad(stops[begin:stop], len(before), len(after)),
                    _pad(pooled, len(before), len(after)),
                )
                if stop == len(ids):
                    break

    def _tokens(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        for offset, piece in _pieces(text):
            encoding = self.tokenizer.backend_tokenizer.encode(piece, add_special_tokens=False)
            ids += encoding.ids
            spans += [(a + offset, b + offset) for a, b in encoding.offsets] if offset else encoding.offsets
        array = np.array(spans, dtype=np.int64).reshape(-1, 2)
        return np.array(ids, dtype=np.int64), array[:, 0], array[:, 1]

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Hidden states after the hook layer.

        Parameters
        ----------
        ids, mask
            Token ids and attention mask (1 = real), both [documents, tokens].

        Returns
        -------
        torch.Tensor
            [documents, tokens, d_model] in the reader's precision.
        """
        import torch

        with torch.inference_mode(), _captured(_last_block(self.model)) as caught:
            self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))
        return caught[0]


def load_reader(
    source: str | Path,
    *,
    layer: int,
    name: str | None = None,
    context: int | None = None,
    device: Device | str = "auto",
    precision: Precision = "auto",
) -> Reader:
    """Load a Hugging Face model up to and including its `layer`-th block; later blocks are never read.

    Parameters
    ----------
    source
        A folder, or a hub name (looked up in the local cache first).
    layer
        Blocks to run, from 1; the hidden state equals `output_hidden_states[layer]` of the whole model.
    name
        Shown to people and stored in manifests; default: the source's last part.
    context
        Most tokens per window; default: what the model was made for, at most 1024.
    device, precision
        "auto" takes cuda, then mps, then cpu; and bfloat16 where the hardware has it, else float32.

    Raises
    ------
    EncoderError
        If the model cannot be found or loaded, or has fewer layers.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")  # it keeps one for every shape of batch ever seen
    import torch
    import transformers

    folder = _find_folder(source)
    where = torch.device(_pick_device(device))
    dtype = _pick_dtype(precision, where)
    try:
        config = transformers.AutoConfig.from_pretrained(folder)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        depth = config.num_hidden_layers
        if not 1 <= layer <= depth:
            msg = f"layer {layer} does not exist: {source} has layers 1 to {depth}"
            raise EncoderError(msg)
        config.num_hidden_layers = layer
        with _quiet_transformers():
            model = transformers.AutoModel.from_pretrained(folder, config=config, dtype=dtype)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, EncoderError):
            raise
        msg = f"the reader {str(source)!r} cannot be loaded: {str(error).splitlines()[0]}"
        raise EncoderError(msg) from error
    if not tokenizer.is_fast:
        msg = f"the reader {str(source)!r} has no fast tokenizer, so character spans cannot be known"
        raise EncoderError(msg)
    tokenizer.backend_tokenizer.no_truncation()  # some models ship with both switched on
    tokenizer.backend_tokenizer.no_padding()
    longest = getattr(config, "max_position_embeddings", None) or _DEFAULT_CONTEXT
    return Reader(
        name=name or Path(source).name,
        layer=layer,
        context=min(context or _DEFAULT_CONTEXT, longest),
        sha256=_hash_folder(folder),
        tokenizer=tokenizer,
        model=model.to(where).eval(),
        device=where,
        dtype=dtype,
    )


def _find_folder(source: str | Path) -> Path:
    """Local folder of a model; a hub name is looked up in the cache, then fetched."""
    if Path(source).is_dir():
        return Path(source)
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    wanted = ["*.safetensors", "*.json", "*.txt", "*.model"]
    for local_only in (True, False):
        try:
            found = huggingface_hub.snapshot_download(str(source), allow_patterns=wanted, local_files_only=local_only)
            if any(Path(found).glob("*.safetensors")):
                return Path(found)
        except HFValidationError:
            break
        except (OSError, ValueError, RuntimeError):  # not in the cache; then: hub out of reach or no such name
            continue
    msg = (
        f"the reader {str(source)!r} is neither a folder nor a model that can be had from the Hugging Face hub "
        "or its local cache; check the name, or give the folder of a downloaded model"
    )
    raise EncoderError(msg)


def _pick_device(device: str) -> str:
    import torch

    if device != "auto":
        if device.startswith("cuda") and not torch.cuda.is_available():
            msg = "device 'cuda' was asked for, but torch sees no CUDA device; use --device cpu"
            raise EncoderError(msg)
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    import torch

    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and cpu_has_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices in hardware (AVX512-BF16, AMX or Arm BF16)."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # came with torch 2.10
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(key, False) for key in ("avx512_bf16", "amx_bf16", "bf16"))


def _hash_folder(folder: Path) -> str:
    """One sha256 over weights, configuration and tokenizer, whatever the folder is called."""
    digest = hashlib.sha256()
    for pattern in _HASHED_FILES:
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as file:
                digest.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Split very long text after white space, so that no word is cut."""
    begin = 0
    while begin < len(text):
        stop = begin + _PIECE_CHARACTERS
        if stop < len(text):
            stop = max(text.rfind(" ", begin, stop), text.rfind("\n", begin, stop)) + 1 or stop
        yield begin, text[begin:stop]
        begin = stop


def _pad(values: NDArray[Any], before: int, after: int) -> NDArray[Any]:
    return np.pad(values, (before, after))


def _last_block(model: torch.nn.Module) -> torch.nn.Module:
    """Last of the model's blocks: the longest list of equal modules, wherever the family keeps it."""
    import torch

    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList)]
    blocks = [m for m in lists if len(m) == model.config.num_hidden_layers]  # type: ignore[union-attr]
    if not blocks:
        msg = f"no list of transformer blocks was found in a {type(model).__name__}"
        raise EncoderError(msg)
    return blocks[0][-1]


@contextmanager
def _captured(module: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """Catch a module's outputs: `with _captured(block) as caught: ...; caught[0]`."""
    caught: list[torch.Tensor] = []

    def keep(_module: torch.nn.Module, _inputs: object, output: Any) -> None:
        caught.append(output[0] if isinstance(output, tuple) else output)

    handle = module.register_forward_hook(keep)
    try:
        yield caught
    finally:
        handle.remove()


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers from remarking on unused later layers: they are what we asked for."""
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


def batches(windows: Sequence[Window], *, token_budget: int) -> Iterator[list[Window]]:
    """Group windows of similar length, longest first, so that little of a batch is padding.

    Parameters
    ----------
    windows
        In any order; the order of equally long ones is kept.
    token_budget
        Most tokens in a batch, padding included; a single longer window is a batch of its own.
    """
    ordered = sorted(windows, key=lambda window: -len(window.ids))
    begin = 0
    while begin < len(ordered):
        fit = max(1, token_budget // _padded(len(ordered[begin].ids)))
        yield ordered[begin : begin + fit]
        begin += fit


def _padded(length: int) -> int:
    """Length of a batch: a multiple of 8, so that few shapes occur and memory of one serves the next."""
    return -(-length // 8) * 8


def read(reader: Reader, windows: Sequence[Window]) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """Hidden states of the tokens that count, one batch of windows at a time.

    Returns
    -------
    tuple
        Hidden states [tokens, d_model] of all pooled tokens, window after window, and how many each window has.
    """
    import torch

    longest = max(len(window.ids) for window in windows)
    longest = max(longest, min(_padded(longest), reader.context))
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    pooled = torch.zeros(len(windows), longest, dtype=torch.bool)
    for row, window in enumerate(windows):
        size = len(window.ids)
        ids[row, :size] = torch.from_numpy(window.ids)
        mask[row, :size] = 1
        pooled[row, :size] = torch.from_numpy(window.pooled)
    hidden = reader.hidden(ids, mask)
    return hidden[pooled.to(hidden.device)], pooled.sum(1).numpy()
