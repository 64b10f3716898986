"""Asking for what may take long: at once where corpora are small, else in a process of its own, with progress."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata.errors import SaedataError
from saedata_apps import jobs, limits
from saedata_apps.kept import worked
from saedata_apps.markup import empty, fill, literal, note, show
from saedata_apps.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from saedata.frame import Embeddings
    from saedata_apps.jobs import Job


def ask(
    task: str,
    frames: Sequence[Embeddings],
    options: dict[str, Any],
    *,
    doing: str,
    unasked: bool = True,
    small: bool | None = None,
) -> dict[str, pl.DataFrame] | None:
    """Give the tables of a task, or show how far it is.

    Parameters
    ----------
    task
        A key of `TASKS`.
    frames, options
        What it is called with.
    doing
        What is being done, in our own words, e.g. "Looking at every pair of features".
    unasked
        Whether it starts by itself; else the reader presses a button first.

    small
        Whether the page waits for it; None: where the frames have few documents.

    Returns
    -------
    dict or None
        None: not there yet, or refused; the page has said so.
    """
    if sum(frame.n_documents for frame in frames) <= limits.SMALL if small is None else small:
        return _at_once(task, frames, options, doing)
    found = jobs.result(task, frames, options)
    if found is not None:
        tables, notes = found
        for one in notes:
            note(one)
        return tables
    mine = jobs.job(task, frames, options)
    if mine is None and unasked:
        mine = jobs.start(task, frames, options)
    if mine is None or mine.state in ("cancelled", "failed", "done"):
        _offer(task, frames, options, doing, mine)
    else:
        _watch(mine, doing)
    return None


def _at_once(
    task: str, frames: Sequence[Embeddings], options: dict[str, Any], doing: str
) -> dict[str, pl.DataFrame] | None:
    try:
        with st.spinner(f"{doing} …"):
            found = worked(TASKS[task], frames, **options)
    except SaedataError as error:
        note(error, kind="wrong")
        return None
    for one in found.notes:
        note(one)
    tables: dict[str, pl.DataFrame] = found.value
    return tables


def _offer(task: str, frames: Sequence[Embeddings], options: dict[str, Any], doing: str, last: Job | None) -> None:
    if last is not None and last.state == "failed":
        note(last.error, kind="wrong")
    else:
        title = "Stopped" if last is not None else "Ready to start"
        empty(
            title,
            f"{doing} runs in the background, and other pages stay usable; what was done already is not done twice.",
        )
    if st.button("Start again" if last else "Start", type="primary", key=f"start {task}"):
        jobs.start(task, frames, options)
        st.rerun()


@st.fragment(run_every=1.0)
def _watch(mine: Job, doing: str) -> None:
    """Show how far it is, every second; the page runs again when it is done."""
    if not mine.is_open:
        st.rerun()
    seconds = time.monotonic() - mine.since
    with st.container(border=True):
        about = f"{mine.stage or 'starting'}" if mine.state == "running" else "waiting for other work to end"
        show(
            fill(
                '<p class="sd-feature"><b>{doing} …</b> <span>{about}, {seconds} s so far</span></p>',
                doing=doing,
                about=about,
                seconds=f"{seconds:.0f}",
            )
        )
        st.progress(mine.share or 0.0, text=literal(_amount(mine)))
        if st.button("Cancel", key=f"cancel {mine.key}", icon=":material/stop_circle:"):
            mine.cancel()
            st.rerun()


def _amount(mine: Job) -> str:
    if not mine.total:
        return "This stage cannot be measured."
    return f"{mine.done:,.0f} of {mine.total:,.0f} {mine.unit}"
