"""Every page on the samples: what it shows is what the library says, and its main path can be walked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import saedata
from saedata.plots.text import percent, points
from tests_browser.conftest import PHONE, WIDE
from tests_browser.visitor import reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings
    from tests_browser.visitor import Visitor

    Visit = Callable[..., Visitor]

PAGES = ("", "compare", "features", "search?q=hedging", "correlations", "map", "probe", "embed")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_fits(visit: Visit, served: str, page: str) -> None:
    visitor = visit(served)
    visitor.open(page)
    assert visitor.page.locator("h1").count() == 1
    assert visitor.page.locator('[data-testid="stException"]').count() == 0
    assert visitor.too_wide(WIDE) == []
    assert visitor.too_wide(PHONE) == []


def test_the_start_page_opens_on_a_phone(visit: Visit, served: str) -> None:
    visitor = visit(served, size=PHONE)
    page = visitor.open()
    assert visitor.too_wide() == []
    assert page.locator(".sd-verdict").bounding_box()["width"] > 300  # no menu lies over it


def test_two_clicks_lead_to_what_one_does_and_the_other_does_not(
    visit: Visit, served: str, samples: list[Embeddings]
) -> None:
    visitor = visit(served)
    page = visitor.open()
    found = saedata.diff(*samples)
    shown = page.locator(".sd-card")
    assert shown.count() == 10  # five that willow does more, five that flint does more
    first = found.filter(pl.col("difference") > 0).row(0, named=True)
    assert points(first["difference"]) in shown.first.inner_text()
    assert percent(first["target"]) in shown.first.inner_text()
    with visitor.answered():
        page.get_by_text("Show me where").first.click()
    page.wait_for_url("**/compare?**")
    evidence = page.locator(".sd-doc")
    assert evidence.count() == 5
    docs = samples[0].top_documents(first["feature"], 5)
    assert f"document {docs['doc'][0]}" in evidence.first.inner_text()
    row = docs.row(0, named=True)
    assert evidence.first.locator("mark").first.inner_text() == row["text"][row["start"] : row["stop"]]


def test_a_click_on_a_difference_shows_its_documents(visit: Visit, served: str, samples: list[Embeddings]) -> None:
    visitor = visit(served)
    page = visitor.open("compare")
    before = page.locator(".sd-card").inner_text()
    with visitor.answered():
        page.locator(".stVegaLiteChart g.mark-symbol.role-mark path").nth(5).click(force=True)
    page.wait_for_function("text => document.querySelector('.sd-card').innerText !== text", arg=before)
    feature = int(page.evaluate("() => new URL(location).searchParams.get('feature')"))
    row = saedata.diff(*samples).filter(pl.col("feature") == feature).row(0, named=True)
    card = page.locator(".sd-card").inner_text()
    assert f"feature {feature}" in card
    assert points(row["difference"]) in card


def test_an_address_shows_the_same_view_again(visit: Visit, served: str, samples: list[Embeddings]) -> None:
    visitor = visit(served)
    feature = saedata.diff(*samples)["feature"][3]
    page = visitor.open("compare", adjust="length", feature=feature)
    assert f"feature {feature}" in visitor.text
    assert "Compared among documents of similar length" in visitor.text
    again = visit(served)
    again.page.goto(page.url)
    again.settle()
    assert again.text == visitor.text


def test_a_feature_is_found_read_and_renamed(visit: Visit, served: str, samples: list[Embeddings]) -> None:
    visitor = visit(served)
    page = visitor.open("features")
    labelled = samples[0].features.filter(pl.col("label").is_not_null(), pl.col("density").is_between(0.3, 0.9))
    best = labelled.sort("density", "feature").row(-1, named=True)
    visitor.type("Find", best["label"])
    assert f"{best['documents']:,}" in page.locator(".sd-tiles").inner_text()
    tokens = samples[0].tokens(samples[0].top_documents(best["feature"], 1)["doc"][0])
    on = (
        tokens.filter(pl.col("feature") == best["feature"], pl.col("value") > samples[0].threshold)
        .select("start", "stop")
        .unique()
        .height
    )
    assert page.locator(".sd-doc").first.locator("mark").count() == on
    page.get_by_text("Edit the label").click()
    page.get_by_label("Label", exact=True).fill("says <i>thank you</i>")
    with visitor.answered():
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("The label is kept.").wait_for()
    kept = saedata.open(samples[0].path).features.filter(pl.col("feature") == best["feature"])
    assert kept["label"][0] == "says <i>thank you</i>"


def test_a_search_finds_what_the_library_finds(visit: Visit, served: str, samples: list[Embeddings]) -> None:
    visitor = visit(served)
    page = visitor.open("search", limit=10)
    visitor.type("Property", '"apologises" AND NOT "numbered list"')
    now = saedata.open(samples[0].path)  # with the label that was edited above
    found = saedata.search(now, '"apologises" AND NOT "numbered list"', limit=10)
    hits = page.locator(".sd-doc").all_inner_texts()
    assert [f"document {doc} " in hit for doc, hit in zip(found["doc"], hits, strict=True)] == [True] * found.height


def test_correlations_are_those_of_the_library(visit: Visit, served: str, samples: list[Embeddings]) -> None:
    visitor = visit(served)
    page = visitor.open("correlations")
    row = saedata.correlate(samples[0]).row(0, named=True)
    assert f"{row['tested']:,} pairs were tested" in visitor.text
    assert f"NPMI {row['npmi']:.2f}" in page.locator(".sd-card").inner_text()
    assert page.locator(".sd-doc mark").count() >= 2


def test_a_rectangle_on_the_map_says_what_is_different_inside(
    visit: Visit, served: str, samples: list[Embeddings]
) -> None:
    visitor = visit(served)
    page = visitor.open("map")
    found = saedata.cluster(samples[0])
    assert f"160 documents in {found.summary['clusters'][0]} groups" in visitor.text
    box = page.locator(".stVegaLiteChart svg").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"], steps=8)
    page.mouse.up()
    page.get_by_text("Inside:").first.wait_for()
    visitor.settle()
    left, right, low, high = map(float, page.evaluate("() => new URL(location).searchParams.get('box')").split(","))
    within = found.documents.filter(pl.col("x").is_between(left, right), pl.col("y").is_between(low, high))
    assert f"Inside: {within.height} documents" in visitor.text


def test_a_corpus_is_embedded_in_the_background_probed_and_others_classified(
    visit: Visit, served: str, samples: list[Embeddings]
) -> None:
    visitor = visit(served)
    page = visitor.open("embed")
    with visitor.answered():
        reached(page.get_by_label("or choose one on the server")).click()
        page.get_by_role("option").first.click()
    assert "80" in page.locator(".sd-tiles").inner_text()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("80 documents of both are open").wait_for(timeout=900_000)
    visitor.go("Probe")
    visitor.choose("Corpus", "both")
    page.get_by_text("predict assistant with").wait_for(timeout=900_000)
    assert "AUC" in visitor.settle().locator(".sd-verdict").first.inner_text().upper()
    texts = [frame.documents["text"][100].replace("\n", " ")[:300] for frame in samples]
    page.get_by_label("One document in each line").fill("\n".join(texts))
    with visitor.answered():
        page.get_by_role("button", name="Classify").click()
    assert "2 documents; assistant: 1 flint, 1 willow" in visitor.text.replace("1 willow, 1 flint", "1 flint, 1 willow")
    assert page.locator(".sd-doc", has_text="predicted").locator("mark").count() >= 1


def test_light_and_dark(visit: Visit, served: str) -> None:
    inks = set()
    for scheme in ("light", "dark"):
        visitor = visit(served, scheme=scheme)
        page = visitor.open()
        ink, paper = (
            page.evaluate(f"() => getComputedStyle(document.querySelector('.{name}')).{what}")
            for name, what in (("sd-verdict", "color"), ("stApp", "backgroundColor"))
        )
        inks.add((ink, paper))
    assert len(inks) == 2
