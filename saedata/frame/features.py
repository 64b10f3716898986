"""``features.parquet``: for each feature its label, its tokens, and how often and how strongly it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.layout import FEATURE_SCHEMA, LABEL_SCHEMA, STATISTICS_SCHEMA
from saedata.frame.top import locate, strongest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saedata.frame.view import View

TOKEN_DOCUMENTS = 20
"""A feature's tokens are taken from this many of its strongest documents."""

TOKENS = 6
"""Tokens kept for each feature."""

_LETTER = r"[\p{Alphabetic}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
"""Of scripts that put spaces between words."""


def feature_name(row: Mapping[str, Any]) -> str:
    """Name under which a feature is shown.

    Parameters
    ----------
    row
        A row of ``Embeddings.features``, as a dict.

    Returns
    -------
    str
        Its label; without one ``feature 1234 · tokens: ...``; without tokens the number alone.

    Examples
    --------
    >>> feature_name({"feature": 7, "label": None, "tokens": ["sorry", "apologies"]})
    'feature 7 · tokens: sorry, apologies'
    >>> feature_name({"feature": 7, "label": "apology", "tokens": None})
    'apology'
    """
    if label := (row.get("label") or "").strip():
        return str(label)
    tokens = row.get("tokens")
    name = f"feature {row['feature']}"
    return f"{name} · tokens: {', '.join(tokens)}" if tokens is not None and len(tokens) else name


def feature_name_expr() -> pl.Expr:
    """`feature_name` as an expression over ``Embeddings.features``.

    Examples
    --------
    >>> table = pl.DataFrame(
    ...     {"feature": [1, 2], "label": [None, "apology"], "tokens": [["sorry"], None]},
    ...     schema_overrides={"tokens": pl.List(pl.String)},
    ... )
    >>> table.select(feature_name_expr().alias("name"))["name"].to_list()
    ['feature 1 · tokens: sorry', 'apology']
    """
    label = pl.col("label").cast(pl.String).str.strip_chars()
    number = pl.format("feature {}", pl.col("feature"))
    listed = pl.format("feature {} · tokens: {}", pl.col("feature"), pl.col("tokens").list.join(", "))
    return (
        pl.when(label.fill_null("") != "")
        .then(label)
        .when(pl.col("tokens").list.len().fill_null(0) > 0)
        .then(listed)
        .otherwise(number)
    )


def names_across(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Name features that stand in several frames.

    A feature without a label is best named by the words of the frame where it is on most often.

    Parameters
    ----------
    tables
        ``Embeddings.features`` of each frame.

    Returns
    -------
    polars.DataFrame
        ``feature``, ``label``, ``kind`` (each from the first frame that knows it) and ``tokens``, for the features
        that every frame has.

    Examples
    --------
    >>> schema = {"tokens": pl.List(pl.String), "label": pl.String, "kind": pl.String}
    >>> row = {"feature": [1], "label": [None], "kind": [None]}
    >>> rare = pl.DataFrame(row | {"tokens": [["odd"]], "density": [0.1]}, schema_overrides=schema)
    >>> often = pl.DataFrame(row | {"tokens": [["sorry"]], "density": [0.8]}, schema_overrides=schema)
    >>> names_across([rare, often])["tokens"].to_list()
    [['sorry']]
    """
    columns = ("feature", "label", "kind", "tokens", "density")
    rows = pl.concat(table.select(*columns, frame=pl.lit(number)) for number, table in enumerate(tables))
    first = {name: pl.col(name).sort_by("frame").drop_nulls().first() for name in ("label", "kind")}
    often = pl.col("tokens").sort_by("density", "frame", descending=[True, False]).drop_nulls().first()
    names = rows.group_by("feature").agg(**first, tokens=often, frames=pl.len()).sort("feature")
    return names.filter(pl.col("frames") == len(tables)).drop("frames")


def statistics(view: View) -> pl.DataFrame:
    """How often and how strongly each feature of a view is on.

    Parameters
    ----------
    view
        The documents and features.

    Returns
    -------
    polars.DataFrame
        One row for each feature of the encoder: ``documents`` on and ``density`` (their share); ``mean``,
        ``max`` and ``q90`` (0.9 quantile, linear between ranks) of the values where it is on, null for a
        feature that is never on.
    """
    rows = np.full((view.encoder.d_sae, 3), np.nan)
    documents = np.zeros(view.encoder.d_sae, dtype=np.uint32)
    features = range(view.encoder.d_sae) if view.chosen is None else view.chosen.tolist()
    for feature in features:
        _, values = view.postings(feature, mask=view.mask, above=view.encoder.threshold)
        documents[feature] = len(values)
        if len(values):
            rows[feature] = values.mean(dtype=np.float64), values.max(), np.quantile(values, 0.9)
    table = pl.DataFrame(
        {
            "documents": documents,
            "density": documents / max(view.n_documents, 1),
            **{name: rows[:, column] for column, name in enumerate(("mean", "max", "q90"))},
        }
    )
    return table.with_columns(pl.col("mean", "max", "q90").fill_nan(None)).cast(pl.Schema(STATISTICS_SCHEMA))


def strongest_tokens(view: View) -> pl.DataFrame:
    """Find the tokens on which each feature reaches its strongest document values.

    Parameters
    ----------
    view
        The documents and features.

    Returns
    -------
    polars.DataFrame
        ``feature`` and ``tokens``, the most frequent first (ties: the strongest first); features without any
        are absent.
    """
    pairs = strongest_of(view, range(view.encoder.d_sae), TOKEN_DOCUMENTS)
    words = [
        pl.DataFrame(schema={"feature": pl.UInt32, "rank": pl.UInt32, "word": pl.String}),
        *(
            spans.join(shard.documents(["doc", "text"]), on="doc").select("feature", "rank", word=_word())
            for shard, spans in locate(view, pairs)
        ),
    ]
    return (
        pl.concat(words)
        .filter(pl.col("word") != "")
        .group_by("feature", "word")
        .agg(times=pl.len(), rank=pl.col("rank").min())
        .sort("feature", -pl.col("times").cast(pl.Int64), "rank", "word")
        .group_by("feature", maintain_order=True)
        .agg(tokens=pl.col("word").head(TOKENS))
    )


def _word() -> pl.Expr:
    """The word that the token is, or is part of, in lower case; a token that is no letter stays as it is.

    Tokens of many readers begin with the space before them, which ends the word before. In scripts that put no space
    between words (Chinese, Japanese, Thai) the token stays as it is.
    """
    text, start, stop = pl.col("text"), pl.col("start"), pl.col("stop")
    token = text.str.slice(start, stop - start)
    span = token.str.strip_chars()
    before = text.str.head(start).str.extract(f"({_LETTER}*)$")
    before = pl.when(token.str.contains(r"^\s")).then(pl.lit("")).otherwise(before)
    after = text.str.slice(stop).str.extract(f"^({_LETTER}*)")
    after = pl.when(token.str.contains(r"\s$")).then(pl.lit("")).otherwise(after)
    is_letters = span.str.contains(f"^{_LETTER}+$")
    word = pl.when(is_letters).then(pl.concat_str(before, span, after)).otherwise(span)
    return word.str.to_lowercase()


def build_features(view: View, labels: pl.DataFrame | None) -> pl.DataFrame:
    """Make the content of ``features.parquet``.

    Parameters
    ----------
    view
        A whole frame.
    labels
        What is known about the features (columns of ``LABEL_SCHEMA``, all but ``feature`` may be null or
        absent); None: nothing. Where it has no tokens they are taken from the frame itself.

    Raises
    ------
    FrameError
        `labels` has a column of another type, or a feature twice.
    """
    known = checked_labels(labels, view.encoder.d_sae)
    own = strongest_tokens(view).rename({"tokens": "own"})
    every = pl.DataFrame({"feature": np.arange(view.encoder.d_sae, dtype=np.uint32)})
    return (
        every.join(known, on="feature", how="left", maintain_order="left")
        .join(own, on="feature", how="left", maintain_order="left")
        .with_columns(tokens=pl.coalesce("tokens", "own"))
        .hstack(statistics(view))
        .select(list(FEATURE_SCHEMA))
    )


def checked_labels(labels: pl.DataFrame | None, d_sae: int) -> pl.DataFrame:
    """Bring labels into the columns of ``LABEL_SCHEMA``.

    Parameters
    ----------
    labels
        ``feature`` and any of the other columns; None: no labels.
    d_sae
        Number of features there are.

    Raises
    ------
    FrameError
        A column has another type, or a feature does not exist or stands there twice.
    """
    if labels is None:
        return pl.DataFrame(schema=LABEL_SCHEMA)
    try:
        absent = {name: kind for name, kind in LABEL_SCHEMA.items() if name not in labels.columns}
        nulls = [pl.lit(None, kind).alias(name) for name, kind in absent.items()]
        table = labels.with_columns(nulls).select(list(LABEL_SCHEMA)).cast(pl.Schema(LABEL_SCHEMA))
    except pl.exceptions.PolarsError as error:
        msg = f"the feature labels cannot be used: {' '.join(str(error).split())}"
        raise FrameError(msg) from error
    numbers = table["feature"]
    if numbers.null_count() or numbers.is_duplicated().any() or (numbers >= d_sae).any():
        msg = f"the feature labels must name each feature from 0 to {d_sae - 1} at most once"
        raise FrameError(msg)
    return table


def matching(features: pl.DataFrame, expr: pl.Expr) -> list[int]:
    """Numbers of the features for which an expression on their columns holds.

    Raises
    ------
    FrameError
        The expression does not fit the columns.
    """
    try:
        return features.filter(expr)["feature"].to_list()
    except pl.exceptions.PolarsError as error:
        columns = ", ".join(features.columns)
        msg = f"cannot select features: {' '.join(str(error).split())}; their columns are {columns}"
        raise FrameError(msg) from error
