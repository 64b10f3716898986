"""The script that Streamlit runs for every visitor: who may enter, how it looks, and which pages there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from saedata_apps import opened, views
from saedata_apps.entrance import let_in
from saedata_apps.markup import fill, joined, show

HERE = Path(__file__).parent


def main() -> None:
    """Show the page that is asked for."""
    st.set_page_config(page_title="saedata", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.html(HERE / "style.css")
    let_in()
    chosen = st.navigation(views.navigation(), position="sidebar", expanded=True)
    with st.sidebar:
        _shelf()
    chosen.run()


def _shelf() -> None:
    """Which corpora are open, and how they were read."""
    frames = opened.frames()
    rows = (
        fill('<li><b title="{name}">{name}</b><span>{n}</span></li>', name=name, n=f"{frame.n_documents:,}")
        for name, frame in frames.items()
    )
    encoders = sorted({f"{frame.encoder.name}, {frame.n_features:,} features" for frame in frames.values()})
    show(
        fill(
            '<p class="sd-small">Corpora, and their documents</p><ul class="sd-shelf">{rows}</ul>'
            '<p class="sd-small">Encoder: {encoders}</p>',
            rows=joined(rows),
            encoders="; ".join(encoders) or "none yet",
        )
    )


main()
