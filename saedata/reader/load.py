"""Loading a reader: its files, its tokenizer, and the blocks up to the hook layer."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from saedata.errors import EncoderError, InputError
from saedata.reader.blocks import cut_class, find_blocks, text_part
from saedata.reader.chat import ChatTemplate
from saedata.reader.hashes import check_weights, file_hashes, joint_hash
from saedata.reader.hooks import HOOKS, Hook, tap_of
from saedata.reader.model import Reader
from saedata.reader.places import QUANTISED, Device, Precision, find_folder, pick_device, pick_dtype
from saedata.reader.probe import check_chain, check_weights_are_there, device_of, longest_context, try_out
from saedata.reader.strangers import one_sentence, placing, quiet_transformers

_DEFAULT_CONTEXT = 1024


def load_reader(
    source: str | Path,
    *,
    layer: int,
    hook: Hook = "resid_post",
    name: str | None = None,
    context: int | None = None,
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    chat_template: bool = False,
    add_bos: bool = False,
    skip_first: int = 0,
    norm_limit: float | None = None,
    beyond: int = 0,
    weights_sha256: str | None = None,
) -> Reader:
    """Load a Hugging Face model up to and including its `layer`-th block; later blocks are never read.

    Any model that `transformers.AutoModel` loads will do. Of an encoder-decoder the encoder is read, of a model for
    images or sound too the language model.

    Parameters
    ----------
    source
        A folder, or a hub name (looked up in the local cache first).
    layer
        Blocks to run, from 1.
    hook
        Where in the last of them the hidden state is taken. "resid_post" equals `output_hidden_states[layer]` of the
        whole model, "resid_pre" what the block is given, `output_hidden_states[layer - 1]`; "attn_out" and "mlp_out"
        are what its attention and its MLP add.
    name
        Shown to people and stored in manifests; default: the source's last part.
    context
        Most tokens per window; default: what the model was made for, at most 1024.
    device, precision
        "auto" takes cuda, then mps, then cpu; and bfloat16 where the hardware has it, else float32. "int8" and "nf4"
        load quantised weights (needs bitsandbytes).
    device_map
        "auto", "balanced" or "sequential" spread a model over several devices (needs accelerate); `device` is
        ignored then.
    chat_template
        Whether conversations are read in the tokenizer's chat template.
    add_bos, skip_first, norm_limit
        Which tokens are read and pooled; see `Reader`.
    beyond
        Blocks to load behind the hook layer as well, where there are any: only a check of the hook needs them.
    weights_sha256
        What the hash of `model.safetensors` must be; None: anything.

    Raises
    ------
    EncoderError
        If the model cannot be found or loaded, has fewer layers, or other weights than expected.
    InputError
        If an option makes no sense.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")  # it keeps one for every shape of batch ever seen
    _check_options(hook, skip_first, norm_limit)
    folder = find_folder(source)
    hashes = file_hashes(folder)
    check_weights(folder / "model.safetensors", hashes, weights_sha256)
    where = pick_device(device)
    dtype = pick_dtype(precision, where)
    with one_sentence(source), quiet_transformers():
        tokenizer = _load_tokenizer(folder, str(source))
        placed = placing(precision, dtype, where, device_map)
        model, missing = _load_model(folder, layer, beyond, str(source), dtype=dtype, **placed)
    if not placed:
        model = model.to(where)
    part = text_part(model).eval()
    run = partial(try_out, part, tokenizer)
    check_weights_are_there(model, run, missing, str(source))
    blocks = find_blocks(part)
    check_chain(blocks, run, str(source))
    longest, usual = longest_context(part, tokenizer)
    title = name or Path(source).name
    return Reader(
        name=title,
        layer=layer,
        context=min(context or min(_DEFAULT_CONTEXT, usual), longest),
        sha256=joint_hash(hashes),
        tokenizer=tokenizer,
        model=part,
        device=device_of(part),
        dtype=dtype,
        precision=precision if precision in QUANTISED else str(dtype).removeprefix("torch."),
        tap=tap_of(hook, blocks[layer - 1], run),
        kind=hook,
        chat=ChatTemplate(tokenizer, title) if chat_template else None,
        add_bos=add_bos,
        skip_first=skip_first,
        norm_limit=norm_limit,
    )


def _check_options(hook: str, skip_first: int, norm_limit: float | None) -> None:
    msg = ""
    if hook not in HOOKS:
        msg = f"there is no hook {hook!r}; known hooks: {', '.join(HOOKS)}"
    elif skip_first < 0:
        msg = f"skip_first is {skip_first}, but no fewer than 0 tokens can be left out"
    elif norm_limit is not None and not norm_limit >= 1:
        msg = f"norm_limit is {norm_limit}, but must be 1 or more medians, or half of all tokens were left out"
    if msg:
        raise InputError(msg)


def _load_tokenizer(folder: Path, source: str) -> Any:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.vocab_size <= len(tokenizer.all_special_ids):  # transformers makes an empty one where files are absent
        msg = f"the reader {source!r} cannot be loaded: it has no tokenizer files, such as tokenizer.json"
        raise EncoderError(msg)
    if not tokenizer.is_fast:
        msg = f"the reader {source!r} has no fast tokenizer, so character spans cannot be known"
        raise EncoderError(msg)
    tokenizer.backend_tokenizer.no_truncation()  # some models ship with both switched on
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _load_model(folder: Path, layer: int, beyond: int, source: str, **options: Any) -> tuple[Any, set[str]]:
    """The cut model, and the names of weights that no file has."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    for part in {id(c): c for c in (config, config.get_text_config())}.values():
        part.use_cache = False  # keys and values are of no use here
    found: Any = transformers.MODEL_MAPPING.get(type(config), None)
    if found is None:
        msg = f"the reader {source!r} cannot be loaded: AutoModel has no model for a {type(config).__name__}"
        raise EncoderError(msg)
    whole = found[0] if isinstance(found, tuple | list) else found
    model, info = cut_class(whole, layer, beyond, source).from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # it is said below, in a sentence
        output_loading_info=True,
        trust_remote_code=False,
        **options,
    )
    for weight, found_shape, shape in sorted(info["mismatched_keys"]):
        msg = f"the reader {source!r} cannot be loaded: {weight} has shape {tuple(found_shape)}, not {tuple(shape)}"
        raise EncoderError(msg)
    model.__class__ = whole
    return model, set(info["missing_keys"])
