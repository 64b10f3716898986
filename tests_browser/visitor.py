"""Somebody who looks at the dashboard, and notices what goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('.sd-head')
    && !document.querySelector('[data-testid="stSpinner"]')
    && !document.querySelector('[data-testid="stSkeleton"]')
    && ![...document.querySelectorAll('.stProgress')].length;
}"""
_WIDTHS = """() => {
  const held = document.querySelectorAll('[data-testid="stMain"], .sd-card, .sd-doc, .sd-tiles, .sd-head');
  const all = [document.documentElement, document.body, ...held];
  return all.map(e => [e.className || e.tagName, e.scrollWidth - e.clientWidth]).filter(e => e[1] > 1);
}"""

# Streamlit itself looks for its server below the page's address first, where it is opened by a deep link.
_LOOKED_FOR = re.compile(r"/[\w-]+/_stcore/(health|host-config)$")


@dataclass
class Visitor:
    """A browser's page on one dashboard.

    Parameters
    ----------
    page
        The page.
    address
        Of the dashboard.
    """

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)
    largest: int = 0

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._received))

    def open(self, name: str = "", **query: object) -> Page:
        """Open a page by its address, and wait until it is done."""
        words = urlencode({key: str(value) for key, value in query.items()})
        self.page.goto(f"{self.address}/{name}{'?' if words else ''}{words}")
        return self.settle()

    def settle(self, patience: float = 240) -> Page:
        """Wait until the page is done, twice, as one run may lead to another."""
        for _ in range(2):
            self.page.wait_for_timeout(250)
            self.page.wait_for_function(_SETTLED, timeout=1000 * patience)
        return self.page

    def go(self, title: str) -> Page:
        """Go to a page by the menu."""
        self.page.locator('[data-testid="stSidebarNavLink"]', has_text=title).first.click()
        self.page.wait_for_timeout(300)
        return self.settle()

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.page.locator('[data-testid="stMain"]').inner_text()

    def too_wide(self) -> list[Any]:
        """What would have to be scrolled sideways."""
        found: list[Any] = self.page.evaluate(_WIDTHS)
        return found

    def _heard(self, message: Any) -> None:
        where = urlsplit(message.location.get("url", "")).path
        if message.type == "error" and not _LOOKED_FOR.search(where):
            self.wrong.append(f"console: {message.text} ({where})")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws"))):
            self.wrong.append(f"request to {request.url}")

    def _received(self, payload: Any) -> None:
        self.largest = max(self.largest, len(payload))
