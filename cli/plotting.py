"""--plot: the pictures of a result, in every command the same way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Command = Any  # click's decorators are untyped where they are stacked


def plot_option(command: Command) -> Command:
    """--plot FILE, refused before any work is done where no picture can be written there; the parameter is `plot`."""

    def check(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
        from saedata.plots.saving import check_plot

        return None if value is None else check_plot(value)

    return click.option(
        "--plot",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=check,
        help="Draw the result too: .html (answers to the pointer), .png or .svg.",
    )(command)


def draw(plot: Path | None, charts: Callable[[], Sequence[Any]]) -> None:
    """Write the pictures where they were asked for; they are made only then."""
    if plot is None:
        return
    from saedata.plots.saving import save_chart

    made = list(charts())
    save_chart(made, plot)
    click.echo(f"{plot}: {len(made)} {'picture' if len(made) == 1 else 'pictures'}", err=True)
