"""Names beside points, as many as fit without covering each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.plots.theme import INK, NARROW, PAGE, Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

_CHARACTER, _LINE = 6.4, 15.0
"""Size of a name's characters in pixels, on average."""

_AWAY = 9.0

Box = tuple[float, float, float, float]


def placed(
    points: Sequence[tuple[float, float]], names: Sequence[str], *, size: tuple[float, float], most: int
) -> list[str | None]:
    """Find for each point the side where its name fits.

    Parameters
    ----------
    points
        In pixels from the top left corner, the most important first.
    names
        Their names.
    size
        Width and height of the picture.
    most
        Names that are placed, at most.

    Returns
    -------
    list
        "left" or "right" (where the name ends or begins at the point), or None: it does not fit.

    Examples
    --------
    >>> placed([(10, 50), (12, 52), (190, 50)], ["one", "two", "three"], size=(200, 100), most=3)
    ['right', None, 'left']
    """
    taken: list[Box] = []
    sides: list[str | None] = []
    for (x, y), name in zip(points, names, strict=True):
        boxes = _boxes(x, y, _CHARACTER * len(name)) if len(taken) < most else {}
        side = next((side for side, box in boxes.items() if _inside(box, size) and not _hits(box, taken)), None)
        if side is not None:
            taken.append(boxes[side])
        sides.append(side)
    return sides


def beside(table: pl.DataFrame, x: alt.X, y: alt.Y) -> list[Drawing]:
    """Write names beside points; where a chart is narrow they are left out.

    Parameters
    ----------
    table
        ``name`` and ``side`` ("left", "right" or null), and the fields of `x` and `y`.
    x, y
        Channels of the chart.
    """
    import altair as alt

    layers = []
    for side, align, away in (("right", "left", _AWAY), ("left", "right", -_AWAY)):
        part = table.filter(pl.col("side") == side)
        if part.height:
            base = alt.Chart(part).encode(x=x, y=y, text="name:N")
            # Letters of no size, unlike invisible ones, take no room.
            look: dict[str, Any] = {"align": align, "dx": away, "fontSize": alt.ExprRef(f"{NARROW} ? 0 : 11.5")}
            layers += [
                base.mark_text(**look, stroke=PAGE, strokeWidth=3.5, color=PAGE),
                base.mark_text(**look, color=INK),
            ]
    return layers


def _boxes(x: float, y: float, width: float) -> dict[str, Box]:
    top, bottom = y - _LINE / 2, y + _LINE / 2
    return {"right": (x + _AWAY, top, x + _AWAY + width, bottom), "left": (x - _AWAY - width, top, x - _AWAY, bottom)}


def _inside(box: Box, size: tuple[float, float]) -> bool:
    return box[0] >= 0 and box[2] <= size[0] and box[1] >= -_LINE and box[3] <= size[1] + _LINE


def _hits(box: Box, taken: Sequence[Box]) -> bool:
    return any(box[0] < one[2] and one[0] < box[2] and box[1] < one[3] and one[1] < box[3] for one in taken)
