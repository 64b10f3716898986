"""The dashboard over small frames, page by page, without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dashboard import HOSTILE, SCRIPT, labels, ran, row_of

from saedata_apps import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamlit.testing.v1 import AppTest

    from saedata.frame import Embeddings


@pytest.fixture
def corpora(make_frame: Callable[..., Embeddings]) -> Iterator[tuple[Embeddings, Embeddings]]:
    """Two corpora of 40 documents that differ in four features; one column has a hostile name and values."""
    frames = []
    for name, warm in (("warm", True), ("cold", False)):
        rows = [row_of(number, warm=warm) for number in range(40)]
        user = {
            "id": [f"q{number}" for number in range(40)],
            "model": ["a", "b"] * 20,
            HOSTILE: ["one", "two", HOSTILE, "four"] * 10,
        }
        frames.append(make_frame(f"{name}.sae", rows, user=user, labels=labels(), shard=16))
    opened.start(frames, sources=["warm.sae", "cold.sae"])
    yield frames[0], frames[1]
    opened.start([])


@pytest.fixture
def visit(corpora: Any) -> Callable[..., AppTest]:
    """Open a page with what its address says; fails if the page does."""
    from streamlit.testing.v1 import AppTest

    def open_page(name: str = "overview", **query: str) -> AppTest:
        app = AppTest.from_file(str(SCRIPT), default_timeout=240)
        app.run()
        if name != "overview":
            app.switch_page(f"views/{name}.py")
        for key, value in query.items():
            app.query_params[key] = value
        return ran(app)

    return open_page
