"""`saedata classify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saedata_cli.options import open_all, table_options
from saedata_cli.output import check_out, emit, excerpt, printable, show

if TYPE_CHECKING:
    import polars as pl

    from saedata.frame import Embeddings

_SNIPPET = 30


@click.command("classify")
@click.argument("corpus", metavar="FRAME")
@click.option(
    "--detector",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What --save of probe, toxicity or languages wrote.",
)
@click.option("--decide", "threshold", type=float, metavar="P", help="Say yes from this probability; default: its own.")
@click.option("--reasons", type=click.IntRange(0), default=5, show_default=True, help="Features named per document.")
@click.option("--encoder", metavar="NAME", help="Encoder by name or folder, for a raw corpus; default: the detector's.")
@click.option("--text", metavar="COL", help="Column with the text; default: found by its name or type.")
@click.option("--role", "roles", multiple=True, default=("assistant",), show_default=True, help="Turns of a chat.")
@click.option("--limit", type=click.IntRange(1), help="Read only the first N documents.", metavar="N")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Rows to print.")
@table_options
def command(
    corpus: str,
    detector: Path,
    threshold: float | None,
    reasons: int,
    encoder: str | None,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    top: int,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Score documents with a saved probe: what it predicts, how surely, and by which features."""
    from saedata.analysis.classify import classify
    from saedata.probing.detector import Detector

    check_out(out)
    rule = Detector.load(detector)
    (frame,) = open_all([corpus], encoder=encoder or rule.encoder.name, text=text, roles=roles, limit=limit)
    found = classify(frame, rule, reasons=reasons, threshold=threshold)
    flat = out is not None and out.suffix == ".csv"
    emit(
        _flat(found) if flat else found, out=out, as_json=as_json, people=lambda: _print(found, frame, rule.label, top)
    )


def _flat(found: pl.DataFrame) -> pl.DataFrame:
    """The table as CSV can hold it: labels of the features."""
    import polars as pl

    return found.with_columns(pl.col("features").list.eval(pl.element().struct.field("label")))


def _print(found: pl.DataFrame, frame: Embeddings, label: str, top: int) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    shown = found.sort(-pl.col("score"), "doc").head(top)
    wanted = frame.scan_documents().filter(pl.col("doc").is_in(shown["doc"].implode())).select("doc", "text")
    texts = dict(wanted.collect().iter_rows())
    table = Table("doc", "score", "predicted", "text", "by", box=None, header_style="bold", pad_edge=False)
    for row in shown.iter_rows(named=True):
        text, first = texts[row["doc"]] or "", (row["features"] or [{"start": 0, "stop": 0}])[0]
        before, word, after = excerpt(text, first["start"], first["stop"], width=_SNIPPET)
        quote = Text.assemble(before, (word, "bold yellow"), after)
        why = "; ".join(one["label"] for one in row["features"][:3])
        cells = [str(row["doc"]), f"{row['score']:.3f}", printable(str(row["predicted"]))]
        table.add_row(*(Text(cell) for cell in cells), quote, Text(printable(why)))
    counts = found["predicted"].value_counts(sort=True) if found["predicted"].dtype == pl.String else None
    said = "; ".join(f"{name}: {count:,}" for name, count in counts.head(5).iter_rows()) if counts is not None else ""
    show(table, f"{label} of {found.height:,} documents, highest scores first. {said}")
