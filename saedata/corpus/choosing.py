"""Which column is the text of a corpus."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from saedata.corpus import columns as kinds
from saedata.corpus.chat import DEFAULT_ROLES, role_name
from saedata.corpus.columns import ColumnScan
from saedata.corpus.texts import PROMPT, ChatText, PairText, PlainText, TextReader
from saedata.errors import CorpusError

Columns = Mapping[str, ColumnScan]

_CHATS = ("messages", "conversations", "conversation")
_PROMPTS = ("prompt", "instruction", "question", "query", "input")
_RESPONSES = ("response", "completion", "answer", "output", "generation", "reply")
_TEXTS = ("text", "content", "output")
_PEOPLES_NAMES = {
    kinds.EMPTY: "empty",
    kinds.BOOLEAN: "true/false",
    kinds.INTEGER: "integer",
    kinds.NUMBER: "number",
    kinds.TEXT: "text",
    kinds.BINARY: "binary",
    kinds.MIXED: "nested or mixed",
}
_SHOWN = 40


def choose_text(found: Columns, text: str | None, roles: Sequence[str]) -> tuple[TextReader, list[str]]:
    """Choose what to read as the documents' text.

    An explicit `text` wins. Else, in this order: a column of conversations; a prompt/response pair; the only
    column of strings; `text`, `content` or `output`.

    Parameters
    ----------
    found
        The corpus's columns.
    text
        Name of a column, or None.
    roles
        Whose turns to read.

    Returns
    -------
    tuple of TextReader and list of str
        How to read the text, and warnings.

    Raises
    ------
    CorpusError
        When the column is absent or there is no telling which one is meant; the message lists the columns.
    """
    wanted = frozenset(map(role_name, roles))
    if not wanted:
        msg = "no role was given; name at least one, such as 'assistant'"
        raise CorpusError(msg)
    column = text if text is not None else _chat_column(found)
    if column is not None and _present(found, column).chat:
        return ChatText(column, wanted, () if PROMPT in found else (PROMPT,)), []
    if column is None and (pair := _pair(found)):
        return _of_pair(*pair, wanted), []
    return PlainText(column or _plain_column(found)), _ignored(wanted)


def _ignored(wanted: frozenset[str]) -> list[str]:
    if wanted == frozenset(DEFAULT_ROLES):
        return []
    asked = ", ".join(sorted(wanted))
    return [f"the text does not come from conversations, so the roles asked for ({asked}) were ignored"]


def _present(found: Columns, name: str) -> ColumnScan:
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, list(found), 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    msg = f"there is no column {name!r} in the corpus{hint}; its columns are: {_listed(found)}"
    raise CorpusError(msg)


def _listed(found: Columns) -> str:
    shown = [f"{name} ({_PEOPLES_NAMES.get(scan.kind, str(scan.kind))})" for name, scan in found.items()]
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return ", ".join(shown[:_SHOWN] + more)


def _first(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(list(names))}
    return next((lower[name] for name in wanted if name in lower), None)


def _chat_column(found: Columns) -> str | None:
    chats = [name for name, scan in found.items() if scan.chat]
    return chats[0] if len(chats) == 1 else _first(chats, _CHATS)


def _pair(found: Columns) -> tuple[str, str] | None:
    strings = [name for name, scan in found.items() if scan.kind in (kinds.TEXT, kinds.EMPTY)]
    prompt, response = _first(strings, _PROMPTS), _first(strings, _RESPONSES)
    return (prompt, response) if prompt is not None and response is not None else None


def _of_pair(prompt: str, response: str, wanted: frozenset[str]) -> TextReader:
    if unknown := sorted(wanted - {"user", "assistant"}):
        msg = (
            f"no column has the role {unknown[0]!r}; "
            f"the roles are: assistant (the column {response!r}), user (the column {prompt!r})"
        )
        raise CorpusError(msg)
    if len(wanted) == 2:
        return PairText(prompt, response)
    return PlainText(response, prompt=prompt) if "assistant" in wanted else PlainText(prompt)


def _plain_column(found: Columns) -> str:
    strings = [name for name, scan in found.items() if scan.kind == kinds.TEXT]
    # A column of such a name with a number among its strings is meant, not the one clean column beside it.
    spoiled = [name for name, scan in found.items() if scan.words and name.lower() in _TEXTS]
    if len(strings) == 1 and not set(spoiled) - set(strings):
        return strings[0]
    # So is one that is empty or nested, where there is none better: reading it says what is wrong.
    likely = [name for name, scan in found.items() if scan.kind in (kinds.TEXT, kinds.EMPTY, kinds.MIXED)]
    if (name := _first(strings + spoiled, _TEXTS) or _first(likely, _TEXTS)) is not None:
        return name
    if len(found) == 1 and likely:
        return likely[0]
    msg = f"it is not clear which column holds the text; choose one (--text) of: {_listed(found)}"
    raise CorpusError(msg)
