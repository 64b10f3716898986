"""Prompts and answers as files, for any other way of answering: a batch service, another program, a person."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from saedata.endpoint import Prompt, Reply
from saedata.errors import InputError
from saedata.frame.disk import write_file, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

log = logging.getLogger("saedata")

LONGEST_LINE = 1 << 16
LARGEST_FILE = 1 << 30
_TOLD = 20
_UNANSWERED = "no answer in the file"


def export_prompts(path: str | Path, prompts: Iterable[Prompt]) -> int:
    """Write prompts as JSON lines of key, system, user and max_tokens.

    The answers are to come back as JSON lines of key and text.

    Returns
    -------
    int
        How many.
    """
    lines = [
        orjson.dumps(
            {"key": p.key, "system": p.system, "user": p.user, "max_tokens": p.max_tokens},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for p in prompts
    ]
    with writing(Path(path)):
        write_file(Path(path), lambda file: file.writelines(lines))
    return len(lines)


class AnswerFile:
    """A `LanguageModel` that takes its answers from files.

    Every line is a JSON object with the `key` of a prompt and the answer's `text`, or its `label` and `kind`. What
    cannot be used is told with the number of its line, and nothing is put in its place.

    Parameters
    ----------
    paths
        The files.
    name
        Who answered: becomes the source of the labels.

    Raises
    ------
    InputError
        A file cannot be read, or is far too large.
    """

    def __init__(self, paths: str | Path | Sequence[str | Path], *, name: str = "imported") -> None:
        self.name = name
        self._answers: dict[str, str] = {}
        self._where: dict[str, str] = {}
        self._refused: set[str] = set()
        self._asked: set[str] = set()
        self.problems: list[str] = []
        for path in [paths] if isinstance(paths, str | Path) else paths:
            self._read(Path(path))

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        """Answer every prompt exactly once; see `saedata.endpoint.LanguageModel`."""
        for prompt in prompts:
            self._asked.add(prompt.key)
            text = self._answers.get(prompt.key)
            yield Reply(prompt.key, text, error=None if text is not None else _UNANSWERED)

    def tell(self) -> None:
        """Log what could not be used, answers to questions that nobody asked included."""
        unknown = [
            f"{self._where[key]}: nobody asked for the key {key[:40]!r}"
            for key in self._answers
            if key not in self._asked
        ]
        told = [*self.problems, *unknown]
        for problem in told[:_TOLD]:
            log.warning("%s", problem)
        if len(told) > _TOLD:
            log.warning("and %s more lines that cannot be used", f"{len(told) - _TOLD:,}")

    def _read(self, path: Path) -> None:
        try:
            if path.stat().st_size > LARGEST_FILE:
                msg = f"{path} is larger than {LARGEST_FILE:,} bytes; split it"
                raise InputError(msg)
            with path.open("rb") as file:
                for number, line in enumerate(_lines(file), start=1):
                    if problem := self._take(line, f"{path}, line {number}"):
                        self.problems.append(f"{path}, line {number}: {problem}")
        except OSError as error:
            msg = f"cannot read the answers {path}: {error.strerror}"
            raise InputError(msg) from error

    def _take(self, line: bytes, where: str) -> str | None:
        """Note one line; gives back what is wrong with it."""
        if len(line) > LONGEST_LINE:
            return f"it is longer than {LONGEST_LINE:,} bytes"
        if not line.strip():
            return None
        try:
            entry: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            return "it is not valid JSON"
        key, text = (entry.get("key"), _text(entry)) if isinstance(entry, dict) else (None, None)
        if not isinstance(key, str) or text is None:
            return "it is not an object with a key and a text"
        if key in self._refused:
            return f"one more answer to {key[:40]!r}; none of them is used"
        if key in self._answers:
            if self._answers[key] == text:
                return None
            first = self._where[key]
            del self._answers[key]
            self._refused.add(key)
            return f"it answers {key[:40]!r} otherwise than {first} does; neither is used"
        self._answers[key], self._where[key] = text, where
        return None


def _text(entry: dict[str, Any]) -> str | None:
    if isinstance(text := entry.get("text"), str):
        return text
    label, kind = entry.get("label"), entry.get("kind")
    if "text" not in entry and isinstance(label, str) and isinstance(kind, str):
        return orjson.dumps({"label": label, "kind": kind}).decode()
    return None


def _lines(file: Any) -> Iterator[bytes]:
    """Lines, of an over-long one only a beginning."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield line
