"""The query language: phrases joined by AND, OR, NOT and parentheses.

A query is read this way only where it holds a double quote or one of the three words in capitals; any other text is
one phrase as it stands. Words that follow each other without quotes are one phrase. NOT binds tightest, then AND,
then OR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from saedata.concepts import shortened
from saedata.errors import InputError

DEEPEST = 50
"""Parentheses and NOTs inside each other, at most."""

_TOKEN = re.compile(r'\s*(?:(?P<quoted>"[^"]*"?)|(?P<sign>[()])|(?P<word>[^\s()"]+))')
_OPERATORS = ("AND", "OR", "NOT")
_BOOLEAN = re.compile(r'"|(?<!\S)\(*(?:AND|OR|NOT)\)*(?!\S)')
_AROUND = 20  # characters of the query that a message shows before the place of the error, and after it


class QueryError(InputError):
    """A query that cannot be read; `position` is the character, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Phrase:
    """Words, and where in the query they begin."""

    text: str
    position: int


@dataclass(frozen=True)
class And:
    """All of its parts."""

    parts: tuple[Query, ...]


@dataclass(frozen=True)
class Or:
    """Any of its parts; `position` is where the first OR stands."""

    parts: tuple[Query, ...]
    position: int


@dataclass(frozen=True)
class Not:
    """What the part is not."""

    part: Query
    position: int


Query = Phrase | And | Or | Not


@dataclass(frozen=True)
class _Token:
    kind: str  # a phrase, an operator, a parenthesis, or the end
    text: str
    position: int


def parse(text: str) -> Query | None:
    """Read a query.

    Parameters
    ----------
    text
        As the user wrote it.

    Returns
    -------
    Phrase, And, Or, Not or None
        None where there is nothing but white space.

    Raises
    ------
    QueryError
        It cannot be read; the message points at the character.

    Examples
    --------
    >>> parse("tone of voice")
    Phrase(text='tone of voice', position=0)
    >>> parse('hedging AND NOT "code"')
    And(parts=(Phrase(text='hedging', position=0), Not(part=Phrase(text='code', position=16), position=12)))
    """
    if not text.strip():
        return None
    if not _BOOLEAN.search(text):
        return Phrase(text.strip(), len(text) - len(text.lstrip()))
    return _Parser(text).whole()


def phrases(query: Query | None) -> list[Phrase]:
    """The phrases that documents should have: those under no NOT, or under an even number of them.

    Examples
    --------
    >>> [phrase.text for phrase in phrases(parse("a AND NOT (b OR NOT c)"))]
    ['a', 'c']
    """
    return [phrase for phrase, wanted in _signed(query, wanted=True) if wanted]


def unwanted(query: Query | None) -> list[Phrase]:
    """The phrases that documents should not have."""
    return [phrase for phrase, wanted in _signed(query, wanted=True) if not wanted]


def _signed(query: Query | None, *, wanted: bool) -> list[tuple[Phrase, bool]]:
    if query is None:
        return []
    if isinstance(query, Phrase):
        return [(query, wanted)]
    if isinstance(query, Not):
        return _signed(query.part, wanted=not wanted)
    return [pair for part in query.parts for pair in _signed(part, wanted=wanted)]


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._joined(list(self._read()))
        self._next = 0
        self._depth = 0

    def whole(self) -> Query:
        query = self._either()
        token = self._token
        if token.kind == ")":
            self._fail(token.position, "this parenthesis closes none that is open")
        if token.kind != "end":
            self._fail(token.position, "AND, OR or NOT is missing between two phrases")
        return query

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _read(self) -> list[_Token]:
        tokens, at = [], 0
        while match := _TOKEN.match(self._text, at):
            at = match.end()
            kind, text = str(match.lastgroup), match[str(match.lastgroup)]
            position = match.start(kind)
            if kind == "quoted":
                tokens.append(self._quoted(text, position))
            elif kind == "word" and text not in _OPERATORS:
                tokens.append(_Token("word", text, position))
            else:
                tokens.append(_Token(text, text, position))
        return [*tokens, _Token("end", "", len(self._text.rstrip()))]

    def _quoted(self, text: str, position: int) -> _Token:
        if len(text) < 2 or not text.endswith('"'):
            self._fail(position, "this quote is never closed")
        if not text.strip('" \t\n\r'):
            self._fail(position, "there is nothing between the quotes")
        return _Token("phrase", text[1:-1].strip(), position)

    @staticmethod
    def _joined(tokens: list[_Token]) -> list[_Token]:
        """Make one phrase of words that follow each other."""
        joined: list[_Token] = []
        words: list[_Token] = []
        for token in tokens:
            if token.kind == "word":
                words.append(token)
                continue
            if words:
                joined.append(_Token("phrase", " ".join(word.text for word in words), words[0].position))
                words = []
            joined.append(token)
        return joined

    def _either(self) -> Query:
        parts, position = [self._both()], 0
        while self._token.kind == "OR":
            position = position or self._token.position
            self._next += 1
            parts.append(self._both())
        return Or(tuple(parts), position) if len(parts) > 1 else parts[0]

    def _both(self) -> Query:
        parts = [self._one()]
        while self._token.kind in ("AND", "NOT"):  # `a NOT b` is `a AND NOT b`
            self._next += self._token.kind == "AND"
            parts.append(self._one())
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Query:
        token = self._token
        if token.kind == "phrase":
            self._next += 1
            return Phrase(token.text, token.position)
        if token.kind not in ("(", "NOT"):
            self._expected(token)
        self._deeper(token)
        self._next += 1
        if token.kind == "NOT":
            query: Query = Not(self._one(), token.position)
        else:
            query = self._either()
            if self._token.kind != ")":
                self._unclosed(token)
            self._next += 1
        self._depth -= 1
        return query

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(token.position, f"parentheses and NOT stand in each other more than {DEEPEST} deep")

    def _unclosed(self, opening: _Token) -> NoReturn:
        if self._token.kind == "end":
            self._fail(opening.position, "this parenthesis is never closed")
        self._fail(self._token.position, "AND, OR or NOT is missing between two phrases")

    def _expected(self, token: _Token) -> NoReturn:
        before = self._tokens[self._next - 1] if self._next else None
        after = f" after {before.text}" if before else ""
        what = "the query ends" if token.kind == "end" else f"{token.text} stands"
        self._fail(token.position, f"{what} where a phrase is expected{after}")

    def _fail(self, position: int, reason: str) -> NoReturn:
        raise syntax_error(self._text, position, reason)


def syntax_error(text: str, position: int, reason: str) -> QueryError:
    """Make the error that points at a character of a query."""
    before, after = text[max(position - _AROUND, 0) : position], text[position : position + _AROUND]
    place = f"{'…' if position > _AROUND else ''}{before}▸{after}{'…' if position + _AROUND < len(text) else ''}"
    msg = f"the query cannot be read at character {position + 1}, marked ▸ in {shortened(place)}: {reason}"
    return QueryError(msg, position)
