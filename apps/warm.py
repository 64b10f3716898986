"""What is read while nobody waits yet: the first page, the encoder that marks tokens, and the default map and pairs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import saedata
from saedata.concepts import choose_features
from saedata.errors import SaedataError
from saedata_apps import defaults, jobs, limits, lookups, opened
from saedata_apps.columns import groupings, language_column
from saedata_apps.kept import kept, reading, worked
from saedata_apps.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from saedata.frame import Embeddings

log = logging.getLogger("saedata")

_OFTEN = 0.2  # seconds between two looks at work in the background
_CONTEXT = "streamlit.runtime.scriptrunner_utils.script_run_context"


def warm_up() -> threading.Thread:
    """Begin in the background; what a visitor asks for meanwhile is not made to wait for it."""
    logging.getLogger(_CONTEXT).setLevel(logging.ERROR)  # it misses a visitor, and there is none
    thread = threading.Thread(target=_read, daemon=True)
    thread.start()
    return thread


def _read() -> None:
    since = time.monotonic()
    frames = list(opened.frames().values())
    if not frames:
        return
    first, *others = opened.first_and_others()
    for step in (
        lambda: worked(lookups.gathered, [first, *others]),
        lambda: [_columns(frame) for frame in frames],
        lambda: [worked(TASKS["diff"], [first, other], **defaults.compare_options(first)) for other in others[:1]],
        lambda: _feature(first),
        lambda: _encoder(first),
    ):
        _tried(step)
    started = [_tried(_work, task, first, options) for task, options in _tasks(first)]
    for job in started:
        while job is not None and job.is_open:
            time.sleep(_OFTEN)
    log.info("read in advance: %.0f s", time.monotonic() - since)


def _tried(step: Callable[..., Any], *arguments: Any) -> Any:
    """Do it; what the library refuses is said on the page that asks for it."""
    with contextlib.suppress(SaedataError):
        return step(*arguments)
    return None


def _tasks(frame: Embeddings) -> tuple[tuple[str, dict[str, Any]], ...]:
    return ("cluster", defaults.map_options(frame)), ("correlate", {})


def _work(task: str, frame: Embeddings, options: dict[str, Any]) -> jobs.Job | None:
    """The same that a page would ask for, in a process of its own where the page would do so."""
    if frame.n_documents <= limits.SMALL:
        worked(TASKS[task], frame, **options)
        return None
    return None if jobs.result(task, [frame], options) is not None else jobs.start(task, [frame], options)


def _columns(frame: Embeddings) -> None:
    """Names of features, and what the columns hold."""
    kept(lookups.named, frame)
    for column in {*groupings(frame), *filter(None, [language_column(frame)])}:
        kept(lookups.counts, frame, column)


def _feature(frame: Embeddings) -> None:
    """What stands beside every feature, and all about the one that is looked at first."""
    kept(lookups.densities, frame)
    names: pl.DataFrame = kept(lookups.named, frame).value
    if names.height and names["documents"][0]:
        kept(saedata.cofiring, frame, names["feature"][0])


def _encoder(frame: Embeddings) -> None:
    """The encoder that marks tokens, and the vectors of all labels."""
    if frame.n_documents:
        with reading:
            frame.tokens(int(frame.doc_numbers[0]))
    kept(lookups.common, frame)
    choose_features(frame, "question")
