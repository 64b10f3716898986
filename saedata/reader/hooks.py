"""Where in a block a hidden state is taken, and catching it there.

What attention and MLP add to the residual stream is found by running the block once: their outputs are the terms of
its sums. No family's names are needed, and what is found has been seen to be right.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

Hook = Literal["resid_post", "resid_pre", "mlp_out", "attn_out"]
"""Place in the block that layer N names, the N-th of the reader: resid_post is the hidden state after it
(`hidden_states[N]`), resid_pre the one before it (`hidden_states[N - 1]`); attn_out and mlp_out are what its attention
and its MLP add to the residual stream (after a norm of their own, where the family has one)."""

HOOKS: tuple[str, ...] = get_args(Hook)
_CLOSE = 1e-3


@dataclass(frozen=True)
class Tap:
    """A module of the model, and which side of it is caught.

    Attributes
    ----------
    module
        The module.
    before
        Its first input if True, else its output.
    copied
        Whether the tensor is copied, because what runs later may change it in place.
    """

    module: torch.nn.Module
    before: bool = False
    copied: bool = True


@contextmanager
def caught(taps: Sequence[Tap]) -> Iterator[list[list[torch.Tensor]]]:
    """Catch what passes some taps: `with caught(taps) as found: ...; found[0]` are the tensors of the first."""
    found: list[list[torch.Tensor]] = [[] for _ in taps]
    handles = [_attach(tap, into) for tap, into in zip(taps, found, strict=True)]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _attach(tap: Tap, into: list[torch.Tensor]) -> Any:
    def keep(value: Any) -> None:
        tensor = _first_tensor(value)
        if tensor is not None:
            into.append(tensor.clone() if tap.copied else tensor)

    def before(_module: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        keep((*arguments, *options.values()))

    def after(_module: object, _arguments: object, output: Any) -> None:
        keep(output)

    if tap.before:
        return tap.module.register_forward_pre_hook(before, with_kwargs=True)
    return tap.module.register_forward_hook(after)


def _first_tensor(value: Any) -> torch.Tensor | None:
    """The hidden state among what a module takes or gives: it comes first in every family."""
    import torch

    values = value if isinstance(value, tuple | list) else (value,)
    return next((item for item in values if isinstance(item, torch.Tensor)), None)


def tap_of(hook: str, block: torch.nn.Module, run: Callable[[], None]) -> Tap:
    """Find the tap of a hook in a block.

    Parameters
    ----------
    hook
        One of `HOOKS`.
    block
        The block.
    run
        Called without arguments; must send something through the block.

    Raises
    ------
    EncoderError
        If the block is not a sum of what its attention and its MLP give.
    """
    taps = taps_of(block, None if hook in ("resid_post", "resid_pre") else run)
    if hook not in taps:
        msg = (
            f"{hook} was not found: a {type(block).__name__} is not its input plus what two of its modules give; "
            "use the hook resid_post or resid_pre"
        )
        raise EncoderError(msg)
    return taps[hook]


def taps_of(block: torch.nn.Module, run: Callable[[], None] | None) -> dict[str, Tap]:
    """Every tap that a block has; those of attention and MLP only if it can be run."""
    taps = {"resid_post": Tap(block, copied=False), "resid_pre": Tap(block, before=True)}
    terms = _terms(block, run) if run is not None else None
    return taps | dict(zip(("attn_out", "mlp_out"), map(Tap, terms or ()), strict=False))


@dataclass(frozen=True)
class _Step:
    """A module of a block that ran, with what went in and the hidden state that came out."""

    module: torch.nn.Module
    given: torch.Tensor
    made: torch.Tensor


def _terms(block: torch.nn.Module, run: Callable[[], None]) -> tuple[torch.nn.Module, torch.nn.Module] | None:
    """Modules whose outputs are added to the residual stream: attention first, then the MLP."""
    x, y, steps = _steps(block, run)
    for place, step in enumerate(steps):
        middles = [later for later in steps[place + 1 :] if _is_sum(later.given, x, step.made)]
        if middles and (second := _second_term(middles, steps[place + 1 :], y)):
            return step.module, second
    return _parallel_terms(x, y, steps)


def _second_term(middles: list[_Step], steps: list[_Step], y: torch.Tensor) -> torch.nn.Module | None:
    """The MLP: its output is added to the middle of the block, or to what a norm made of that."""
    bases = [middles[0].given, *(middle.made for middle in middles)]
    sums = [y, *(step.given for step in steps if _same(step.made, y))]  # the last sum is normed in BERT and its like
    for step in steps:
        if any(_is_sum(total, base, step.made) for total in sums for base in bases):
            return step.module
    return None


def _parallel_terms(
    x: torch.Tensor, y: torch.Tensor, steps: list[_Step]
) -> tuple[torch.nn.Module, torch.nn.Module] | None:
    """Attention and MLP that read the same input, as in GPT-NeoX and Phi."""
    for place, one in enumerate(steps):
        for other in steps[place + 1 :]:
            if any(_same(y, total) for total in (one.made + other.made + x, one.made + x + other.made)):
                return one.module, other.module
            if _is_sum(y, other.made + x, one.made):
                return one.module, other.module
    return None


def _is_sum(total: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether a tensor is the sum of two others: to the last bit, or to a thousandth of the second."""
    if total.shape != one.shape:
        return False
    if _same(total, one + other):
        return True
    rest = total.double() - one.double() - other.double()
    return bool(rest.norm() <= _CLOSE * other.double().norm()) and total.dtype.itemsize == 4


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    import torch

    return torch.equal(one, other)


def _steps(block: torch.nn.Module, run: Callable[[], None]) -> tuple[torch.Tensor, torch.Tensor, list[_Step]]:
    """Input and output of a block, and its modules that give hidden states, as they finished."""
    modules = [module for module in block.modules() if module is not block]
    finished: list[torch.nn.Module] = []
    handles = [module.register_forward_hook(lambda m, _i, _o: finished.append(m)) for module in modules]
    taps = [Tap(module, before=before) for module in (block, *modules) for before in (True, False)]
    try:
        with caught(taps) as found:
            run()
    finally:
        for handle in handles:
            handle.remove()
    x, y = found[0][0], found[1][0]
    sides = {module: found[2 + 2 * i : 4 + 2 * i] for i, module in enumerate(modules)}
    steps = [
        _Step(module, given[0], made[0])
        for module in finished
        for given, made in [sides[module]]
        if len(given) == len(made) == 1 and made[0].shape == x.shape
    ]
    return x, y, steps
