"""The page of a search: every document that was found, with the places marked that speak for it.

Texts, labels and names come from a corpus: they are escaped, control characters are replaced, and the page allows no
script and loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.errors import InputError
from saedata.plots.files import check_place, write_atomically
from saedata.plots.text import counted, one_line, plain
from saedata.plots.theme import DARK, FONT, GRID, INK, MUTED, PAGE, PALETTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

AROUND = 160
"""Characters of a long text shown before and after a mark."""

WHOLE = 700
"""Texts up to so many characters are shown whole."""

LABELS = 5
"""Features named under a text."""

_MARK, _DARK_MARK = PALETTE[4], DARK[PALETTE[4]]
_PARTS = {"rank_sae": "features", "rank_dense": "dense", "rank_bm25": "words"}


@dataclass(frozen=True)
class Mark:
    """A stretch of a text and the features that are strongest there."""

    start: int
    stop: int
    features: tuple[str, ...]
    strength: float


def save_hits(found: pl.DataFrame, path: str | Path, *, query: str = "") -> None:
    """Write the page of a search to a file.

    Parameters
    ----------
    found
        What `saedata.analysis.search.search` gave.
    path
        An .html file.
    query
        What was asked, for the heading.

    Raises
    ------
    InputError
        The name ends otherwise, or the file cannot be written.
    """
    write_atomically(check_page(path), hits_page(found, query=query))


def check_page(path: str | Path) -> Path:
    """Refuse, before any work is done, a name under which no page can be written.

    Raises
    ------
    InputError
        It does not end in .html, or its folder does not exist or cannot be written.

    Examples
    --------
    >>> check_page("hits.png")
    Traceback (most recent call last):
    ...
    saedata.errors.InputError: hits.png: what a search finds is drawn as a page, whose name must end in .html
    """
    path = Path(path)
    if path.suffix != ".html":
        msg = f"{path}: what a search finds is drawn as a page, whose name must end in .html"
        raise InputError(msg)
    return check_place(path, example="hits.html")


def hits_page(found: pl.DataFrame, *, query: str = "") -> str:
    """Make the page of a search; it needs no script and no network.

    Parameters
    ----------
    found
        What `saedata.analysis.search.search` gave: ``doc``, ``score``, ``text``, ``features`` and the ranks.
    query
        What was asked, for the heading.
    """
    heading = one_line(query) or "Documents like these"
    hits = [_hit(place, row) for place, row in enumerate(found.iter_rows(named=True), 1)]
    about = f"{counted(found.height, 'document')}, the best first. Marked: where a feature of the query is strongest."
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="saedata">\n'
        f"<title>{escape(heading)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(heading)}</h1>\n<p class="about">{escape(about)}</p>\n<ol>\n'
        + "\n".join(hits)
        + "\n</ol>\n</main>\n</body>\n</html>\n"
    )


def marks_of(features: Iterable[dict[str, Any]], length: int) -> list[Mark]:
    """Join the spans of features into stretches that do not overlap.

    Parameters
    ----------
    features
        Structs of the column ``features``.
    length
        Of the text; what lies outside is cut off.

    Returns
    -------
    list of Mark
        By place. The strength, from 0 to 1, is the summed weight of the features as a share of the heaviest mark's.

    Examples
    --------
    >>> spans = [(0, 5, "a", 0.2), (3, 8, "b", 0.1), (9, 9, "c", 1.0)]
    >>> names = ("start", "stop", "label", "weight")
    >>> marks_of([dict(zip(names, span)) | {"value": 1.0} for span in spans], 6)
    [Mark(start=0, stop=6, features=('a', 'b'), strength=1.0)]
    """
    joined: list[tuple[int, int, list[str], float]] = []
    for one in sorted(features, key=lambda one: (one["start"], -one["stop"])):
        start, stop = one["start"], min(one["stop"], length)
        if stop <= start:
            continue
        if joined and start < joined[-1][1]:
            first, last, names, weight = joined.pop()
            joined.append((first, max(last, stop), [*names, one["label"]], weight + one["weight"]))
        else:
            joined.append((start, stop, [one["label"]], one["weight"]))
    most = max((weight for *_, weight in joined), default=1.0) or 1.0
    return [Mark(start, stop, tuple(dict.fromkeys(names)), weight / most) for start, stop, names, weight in joined]


def marked_text(text: str, marks: Sequence[Mark]) -> str:
    """Escape a text and mark it; of a long one only what is around the marks is kept.

    Examples
    --------
    >>> marked_text("a <b> c", [Mark(2, 5, ('a "tag"',), 1.0)])
    'a <mark style="--strength:1.00" title="a &quot;tag&quot;">&lt;b&gt;</mark> c'
    """
    pieces, at = [], 0
    for begin, end in _windows(len(text), marks):
        pieces.append(' <span class="cut">…</span> ' if begin > at or (begin and not at) else "")
        at = begin
        for mark in (one for one in marks if begin <= one.start < end):
            names = escape(one_line("; ".join(mark.features)))
            pieces.append(_escaped(text[at : mark.start]))
            inside = _escaped(text[mark.start : mark.stop])
            pieces.append(f'<mark style="--strength:{mark.strength:.2f}" title="{names}">{inside}</mark>')
            at = mark.stop
        pieces.append(_escaped(text[at:end]))
        at = end
    pieces.append(' <span class="cut">…</span>' if at < len(text) else "")
    return "".join(pieces)


def _windows(length: int, marks: Sequence[Mark]) -> list[tuple[int, int]]:
    """Stretches of a text that are shown."""
    if length <= WHOLE:
        return [(0, length)]
    if not marks:
        return [(0, WHOLE)]
    windows: list[tuple[int, int]] = []
    for mark in marks:
        begin, end = max(mark.start - AROUND, 0), min(mark.stop + AROUND, length)
        if windows and begin <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(windows[-1][1], end))
        else:
            windows.append((begin, end))
    return windows


def _escaped(text: str) -> str:
    return escape(plain(text))


def _hit(place: int, row: dict[str, Any]) -> str:
    text, features = row["text"] or "", row["features"] or []
    ranks = [f"{name} {row[part]:,}" for part, name in _PARTS.items() if row.get(part) is not None]
    about = " · ".join([f"document {row['doc']}", f"score {row['score']:.4g}", *ranks])
    named = "".join(
        f'<li title="activation {one["value"]:.3g}, weight {one["weight"]:.3g}">{escape(one_line(one["label"]))}</li>'
        for one in features[:LABELS]
    )
    body = marked_text(text, marks_of(features, len(text))) if text.strip() else '<span class="cut">no text</span>'
    return (
        f'<li class="hit" value="{place}"><p class="about">{escape(about)}</p>'
        f'<p class="text">{body}</p><ul>{named}</ul></li>'
    )


_STYLE = f"""
:root {{ color-scheme: light dark; --page: {PAGE}; --ink: {INK}; --muted: {MUTED}; --line: {GRID}; --mark: {_MARK}; }}
@media (prefers-color-scheme:dark) {{
  :root {{ --page: {DARK[PAGE]}; --ink: {DARK[INK]}; --muted: {DARK[MUTED]}; --line: {DARK[GRID]};
    --mark: {_DARK_MARK}; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 {FONT}; overflow-wrap: anywhere; }}
main {{ max-width: 860px; margin: 0 auto; padding: 24px 16px 40px; }}
h1 {{ font-size: 1.3rem; line-height: 1.3; margin: 0 0 4px; font-weight: 650; }}
p {{ margin: 0 0 6px; }}
.about, .cut, ul {{ color: var(--muted); font-size: 0.87rem; }}
ol {{ margin: 20px 0 0; padding: 0; list-style: none; }}
.hit {{ border-top: 1px solid var(--line); padding: 14px 0; }}
.text {{ white-space: pre-wrap; }}
ul {{ display: flex; flex-wrap: wrap; gap: 4px 8px; margin: 0; padding: 0; list-style: none; }}
ul li {{ border: 1px solid var(--line); border-radius: 10px; padding: 0 8px; }}
mark {{ color: inherit; border-radius: 3px; padding: 0 1px;
  background: color-mix(in srgb, var(--mark) calc(20% + 60% * var(--strength)), transparent); }}
"""
