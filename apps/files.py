"""Files that a visitor may choose: what was uploaded, and what lies in folders given on the command line; no other."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from pathlib import Path

import streamlit as st

from saedata.plots.text import one_line
from saedata_apps import opened
from saedata_apps.markup import note
from saedata_apps.serving import UPLOAD

KINDS = ("jsonl", "json", "csv", "tsv", "txt", "parquet")
PACKED = ("", ".gz", ".zst")
ENDINGS = tuple(f".{kind}{packed}" for kind in KINDS for packed in PACKED)


def chosen_corpus(*, file_key: str, path_key: str) -> tuple[Path | None, str]:
    """Let the reader upload a corpus, or choose one of a folder given on the command line.

    Returns
    -------
    tuple
        Where it is (None: nothing was chosen yet), and what it is called.
    """
    listed = {
        f"{folder.name}/{file.relative_to(folder)}": file for folder in opened.folders() for file in _corpora(folder)
    }
    left, right = st.columns(2, gap="large", vertical_alignment="top")
    with left:
        given = st.file_uploader(f"Upload a file, up to {UPLOAD} MB", key=file_key, type=list(ENDINGS))
    with right:
        if listed:
            chosen = st.selectbox("or choose one on the server", list(listed), index=None, key=path_key)
            if chosen is not None and given is None:
                return listed[chosen], one_line(chosen.rpartition("/")[2])
        else:
            note("Files on the server can be chosen where `saedata app --corpora FOLDER` names their folder.")
    return (saved(given.name, given.getvalue()), one_line(given.name)) if given is not None else (None, "")


def saved(name: str, content: bytes) -> Path:
    """Keep an upload while the server runs, under a name of ours.

    Parameters
    ----------
    name
        What the visitor calls it; of this only the ending is used.
    content
        What is in it.
    """
    file = _uploads() / f"{hashlib.sha256(content).hexdigest()[:24]}{_ending(name)}"
    if not file.exists():
        file.write_bytes(content)
    return file


def stem(name: str) -> str:
    """The name of a file without its ending.

    Examples
    --------
    >>> stem("answers.jsonl.gz"), stem("my.answers.csv"), stem(".csv")
    ('answers', 'my.answers', 'corpus')
    """
    return name[: -len(_ending(name))] or "corpus"


def _ending(name: str) -> str:
    return next(one for one in sorted(ENDINGS, key=len, reverse=True) if name.lower().endswith(one))


def _corpora(folder: Path) -> list[Path]:
    """Files that look like a corpus; none outside of the folder, wherever links lead."""
    found = (file for file in sorted(folder.rglob("*")) if file.name.endswith(ENDINGS) and file.is_file())
    return [file for file in found if file.resolve().is_relative_to(folder)]


@st.cache_resource
def _uploads() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="saedata-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
