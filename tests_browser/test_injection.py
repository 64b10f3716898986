"""Texts, labels, columns, values and names that try to be something else are shown as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests_browser.visitor import Visitor

PAGES = (
    "",
    "compare",
    "features",
    "search?q=rain&method=features",
    "correlations",
    "map?clusters=2",
    "probe",
    "separability",
    "toxicity",
    "toxicity?question=Languages",
    "embed",
)

_STRANGE = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  const bad = [...main.querySelectorAll('script, iframe, object, embed, a[href^="javascript"], img, .katex, b b')];
  return bad.filter(e => !e.closest('[data-testid="stFileUploader"]')).map(e => e.outerHTML.slice(0, 200));
}"""


@pytest.mark.parametrize("page", PAGES)
def test_everything_is_text(visit: Callable[..., Visitor], hostile: str, page: str) -> None:
    visitor = visit(hostile)
    opened = visitor.open(page)
    assert opened.evaluate(_STRANGE) == []
    assert opened.locator('[data-testid="stException"]').count() == 0
    text = opened.locator("body").inner_text()
    assert "\u202e" not in text
    assert "\u001b" not in text
    if page in ("", "compare", "features"):
        assert any(
            one in visitor.text for one in ("<b>one<b> $x$ **y**", "<img src=x onerror=alert(1)>", "<script>alert")
        )
    assert visitor.too_wide() == []
