"""The journal: every answer of a model, on disk as soon as it is there, found again by what was asked."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any, Self

import orjson

from saedata.errors import FrameError

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.endpoint import Reply

log = logging.getLogger("saedata")

_LONGEST_LINE = 1 << 20


class Journal:
    """An append-only file of answers, one JSON object per line; used in a ``with`` statement.

    A last line that a crash has torn is cut off, a broken one in the middle is left alone and told.

    Parameters
    ----------
    path
        The file; it and its folder are made with the first answer.
    encoder
        Hash of the encoder that the prompts are about.
    model
        Who answered: the answers of another model, or about another encoder, are not looked at.
    """

    def __init__(self, path: Path, *, encoder: str, model: str) -> None:
        self.path = path
        self._who = {"encoder": encoder, "model": model}
        self._file: int | None = None
        self._answers: dict[str, str] = {}

    def __enter__(self) -> Self:
        with _writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            _lock(self._file, self.path)
            self._load()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def answers(self) -> dict[str, str]:
        """Answers by the key of their prompt."""
        return dict(self._answers)

    def add(self, reply: Reply) -> None:
        """Keep an answer; it survives a crash from here on."""
        assert self._file is not None
        line = orjson.dumps(self._who | {"key": reply.key, "text": reply.text}, option=orjson.OPT_APPEND_NEWLINE)
        with _writing(self.path):
            _write(self._file, line)
            os.fsync(self._file)
        self._answers[reply.key] = reply.text or ""

    def _load(self) -> None:
        assert self._file is not None
        broken = whole = 0
        with self.path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                if line.endswith(b"\n"):
                    whole = file.tell()
                broken += not self._take(line)
        if whole < self.path.stat().st_size:  # torn: what comes next must begin a line
            os.truncate(self._file, whole)
            broken -= 1
        if broken > 0:
            log.warning("%s: %s broken lines are left out; those features are asked again", self.path, broken)

    def _take(self, line: bytes) -> bool:
        """Note one line; False where it is none of this file."""
        try:
            entry: Any = orjson.loads(line) if line.endswith(b"\n") else None
        except orjson.JSONDecodeError:
            return False
        names = ("encoder", "model", "key", "text")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in names):
            return False
        if all(entry[name] == value for name, value in self._who.items()):
            self._answers[entry["key"]] = entry["text"]
        return True


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def _lock(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such call on this system: the user keeps the order
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        msg = f"another process is labelling with the journal {path}; wait for it to end or give another journal"
        raise FrameError(msg) from None
    except OSError:  # a file system without locks must not make labelling impossible
        return


@contextlib.contextmanager
def _writing(path: Path) -> Any:
    try:
        yield
    except OSError as error:
        msg = f"cannot write the journal {path}: {error.strerror}"
        raise FrameError(msg) from error
