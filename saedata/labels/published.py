"""Labels that others published: exports of Neuronpedia and plain tables of labels, read with their source.

What is understood, told apart by what is in the files:

- Neuronpedia's explanations as JSON lines or a JSON list, packed (`.gz`) or not, one file or many (a folder of its
  export holds `batch-0.jsonl.gz`, `batch-1.jsonl.gz`, ...): objects with ``index`` and ``description``, and where
  given ``modelId``, ``layer``, ``typeName``, ``explanationModelName`` and ``scores``.
- A JSON object from feature numbers to labels, as in the published labels of Goodfire's SAEs; or a JSON list of
  labels, feature by feature.
- A CSV or Parquet table, or JSON objects, with a column for the feature (``feature``, ``index``, ``feature_id``,
  ``index_in_sae``, ...) and one for the label (``label``, ``description``, ``explanation``).
"""

from __future__ import annotations

import contextlib
import gzip
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from saedata.errors import InputError
from saedata.frame.layout import LABEL_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

log = logging.getLogger("saedata")

LARGEST = 1 << 30
"""Bytes of one file, unpacked."""

_FEATURE = ("feature", "index", "feature_id", "feature_index", "index_in_sae", "latent", "latent_id", "id")
_LABEL = ("label", "description", "explanation")
_MODEL = "explanationModelName"
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".csv", ".parquet")
_HIGHEST = 2**32 - 1


def published_labels(
    paths: str | Path | Sequence[str | Path], *, features: int | None = None, source: str | None = None
) -> pl.DataFrame:
    """Read published labels.

    Parameters
    ----------
    paths
        Files, or folders whose files are read in the order of their names.
    features
        How many features the encoder has; None: any.
    source
        Where the labels are from; default: what the files say of themselves, else their name.

    Returns
    -------
    polars.DataFrame
        Columns of a label table (see `saedata.frame.layout.LABEL_SCHEMA`): one row for each feature that has a label,
        with ``label_source``, and the ``label_score`` that the files give, if any. Of several labels of a feature the
        one with the best score stays, the first of equals.

    Raises
    ------
    InputError
        A file cannot be read, holds no labels, or names a feature that the encoder does not have.
    """
    rows: list[tuple[int, str, str, float | None]] = []
    for path in _files(paths):
        found = list(_labels(path, source))
        if not found:
            msg = f"{path} holds no labels: neither Neuronpedia's explanations nor a table of features and labels"
            raise InputError(msg)
        rows += found
    return _table(rows, features)


def _table(rows: list[tuple[int, str, str, float | None]], features: int | None) -> pl.DataFrame:
    schema = {name: LABEL_SCHEMA[name] for name in ("feature", "label", "label_source", "label_score")}
    highest = max((row[0] for row in rows), default=0)
    if features is not None and highest >= features:
        msg = (
            f"a label is for feature {highest}, but this encoder has features 0 to {features - 1}: it is another SAE's"
        )
        raise InputError(msg)
    table = pl.DataFrame(rows, schema=schema, orient="row")
    best = table.sort(
        "feature", pl.col("label_score").fill_null(float("-inf")), descending=[False, True], maintain_order=True
    )
    once = best.unique("feature", keep="first", maintain_order=True)
    if once.height < table.height:
        log.info("%s features have several labels; one of each is taken", f"{table.height - once.height:,}")
    nothing = [pl.lit(None, LABEL_SCHEMA[name]).alias(name) for name in LABEL_SCHEMA if name not in once.columns]
    return once.with_columns(nothing).select(list(LABEL_SCHEMA))


def _files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    found: list[Path] = []
    for place in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        inside = sorted(p for p in place.iterdir() if p.name.endswith(_SUFFIXES)) if place.is_dir() else [place]
        if not inside:
            msg = f"{place} has no file of labels; known are {', '.join(_SUFFIXES)}"
            raise InputError(msg)
        found += inside
    return found


def _labels(path: Path, source: str | None) -> Iterator[tuple[int, str, str, float | None]]:
    """Feature, label, source and score; what has no label is left out."""
    for number, entry in enumerate(_entries(path), start=1):
        feature, label = _first(entry, _FEATURE), _first(entry, _LABEL)
        if label is None or (isinstance(label, str) and not label.strip()):
            continue
        if not isinstance(label, str) or not (index := _number(feature)):
            msg = f"{path}, entry {number}: {str(entry)[:80]} has no feature number with a label"
            raise InputError(msg)
        yield index[0], " ".join(label.split()), source or _source(entry, path), _score(entry)


def _first(entry: dict[str, Any], names: Iterable[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _number(value: Any) -> list[int]:
    """A feature number, given as a number or in digits; nothing if it is none."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    return [value] if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST else []


def _source(entry: dict[str, Any], path: Path) -> str:
    """Where a label is from: on Neuronpedia model, SAE and explainer; else the file."""
    if (model := entry.get("modelId")) and (layer := entry.get("layer")):
        who = ", ".join(str(entry[key]) for key in (_MODEL, "typeName") if entry.get(key))
        return f"Neuronpedia {model}/{layer}" + (f" ({who})" if who else "")
    return str(entry.get("label_source") or path.name)


def _score(entry: dict[str, Any]) -> float | None:
    """The best of an explanation's scores, or the one of a table."""
    scores = entry.get("scores")
    values = [one.get("value") for one in scores if isinstance(one, dict)] if isinstance(scores, list) else []
    numbers = [float(v) for v in [*values, entry.get("label_score")] if isinstance(v, int | float)]
    return max(numbers, default=None)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """What a file holds, entry by entry, whatever its form."""
    if path.suffix in (".csv", ".parquet"):
        yield from _read_table(path).iter_rows(named=True)
        return
    raw = _raw(path)
    content = None
    if ".jsonl" not in path.suffixes:
        with contextlib.suppress(orjson.JSONDecodeError):  # JSON lines under the name of JSON
            content = orjson.loads(raw)
    yield from _lines(raw, path) if content is None else _objects(content, path)


def _objects(content: Any, path: Path) -> Iterator[dict[str, Any]]:
    """Entries of a JSON document: explanations, labels in order, or a mapping from numbers to labels."""
    if isinstance(content, dict) and isinstance(content.get("explanations"), list):
        content = content["explanations"]
    if isinstance(content, dict) and _first(content, _LABEL) is None:
        content = [{"feature": key, "label": value} for key, value in content.items()]
    for number, entry in enumerate(content if isinstance(content, list) else [content]):
        if isinstance(entry, dict):
            yield entry
        elif isinstance(entry, str) or entry is None:
            yield {"feature": number, "label": entry}
        else:
            msg = f"{path} holds a {type(entry).__name__} where a label should be"
            raise InputError(msg)


def _lines(raw: bytes, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(raw.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            msg = f"{path}, line {number} is not JSON: {error}"
            raise InputError(msg) from error
        if not isinstance(entry, dict):
            msg = f"{path}, line {number} is not a JSON object"
            raise InputError(msg)
        yield entry


def _read_table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"{path} cannot be read: {' '.join(str(error).split())[:200]}"
        raise InputError(msg) from error


def _raw(path: Path) -> bytes:
    """Bytes of a file, unpacked; no more than fit."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        msg = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InputError(msg) from error
    if len(raw) > LARGEST:
        msg = f"{path} is larger than {LARGEST:,} bytes; split it"
        raise InputError(msg)
    return raw
