"""What a page looks at, read from its address and kept there, so that a view can be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata_apps import opened
from saedata_apps.markup import empty

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from saedata.frame import Embeddings

CORPUS = "corpus"


def corpus(*, key: str = CORPUS, label: str = "Corpus") -> Embeddings:
    """Let the reader choose one of the corpora; with one alone there is nothing to choose."""
    frames = opened.frames()
    if not frames:
        empty("No corpus is open", "Open one on the page Embed, or start again with `saedata app FRAME`.")
        st.stop()
    names = list(frames)
    if len(names) == 1:
        return frames[names[0]]
    chosen = st.selectbox(label, names, key=key, bind="query-params")
    return frames[chosen or names[0]]


def number(name: str) -> int | None:
    """A whole number in the address, such as a feature's; None where there is none, or something else."""
    given = st.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def text(name: str) -> str:
    """A word in the address."""
    return st.query_params.get(name, "")


def put(name: str, value: object | None) -> None:
    """Write something into the address; None takes it out."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != str(value):
        st.query_params[name] = str(value)


def follow(name: str, *, among: Container[int], default: int | None) -> None:
    """Let a widget of whole numbers with this key show what the address says, where that was changed from outside.

    Call it before the widget, and `put` after it with what it gave.

    Parameters
    ----------
    name
        Key of the widget, and name in the address.
    among
        Numbers that there are.
    default
        Where neither says anything that there is.
    """
    given, seen = text(name), st.session_state.get(f"{name} in the address")
    asked = number(name)
    if name not in st.session_state or (given and given != seen):
        st.session_state[name] = asked
    if st.session_state[name] not in among:
        st.session_state[name] = default


def put_followed(name: str, value: int | None) -> None:
    """Write what a widget gave into the address."""
    put(name, value)
    st.session_state[f"{name} in the address"] = str(value)


def setter(name: str, field: str = "feature") -> Callable[[dict[str, Any]], None]:
    """What a click on a chart does: gives a widget the number of what was clicked."""

    def take(chosen: dict[str, Any]) -> None:
        st.session_state[name] = int(chosen[field])

    return take
