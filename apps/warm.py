"""What is read while nobody waits yet: the first page, the encoder that marks tokens, and the default map and pairs."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

import saedata
from saedata.errors import SaedataError
from saedata_apps import defaults, jobs, limits, lookups, opened
from saedata_apps.kept import kept, reading, worked
from saedata_apps.tasks import TASKS

if TYPE_CHECKING:
    from saedata.frame import Embeddings

_CONTEXT = "streamlit.runtime.scriptrunner_utils.script_run_context"


def warm_up() -> threading.Thread:
    """Begin in the background; what a visitor asks for meanwhile is not made to wait for it."""
    logging.getLogger(_CONTEXT).setLevel(logging.ERROR)  # it misses a visitor, and there is none
    thread = threading.Thread(target=_read, daemon=True)
    thread.start()
    return thread


def _read() -> None:
    frames = list(opened.frames().values())
    if not frames:
        return
    first, *others = opened.first_and_others()
    with contextlib.suppress(SaedataError):
        worked(lookups.gathered, [first, *others])
    with contextlib.suppress(SaedataError):
        for frame in frames:
            kept(lookups.named, frame)
        if first.n_documents:
            with reading:
                first.tokens(int(first.doc_numbers[0]))
    for other in others[:1]:
        with contextlib.suppress(SaedataError):
            worked(saedata.diff, [first, other], **defaults.compare_options(first))
    for task, options in (("cluster", defaults.map_options(first)), ("correlate", {})):
        with contextlib.suppress(SaedataError):
            _ask(task, first, options)


def _ask(task: str, frame: Embeddings, options: dict[str, object]) -> None:
    """The same that a page would ask for."""
    if frame.n_documents <= limits.SMALL:
        worked(TASKS[task], frame, **options)
    elif jobs.result(task, [frame], options) is None:
        jobs.start(task, [frame], options)
