"""Charts of `saedata.plots` on a page: their titles become text, and points can be clicked."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import streamlit as st

from saedata.plots.theme import MUTED, PALETTE
from saedata_apps.kept import ENTRIES
from saedata_apps.markup import fill, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.plots.theme import Drawing

COLUMN = 570
"""Width in pixels of a chart that shares the page with its evidence; names are placed for it."""

PICKED, BOXED = "picked", "boxed"
"""Names of the selections of a chart: a click, and a rectangle."""

_EXPORT = {"renderer": "svg", "actions": {"export": True, "source": False, "compiled": False, "editor": False}}


def drawn(about: Any, draw: Callable[[], Drawing]) -> dict[str, Any]:
    """Draw a chart once for all visitors: that takes longer than all else that a click on a page leads to.

    Parameters
    ----------
    about
        Everything that decides what is drawn, as plain values: keys of the frames, options, choices.
    draw
        Calls a function of `saedata.plots`.
    """
    return _drawn(repr(about), draw)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _drawn(about: str, _draw: Callable[[], Drawing]) -> dict[str, Any]:
    spec: dict[str, Any] = _draw().to_dict()
    return spec


def chart(drawing: Drawing | dict[str, Any], *, key: str, title: bool = True, height: int | None = None) -> None:
    """Show a chart.

    Parameters
    ----------
    drawing
        What a function of `saedata.plots`, or `drawn`, gave.
    key
        Unique on the page.
    title
        Whether its title is shown above it, as text of the page.
    height
        In pixels; None: the chart's own.
    """
    spec = _spec(drawing, title=title)
    if height is not None:
        spec["height"] = height
    st.vega_lite_chart(spec, width="stretch", theme=None, key=key)


def picked(
    drawing: Drawing | dict[str, Any],
    *,
    key: str,
    fields: Sequence[str],
    take: Callable[[dict[str, Any]], None],
    box: Callable[[tuple[float, float, float, float]], None] | None = None,
    title: bool = True,
) -> None:
    """Show a chart whose marks can be clicked.

    Parameters
    ----------
    drawing
        What a function of `saedata.plots`, or `drawn`, gave.
    key
        Unique on the page.
    fields
        Fields of the data that say what was clicked.
    take
        Called with these fields before the page is run again.
    box
        Called with left, right, low and high of a rectangle that was drawn; None: none can be.
    title
        Whether its title is shown above it.
    """
    spec = _spec(drawing, title=title)
    selection = {"name": PICKED, "select": {"type": "point", "fields": list(fields), "toggle": False}}
    layers = spec.get("layer")
    owner = _holding(layers, fields[0], spec) if layers else spec
    if owner is None:  # nothing was drawn but a sentence
        st.vega_lite_chart(spec, width="stretch", theme=None, key=key)
        return
    owner.setdefault("params", []).append(selection)
    _show_as_clickable(owner)
    if box is not None:
        _let_draw_a_box(owner)

    def clicked() -> None:
        selection = st.session_state[key]["selection"]
        chosen, drawn = selection.get(PICKED), selection.get(BOXED)
        if box is not None and drawn and {"x", "y"} <= drawn.keys():
            box((*sorted(drawn["x"]), *sorted(drawn["y"])))
        elif chosen and all(field in chosen[0] for field in fields):
            take(chosen[0])

    st.vega_lite_chart(
        spec,
        width="stretch",
        theme=None,
        key=key,
        on_select=clicked,
        selection_mode=[PICKED] if box is None else [PICKED, BOXED],
    )


def _spec(drawing: Drawing | dict[str, Any], *, title: bool) -> dict[str, Any]:
    """The chart as plain JSON values, as wide as its place; its heading becomes text of the page."""
    given = drawing if isinstance(drawing, dict) else drawing.to_dict()
    data = given.get("datasets", {})  # never changed, and large
    spec: dict[str, Any] = copy.deepcopy({name: part for name, part in given.items() if name != "datasets"})
    spec |= {"datasets": data} if data else {}
    head = spec.pop("title", {})
    if title:
        _heading(head if isinstance(head, dict) else {"text": head})
    spec["usermeta"] = {"embedOptions": _EXPORT}
    spec.pop("width", None)
    spec["autosize"] = {"type": "fit-x", "contains": "padding", "resize": True}
    return spec


def _heading(head: dict[str, Any]) -> None:
    text, about = (_line(head.get(name)) for name in ("text", "subtitle"))
    show(fill('<div class="sd-figure"><h3>{text}</h3><p>{about}</p></div>', text=text, about=about))


def _line(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value or "")


def _holding(layers: list[dict[str, Any]], field: str, spec: dict[str, Any]) -> dict[str, Any] | None:
    """The layer of marks whose data have a field."""
    data = spec.get("datasets", {})
    for layer in layers:
        if "layer" in layer:
            inside = _holding(layer["layer"], field, {**spec, "data": layer.get("data", spec.get("data"))})
            if inside is not None:
                return inside
            continue
        name = (layer.get("data") or spec.get("data") or {}).get("name")
        mark = layer.get("mark")
        kind = mark.get("type") if isinstance(mark, dict) else mark
        if field in (data.get(name) or [{}])[0] and kind in ("point", "circle", "square", "rect", "bar"):
            return layer
    return None


def _let_draw_a_box(layer: dict[str, Any]) -> None:
    """A rectangle selects; what lies outside of it turns grey."""
    brush = {"fill": PALETTE[4], "fillOpacity": 0.12, "stroke": PALETTE[4]}
    layer["params"].append({"name": BOXED, "select": {"type": "interval", "encodings": ["x", "y"], "mark": brush}})
    colour = layer["encoding"].get("color", {"value": layer["mark"].get("color", PALETTE[0])})
    layer["encoding"]["color"] = {"condition": {**colour, "param": BOXED}, "value": MUTED}


def _show_as_clickable(layer: dict[str, Any]) -> None:
    mark = layer.get("mark")
    layer["mark"] = {**(mark if isinstance(mark, dict) else {"type": mark}), "cursor": "pointer"}
