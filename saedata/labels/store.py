"""Where labels go: a table of the windows that they were written from, and the features of an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from saedata.encoders.registry import DESCRIPTION, LABELS
from saedata.errors import EncoderError
from saedata.frame.disk import write_file, write_parquet, writing
from saedata.frame.layout import LABEL_SCHEMA
from saedata.frame.relabel import merged_labels
from saedata.labels.tasks import EXAMPLE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saedata.labels.tasks import Task

EXAMPLES, PROVENANCE = "examples.parquet", "provenance.json"


def examples_table(tasks: Iterable[Task], labelled: Iterable[int]) -> pl.DataFrame:
    """Every window that was shown for a label: feature, role, decile, value, and the hash of its text."""
    kept = set(labelled)
    rows = [row for task in tasks if task.feature in kept for row in task.examples]
    return pl.DataFrame(rows, schema=EXAMPLE_SCHEMA, orient="row")


def write_record(folder: str | Path, examples: pl.DataFrame, provenance: dict[str, Any]) -> None:
    """Write `examples.parquet` and `provenance.json` into a folder, which is made if need be."""
    place = Path(folder)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        write_parquet(place / EXAMPLES, examples)
        content = orjson.dumps(provenance, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        write_file(place / PROVENANCE, lambda file: file.write(content))


def label_encoder(folder: str | Path, labels: pl.DataFrame, *, there: pl.DataFrame | None = None) -> pl.DataFrame:
    """Put labels into an encoder's folder: its `features.parquet`, with one row for each feature.

    Parameters
    ----------
    folder
        Of the encoder, as `saedata train` wrote it; of one with a name, `Encoder.folder`.
    labels
        ``feature``, ``label`` and where known the other columns of a label table. A feature that is not in it, or has
        no label in it, keeps what it has.
    there
        What it has, with one row for each feature; default: what lies in the folder, which must be an encoder's.

    Returns
    -------
    polars.DataFrame
        What was written.

    Raises
    ------
    EncoderError
        The folder is no encoder.
    FrameError
        The labels do not fit it, or it cannot be written.
    """
    place = Path(folder)
    present = known_labels(place / LABELS, _features(place)) if there is None else there
    table = merged_labels(present.cast(pl.Schema(LABEL_SCHEMA)), labels)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        write_parquet(place / LABELS, table)
    return table


def _features(folder: Path) -> int:
    """Features of an encoder's folder."""
    try:
        features = int(orjson.loads((folder / "cfg.json").read_bytes())["d_sae"])
        if not (folder / DESCRIPTION).is_file():
            raise FileNotFoundError(DESCRIPTION)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        msg = f"{folder} is not the folder of an encoder; give one that `saedata train` wrote"
        raise EncoderError(msg) from None
    return features


def known_labels(path: Path, d_sae: int) -> pl.DataFrame:
    """Labels that an encoder has already, or as many empty rows."""
    every = pl.DataFrame({"feature": pl.arange(d_sae, eager=True, dtype=pl.UInt32)})
    if not path.exists():
        return every.with_columns(
            pl.lit(None, kind).alias(name) for name, kind in LABEL_SCHEMA.items() if name != "feature"
        )
    try:
        table = pl.read_parquet(path)
        absent = [pl.lit(None, kind).alias(name) for name, kind in LABEL_SCHEMA.items() if name not in table.columns]
        table = table.with_columns(absent).cast(LABEL_SCHEMA)  # type: ignore[arg-type]
        return every.join(table.unique("feature", keep="first"), on="feature", how="left", maintain_order="left")
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"the labels in {path} cannot be read: {' '.join(str(error).split())[:200]}"
        raise EncoderError(msg) from error
