"""A new corpus: uploaded, or from a folder given on the command line; embedded in the background."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

import saedata
from saedata.corpus import read_corpus
from saedata.errors import SaedataError
from saedata.plots.text import counted, one_line
from saedata_apps import jobs, opened, views
from saedata_apps.asked import ask
from saedata_apps.markup import empty, heading, note, section, tiles
from saedata_apps.serving import UPLOAD

if TYPE_CHECKING:
    from saedata.corpus import Corpus

KINDS = ("jsonl", "json", "csv", "tsv", "txt", "parquet")
PACKED = ("", ".gz", ".zst")
ENDINGS = tuple(f".{kind}{packed}" for kind in KINDS for packed in PACKED)
FOUND = "found by its name"
SHOWN = 3


def page() -> None:
    """The page."""
    heading("Embed", "Look at another corpus: one document in each line or row, with any other columns.")
    file, name = _file()
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


def _file() -> tuple[Path | None, str]:
    """A file that was uploaded, or one of a folder given on the command line."""
    listed = {
        f"{folder.name}/{file.relative_to(folder)}": file for folder in opened.folders() for file in _corpora(folder)
    }
    left, right = st.columns(2, gap="large", vertical_alignment="top")
    with left:
        given = st.file_uploader(f"Upload a file, up to {UPLOAD} MB", key="file", type=list(ENDINGS))
    with right:
        if listed:
            chosen = st.selectbox("or choose one on the server", list(listed), index=None, key="path")
            if chosen is not None and given is None:
                return listed[chosen], one_line(chosen.rpartition("/")[2])
        else:
            note("Files on the server can be chosen where `saedata app --corpora FOLDER` names their folder.")
    return (_saved(given.name, given.getvalue()), one_line(given.name)) if given is not None else (None, "")


def _corpora(folder: Path) -> list[Path]:
    """Files that look like a corpus; none outside of the folder, wherever links lead."""
    found = (file for file in sorted(folder.rglob("*")) if file.name.endswith(ENDINGS) and file.is_file())
    return [file for file in found if file.resolve().is_relative_to(folder)]


def _saved(name: str, content: bytes) -> Path:
    """Keep an upload while the server runs, under a name of ours."""
    ending = next(one for one in sorted(ENDINGS, key=len, reverse=True) if name.lower().endswith(one))
    file = _uploads() / f"{hashlib.sha256(content).hexdigest()[:24]}{ending}"
    if not file.exists():
        file.write_bytes(content)
    return file


@st.cache_resource
def _uploads() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="saedata-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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
    stem = name[: -len(next(one for one in sorted(ENDINGS, key=len, reverse=True) if name.lower().endswith(one)))]
    return {
        "corpus": str(file),
        "name": stem or "corpus",
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
