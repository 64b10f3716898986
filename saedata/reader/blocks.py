"""Finding a transformer's blocks by structure, and leaving out what lies behind the hook layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


def find_blocks(model: torch.nn.Module) -> torch.nn.ModuleList:
    """Blocks of a model: the longest of its lists of modules, of equally long ones the one with most weights.

    Only lists that lie in no other list count, so that the experts inside a block are not taken for blocks.

    Raises
    ------
    EncoderError
        If there is no list of modules at all.
    """
    lists = list(_outermost(model))
    if not lists:
        msg = f"no list of transformer blocks was found in a {type(model).__name__}"
        raise EncoderError(msg)
    return max(lists, key=lambda found: (len(found), sum(p.numel() for p in found.parameters())))


def text_part(model: Any) -> Any:
    """The part that reads text: of an encoder-decoder its encoder, of a multimodal model its language model."""
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    config = model.config.get_text_config()
    if type(config) is type(model.config):
        return model
    return next(m for m in model.modules() if type(getattr(m, "config", None)) is type(config))


def cut_class(whole: type[Any], layer: int, beyond: int, name: str) -> type[Any]:
    """Make the class of a model that has only its first blocks, so that the weights of the others are never read.

    Towers for images and sound, and the decoder of an encoder-decoder, lose all their blocks.

    Parameters
    ----------
    whole
        Class of the whole model.
    layer, beyond
        Number of blocks that there must be, and how many to keep behind those, if there are more.
    name
        What to call the model where it has fewer.
    """

    def init(self: Any, config: Any, *arguments: Any, **options: Any) -> None:
        whole.__init__(self, config, *arguments, **options)
        _cut(self, layer, beyond, name)

    return type(whole.__name__, (whole,), {"__init__": init, "__module__": whole.__module__})


def _cut(model: Any, layer: int, beyond: int, name: str) -> None:
    part = text_part(model)
    blocks = find_blocks(part)
    if not 1 <= layer <= len(blocks):
        msg = f"layer {layer} does not exist: {name} has layers 1 to {len(blocks)}"
        raise EncoderError(msg)
    needed = {id(module) for module in part.modules()}
    for found in _outermost(model):
        if id(found) not in needed:
            del found[:]
    del blocks[layer + beyond :]


def _outermost(module: torch.nn.Module) -> Iterator[torch.nn.ModuleList]:
    import torch

    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield child
        else:
            yield from _outermost(child)
