"""Two corpora that differ in a known way, with hostile names in them; and what a page of the dashboard shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import saedata_apps

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

SCRIPT = Path(saedata_apps.__file__).with_name("app.py")

HOSTILE = "<img src=x onerror=alert(1)> **bold** $x^2$ :red[red] [link](https://example.org) \u202eevil\u001b[31m"

LABELS = ["says sorry", "asks back", "a list", "warns", None, HOSTILE, "never on", "is polite"]


def labels() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature": range(8),
            "label": LABELS,
            "kind": ["tone", "style", "format", "tone", None, "topic", "topic", "tone"],
            "label_source": ["test"] * 8,
        },
        schema_overrides={"feature": pl.UInt32},
    )


def row_of(number: int, *, warm: bool) -> tuple[str, dict[int, float]]:
    """A document: warm ones say sorry and ask back, the others warn and list."""
    on = {0: 2.0 + number % 3, 1: 1.5} if warm else {2: 2.5, 3: 1.0 + number % 4}
    if number % 5 == 0:
        on |= {0: 1.0} if not warm else {3: 1.0}
    if number % 2 == 0:
        on[4] = 1.0 + number / 40
    if number % 7 == 0:
        on |= {5: 1.5, 7: 1.0}
    return f"document {number} says {HOSTILE if number % 7 == 0 else 'a few plain words'} in all", on


def ran(app: AppTest) -> AppTest:
    """Run the page again, and let no exception pass."""
    app.run()
    assert not app.exception, [one.value for one in app.exception]
    return app


def markup(app: AppTest) -> str:
    """All HTML that the page shows."""
    return "\n".join(one.body for one in app.get("html"))
