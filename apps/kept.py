"""Results that are kept: one computation at a time, found again by the content of the frames and all options."""

from __future__ import annotations

import functools
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata.frame import Embeddings
from saedata_apps import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


ENTRIES = 200

working = threading.RLock()
"""Analyses run one after the other, whoever asks, so that memory is that of one."""

reading = threading.Lock()
"""Documents are encoded again one after the other: a tokenizer is no more than one thread's."""


@dataclass(frozen=True)
class Result:
    """What a function gave, and the warnings it gave on the way."""

    value: Any
    notes: tuple[str, ...]


def kept(
    function: Callable[..., Any], frames: Sequence[Embeddings] | Embeddings, *arguments: Any, **options: Any
) -> Result:
    """Look something up with a function of the library, or give what it gave before.

    Parameters
    ----------
    function
        Called as ``function(*frames, *arguments, **options)``.
    frames
        The frames it looks at; results are kept under their content, not their place.
    arguments, options
        Plain values.

    Raises
    ------
    SaedataError
        Whatever the function raises; failures are not kept.
    """
    several = [frames] if isinstance(frames, Embeddings) else list(frames)
    keys = tuple(opened.key(frame) for frame in several)
    name = f"{function.__module__}.{function.__qualname__}"
    asked = repr((arguments, sorted(options.items())))
    return _call(name, keys, asked, lambda: function(*several, *arguments, **options))


def worked(
    function: Callable[..., Any], frames: Sequence[Embeddings] | Embeddings, *arguments: Any, **options: Any
) -> Result:
    """Do the same for what takes memory and all cores: one after the other, whoever asks."""

    @functools.wraps(function)
    def alone(*given: Any, **named: Any) -> Any:
        with working:
            return function(*given, **named)

    return kept(alone, frames, *arguments, **options)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _call(name: str, keys: tuple[str, ...], asked: str, _call: Callable[[], Any]) -> Result:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        value = _call()
    return Result(value, tuple(str(one.message) for one in caught))
