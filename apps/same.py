"""The same in Python and on the command line: what a reader copies to get the numbers of a page again."""

from __future__ import annotations

import keyword
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata.frame import is_frame
from saedata_apps import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saedata.frame import Embeddings


@dataclass(frozen=True)
class Call:
    """A call of the library.

    Parameters
    ----------
    function
        Of `saedata`; or of the first frame, where it begins with a dot.
    arguments
        What follows the frames; None: it is no call but an attribute.
    options
        By name; those that are None are left out.
    frames
        How many of the frames it is given; None: all.
    """

    function: str
    arguments: tuple[Any, ...] | None = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: int | None = None

    def line(self, names: Sequence[str]) -> str:
        """It as Python, on frames of these names.

        Examples
        --------
        >>> Call("cofiring", (3,), {"limit": 5, "seed": None}).line(["willow"])
        'saedata.cofiring(willow, 3, limit=5)'
        >>> Call(".features", None).line(["willow"])
        'willow.features'
        """
        own = self.function.startswith(".")
        name = f"{names[0]}{self.function}" if own else f"saedata.{self.function}"
        if self.arguments is None:
            return name
        given = [] if own else list(names[: self.frames])
        given += [repr(one) for one in self.arguments]
        given += [f"{option}={value!r}" for option, value in self.options.items() if value is not None]
        return f"{name}({', '.join(given)})"


@dataclass(frozen=True)
class Command:
    """A command.

    Parameters
    ----------
    name
        The subcommand.
    options
        By name: None and False are left out, True is a flag, a list repeats.
    arguments
        What follows the frames.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def line(self, sources: Sequence[str]) -> str:
        """It as a shell takes it.

        Examples
        --------
        >>> Command("diff", {"by": "my column", "trend": True, "pair": None}).line(["a.sae"])
        "saedata diff a.sae --by 'my column' --trend"
        """
        words = ["saedata", self.name, *sources, *self.arguments]
        for name, value in self.options.items():
            flag = f"--{name.replace('_', '-')}"
            if value is None or value is False:
                continue
            several = value if isinstance(value, list | tuple) else [value]
            words += [flag] if value is True else [word for one in several for word in (flag, str(one))]
        return shlex.join(words)


def same(frames: Sequence[Embeddings], *calls: Call, commands: Sequence[Command] = ()) -> None:
    """Show, folded, how to get what a page shows from the library and the command line."""
    names = _names(frames)
    lines = ["import saedata", ""]
    lines += [f"{name} = {_opening(frame)}" for name, frame in zip(names, frames, strict=True)]
    with st.expander("The same in Python and on the command line", icon=":material/terminal:"):
        st.code("\n".join([*lines, *(call.line(names) for call in calls)]), language="python", wrap_lines=True)
        if commands:
            sources = [opened.source(frame) for frame in frames]
            st.code("\n".join(one.line(sources) for one in commands), language="bash", wrap_lines=True)


def _opening(frame: Embeddings) -> str:
    source = opened.source(frame)
    return f"saedata.open({source!r})" if is_frame(source) else f"saedata.embed({source!r})"


def _names(frames: Sequence[Embeddings]) -> list[str]:
    """Names of variables, made of the frames' names.

    Examples
    --------
    >>> _identifier("two words"), _identifier("1st"), _identifier("class")
    ('two_words', 'frame_1st', 'frame_class')
    """
    names: list[str] = []
    for frame in frames:
        name, place = _identifier(frame.name), 2
        while name in names:
            name, place = f"{_identifier(frame.name)}_{place}", place + 1
        names.append(name)
    return names


def _identifier(text: str) -> str:
    name = re.sub(r"[^0-9a-zA-Z]+", "_", text).strip("_").lower()
    return name if name and name.isidentifier() and not keyword.iskeyword(name) else f"frame_{name}".rstrip("_")
