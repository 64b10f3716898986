"""Starting the dashboard: which frames it shows, where it listens, and how it looks."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.errors import InputError
from saedata.plots.theme import DARK, INK, PAGE, PALETTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.frame import Embeddings

PORT = 8501
LOCAL = ("localhost", "127.0.0.1", "::1")
PASSWORD = "SAEDATA_APP_PASSWORD"  # noqa: S105  # the variable's name
"""Environment variable with the password that visitors are asked for."""

UPLOAD = 200
"""Largest file that can be uploaded, and largest message to the browser, in MB."""

HINT = "the dashboard needs Streamlit; install it with `pip install 'saedata[app]'`"

log = logging.getLogger("saedata")


def serve(
    *frames: Embeddings,
    port: int = PORT,
    address: str = "localhost",
    headless: bool = False,
    corpora: Sequence[str | Path] = (),
    sources: Sequence[str] = (),
) -> None:
    """Serve the dashboard until it is stopped.

    Parameters
    ----------
    frames
        What is shown; the first is the target of comparisons.
    port
        Where it listens.
    address
        This machine only, unless told otherwise.
    headless
        Whether no browser is opened.
    corpora
        Folders whose files can be embedded from the page *Embed*; no other file is reachable.
    sources
        What each frame was called on the command line, for the commands that pages show; none: its folder.

    Raises
    ------
    InputError
        Streamlit is not installed, the port is taken, or a folder does not exist.
    """
    check_streamlit()
    folders = [_folder(one) for one in corpora]
    _check_port(address, port)
    if address not in LOCAL and not os.environ.get(PASSWORD):
        log.warning(
            "everyone who reaches %s:%d can read these corpora; set %s to ask for a password", address, port, PASSWORD
        )
    from streamlit.web import bootstrap

    from saedata_apps import opened, warm

    opened.start(frames, folders, sources)
    warm.warm_up()
    log.info("dashboard on http://%s:%d (Ctrl+C stops it)", address, port)
    flags = options(port=port, address=address, headless=headless)
    bootstrap.load_config_options(flags)
    bootstrap.run(str(Path(__file__).with_name("app.py")), False, [], flags)  # noqa: FBT003


def check_streamlit() -> None:
    """Say how to install what the dashboard needs, where it is missing.

    Raises
    ------
    InputError
        Streamlit is not installed.
    """
    try:
        import streamlit  # noqa: F401
    except ImportError:
        raise InputError(HINT) from None


def options(*, port: int, address: str, headless: bool) -> dict[str, Any]:
    """Options of Streamlit, named as its command line names them."""
    given: dict[str, Any] = {
        "server.port": port,
        "server.address": address,
        "server.headless": headless,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": UPLOAD,
        "server.maxMessageSize": UPLOAD,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableStaticServing": False,
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "runner.magicEnabled": False,
        "logger.level": "warning",
    }
    return {name.replace(".", "_"): value for name, value in (given | _theme()).items()}


def _theme() -> dict[str, Any]:
    """The colours of the report; light or dark as the visitor's system has it."""
    both: dict[str, Any] = {
        "theme.baseFontSize": 15,
        "theme.baseRadius": "8px",
        "theme.buttonRadius": "8px",
        "theme.showWidgetBorder": True,
        "theme.headingFontWeights": [700, 650, 650],
        "theme.headingFontSizes": ["1.9rem", "1.3rem", "1.05rem"],
        "theme.linkUnderline": False,
    }
    ways = {
        "light": ("#005f96", "#005f96", PAGE, "#f3f5f8", INK, "#d8dee4", "#f6f8fa"),
        "dark": ("#3a8cc7", "#7cc5f0", "#11161c", "#1a212a", DARK[INK], "#303843", "#151b22"),
    }
    for way, (primary, link, page, second, ink, line, side) in ways.items():
        both |= {
            f"theme.{way}.primaryColor": primary,
            f"theme.{way}.backgroundColor": page,
            f"theme.{way}.secondaryBackgroundColor": second,
            f"theme.{way}.textColor": ink,
            f"theme.{way}.borderColor": line,
            f"theme.{way}.linkColor": link,
            f"theme.{way}.sidebar.backgroundColor": side,
            f"theme.{way}.sidebar.borderColor": line,
        }
    return both | {"theme.chartCategoricalColors": list(PALETTE)}


def _folder(given: str | Path) -> Path:
    folder = Path(given).resolve()
    if not folder.is_dir():
        msg = f"--corpora {given}: there is no such folder"
        raise InputError(msg)
    return folder


def _check_port(address: str, port: int) -> None:
    """Find out before the server starts, which would only say so in its log."""
    import socket

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            msg = f"cannot listen on {address}:{port} ({error.strerror}); choose another --port"
            raise InputError(msg) from error
