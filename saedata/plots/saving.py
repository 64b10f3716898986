"""Charts as files: a page that needs no network, a picture, or a drawing; and as a part of another page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.errors import InputError
from saedata.plots.files import check_place, write_atomically
from saedata.plots.theme import DARK, FONT, GRID, INK, MUTED, PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.plots.theme import Drawing

FORMATS = (".html", ".png", ".svg")
"""Endings of the files that `save_chart` writes."""

SCALE = 2
"""Pixels of a picture for each of the chart's."""

_GAP = 28


def save_chart(chart: Drawing | Sequence[Drawing], path: str | Path) -> None:
    """Write a chart, or several below each other, to a file.

    Parameters
    ----------
    chart
        One chart of `saedata.plots` (or any single or layered altair chart), or several.
    path
        Its ending says what is written: .html, a page that answers to the pointer and needs no network; .png, twice
        as many pixels as the chart's; .svg. The page and the drawing follow the reader's choice of light or dark.

    Raises
    ------
    InputError
        The name ends otherwise, or the file cannot be written; what was there before is untouched then.

    Examples
    --------
    >>> save_chart(difference_chart(saedata.diff(willow, flint)), "differences.html")  # doctest: +SKIP
    """
    path = check_plot(path)
    charts = list(chart) if isinstance(chart, list | tuple) else [chart]
    if path.suffix == ".html":
        write_atomically(path, html(charts))
    elif path.suffix == ".svg":
        write_atomically(path, svg(charts))
    else:
        write_atomically(path, png(charts))


def check_plot(path: str | Path) -> Path:
    """Refuse, before any work is done, a name under which no chart can be written.

    Raises
    ------
    InputError
        It does not end in .html, .png or .svg, or its folder does not exist or cannot be written.

    Examples
    --------
    >>> check_plot("differences.pdf")
    Traceback (most recent call last):
    ...
    saedata.errors.InputError: differences.pdf: the name of a plot must end in .html, .png or .svg
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        msg = f"{path}: the name of a plot must end in .html, .png or .svg"
        raise InputError(msg)
    return check_place(path, kind="image or HTML file", example="plot.html")


def html(charts: Sequence[Drawing]) -> str:
    """Make a page of charts with everything it needs inside; only its own two scripts may run."""
    import vl_convert

    figures, specs = [], []
    for place, chart in enumerate(charts):
        spec = chart.to_dict()
        title, subtitle = _heading(spec.pop("title", {}))
        about = f"<p>{escape(subtitle)}</p>" if subtitle else ""
        figures.append(f'<figure><h1>{escape(title)}</h1>{about}<div id="chart{place}"></div></figure>')
        specs.append(_fitting(spec))
    # As JSON in a script of no executable type, where "<" could only begin a closing tag.
    data = json.dumps(specs, ensure_ascii=False).replace("<", "\\u003c")
    library = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is behind
    scripts = (library, _START)
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    title = escape(_heading(charts[0].to_dict().get("title", {}))[0] if charts else "")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="saedata">\n'
        f"<title>{title}</title>\n<style>{_PAGE_STYLE}{_dark_rules()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(figures)
        + f'\n</main>\n<script id="specs" type="application/json">{data}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


def svg(charts: Sequence[Drawing], *, background: bool = True, dark: bool = True) -> str:
    """Draw charts below each other.

    Parameters
    ----------
    charts
        One or more.
    background
        Whether there is a page behind them; else they are transparent.
    dark
        Whether colours follow the reader's choice of light or dark.
    """
    import vl_convert

    drawings = [vl_convert.vegalite_to_svg(chart.to_dict()) for chart in charts]
    sizes = [_size(drawing) for drawing in drawings]
    width, height = max(w for w, _ in sizes), sum(h for _, h in sizes) + _GAP * (len(sizes) - 1)
    parts, top = [], 0.0
    for place, (drawing, (_, tall)) in enumerate(zip(drawings, sizes, strict=True)):
        parts.append(own_ids(drawing, f"chart{place}").replace("<svg ", f'<svg x="0" y="{top:g}" ', 1))
        top += tall + _GAP
    style = f"<style>{_dark_rules()}</style>" if dark else ""
    about = escape(". ".join(_heading(chart.to_dict().get("title", {}))[0] for chart in charts), quote=True)
    page = f'<rect class="page" width="100%" height="100%" fill="{PAGE}"/>' if background else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
    head = f'{head}viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{about}">'
    return f"{head}{style}{page}{''.join(parts)}</svg>\n"


def png(charts: Sequence[Drawing]) -> bytes:
    """Paint charts below each other on white."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg(charts, dark=False), scale=SCALE))


def inline_svg(chart: Drawing, prefix: str) -> str:
    """Draw a chart as a part of a page, which gives it its title and colours and speaks for it to screen readers.

    Parameters
    ----------
    chart
        The chart.
    prefix
        Makes the drawing's ids unique on the page.
    """
    import vl_convert

    spec = chart.to_dict()
    spec.pop("title", None)
    return own_ids(vl_convert.vegalite_to_svg(spec), prefix)


def own_ids(drawing: str, prefix: str) -> str:
    """Make the ids of a drawing its own. Only tags are changed: a label may well hold what looks like an id."""

    def own(tag: re.Match[str]) -> str:
        return re.sub(r'(\bid="|url\(#)', rf"\1{prefix}-", tag.group())

    drawing = re.sub(r"<[^<>]*>", own, drawing)
    return re.sub(r"<svg [^>]*?>", _opening, drawing, count=1)


def _opening(match: re.Match[str]) -> str:
    width, height = (re.search(rf'{name}="([\d.]+)"', match.group()) for name in ("width", "height"))
    assert width is not None
    assert height is not None
    box = re.search(r'viewBox="[^"]*"', match.group())
    view = box.group() if box else f'viewBox="0 0 {width[1]} {height[1]}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" width="{width[1]}" height="{height[1]}" {view}>'


def _size(drawing: str) -> tuple[float, float]:
    found = re.search(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"', drawing)
    assert found is not None
    return float(found[1]), float(found[2])


def _heading(title: Any) -> tuple[str, str]:
    """Title and subtitle of a chart in one line each."""
    given = title if isinstance(title, dict) else {"text": title}
    both = (given.get(name) or "" for name in ("text", "subtitle"))
    text, subtitle = (" ".join(one) if isinstance(one, list) else str(one) for one in both)
    return text, subtitle


def _fitting(spec: dict[str, Any]) -> dict[str, Any]:
    """Let a single view be as wide as the page; others keep their size and are scaled where they are too wide."""
    if not {"hconcat", "vconcat", "concat", "facet", "repeat"} & set(spec):
        spec |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding", "resize": True}}
    return spec


def _dark_rules() -> str:
    rules = (f'[{name}="{light}"]{{{name}:{dark}}}' for light, dark in DARK.items() for name in ("fill", "stroke"))
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


# The interpreter (ast) evaluates what a chart computes, so that the page needs no eval.
_START = """
const charts = JSON.parse(document.getElementById("specs").textContent);
const options = {renderer: "svg", ast: true, actions: {export: true, source: false, compiled: false, editor: false}};
Promise.all(charts.map((spec, place) => vegaEmbed("#chart" + place, spec, options))).then(
  () => { document.body.dataset.drawn = charts.length; },
  (error) => { document.querySelector("main").append("This chart could not be drawn: " + error.message); });
"""

_PAGE_STYLE = f"""
:root {{ color-scheme: light dark; --page: {PAGE}; --ink: {INK}; --muted: {MUTED}; --line: {GRID}; }}
@media (prefers-color-scheme:dark) {{
  :root {{ --page: {DARK[PAGE]}; --ink: {DARK[INK]}; --muted: {DARK[MUTED]}; --line: {DARK[GRID]}; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 {FONT}; overflow-wrap: anywhere; }}
main {{ max-width: 1000px; margin: 0 auto; padding: 24px 16px 40px; }}
figure {{ margin: 0 0 44px; }}
h1 {{ font-size: 1.2rem; line-height: 1.3; margin: 0 0 4px; font-weight: 650; }}
p {{ margin: 0 0 12px; color: var(--muted); max-width: 80ch; }}
figure > div {{ width: 100%; }}
figure > .vega-embed.has-actions {{ padding-right: 0; }}
figure > div svg {{ max-width: 100%; }}
#vg-tooltip-element.vg-tooltip {{
  background: var(--page); color: var(--ink); border: 1px solid var(--line); font: 13px/1.45 {FONT}; max-width: 340px;
}}
#vg-tooltip-element table tr td.key {{ color: var(--muted); max-width: 110px; }}
#vg-tooltip-element table tr td.value {{ max-width: 210px; max-height: none; overflow-wrap: anywhere; }}
"""
