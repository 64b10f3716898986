"""What the report's tests share: two corpora that differ in known ways, and a page read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from saedata.frame import Embeddings
from saedata.reports import report

WORDS = ("sorry", "perhaps", "list", "never", "tea", "rain", "zinc", "quiet")
MakeFrame = Callable[..., Embeddings]
Pair = tuple[Embeddings, Embeddings]
Rows = list[tuple[str | None, dict[int, float]]]


def rows(n: int, every: dict[int, int], *, name: str, filler: int = 4) -> Rows:
    """Documents in which feature f is on in the first `every[f]`; its strongest word is its own."""
    made: Rows = []
    for doc in range(n):
        on = {feature: 1.0 + doc / 7 for feature, count in every.items() if doc < count}
        text = " ".join([*WORDS, f"{name}{doc}", *(f"word{i}" for i in range(filler))])
        made.append((text, on))
    return made


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def written(*frames: Embeddings, out: Path, **options: Any) -> BeautifulSoup:
    """A page without the sections on pairs and groups, which take seconds, unless they are asked for."""
    return page(report(*frames, out=out, **({"pairs": 0, "groups": False} | options)))


def only(parent: Tag | BeautifulSoup, selector: str) -> Tag:
    found = parent.select(selector)
    assert len(found) == 1, (selector, len(found))
    return found[0]


def words_of(tag: Tag) -> str:
    return " ".join(tag.get_text().split())
