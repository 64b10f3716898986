"""How a frame leaves the command line: as a file, as JSON, or as a table for people."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.table import Table

_FORMATS = ".parquet, .csv, .json"


def check_out(out: Path | None) -> None:
    """Refuse an --out that cannot be written, before any work is done."""
    if out is None:
        return
    if out.suffix not in _FORMATS.split(", "):
        msg = f"--out {out}: the name must end in {_FORMATS.replace(', .json', ' or .json')}"
        raise InputError(msg)
    _check_folder("--out", out)


def check_save(save: Path | None) -> None:
    """Refuse a --save that a detector cannot be written to, before any work is done."""
    if save is None:
        return
    if save.suffix != ".json":
        msg = f"--save {save}: the name must end in .json"
        raise InputError(msg)
    _check_folder("--save", save)


def _check_folder(option: str, path: Path) -> None:
    if not path.absolute().parent.is_dir():
        msg = f"{option} {path}: there is no folder {path.parent}"
        raise InputError(msg)


def emit(frame: pl.DataFrame, *, out: Path | None, as_json: bool, people: Callable[[], None] | None = None) -> None:
    """Write the frame where it was asked for; without a file or --json, show it to people."""
    if out is not None:
        _write(frame, out)
        click.echo(f"{out}: {frame.height:,} rows", err=True)
    if as_json:
        click.echo(_json(frame))
    if out is None and not as_json and people:
        people()


def emit_beside(tables: Mapping[str, pl.DataFrame], *, out: Path | None) -> None:
    """Write further tables beside the first, x.NAME.csv beside x.csv, where they are not empty."""
    if out is None:
        return
    for name, table in tables.items():
        if table.height:
            emit(table, out=out.with_suffix(f".{name}{out.suffix}"), as_json=False)


def _json(frame: pl.DataFrame) -> str:
    buffer = io.BytesIO()
    frame.write_json(buffer)
    return buffer.getvalue().decode()


def _write(frame: pl.DataFrame, out: Path) -> None:
    partial = out.with_name(out.name + ".partial")
    try:
        if out.suffix == ".parquet":
            frame.write_parquet(partial)
        elif out.suffix == ".json":
            partial.write_text(_json(frame) + "\n", encoding="utf-8")
        else:
            lists = pl.selectors.list()
            frame.with_columns(lists.cast(pl.List(pl.String)).list.join("; ")).write_csv(partial)
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        msg = f"cannot write {out}: {error.strerror}"
        raise InputError(msg) from error


def show(table: Table, *notes: str) -> None:
    """Print a table and notes under it; no markup in them is obeyed."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(table)
    for note in notes:
        console.print(Text(printable(note), style="dim"))


def brief(label: str, length: int = 36) -> str:
    """A label as a table for people shows it: printable, and at most so many characters long."""
    text = printable(label)
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def printable(text: str) -> str:
    """Text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def excerpt(text: str, start: int, stop: int, *, width: int) -> tuple[str, str, str]:
    """A span of a document with up to `width` characters before and after it: before, span, after."""
    before, span, after = text[max(start - width, 0) : start], text[start:stop], text[stop : stop + width]
    return printable(before), printable(span), printable(after)


def percent(share: float) -> str:
    """A share as a percentage with one decimal, as the report prints it too."""
    return f"{100 * share:.1f} %"


def number(value: float) -> str:
    """A p or q: two figures, or an upper bound where it is tiny."""
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"


@contextmanager
def told() -> Iterator[None]:
    """Say what the library warns of in one sentence, without its source line; --quiet leaves it out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for one in caught:
        logging.getLogger("saedata").warning("%s", one.message)
