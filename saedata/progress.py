"""Progress bars on standard error: only on a terminal, and only for work that takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Listener = Callable[[str, float, float | None, str], None]

_PATIENCE = 2.0
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a function how far stages are, instead of showing bars: for a program around this one.

    Parameters
    ----------
    listener
        Called with the stage, the amount done so far, the total (None: not known) and the unit.

    Examples
    --------
    >>> with listening(lambda *told: print(*told)), progress("counting", total=2, unit="documents") as done:
    ...     done(2)
    counting 0.0 2 documents
    counting 2.0 2 documents
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def progress(stage: str, *, total: float | None, unit: str) -> Iterator[Callable[[float], None]]:
    """Show how far a stage is; yields a function to call with the amount just done.

    Parameters
    ----------
    stage
        What is being done, e.g. "reading answers".
    total
        Amount of work in `unit`s; None if it is not known.
    unit
        What is counted, e.g. "documents".

    Examples
    --------
    >>> with progress("counting", total=2, unit="documents") as done:
    ...     done(1)
    ...     done(1)
    """
    if _listeners:
        yield _telling(_listeners[-1], stage, total, unit)
        return
    if not sys.stderr.isatty():
        yield lambda _amount: None
        return
    bar = _Bar(stage, total, unit)
    try:
        yield bar.advance
    finally:
        bar.close()


def _telling(listener: Listener, stage: str, total: float | None, unit: str) -> Callable[[float], None]:
    sofar = 0.0

    def advance(amount: float) -> None:
        nonlocal sofar
        sofar += amount
        listener(stage, sofar, total, unit)

    advance(0.0)
    return advance


class _Bar:
    """A rich bar that appears once the work has lasted."""

    def __init__(self, stage: str, total: float | None, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._since, self._shown = time.monotonic(), False
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}" + ("/{task.total:,.0f}" if total else "") + f" {unit}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(stage, total=total)

    def advance(self, amount: float) -> None:
        self._bar.advance(self._task, amount)
        if not self._shown and time.monotonic() - self._since > _PATIENCE:
            self._shown = True
            self._bar.start()

    def close(self) -> None:
        if self._shown:
            self._bar.stop()
