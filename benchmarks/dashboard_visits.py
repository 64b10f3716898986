"""What a visitor does on each page of the dashboard for `dashboard_scale`, by the browser's own clock."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from saedata.frame import Embeddings
from tests_browser.visitor import SETTLED, Visitor, reached

PATIENCE = 240.0
"""Seconds after which a visitor gives up."""

WORK = 3_600.0
"""Seconds that work in the background may take before the visits."""

MARKS = '.stVegaLiteChart svg g[class*="role-mark"] path'
"""A mark of a chart that has been drawn."""

_SEEN = """([selector]) => document.querySelector(selector) ? performance.now() : 0"""
_LISTEN = """([selector]) => {
  const app = document.querySelector('[data-testid="stApp"]');
  const text = () => selector ? [...document.querySelectorAll(selector)].map(e => e.innerText).join('|') : '';
  const visit = window.visit = {since: 0, runs: 0, selector: selector, before: text(), text: text};
  for (const kind of ['click', 'keydown', 'mouseup'])
    document.addEventListener(kind, () => { if (!visit.runs) visit.since = performance.now(); }, true);
  new MutationObserver(() => {
    if (app.getAttribute('data-test-script-state') === 'notRunning') visit.runs += 1;
  }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""
_CHANGED = f"""() => {{
  const visit = window.visit;
  const done = visit.runs && (!visit.selector || visit.text() !== visit.before) && ({SETTLED})();
  return done ? performance.now() - visit.since : 0;
}}"""

Act = Callable[[Any, int], None]


@dataclass(frozen=True)
class Look:
    """One page.

    Parameters
    ----------
    name
        Its title.
    view
        Its address.
    first
        What must be seen, as a CSS selector.
    acts
        What is done there: in words, how (given the browser's page and the number of the visit), and what must
        change, as a CSS selector; nothing: something in a table, which is drawn.
    starts
        Whether its work has to be started by a button.
    """

    name: str
    view: str
    first: str
    acts: tuple[tuple[str, Act, str], ...]
    starts: bool = False


def looks(frame: Embeddings, folder: Path) -> list[Look]:
    """All pages; `folder` is one whose files can be embedded."""
    common = frame.features.filter(frame.features["label"].is_not_null()).sort("density", descending=True)
    # From the middle of the densest tenth: on in very many documents, but not in all.
    some = common[common.height // 20 : common.height // 20 + 20]
    numbers, labels = some["feature"].to_list(), some["label"].to_list()
    with (folder / "small.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([f"Answer number {number} is short."] for number in range(1000))])
    return [
        Look("Overview", "", MARKS, (("documents by another column", _choose("Count by", "side"), ".sd-wide"),)),
        Look("Compare", "compare", MARKS, (("click on another mark", _click_mark, ".sd-feature"),)),
        Look("Features", "features", MARKS, (("another feature", _type("Find", numbers), ".sd-tiles"),)),
        Look(
            "Search",
            f"search?q={quote(labels[0])}",
            ".sd-doc",
            (("another query", _type("Property", labels[1:]), ".sd-docs"),),
        ),
        Look("Correlations", "correlations", MARKS, (("click on another mark", _click_mark, ".sd-feature"),)),
        Look(
            "Map",
            "map",
            MARKS,
            (
                ("another group", _next_of("Group"), ".sd-card"),
                ("what is different inside a rectangle", _draw, ".sd-section"),
            ),
        ),
        Look(
            "Probe & classify",
            "probe?label=side",
            MARKS,
            (("the features of another probe", _another, ""),),
            starts=True,
        ),
        Look(
            "Separability",
            "separability?label=language",
            MARKS,
            (("another concept", _next_of("Concept"), ".sd-docs"),),
            starts=True,
        ),
        Look(
            "Toxicity & languages",
            "toxicity?label=side",
            MARKS,
            (("the other question", _languages, ".sd-verdict, .sd-empty"),),
            starts=True,
        ),
        Look(
            "Embed",
            "embed",
            '[data-testid="stFileUploader"]',
            (
                (
                    "choose a file",
                    _choose("or choose one on the server", f"{folder.name}/small.csv"),
                    ".sd-tiles, .sd-empty",
                ),
            ),
        ),
    ]


def prepare(look: Look, visitor: Visitor) -> None:
    """Let the work of a page be done."""
    page = visitor.open(look.view)
    button = page.get_by_role("button", name="Start", exact=True)
    if button.count():
        button.click()
        page.wait_for_selector(look.first, timeout=1e3 * WORK, state="attached")
    page.close()


def arrive(look: Look, visitor: Visitor) -> tuple[float, float]:
    """Open a page by its address; seconds until the first element is seen, and until all of it is."""
    visitor.page.goto(f"{visitor.address}/{look.view}", wait_until="commit")
    first = _clock(visitor, _SEEN, [look.first])
    return first, _clock(visitor, f"() => ({SETTLED})() ? performance.now() : 0")


def act(visitor: Visitor, how: Act, number: int, changes: str) -> float:
    """Do something; seconds from the last click or key until the page has changed and is done."""
    visitor.settle()
    visitor.page.evaluate(_LISTEN, [changes])
    how(visitor.page, number)
    return _clock(visitor, _CHANGED)


def _clock(visitor: Visitor, script: str, arguments: list[str] | None = None) -> float:
    handle = visitor.page.wait_for_function(script, arg=arguments, polling="raf", timeout=1e3 * PATIENCE)
    return float(handle.json_value()) / 1e3


def _choose(label: str, option: str) -> Act:
    def how(page: Any, number: int) -> None:
        reached(page.get_by_label(label).first).click()
        page.get_by_role("option", name=option, exact=True).click()

    return how


def _type(label: str, words: list[Any]) -> Act:
    def how(page: Any, number: int) -> None:
        field = page.get_by_label(label, exact=True).first
        field.fill(str(words[number]))
        field.press("Enter")

    return how


def _click_mark(page: Any, number: int) -> None:
    page.locator(".stVegaLiteChart g.mark-symbol.role-mark path").nth(number + 2).click(force=True)


def _next_of(label: str) -> Act:
    def how(page: Any, number: int) -> None:
        reached(page.get_by_label(label, exact=True).first).click()
        options = page.get_by_role("option")
        options.nth(1 + number % max(options.count() - 1, 1)).click()

    return how


def _draw(page: Any, number: int) -> None:
    box = page.locator(".stVegaLiteChart svg").first.bounding_box()
    left, top = box["x"] + (0.15 + 0.05 * number) * box["width"], box["y"] + 0.3 * box["height"]
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 0.3 * box["width"], top + 0.35 * box["height"], steps=6)
    page.mouse.up()


def _another(page: Any, number: int) -> None:
    page.get_by_role("radio", checked=False).nth(number % 2).click()


def _languages(page: Any, number: int) -> None:
    page.get_by_role("radio", name="Languages").click()
