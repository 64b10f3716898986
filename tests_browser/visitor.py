"""Somebody who looks at the dashboard, and notices what goes wrong."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('.sd-head')
    && !document.querySelector('[data-testid="stSpinner"], [data-testid="stSkeleton"], .stProgress')
    && [...document.querySelectorAll('.stVegaLiteChart')].every(e => e.querySelector('svg'));
}"""
"""Whether a page is done, its charts included."""

_STAYS = f"""() => {{
  if (!({SETTLED})()) window.settled = 0;
  else if (!window.settled) window.settled = performance.now();
  return window.settled && performance.now() - window.settled > 300;
}}"""
_COUNT_RUNS = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  window.runs = 0;
  if (window.counting) window.counting.disconnect();
  window.counting = new MutationObserver(() => {
    if (app.getAttribute('data-test-script-state') === 'notRunning') window.runs += 1;
  });
  window.counting.observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""
_RAN = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const still = app && app.getAttribute('data-test-script-state') === 'notRunning';
  return window.runs > 0 || (still && performance.now() - window.asked > 20000);
}"""
"""Whether the page has run again. A run that begins and ends between two drawings of the browser is never seen."""
_WIDTHS = """() => {
  const held = document.querySelectorAll('[data-testid="stMain"], .sd-card, .sd-doc, .sd-tiles, .sd-head');
  const all = [document.documentElement, document.body, ...held];
  return all.map(e => [e.className || e.tagName, e.scrollWidth - e.clientWidth]).filter(e => e[1] > 1);
}"""

# Streamlit itself looks for its server below the page's address first, where it is opened by a deep link.
_LOOKED_FOR = re.compile(r"/[\w-]+/_stcore/(health|host-config)$")


def reached(element: Locator) -> Locator:
    """Scroll to an element first, as a person would: a list that opens while the page still scrolls closes again."""
    element.scroll_into_view_if_needed()
    element.page.wait_for_timeout(200)
    return element


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

    def settle(self) -> Page:
        """Wait until the page is done, and stays so, as one run may lead to another."""
        self.page.evaluate("() => { window.settled = 0; }")
        self.page.wait_for_function(_STAYS)
        return self.page

    @contextlib.contextmanager
    def answered(self) -> Iterator[Page]:
        """Do something that makes the page run again, and wait until it has, however long the server needs."""
        self.page.evaluate(_COUNT_RUNS)
        yield self.page
        self.page.evaluate("() => { window.asked = performance.now(); }")
        self.page.wait_for_function(_RAN)
        self.settle()

    def choose(self, label: str, option: str) -> None:
        """Choose in a list."""
        with self.answered() as page:
            self._unfold(label, option).click()
            page.get_by_role("option").first.wait_for(state="hidden")

    def _unfold(self, label: str, option: str) -> Locator:
        """Open a list; a page that is drawn anew just then closes it again, and it is clicked once more."""
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        listed = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(10):
            reached(self.page.get_by_label(label, exact=True).first).click()
            with contextlib.suppress(PlaywrightTimeout):
                listed.wait_for(timeout=5000)
                return listed
            self.page.keyboard.press("Escape")
        msg = f"the list {label!r} does not offer {option!r}"
        raise AssertionError(msg)

    def type(self, label: str, words: str) -> None:
        """Fill in a field."""
        with self.answered() as page:
            page.get_by_label(label, exact=True).fill(words)
            page.get_by_label(label, exact=True).press("Enter")

    def go(self, title: str) -> Page:
        """Go to a page by the menu."""
        with self.answered() as page:
            page.locator('[data-testid="stSidebarNavLink"]', has_text=title).first.click()
        return page

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.page.locator('[data-testid="stMain"]').inner_text()

    def too_wide(self, size: tuple[int, int] | None = None) -> list[Any]:
        """What would have to be scrolled sideways, in a window of a size; None: as it is."""
        if size is not None:
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            self.settle()
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
