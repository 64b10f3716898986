"""Asking for a password, where one is set."""

from __future__ import annotations

import hmac
import os
import time

import streamlit as st

from saedata_apps.markup import heading, note
from saedata_apps.serving import PASSWORD

_PATIENCE = 1.0  # seconds after a wrong one, so that guessing is slow


def let_in() -> None:
    """Stop here until the right password was given; without one in the environment everybody may enter."""
    wanted = os.environ.get(PASSWORD)
    if not wanted or st.session_state.get("let_in"):
        return
    heading("saedata", "This dashboard asks for a password.")
    with st.form("entrance", width=420):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        asked = st.form_submit_button("Enter", type="primary")
    if asked:
        if hmac.compare_digest(given.encode(), wanted.encode()):
            st.session_state["let_in"] = True
            st.rerun()
        time.sleep(_PATIENCE)
        note("That is not the password.", kind="wrong")
    st.stop()
