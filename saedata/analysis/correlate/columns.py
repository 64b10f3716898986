"""What goes together with the user's own columns: categories, yes or no, and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.correlate.features import documents
from saedata.analysis.correlate.null import Margins, expected, stratified_p
from saedata.analysis.correlate.pairs import Candidates, Options, check_frame, check_options
from saedata.analysis.correlate.search import npmi
from saedata.analysis.correlate.strata import lengths, strata_of
from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.frame.layout import DOCUMENT_SCHEMA
from saedata.incidence import Incidence
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates

    Array = NDArray[Any]

SCHEMA = pl.Schema(
    {
        "column": pl.String(),
        "value": pl.String(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "direction": pl.String(),
        "correlation": pl.Float64(),
        "npmi": pl.Float64(),
        "lift": pl.Float64(),
        "p_feature_given_value": pl.Float64(),
        "p_value_given_feature": pl.Float64(),
        "documents": pl.UInt32(),
        "documents_feature": pl.UInt32(),
        "documents_value": pl.UInt32(),
        "expected": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "tested": pl.UInt64(),
        "evidence": pl.List(pl.UInt32()),
    }
)
"""Columns of the result."""

MOST_VALUES = 50


@dataclass(frozen=True, eq=False)
class _Column:
    """A column where it is not null, and the features that are tested there."""

    name: str
    values: pl.Series
    stratum: Array
    candidates: Candidates

    @property
    def incidence(self) -> Incidence:
        return self.candidates.side.incidence

    def has(self, value: str | None) -> NDArray[np.bool_]:
        """Which documents have a value; None: a number above the median."""
        if value is None:
            numbers = self.values.cast(pl.Float64).to_numpy()
            above = numbers > np.median(numbers)
            return np.asarray(above if above.any() else numbers >= np.median(numbers))
        return (self.values.cast(pl.String) == value).to_numpy()


def correlate_columns(
    frame: Embeddings,
    columns: Sequence[str],
    *,
    min_documents: int = 10,
    limit: int = 1000,
    strata: int = 10,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    drop_kinds: Sequence[str] = (),
    evidence: int = 3,
) -> pl.DataFrame:
    """Find features that go together with columns of the documents.

    Parameters
    ----------
    frame
        The documents.
    columns
        Names of columns: text or categories (each value that enough documents have is held against all others),
        booleans (true against false), numbers, dates and times (by rank). Documents where a column is null take
        no part in it.
    min_documents
        A feature, and a value, is tested if at least so many documents have it.
    limit
        Rows of the result, at most.
    strata
        Comparisons are within this many strata of documents of similar length; 1: no strata.
    duplicates
        "once": documents of equal text count once, with the columns of the first; "keep": every document counts.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    drop_kinds
        Kinds of features that are not tested.
    evidence
        How many documents to name for each row.

    Returns
    -------
    polars.DataFrame
        A row for each value (or column of numbers) and feature, by p:

        - ``column``, ``value`` (null for numbers), ``feature``, ``label``, ``direction`` ("together" or "apart")
        - ``correlation`` of being on with having the value, or with the rank of the number, within strata
        - for values also ``npmi``, ``lift``, ``p_feature_given_value``, ``p_value_given_feature``,
          ``documents`` with both, ``documents_value`` and ``expected``; ``documents_feature``
        - ``p``: one-sided in this direction; ``q``: adjusted (Benjamini-Hochberg) over all ``tested``, both
          directions counting
        - ``evidence``: numbers of the documents where the feature is strongest, strongest first: where they go
          together, of those with the value (of a number, above its median); apart, of the others (not above it)

    Raises
    ------
    InputError
        A column is absent, of a type that cannot be compared, or has more than 50 values.

    Notes
    -----
    Values: the null distribution of `correlate`. Numbers: van Elteren's (1960) stratified rank-sum test, its tail
    from a Pearson type III distribution with the same mean, variance and skewness.
    """
    options = Options(min_documents=min_documents, limit=limit, drop_kinds=drop_kinds, evidence=evidence)
    check_options(options, strata)
    above = check_frame(frame, duplicates, threshold)
    _check_columns(frame, columns)
    docs = documents(frame, duplicates)
    tables, prepared = [pl.DataFrame(schema=SCHEMA)], {}
    for name in columns:
        prepared[name] = column = _prepared(frame, name, docs, above, strata, options)
        test = _test_numbers if column.values.dtype.is_numeric() else _test_values
        tables.append(test(column, options))
    table = pl.concat(tables, how="diagonal_relaxed")
    q = benjamini_hochberg(np.minimum(1.0, 2 * table["p"].to_numpy()))
    table = table.with_columns(q=pl.Series(q, dtype=pl.Float64), tested=pl.lit(table.height, pl.UInt64))
    table = table.sort("p", -pl.col("correlation").abs(), "column", "value", "feature").head(limit)
    names = frame.features.select("feature", label=feature_name_expr())
    table = table.drop("label", "evidence").join(names, on="feature", how="left", maintain_order="left")
    table = _with_evidence(table, prepared, evidence)
    return table.select(list(SCHEMA)).cast(SCHEMA)


def _with_evidence(table: pl.DataFrame, columns: dict[str, _Column], n: int) -> pl.DataFrame:
    """Name the strongest documents with the value, or without it."""
    keys = ["column", "value", "direction"]
    lists = [pl.DataFrame(schema={name: SCHEMA[name] for name in [*keys, "feature", "evidence"]})]
    for (name, value, direction), rows in table.partition_by(keys, as_dict=True).items() if n else ():
        column = columns[str(name)]
        mine = column.has(None if value is None else str(value)) == (direction == "together")
        incidence = column.incidence
        top = incidence.frame.strongest(
            rows["feature"].to_list(), n, docs=incidence.docs[mine], threshold=incidence.threshold
        )
        found = top.group_by("feature", maintain_order=True).agg(evidence="doc")
        there = {key: pl.lit(part, SCHEMA[key]) for key, part in zip(keys, (name, value, direction), strict=True)}
        lists.append(found.with_columns(**there).select(lists[0].columns).cast(lists[0].schema))
    table = table.join(pl.concat(lists), on=[*keys, "feature"], how="left", nulls_equal=True, maintain_order="left")
    return table.with_columns(pl.col("evidence").fill_null(pl.lit([], SCHEMA["evidence"])))


def _prepared(frame: Embeddings, name: str, docs: Array, above: float, strata: int, options: Options) -> _Column:
    table = frame.scan_documents().select("doc", pl.col(name)).collect()
    known = table.filter(pl.col(name).is_not_null(), pl.col("doc").is_in(docs.tolist())).sort("doc")
    values = known[name]
    if values.dtype.is_temporal():
        values = values.to_physical()
    if values.dtype.is_float():
        finite = values.is_finite()
        known, values = known.filter(finite), values.filter(finite)
    stratum = strata_of(lengths(frame, known["doc"].to_numpy()), strata)
    incidence = Incidence(frame, known["doc"].to_numpy(), threshold=above)
    return _Column(name, values, stratum, Candidates.of(incidence, stratum, options))


def _test_values(column: _Column, options: Options) -> pl.DataFrame:
    values = column.values.cast(pl.String)
    sizes = values.value_counts(sort=True).filter(pl.col("count") >= options.min_documents)
    tested = sorted(sizes[column.name].to_list())
    if column.values.dtype == pl.Boolean:
        tested = [value for value in tested if value == "true"]
    if len(tested) > MOST_VALUES:
        msg = (
            f"column {column.name!r} has {len(tested)} values that at least {options.min_documents} documents have, "
            f"and at most {MOST_VALUES} can be compared; choose a column with fewer, or a larger min_documents"
        )
        raise InputError(msg)
    place = {value: at for at, value in enumerate(tested)}
    code = np.array([place.get(value, len(tested)) for value in values.to_list()], dtype=np.int64)
    both = column.incidence.count_on(code, len(tested) + 1)[column.candidates.side.features]
    rows = [_test_value(column, value, both[:, at], code == at) for value, at in place.items()]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows], how="diagonal_relaxed")


def _test_value(column: _Column, value: str, both: Array, has: Array) -> pl.DataFrame:
    margins = column.candidates.margins
    n, total = len(has), margins.total
    mine = np.bincount(column.stratum[has], minlength=len(margins.documents))
    if mine.sum() == n:
        return pl.DataFrame(schema=SCHEMA)
    theirs = Margins(np.broadcast_to(mine, margins.on.shape), margins.documents)
    p, together = stratified_p(both, margins, theirs)
    found = expected(margins, theirs)
    spread = np.sqrt(_spread(margins) * _spread(theirs))
    return pl.DataFrame(
        {
            "column": [column.name] * len(total),
            "value": [value] * len(total),
            "feature": column.candidates.side.features,
            "direction": np.where(together, "together", "apart"),
            "correlation": np.divide(both - found, spread, out=np.zeros(len(total)), where=spread > 0),
            "npmi": npmi(both, total, np.full(len(total), mine.sum()), n),
            "lift": both * float(n) / (total * mine.sum()),
            "p_feature_given_value": both / mine.sum(),
            "p_value_given_feature": both / total,
            "documents": both,
            "documents_feature": total,
            "documents_value": np.full(len(total), mine.sum()),
            "expected": found,
            "p": p,
        }
    )


def _spread(margins: Margins) -> NDArray[np.float64]:
    """Sum of squared deviations from the strata's means."""
    return np.asarray((margins.on * (1 - margins.on / margins.documents)).sum(axis=1))


def _test_numbers(column: _Column, _: Options) -> pl.DataFrame:
    from scipy.stats import pearson3

    from saedata.cooccur_kernels import add_scores

    scores = _scores(column.values, column.stratum)
    sums = np.zeros(column.incidence.frame.n_features)
    for block in column.incidence.blocks():
        add_scores(block.pointers, block.features, scores[block.documents], sums)
    margins = column.candidates.margins
    a, n = margins.on.astype(np.float64), margins.documents.astype(np.float64)
    second, third = (np.bincount(column.stratum, scores**power) / n for power in (2, 3))
    variance = (second * a * (n - a) / np.maximum(n - 1, 1)).sum(axis=1)
    skewed = (third * a * (n - a) * (n - 2 * a) / np.maximum((n - 1) * (n - 2), 1)).sum(axis=1)
    total = sums[column.candidates.side.features]
    usable = variance > 0
    deviation = np.sqrt(np.where(usable, variance, 1.0))
    z, skew = np.where(usable, total / deviation, 0.0), skewed / deviation**3
    p = np.where(z > 0, pearson3.sf(z, skew), pearson3.cdf(z, skew))
    spread = np.sqrt(_spread(margins) * (scores**2).sum())
    return pl.DataFrame(
        {
            "column": [column.name] * len(total),
            "feature": column.candidates.side.features,
            "direction": np.where(z > 0, "together", "apart"),
            "correlation": np.divide(total, spread, out=np.zeros(len(total)), where=spread > 0),
            "documents_feature": margins.total,
            "p": np.where(usable, np.clip(p, 0, 1), 1.0),
        }
    )


def _scores(values: pl.Series, stratum: Array) -> NDArray[np.float64]:
    """Ranks within strata, from -1/2 to 1/2, ties sharing theirs."""
    table = pl.DataFrame({"value": values, "stratum": stratum})
    rank = pl.col("value").rank("average").over("stratum")
    size = pl.len().over("stratum")
    return table.select(score=rank / (size + 1) - 0.5)["score"].to_numpy()


def _check_columns(frame: Embeddings, columns: Sequence[str]) -> None:
    schema = frame.scan_documents().collect_schema()
    msg = "" if columns else "no columns are named; name at least one"
    for name in columns:
        if name not in schema:
            own = ", ".join(repr(one) for one in schema if one not in DOCUMENT_SCHEMA) or "none of its own"
            msg = f"{frame.name} has no column {name!r}; its columns are: {own}"
        elif schema[name].is_nested():
            msg = f"column {name!r} holds lists or structures, which cannot be compared; choose one of single values"
        elif name in ("doc", "text"):
            msg = f"column {name!r} is not something documents have in common; choose another"
    if msg:
        raise InputError(msg)
