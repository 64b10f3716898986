"""Conversations: who says what, in the formats that datasets use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from saedata.corpus.values import Cell

TURNS = "turns"
"""Column of a corpus that was read with its conversations: each in one line of JSON."""

DEFAULT_ROLES = ("assistant",)
KNOWN_ROLES = frozenset({"assistant", "user", "system", "developer", "tool"})
_ALIASES = {
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "chatbot": "assistant",
    "human": "user",
    "prompter": "user",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}
_ROLE_KEYS = ("role", "from")
_CONTENT_KEYS = ("content", "value")
_TEXT_PARTS = frozenset({"text", "input_text", "output_text", None})
_BETWEEN = "\n\n"

Turn = tuple[str, str | None]
"""Role, and text or None (a turn that only calls a tool, say)."""


def role_name(role: str) -> str:
    """Give a role the name it has in OpenAI's format.

    Parameters
    ----------
    role
        As a dataset or user spells it.

    Returns
    -------
    str
        Lower-case name.

    Examples
    --------
    >>> role_name("GPT"), role_name("human"), role_name("critic")
    ('assistant', 'user', 'critic')
    """
    name = role.strip().lower()
    return _ALIASES.get(name, name)


def is_conversation(value: Cell) -> bool:
    """Tell whether a value looks like a list of chat turns.

    Parameters
    ----------
    value
        A cell.

    Returns
    -------
    bool
        True for a list whose first item is an object with a role and a content.

    Examples
    --------
    >>> is_conversation([{"from": "gpt", "value": "Hi"}]), is_conversation(["Hi"])
    (True, False)
    """
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    keys = value[0].keys()
    return any(key in keys for key in _ROLE_KEYS) and any(key in keys for key in _CONTENT_KEYS)


def read_turns(value: Cell) -> list[Turn]:
    """Read the turns of a conversation in OpenAI's or ShareGPT's format.

    Parameters
    ----------
    value
        A list of objects with `role` and `content`, or `from` and `value`; None has no turns.

    Returns
    -------
    list of tuple
        Role and text of each turn. Where a content is a list of parts, its text parts are joined by a line
        end.

    Raises
    ------
    ValueError
        When it is not a conversation; the message goes on after "holds".

    Examples
    --------
    >>> read_turns([{"from": "human", "value": "Hi"}, {"role": "assistant", "content": None}])
    [('user', 'Hi'), ('assistant', None)]
    """
    if value is None:
        return []
    if not isinstance(value, list):
        msg = f"{type(value).__name__} data instead of a list of chat turns"
        raise ValueError(msg)
    return [_turn(item, i) for i, item in enumerate(value, 1)]


def _turn(item: Cell, number: int) -> Turn:
    if not isinstance(item, dict):
        msg = f"a turn {number} that is no object with a role and a content"
        raise ValueError(msg)
    role = next((item[key] for key in _ROLE_KEYS if item.get(key) is not None), None)
    if not isinstance(role, str):
        msg = f"a turn {number} without a role"
        raise ValueError(msg)
    content = next((item[key] for key in _CONTENT_KEYS if item.get(key) is not None), None)
    return role_name(role), _content(content, number)


def _content(content: Cell, number: int) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if isinstance(content, list):
        parts = [part for part in map(_part, content) if part is not None]
        return "\n".join(parts) if parts else None
    msg = f"a turn {number} whose content is not text"
    raise ValueError(msg)


def _part(part: Cell) -> str | None:
    if isinstance(part, dict):
        part = part.get("text") if part.get("type") in _TEXT_PARTS else None
    return part if isinstance(part, str) else None


def spoken(turns: Iterable[Turn], roles: frozenset[str]) -> str | None:
    r"""Join what some roles say by blank lines; empty turns leave no gap.

    Parameters
    ----------
    turns
        A conversation.
    roles
        Roles to keep.

    Returns
    -------
    str or None
        None where none of them says anything.

    Examples
    --------
    >>> spoken([("assistant", "One."), ("user", "?"), ("assistant", "Two.")], frozenset({"assistant"}))
    'One.\n\nTwo.'
    """
    texts = [text for role, text in turns if role in roles and text is not None]
    return _BETWEEN.join(filter(None, texts)) if texts else None


@dataclass(frozen=True, slots=True)
class Conversation:
    r"""A conversation, of which some roles are read.

    Attributes
    ----------
    turns
        Role and text of each turn.
    roles
        Whose turns are the document.

    Examples
    --------
    >>> chat = Conversation((("user", "Hi"), ("assistant", "Yes?")), frozenset({"assistant"}))
    >>> chat.text, chat.order, Conversation.from_json(chat.to_json()) == chat
    ('Yes?', ('user', 'assistant'), True)
    """

    turns: tuple[Turn, ...]
    roles: frozenset[str]

    @property
    def text(self) -> str | None:
        """The document: what the roles say."""
        return spoken(self.turns, self.roles)

    @property
    def order(self) -> tuple[str, ...]:
        """The role of each turn."""
        return tuple(role for role, _ in self.turns)

    def places(self) -> dict[int, int]:
        """Number of each turn that is in the document, and the character of it where the turn begins."""
        places, length = {}, 0
        for number, (role, text) in enumerate(self.turns):
            if role in self.roles and text:
                places[number] = length
                length += len(text) + len(_BETWEEN)
        return places

    def to_json(self) -> str:
        """One line of JSON."""
        return orjson.dumps({"read": sorted(self.roles), "turns": self.turns}).decode()

    @classmethod
    def from_json(cls, line: str) -> Conversation:
        """Read back what `to_json` wrote."""
        values = orjson.loads(line)
        return cls(tuple((role, text) for role, text in values["turns"]), frozenset(values["read"]))


def first_prompt(turns: Iterable[Turn]) -> str | None:
    """Give the first thing the user says.

    Parameters
    ----------
    turns
        A conversation.

    Returns
    -------
    str or None
        None where the user says nothing.

    Examples
    --------
    >>> first_prompt([("system", "Be kind."), ("user", "Hi")])
    'Hi'
    """
    return next((text for role, text in turns if role == "user" and text is not None), None)
