"""Other places in a reader where an SAE might have been trained: what a check of the hook compares with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from saedata.reader.blocks import find_blocks
from saedata.reader.hooks import Tap, taps_of
from saedata.reader.probe import try_out

if TYPE_CHECKING:
    from saedata.reader.model import Reader

Place = tuple[int, str]
"""Layer and hook."""


def nearby(reader: Reader) -> dict[Place, Tap]:
    """Every hook of the reader's layer and of the blocks beside it, as far as they are loaded.

    The state after a block is the state before the next one; it is listed once, as the reader's own hook if it is that.
    """
    blocks = find_blocks(reader.model)
    run = partial(try_out, reader.model, reader.tokenizer)
    found: dict[Place, Tap] = {(reader.layer, reader.kind): reader.tap}
    for layer in range(max(reader.layer - 1, 1), min(reader.layer + 1, len(blocks)) + 1):
        for hook, tap in taps_of(blocks[layer - 1], run).items():
            if not _same_state((layer, hook), found):
                found[layer, hook] = tap
    return found


def _same_state(place: Place, found: dict[Place, Tap]) -> bool:
    layer, hook = place
    twins = {"resid_post": (layer + 1, "resid_pre"), "resid_pre": (layer - 1, "resid_post")}
    return place in found or twins.get(hook) in found
