"""Checks on a freshly loaded model, by sending a few words through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError
from saedata.reader.hooks import Tap, caught

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

_SANE = 10**6  # tokenizers without a limit say 10 ** 30


def try_out(model: Any, tokenizer: Any) -> None:
    """Send a few words through a model."""
    import torch

    ids = torch.tensor([tokenizer("a few words, to see.")["input_ids"]], device=device_of(model))
    with torch.inference_mode():
        model(input_ids=ids, attention_mask=torch.ones_like(ids))


def device_of(model: Any) -> torch.device:
    """Where token ids go in: the device of the first weights, or of the hook that moves them there."""
    import torch

    hook = getattr(model.get_input_embeddings(), "_hf_hook", None)
    if hook is not None and hook.execution_device is not None:
        return torch.device(hook.execution_device)
    found: torch.device = next(iter(model.parameters())).device
    return found


def check_chain(blocks: torch.nn.ModuleList, run: Callable[[], None], source: str) -> None:
    """Refuse a model in which the blocks that were found do not follow one another.

    Raises
    ------
    EncoderError
        A block runs more than once, or does not read what the one before it gave.
    """
    import torch

    taps = [Tap(block, before=before) for block in blocks for before in (True, False)]
    with caught(taps) as found:
        run()
    good = all(len(tensors) == 1 for tensors in found)
    links = zip(found[1:-1:2], found[2::2], strict=True) if good else ()
    if not good or not all(torch.equal(made[0], given[0].to(made[0].device)) for made, given in links):
        msg = (
            f"the blocks of the reader {source!r} ({type(blocks[0]).__name__}) do not run once each, one after "
            "another, so its layers cannot be told apart; choose another reader"
        )
        raise EncoderError(msg)


def check_weights_are_there(model: Any, run: Callable[[], None], missing: set[str], source: str) -> None:
    """Refuse weights that lack what the hook layer needs: they would have been filled with random numbers.

    Parameters
    ----------
    model
        The loaded model.
    run
        Sends something through it.
    missing
        Names of weights that no file has; such as a pooler's are harmless, since nothing reads it.
    source
        What to call the model.

    Raises
    ------
    EncoderError
        If a block or the embedding lacks weights.
    """
    from saedata.reader.blocks import find_blocks, text_part

    if not missing:
        return
    last = find_blocks(text_part(model))[-1]
    ran: set[torch.nn.Module] = set()
    done: list[bool] = []
    handles = [
        module.register_forward_pre_hook(lambda m, _i: None if done else ran.add(m)) for module in model.modules()
    ]
    handles.append(last.register_forward_hook(lambda _m, _i, _o: done.append(True)))
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    names = {name for name, module in model.named_modules() if module in ran}
    if needed := sorted(key for key in missing if key.rpartition(".")[0] in names):
        msg = (
            f"the reader {source!r} cannot be loaded: its files lack {len(needed)} of the weights it needs, "
            f"such as {needed[0]}; download it again"
        )
        raise EncoderError(msg)


def longest_context(model: Any, tokenizer: Any) -> tuple[int, int]:
    """Most tokens that a model has positions for, and most that it was made for."""
    import torch

    config = model.config
    most = getattr(config, "max_position_embeddings", None) or _SANE
    words = model.get_input_embeddings()
    for module in model.modules():
        if not isinstance(module, torch.nn.Embedding) or module is words:
            continue
        if module.num_embeddings == most and module.padding_idx is not None:
            most -= module.padding_idx + 1  # RoBERTa and its like count positions from there
            break
    usual = tokenizer.model_max_length
    return most, min(most, usual if usual and usual < _SANE else _SANE)
