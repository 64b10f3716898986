"""The one place where HTML is made: whatever a template is filled with is made harmless and escaped first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import streamlit as st
from markupsafe import Markup, escape

from saedata.plots.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")


def fill(template: str, **values: Any) -> Markup:
    """Fill a template of ours.

    Parameters
    ----------
    template
        HTML written in this package, with ``{name}`` where values go.
    values
        `Markup` made by this function stays as it is; all else is text: control characters and overrides of writing
        direction become U+FFFD, and what HTML would read as markup is escaped.

    Examples
    --------
    >>> str(fill("<b>{label}</b>", label="<script>"))
    '<b>&lt;script&gt;</b>'
    """
    return Markup(template).format(**{name: safe(value) for name, value in values.items()})  # noqa: S704


def safe(value: Any) -> Markup:
    """A value as text that no browser reads as markup."""
    return value if isinstance(value, Markup) else escape(plain(str(value)))


def joined(parts: Iterable[Markup], between: str = "") -> Markup:
    """Pieces of HTML behind each other."""
    return Markup(between).join(parts)  # noqa: S704


def show(markup: Markup) -> None:
    """Put HTML on the page; nothing but what `fill` made is taken."""
    if not isinstance(markup, Markup):
        msg = "only what markup.fill made can be shown"
        raise TypeError(msg)
    if markup:
        st.html(str(markup))


def literal(text: str) -> str:
    r"""Text as Markdown that shows it as it is: for the labels of buttons and tabs.

    Examples
    --------
    >>> literal("*a* $b$ :red[c]")
    '\\*a\\* \\$b\\$ \\:red\\[c\\]'
    """
    return _SPECIAL.sub(r"\\\1", plain(" ".join(text.split())))


def note(sentence: Any, *, kind: str = "note") -> None:
    """A sentence that matters, in a box.

    Parameters
    ----------
    sentence
        Text.
    kind
        "note", "wrong" or "good".
    """
    assert kind in ("note", "wrong", "good")
    role = "alert" if kind == "wrong" else "note"
    show(fill('<div class="sd-note sd-{kind}" role="{role}">{sentence}</div>', kind=kind, role=role, sentence=sentence))


def heading(title: str, about: str = "", *, kicker: str = "") -> None:
    """Title of a page and what it answers."""
    show(
        fill(
            '<header class="sd-head">{kicker}<h1>{title}</h1>{about}</header>',
            kicker=fill('<p class="sd-kicker">{text}</p>', text=kicker) if kicker else "",
            title=title,
            about=fill("<p>{text}</p>", text=about) if about else "",
        )
    )


def section(title: str, about: str = "") -> None:
    """Title of a part of a page."""
    text = fill("<p>{text}</p>", text=about) if about else ""
    show(fill('<div class="sd-section"><h2>{title}</h2>{about}</div>', title=title, about=text))


def empty(title: str, sentence: str) -> None:
    """What stands where there is nothing to show: what is missing, and what to do."""
    show(fill('<div class="sd-empty"><h3>{title}</h3><p>{text}</p></div>', title=title, text=sentence))


def tiles(facts: Iterable[tuple[str, str, str]]) -> None:
    """Figures beside each other: what, how much, and a few words about it."""
    show(
        fill(
            '<dl class="sd-tiles">{tiles}</dl>',
            tiles=joined(
                fill("<div><dt>{what}</dt><dd>{value}</dd><dd>{more}</dd></div>", what=what, value=value, more=more)
                for what, value, more in facts
            ),
        )
    )
