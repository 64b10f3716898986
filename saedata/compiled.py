"""Compiling number crunching with numba. Modules that use this are imported only when they are needed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """Compile a function that holds no lock, so that threads can share the work.

    The machine code is kept beside the module or, where that cannot be written, in the user's cache; where
    neither can be written it is compiled anew in each process.

    Examples
    --------
    >>> @compiled
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(21)
    42
    """
    try:
        made: Any = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba found no folder to write to
        made = numba.njit(nogil=True)(function)
    return cast("F", made)


def _popcount(_typing: Any, word: Any) -> Any:
    """Count the bits that are set in an integer, in one instruction where the processor has it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return word(word), generate


popcount = cast("Callable[[Any], Any]", intrinsic(_popcount))


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    """Apply a function that calls compiled code to each part; results in the order of the parts."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, parts))
