"""Scoring other text with a probe: the one on the page, or one that was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st
from markupsafe import Markup

import saedata
from saedata.corpus import read_corpus
from saedata.errors import InputError, SaedataError
from saedata.plots.search import LABELS, marked_text, marks_of
from saedata.plots.text import brief, counted, one_line
from saedata_apps import files, opened
from saedata_apps.asked import ask
from saedata_apps.markup import empty, fill, joined, note, section, show
from saedata_apps.same import Call, Command, same
from saedata_apps.tables import downloads, picked_row, table
from saedata_apps.tasks import read_detector

if TYPE_CHECKING:
    from saedata.probing.detector import Detector

ABOVE, SAVED = "the probe above", "a saved one"
PASTE, FILE = "paste", "a file"
ASKED = "to classify"

LONGEST = 20_000
"""Characters that can be pasted; more is a file's."""

LARGEST = 20
"""Largest saved probe, in MB."""


def form(trained: str | None) -> None:
    """Let texts be scored, and show what was said of them.

    Parameters
    ----------
    trained
        The probe on the page, as `Probing.save` writes it; None: there is none.
    """
    section(
        "Classify other text",
        "What a probe predicts for documents that it has never seen, how surely, and by which features.",
    )
    left, right = st.columns(2, gap="large")
    with left:
        by = st.segmented_control("Probe", [ABOVE, SAVED], default=ABOVE, required=True) if trained else SAVED
    with right:
        what = st.segmented_control("Texts", [PASTE, FILE], default=PASTE, required=True)
    with st.form("classify", border=False):
        detector = trained if by == ABOVE else _saved_probe()
        texts, column = (_pasted(), None) if what == PASTE else _file()
        if st.form_submit_button("Classify", type="primary", icon=":material/target:"):
            st.session_state[ASKED] = _asked(detector, texts, column)
    asked = st.session_state.get(ASKED)
    if asked is None:
        return
    if isinstance(asked, str):
        note(asked, kind="wrong")
        return
    pasted = "texts" in asked
    tables = ask("classify" if pasted else "classify_file", [], asked, doing="Reading the texts", small=pasted)
    if tables is not None:
        _show(tables["scored"], read_detector(asked["detector"]))
    options = {} if asked.get("text") is None else {"text": asked["text"]}
    name = asked.get("name", "texts.txt")
    call = Call("classify", (name, "detector.json"), options)
    same([], call, commands=[Command("classify", {"detector": "detector.json"} | options, (name,))])


def _saved_probe() -> str | None:
    """A probe that `saedata probe --save` wrote, or the button on this page."""
    given = st.file_uploader(
        "A saved probe: what `saedata probe --save` wrote, or “Save the probe” on this page",
        type=["json"],
        max_upload_size=LARGEST,
        key="saved probe",
    )
    return None if given is None else given.getvalue().decode("utf-8", errors="replace")


def _pasted() -> list[str]:
    text = st.text_area(
        "One document in each line", key="pasted", max_chars=LONGEST, height=160, placeholder="Paste texts here"
    )
    return [line.strip() for line in text.splitlines() if line.strip()]


def _file() -> tuple[Any, str | None]:
    chosen = files.chosen_corpus(file_key="file to classify", path_key="path to classify")
    column = st.text_input(
        "Column with the text", key="text to classify", placeholder="found by its name", max_chars=200
    )
    return chosen, column.strip() or None


def _asked(detector: str | None, texts: Any, column: str | None) -> dict[str, Any] | str:
    """What is to be done, or a sentence that says why nothing can be."""
    if detector is None:
        return "Upload a saved probe first."
    try:
        _check_encoder(read_detector(detector))
    except SaedataError as error:
        return f"The probe cannot be used: {error}"
    if isinstance(texts, list):
        return {"detector": detector, "texts": texts} if texts else "Paste some texts first."
    file, name = texts
    if file is None:
        return "Choose a file with texts first."
    try:
        read = read_corpus(file, text=column)
    except SaedataError as error:
        return str(error).replace(str(file), name)
    return {"detector": detector, "corpus": str(file), "name": name, "text": column, "sha256": read.sha256}


def _check_encoder(rule: Detector) -> None:
    """Take only encoders that are open here or installed: a probe's own may name any path or address.

    Raises
    ------
    InputError
        It names another one.
    """
    here = saedata.list_encoders().filter(pl.col("state") == "here")["name"].to_list()
    if rule.encoder.name not in {*here, *(frame.encoder.name for frame in opened.frames().values())}:
        msg = f"it needs the encoder {one_line(rule.encoder.name)[:80]!r}, which is not here"
        raise InputError(msg)


def _show(scored: pl.DataFrame, rule: Detector) -> None:
    if scored.is_empty():
        empty("No document", "There is nothing in it that could be read.")
        return
    rows = scored.sort(-pl.col("score"), "doc")
    show(fill('<p class="sd-verdict">{text}</p>', text=_verdict(rows, rule)))
    left, right = st.columns([11, 9], gap="large")
    with left:
        shown = rows.with_columns(pl.col("features").list.eval(pl.element().struct.field("label")))
        columns = {
            "doc": st.column_config.NumberColumn("document", format="%d"),
            "score": st.column_config.NumberColumn(format="%.3f"),
            "predicted": "predicted",
            "text": st.column_config.TextColumn("text", width="medium"),
            "features": st.column_config.ListColumn("because of"),
        }
        table(shown, key="scored", columns=columns, picks=lambda: None, height=360)
        downloads(rows, "classified")
    with right:
        show(_document(rows.row(min(picked_row("scored") or 0, rows.height - 1), named=True)))


def _verdict(rows: pl.DataFrame, rule: Detector) -> str:
    label = one_line(rule.label)
    if rule.kind == "regression":
        return f"{counted(rows.height, 'document')}: {label} is {rows['score'].mean():.3g} on average."
    said = rows["predicted"].value_counts(sort=True).head(5)
    parts = (f"{number:,} {one_line(str(name))}" for name, number in said.iter_rows())
    return f"{counted(rows.height, 'document')}; {label}: {', '.join(parts)}. The highest scores first."


def _document(row: dict[str, Any]) -> Markup:
    """One document, with the places marked that speak most for what was predicted."""
    text, features = row["text"] or "", row["features"] or []
    marks = marks_of([one | {"weight": one["contribution"]} for one in features], len(text))
    why = joined(
        fill(
            '<li title="contribution {part}">{label}</li>',
            part=f"{one['contribution']:.3g}",
            label=brief(one["label"], 70),
        )
        for one in features[:LABELS]
    )
    return fill(
        '<article class="sd-doc"><p class="sd-about">document {doc} · score {score} · predicted {predicted}</p>'
        '<blockquote dir="auto">{text}</blockquote><ul class="sd-why">{why}</ul></article>',
        doc=f"{row['doc']:,}",
        score=f"{row['score']:.3f}",
        predicted=one_line(str(row["predicted"])),
        text=Markup(marked_text(text, marks)),  # noqa: S704  # escaped by marked_text
        why=why,
    )
