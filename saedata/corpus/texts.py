"""How the text of a corpus is read: from a column, a prompt/response pair, or conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from saedata.corpus.chat import (
    KNOWN_ROLES,
    TURNS,
    Conversation,
    Turn,
    first_prompt,
    read_turns,
    spoken,
)
from saedata.corpus.chunks import Chunk
from saedata.errors import CorpusError

PROMPT = "prompt"
_TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bytes: "binary data",
}


class TextReader(Protocol):
    """Reads the documents' text from chunks."""

    @property
    def label(self) -> str:
        """What the text is, for people: "response" or "messages[assistant]"."""

    @property
    def used(self) -> frozenset[str]:
        """Columns that become the text and so do not travel along."""

    @property
    def added(self) -> tuple[str, ...]:
        """String columns that come out of reading beside the text."""

    def read(self, chunk: Chunk) -> dict[str, list[str | None]]:
        """Give `text` and the added columns of a chunk."""

    def conversations(self, chunk: Chunk) -> list[Conversation | None]:
        """Give the conversations of a chunk, of which the text is a part; a plain text is a turn of the user's."""

    def check(self) -> list[str]:
        """After the whole corpus was read: raise or warn about what it lacked."""


@dataclass(frozen=True)
class WithTurns:
    """The text and, in a column `turns`, the conversation that it is a part of.

    Parameters
    ----------
    reader
        Reads the text.
    """

    reader: TextReader

    @property
    def label(self) -> str:
        """As without the turns."""
        return self.reader.label

    @property
    def used(self) -> frozenset[str]:
        """As without the turns."""
        return self.reader.used

    @property
    def added(self) -> tuple[str, ...]:
        """The column of turns, and what else there is."""
        return (*self.reader.added, TURNS)

    def read(self, chunk: Chunk) -> dict[str, list[str | None]]:
        """Read the text and write the conversations as JSON.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        dict
            `text`, `turns` and perhaps others.
        """
        found = self.reader.conversations(chunk)
        return self.reader.read(chunk) | {TURNS: [chat.to_json() if chat else None for chat in found]}

    def conversations(self, chunk: Chunk) -> list[Conversation | None]:
        """As without the turns.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        list
            One for each row.
        """
        return self.reader.conversations(chunk)

    def check(self) -> list[str]:
        """As without the turns.

        Returns
        -------
        list of str
            Warnings.
        """
        return self.reader.check()


@dataclass(frozen=True)
class PlainText:
    """The text is one column of strings.

    Parameters
    ----------
    column
        Its name.
    prompt
        Column with what the text answers, if it is a response; it travels along as well.
    """

    column: str
    added: tuple[str, ...] = ()
    prompt: str | None = None

    @property
    def label(self) -> str:
        """The column's name."""
        return self.column

    @property
    def used(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def read(self, chunk: Chunk) -> dict[str, list[str | None]]:
        """Take the strings as they are.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        dict
            `text`.

        Raises
        ------
        CorpusError
            When a cell is not text, with its place.
        """
        return {"text": _strings(chunk, self.column)}

    def conversations(self, chunk: Chunk) -> list[Conversation | None]:
        """Take each string as the assistant's answer to its prompt, or where there is none as a turn of the user's.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        list
            One for each row; None where there is no text.
        """
        texts = _strings(chunk, self.column)
        if self.prompt is None:
            return [_spoken_by(frozenset({"user"}), [("user", text)]) for text in texts]
        pairs = zip(_strings(chunk, self.prompt), texts, strict=True)
        return [_spoken_by(frozenset({"assistant"}), [("user", a), ("assistant", b)]) for a, b in pairs]

    def check(self) -> list[str]:
        """Find nothing to say.

        Returns
        -------
        list
            Empty.
        """
        return []


@dataclass(frozen=True)
class PairText:
    """The text is a prompt and its response, joined by a blank line.

    Parameters
    ----------
    prompt, response
        Their columns; both travel along as well.
    """

    prompt: str
    response: str
    used: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Both names."""
        return f"{self.prompt}+{self.response}"

    def read(self, chunk: Chunk) -> dict[str, list[str | None]]:
        """Join the two columns.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        dict
            `text`.

        Raises
        ------
        CorpusError
            When a cell is not text, with its place.
        """
        return {"text": [chat.text if chat else None for chat in self.conversations(chunk)]}

    def conversations(self, chunk: Chunk) -> list[Conversation | None]:
        """Make a conversation of each pair.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        list
            One for each row; None where there is no text.
        """
        pairs = zip(_strings(chunk, self.prompt), _strings(chunk, self.response), strict=True)
        roles = frozenset({"user", "assistant"})
        return [_spoken_by(roles, [("user", prompt), ("assistant", response)]) for prompt, response in pairs]

    def check(self) -> list[str]:
        """Find nothing to say.

        Returns
        -------
        list
            Empty.
        """
        return []


@dataclass(frozen=True)
class ChatText:
    """The text is what some roles say in a column of conversations.

    Parameters
    ----------
    column
        Its name.
    roles
        Roles to read.
    added
        `prompt`, the first user turn, unless the corpus has such a column.
    """

    column: str
    roles: frozenset[str]
    added: tuple[str, ...]
    _seen: set[str] = field(default_factory=set, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The column's name with the roles."""
        return f"{self.column}[{','.join(sorted(self.roles))}]"

    @property
    def used(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def read(self, chunk: Chunk) -> dict[str, list[str | None]]:
        """Join the turns of the roles.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        dict
            `text` and perhaps `prompt`.

        Raises
        ------
        CorpusError
            When a cell is not a conversation, with its place.
        """
        texts: list[str | None] = []
        prompts: list[str | None] = []
        for turns in self._turns(chunk):
            self._seen.update(role for role, _ in turns)
            texts.append(spoken(turns, self.roles))
            prompts.append(first_prompt(turns))
        return {"text": texts} | dict.fromkeys(self.added, prompts)

    def conversations(self, chunk: Chunk) -> list[Conversation | None]:
        """Take the conversations with all their turns.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        list
            One for each row; None where none of the roles says anything.
        """
        return [_spoken_by(self.roles, turns) for turns in self._turns(chunk)]

    def _turns(self, chunk: Chunk) -> Iterator[list[Turn]]:
        for i, value in enumerate(_cells(chunk, self.column)):
            try:
                yield read_turns(value)
            except ValueError as error:
                msg = f"{chunk.where(i)}: the column {self.column!r} holds {error}; mend or remove this row"
                raise CorpusError(msg) from error

    def check(self) -> list[str]:
        """Compare the roles asked for with those that there are.

        Returns
        -------
        list of str
            A warning for each well-known role that never speaks.

        Raises
        ------
        CorpusError
            When a role that never speaks is not a well-known one, or no role asked for ever speaks.
        """
        absent = sorted(self.roles - self._seen)
        if self._seen and (len(absent) == len(self.roles) or not KNOWN_ROLES.issuperset(absent)):
            msg = (
                f"no turn in the column {self.column!r} has the role {absent[0]!r}; "
                f"its roles are: {', '.join(sorted(self._seen))}"
            )
            raise CorpusError(msg)
        return [f"no turn in the column {self.column!r} has the role {role!r}" for role in absent if self._seen]


def _spoken_by(roles: frozenset[str], turns: list[Turn]) -> Conversation | None:
    chat = Conversation(tuple(turns), roles)
    return None if chat.text is None else chat


def _cells(chunk: Chunk, column: str) -> list[Any]:
    cells = chunk.columns.get(column)
    if cells is None:
        return [None] * chunk.height
    return cells if isinstance(cells, list) else cells.to_list()


def _strings(chunk: Chunk, column: str) -> list[str | None]:
    cells = _cells(chunk, column)
    for i, cell in enumerate(cells):
        if cell is not None and not isinstance(cell, str):
            held = _TYPES.get(type(cell), "other data")
            msg = (
                f"{chunk.where(i)}: the column {column!r} holds {held} there, not text; "
                "choose another column (--text), or make it text"
            )
            raise CorpusError(msg)
    return cells
