"""The pages, one file for each question, and the links between them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent

PAGES = {  # file: title, icon, section
    "overview": ("Overview", ":material/home:", ""),
    "compare": ("Compare", ":material/compare_arrows:", ""),
    "features": ("Features", ":material/label:", ""),
    "search": ("Search", ":material/search:", ""),
    "correlations": ("Correlations", ":material/hub:", ""),
    "map": ("Map", ":material/scatter_plot:", ""),
    "probe": ("Probe & classify", ":material/target:", ""),
    "separability": ("Separability", ":material/call_split:", ""),
    "toxicity": ("Toxicity & languages", ":material/translate:", ""),
    "embed": ("Embed", ":material/upload_file:", ""),
}


def navigation() -> dict[str, list[Any]]:
    """All pages, in the order of the menu, by section."""
    sections: dict[str, list[Any]] = {}
    for name, (_, _, section) in PAGES.items():
        sections.setdefault(section, []).append(page(name))
    return sections


def page(name: str) -> Any:
    """One page; the first of all is where a visitor arrives."""
    title, icon, _ = PAGES[name]
    first = name == next(iter(PAGES))
    return st.Page(HERE / f"{name}.py", title=title, icon=icon, url_path="" if first else name, default=first)


def link(name: str, label: str, *, icon: str | None = None, **query: object) -> None:
    """A link to a view; what is None is left out of its address.

    Parameters
    ----------
    name
        Key of `PAGES`.
    label
        Our own words: they are read as Markdown.
    query
        What the page reads from its address.
    """
    given: Mapping[str, str] = {key: str(value) for key, value in query.items() if value is not None}
    st.page_link(page(name), label=label, icon=icon, query_params=given)
