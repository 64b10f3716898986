"""The label: a column of the user's becomes classes or numbers, or a sentence that says why not."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.frame.layout import DOCUMENT_SCHEMA
from saedata.probing.linear import strata_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.probing.targets import Kind, Target

Task = Literal["auto", "binary", "multiclass", "regression"]

TASKS: tuple[Task, ...] = ("auto", "binary", "multiclass", "regression")

MOST_CLASSES = 200
MOST_WHOLE = 20
"""Different whole numbers that are taken for classes; more are quantities."""

FEWEST = 10
"""Documents that a class must have."""

FEWEST_NUMBERS = 40

_NAMED = 5


@dataclass(frozen=True, eq=False)
class Labelled:
    """Documents with a label.

    Attributes
    ----------
    name
        Of the column.
    kind
        Of the task.
    docs
        uint32, ascending.
    y
        Classes from 0 (int64), or numbers (float64).
    classes
        Their names; none for numbers. Of two the second is "yes".
    """

    name: str
    kind: Kind
    docs: NDArray[np.uint32]
    y: Target
    classes: tuple[str, ...]

    def take(self, positions: NDArray[np.integer] | NDArray[np.bool_]) -> Labelled:
        """Some of them."""
        return Labelled(self.name, self.kind, self.docs[positions], self.y[positions], self.classes)


def read_labels(frame: Embeddings, label: str, *, task: Task = "auto", positive: Any = None) -> Labelled:
    """Read the documents that have a label.

    Parameters
    ----------
    frame
        The documents.
    label
        Name of the column.
    task
        "auto": two different values are a yes/no question, up to 200 texts or 20 whole numbers are classes, other
        numbers are quantities.
    positive
        The value that is "yes", against all others; None: the later of two.

    Raises
    ------
    InputError
        There is no such column, or nothing can be learnt from it.

    Warns
    -----
    UserWarning
        Documents without a label, or of rare classes, are left out.
    """
    if task not in TASKS:
        msg = f"task is {task!r}; it must be one of {', '.join(map(repr, TASKS))}"
        raise InputError(msg)
    table = read_column(frame, label)
    table = _known(table, label)
    if positive is not None:
        return checked(_against_all(table, label, positive))
    kind = _kind(table[label], label) if task == "auto" else task
    return checked(_numbers(table, label) if kind == "regression" else _classes(table, label, kind))


def read_column(frame: Embeddings, column: str) -> pl.DataFrame:
    """A column of the user's with the numbers of the documents, ascending.

    Raises
    ------
    InputError
        There is no such column, or it holds lists.
    """
    there = frame.scan_documents().collect_schema()
    if column not in there or (column in DOCUMENT_SCHEMA and column != "tokens"):
        names = ", ".join(repr(name) for name in there if name not in DOCUMENT_SCHEMA) or "none of its own"
        msg = f"{frame.name} has no column {column!r}; its columns are: {names}"
        raise InputError(msg)
    if there[column].is_nested():
        msg = f"column {column!r} holds lists or structures; choose one of single values"
        raise InputError(msg)
    return frame.scan_documents().select("doc", column).sort("doc").collect()


def _known(table: pl.DataFrame, label: str) -> pl.DataFrame:
    missing = pl.col(label).is_null()
    if table[label].dtype.is_float():
        missing |= pl.col(label).is_nan() | pl.col(label).is_infinite()
    absent = table.filter(missing)["doc"]
    if len(absent):
        warnings.warn(
            f"{len(absent):,} of {table.height:,} documents have no value in {label!r} and are left out: "
            f"{named(absent.to_list())}",
            stacklevel=4,
        )
    return table.filter(~missing)


def named(docs: list[int]) -> str:
    """The first few numbers of documents, for a message.

    Examples
    --------
    >>> named([3, 4]), named(list(range(9)))
    ('3, 4', '0, 1, 2, 3, 4 and 4 more')
    """
    first = ", ".join(map(str, docs[:_NAMED]))
    return f"{first} and {len(docs) - _NAMED:,} more" if len(docs) > _NAMED else first


def _kind(values: pl.Series, label: str) -> Kind:
    different = values.n_unique()
    if different <= 2:
        return "binary"
    if values.dtype.is_float() or (values.dtype.is_numeric() and different > MOST_WHOLE):
        return "regression"
    if different > MOST_CLASSES:
        msg = (
            f"column {label!r} has {different:,} different values, which are too many classes (at most "
            f"{MOST_CLASSES}); give a column of groups, or say which value is the positive one"
        )
        raise InputError(msg)
    return "multiclass"


def _against_all(table: pl.DataFrame, label: str, positive: Any) -> Labelled:
    said = _names(table[label])
    wanted = str(positive).lower() if isinstance(positive, bool) else str(positive)
    y = (said == wanted).to_numpy().astype(np.int64)
    if not y.any():
        msg = f"column {label!r} has no document with the value {wanted[:60]!r}; it has {_listed(said)}"
        raise InputError(msg)
    others = said.filter(said != wanted).unique()
    other = others[0] if len(others) == 1 else f"not {wanted}"
    return Labelled(label, "binary", table["doc"].to_numpy(), y, (other, wanted))


def _names(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).alias(values.name)


def _listed(values: pl.Series) -> str:
    found = values.value_counts(sort=True)
    first = ", ".join(repr(str(value)[:40]) for value in found[values.name].head(_NAMED))
    return f"{first} and {found.height - _NAMED:,} more" if found.height > _NAMED else first


def _classes(table: pl.DataFrame, label: str, kind: Kind) -> Labelled:
    values = table[label]
    order = values.unique().sort()
    if kind == "binary" and len(order) > 2:
        msg = f"column {label!r} has {len(order):,} different values; say which one is the positive one"
        raise InputError(msg)
    if len(order) > MOST_CLASSES:
        _kind(_names(values), label)
    names = tuple(_names(order).to_list())
    y = (values.rank("dense") - 1).cast(pl.Int64).to_numpy()
    if kind == "multiclass":
        table, y, names = _common(table, y, names, label)
    return Labelled(label, "binary" if len(names) == 2 else kind, table["doc"].to_numpy(), y, names)


def _common(
    table: pl.DataFrame, y: NDArray[np.int64], names: tuple[str, ...], label: str
) -> tuple[pl.DataFrame, NDArray[np.int64], tuple[str, ...]]:
    """Leave out classes that are too rare to be learnt and tested."""
    counts = np.bincount(y, minlength=len(names))
    rare = np.flatnonzero(counts < FEWEST)
    if not len(rare) or len(names) - len(rare) < 2:
        return table, y, names
    shown = ", ".join(f"{names[c][:40]!r} ({counts[c]})" for c in rare[:_NAMED])
    more = f" and {len(rare) - _NAMED:,} more" if len(rare) > _NAMED else ""
    warnings.warn(
        f"values of {label!r} with fewer than {FEWEST} documents are left out: {shown}{more}",
        stacklevel=6,
    )
    kept = np.isin(y, rare, invert=True)
    again = np.unique(y[kept], return_inverse=True)
    return table.filter(pl.Series(kept)), again[1].astype(np.int64), tuple(names[c] for c in again[0])


def _numbers(table: pl.DataFrame, label: str) -> Labelled:
    values = table[label]
    if values.dtype.is_temporal():
        values = values.to_physical()
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        msg = (
            f"column {label!r} holds {values.dtype}, which are no numbers; leave task at 'auto' or choose 'multiclass'"
        )
        raise InputError(msg)
    y = values.cast(pl.Float64).to_numpy()
    return Labelled(label, "regression", table["doc"].to_numpy(), y, ())


def checked(found: Labelled) -> Labelled:
    """Refuse what nothing can be learnt from."""
    name, y, msg = found.name, found.y, ""
    if not len(y):
        msg = f"column {name!r} has no value in any document"
    elif found.kind == "regression":
        if len(y) < FEWEST_NUMBERS or float(np.ptp(y)) == 0:
            what = f"{len(y):,} documents" if len(y) < FEWEST_NUMBERS else "the same number everywhere"
            msg = (
                f"column {name!r} has {what}; a probe needs at least {FEWEST_NUMBERS} documents, and different numbers"
            )
    elif len(found.classes) < 2:
        msg = f"column {name!r} has only the value {found.classes[0][:60]!r}; a probe needs documents of two classes"
    else:
        counts = np.bincount(y, minlength=len(found.classes))
        if counts.min() < FEWEST:
            few = int(counts.argmin())
            said = "1 document" if counts[few] == 1 else f"{counts[few]:,} documents"
            msg = (
                f"column {name!r} has {said} with the value {found.classes[few][:60]!r}; a probe needs at least "
                f"{FEWEST} of each class to train and to test"
            )
    if msg:
        raise InputError(msg)
    return found


def sampled(found: Labelled, documents: int, seed: int) -> NDArray[np.int64]:
    """Positions of at most so many documents, with the classes in proportion; ascending."""
    if len(found.y) <= documents:
        return np.arange(len(found.y))
    rng = np.random.default_rng(seed)
    strata = strata_of(found.y)
    shuffled = rng.permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    sizes = np.bincount(strata)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    place = (np.arange(len(order)) - starts[strata[order]] + 0.5) / sizes[strata[order]]
    return np.sort(order[np.argsort(place, kind="stable")[:documents]])
