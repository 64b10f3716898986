"""A new corpus: uploaded, or from a folder given on the command line; embedded in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

import saedata
from saedata.corpus import read_corpus
from saedata.errors import SaedataError
from saedata.plots.text import counted
from saedata_apps import jobs, opened, views
from saedata_apps.asked import ask
from saedata_apps.files import chosen_corpus, stem
from saedata_apps.markup import empty, heading, note, section, tiles

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.corpus import Corpus

FOUND = "found by its name"
SHOWN = 3


def page() -> None:
    """The page."""
    heading("Embed", "Look at another corpus: one document in each line or row, with any other columns.")
    file, name = chosen_corpus(file_key="file", path_key="path")
    if file is None:
        empty(
            "No corpus chosen",
            "Parquet, JSON Lines, JSON, CSV, TSV or plain text, also packed as .gz or .zst. "
            "Chats are understood: the assistant’s turns are read.",
        )
        return
    try:
        read = _read(file, name)
        options = _options(read, file, name)
    except SaedataError as error:
        note(str(error).replace(str(file), name), kind="wrong")
        return
    if options is not None:
        _embed(options, name)


def _read(file: Path, name: str) -> Corpus:
    """Read it once, to show what is in it before anything is embedded."""
    left, right = st.columns(2, gap="large")
    with left:
        text = st.text_input("Column with the text", key="text", placeholder=FOUND, max_chars=200).strip()
    with right:
        limit = st.number_input("Documents, at most", min_value=0, value=0, key="limit", help="0: all")
    st.session_state["asked of the file"] = (text or None, int(limit) or None)
    with st.spinner("Reading …"):
        return read_corpus(file, text=text or None, limit=int(limit) or None)


def _options(read: Corpus, file: Path, name: str) -> dict[str, Any] | None:
    tiles(
        (
            ("Documents", f"{read.documents:,}", name),
            ("Characters", f"{read.characters:,}", ""),
            ("Text", read.text_column, f"{counted(len(read.columns), 'other column')}"),
        )
    )
    for warning in read.warnings:
        note(warning)
    section("The first documents")
    st.dataframe(next(iter(read.batches(SHOWN))).head(SHOWN), hide_index=True)
    encoders = saedata.list_encoders().filter(pl.col("state") == "here")["name"].to_list()
    encoder = st.selectbox("Encoder", encoders, index=encoders.index("minilm"), key="encoder")
    text, limit = st.session_state["asked of the file"]
    return {
        "corpus": str(file),
        "name": stem(name),
        "text": text,
        "limit": limit,
        "encoder": encoder,
        "sha256": read.sha256,
    }


def _embed(options: dict[str, Any], name: str) -> None:
    tables = ask("embed", [], options, doing=f"Embedding {name}", unasked=False, small=False)
    if tables is None:
        return
    path, called = tables["frame"].row(0)
    try:
        frame = saedata.open(path, name=called)
    except SaedataError:  # the cache was emptied
        jobs.forget("embed", [], options)
        st.rerun()
    shown = opened.add(frame)
    note(f"{counted(frame.n_documents, 'document')} of {shown} are open: choose it on every page.", kind="good")
    views.link("overview", "To the overview", icon=":material/home:")
    views.link("features", "What is in it", icon=":material/label:", corpus=shown)


page()
