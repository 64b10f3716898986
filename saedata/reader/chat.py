"""Conversations in a model's chat template: what the template adds is read, but never pooled.

The template is rendered around place holders, once for each order of roles, and what people said is put in
afterwards, letter by letter. So the position of every character is known, and no text can change the template.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.corpus.chat import Conversation
from saedata.errors import EncoderError, InputError
from saedata.reader.windows import Frame, Tokens, Window, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_EDGE, _OPEN, _CLOSE = "\u2003", "\ue000", "\ue001"  # white space, to see whether it is trimmed; private characters
_HOLDER = re.compile(f"({_EDGE}?){_OPEN}(\\d+){_CLOSE}({_EDGE}?)")
_DAY = "26 Jul 2024"  # templates that tell the date tell this one, so that a run can be repeated
_SAME_DAY = "{% macro strftime_now(format) %}" + _DAY + "{% endmacro %}"


@dataclass(frozen=True, slots=True)
class _Hole:
    """A place holder of the rendered template: which turn goes in, and where its text is trimmed."""

    turn: int
    left: bool
    right: bool

    def trimmed(self, text: str) -> tuple[int, int]:
        """First and last character that goes in."""
        begin = len(text) - len(text.lstrip()) if self.left else 0
        return begin, max(len(text.rstrip()) if self.right else len(text), begin)


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A conversation in its template; the stretches of `text` from `starts` to `stops` are in the document."""

    text: str
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    documents: NDArray[np.int64]


class ChatTemplate:
    """The chat template of a tokenizer.

    Parameters
    ----------
    tokenizer
        Of transformers, with a template.
    name
        What to call the reader in messages.

    Raises
    ------
    EncoderError
        If the tokenizer has no template.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        if not tokenizer.chat_template:
            msg = f"the reader {name!r} has no chat template; leave out --chat-template to read conversations as text"
            raise EncoderError(msg)
        self._tokenizer, self._name = tokenizer, name
        self._template: str = tokenizer.get_chat_template()
        self._skeleton = lru_cache(maxsize=1024)(self._render_skeleton)

    @property
    def sha256(self) -> str:
        """Hash of the template."""
        return hashlib.sha256(self._template.encode()).hexdigest()

    def render(self, document: str | Conversation) -> str:
        """The whole text that the reader sees."""
        return self._rendered(_conversation(document)).text

    def windows(
        self, number: int, document: str | Conversation, frame: Frame, special: NDArray[np.int64]
    ) -> Iterator[Window]:
        """Windows of a rendered conversation, those without a token to pool left out.

        Parameters
        ----------
        number
            Position of the document.
        document
            A conversation; a plain text is taken as one turn of the user's.
        frame, special
            As for plain text. The template brings its own beginning and end, so that only BOS is put before.
        """
        rendered = self._rendered(_conversation(document))
        tokens = _placed(tokenize(self._tokenizer, rendered.text, special), rendered)
        begins = bool(frame.before) and tokens.ids[: len(frame.before)].tolist() == frame.before
        if begins:
            rest = slice(len(frame.before), None)
            tokens = Tokens(tokens.ids[rest], tokens.starts[rest], tokens.stops[rest], tokens.counts[rest])
        around = Frame(frame.before if begins else [], [], frame.context, frame.skip_first)
        yield from (window for window in around.windows(number, tokens) if window.pooled.any())

    def _rendered(self, conversation: Conversation) -> _Rendered:
        pieces = self._skeleton(conversation.order)
        places = conversation.places()
        parts: list[str] = []
        spans: list[tuple[int, int, int]] = []
        length = 0
        for piece in pieces:
            if isinstance(piece, _Hole):
                whole = conversation.turns[piece.turn][1] or ""
                begin, end = piece.trimmed(whole)
                if begin < end and (place := places.pop(piece.turn, None)) is not None:
                    spans.append((length, length + end - begin, place + begin))
                piece = whole[begin:end]
            parts.append(piece)
            length += len(piece)
        columns = np.array(spans, dtype=np.int64).reshape(-1, 3).T
        return _Rendered("".join(parts), *columns)

    def check(self, roles: tuple[str, ...]) -> None:
        """Find out whether the template takes a conversation whose turns have these roles.

        Raises
        ------
        InputError
            It does not.
        """
        self._skeleton(roles)

    def _render_skeleton(self, roles: tuple[str, ...]) -> list[str | _Hole]:
        import jinja2

        turns = [{"role": role, "content": f"{_EDGE}{_OPEN}{i}{_CLOSE}{_EDGE}"} for i, role in enumerate(roles)]
        try:
            return _cut(self._apply(turns))
        except (jinja2.TemplateError, ValueError, TypeError, KeyError) as error:
            if roles[:2] == ("system", "user"):  # for templates without a system role, it goes before the user's words
                merged = f"{turns[0]['content']}\n\n{turns[1]['content']}"
                with suppress(jinja2.TemplateError):
                    return _cut(self._apply([{"role": "user", "content": merged}, *turns[2:]]))
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            msg = (
                f"the chat template of {self._name!r} refuses a conversation of the roles {', '.join(roles)} "
                f"({said}); embed without --chat-template, or mend the conversation"
            )
            raise InputError(msg) from error

    def _apply(self, turns: list[dict[str, str]]) -> str:
        text: str = self._tokenizer.apply_chat_template(
            turns, chat_template=_SAME_DAY + self._template, tokenize=False, date_string=_DAY
        )
        return text


def _cut(text: str) -> list[str | _Hole]:
    """Text and place holders, in turn."""
    pieces: list[str | _Hole] = []
    done = 0
    for found in _HOLDER.finditer(text):
        pieces += [text[done : found.start()], _Hole(int(found[2]), left=not found[1], right=not found[3])]
        done = found.end()
    return [*pieces, text[done:]]


def _conversation(document: str | Conversation) -> Conversation:
    if isinstance(document, Conversation):
        return document
    return Conversation((("user", document),), frozenset({"user"}))


def _placed(tokens: Tokens, rendered: _Rendered) -> Tokens:
    """Spans in the document; tokens with a letter of the template in them do not count.

    White space of the template that a token begins or ends with is cut from its span.
    """
    size = len(tokens.ids)
    starts, stops, counts = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.bool_)
    if len(rendered.starts):
        stretch = np.searchsorted(rendered.stops, tokens.starts, side="right").clip(max=len(rendered.starts) - 1)
        begin = np.maximum(tokens.starts, rendered.starts[stretch])
        end = np.minimum(tokens.stops, rendered.stops[stretch])
        inside = tokens.counts & (begin < end)
        for row in np.flatnonzero(inside & ((begin != tokens.starts) | (end != tokens.stops))):
            outer = rendered.text[tokens.starts[row] : begin[row]] + rendered.text[end[row] : tokens.stops[row]]
            inside[row] = not outer.strip()
        shift = rendered.documents[stretch] - rendered.starts[stretch]
        starts, stops, counts = (begin + shift) * inside, (end + shift) * inside, inside
    return Tokens(tokens.ids, starts, stops, counts)
