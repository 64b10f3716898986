"""Pages that go by a column: what they show is what the library says, and their main paths can be walked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import saedata
from saedata.plots.text import counted, one_line, percent
from tests_browser.conftest import PHONE, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings
    from tests_browser.visitor import Visitor

    Visit = Callable[..., Visitor]

PAGES = (
    "",
    "separability?label=assistant",
    "toxicity?label=assistant",
    "toxicity?question=Languages&language=assistant",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_fits(visit: Visit, served_columned: str, page: str) -> None:
    visitor = visit(served_columned)
    visitor.open(page)
    assert visitor.page.locator("h1").count() == 1
    assert visitor.page.locator('[data-testid="stException"]').count() == 0
    assert visitor.page.locator(".stVegaLiteChart").count() >= 1, visitor.text
    assert visitor.too_wide(WIDE) == []
    assert visitor.too_wide(PHONE) == []


def test_languages_are_counted_as_their_column_says(visit: Visit, served_columned: str) -> None:
    visitor = visit(served_columned)
    page = visitor.open()
    card = page.locator(".sd-wide")
    assert [part in card.inner_text() for part in ("en · 60", percent(0.75), "de · 20", percent(0.25))] == [True] * 4
    visitor.choose("Count by", "assistant")
    assert [part in card.inner_text() for part in ("flint · 40", "willow · 40", percent(0.5))] == [True] * 3


def test_separability_is_that_of_the_library(visit: Visit, served_columned: str, columned: Embeddings) -> None:
    visitor = visit(served_columned)
    page = visitor.open("separability", label="assistant")
    found = saedata.separability(columned, label="assistant")
    best, dense, *_ = found.summary.iter_rows(named=True)
    assert f"the best separates them by {best['max']:.2f}" in visitor.text
    assert counted(best["live"], "feature") in visitor.text
    assert f"{dense['mean']:.3f}" in visitor.text or found.summary.height > 2
    concepts = found.concepts["concept"].unique(maintain_order=True).to_list()
    for concept in reversed(concepts):  # the last one chosen is the one that stood there first
        visitor.choose("Concept", concept)
        first = found.concepts.filter(pl.col("concept") == concept).row(0, named=True)
        assert one_line(first["label"]) in visitor.text
        assert f"feature {first['feature']}, {first['direction']} of it in {concept}" in visitor.text
        assert page.locator(".sd-doc").count() == len(first["evidence"])
        assert f"document {first['evidence'][0]}" in page.locator(".sd-doc").first.inner_text()


def test_toxicity_is_that_of_the_library(visit: Visit, served_columned: str, columned: Embeddings) -> None:
    visitor = visit(served_columned)
    page = visitor.open("toxicity", label="assistant")
    found = saedata.toxicity(columned, label="assistant")
    head = found.table.filter(pl.col("best"), pl.col("method") == "head").row(0, named=True)
    assert f"F1 {head['f1']:.3f} ({head['low']:.3f} to {head['high']:.3f})" in visitor.text
    first = found.features.row(0, named=True)
    assert f"feature {first['feature']}" in visitor.text
    assert f"document {first['evidence'][0]}" in page.locator(".sd-doc").first.inner_text()
    with visitor.answered():
        page.get_by_role("radio", name="Languages").click()
    told = saedata.languages(columned, language="assistant")
    own = counted(int(told.counts["features"].sum()), "feature")
    assert f"{own} belong to one language alone, in 2 languages" in visitor.text
