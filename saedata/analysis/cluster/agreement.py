"""How far clusters agree with a column of the user's, and with clusters of subsamples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.cluster.grouping import group
from saedata.analysis.cluster.result import AGREEMENT, STABILITY
from saedata.errors import InputError
from saedata.frame.layout import DOCUMENT_SCHEMA
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.cluster.options import Options
    from saedata.frame import Embeddings
    from saedata.neighbours import Profiles

    Labels = NDArray[np.int64]

SHARE = 0.8
"""Of the documents that are in a subsample."""

SUBSAMPLES = 20
STABILITY_DOCUMENTS = 2_000
"""Up to so many documents stability is measured without being asked for."""


def check_columns(frame: Embeddings, columns: Sequence[str]) -> None:
    """Refuse columns that are absent or hold lists."""
    there = frame.scan_documents().collect_schema()
    for column in columns:
        if column not in there:
            names = ", ".join(repr(name) for name in there if name not in DOCUMENT_SCHEMA) or "none of its own"
            msg = f"{frame.name} has no column {column!r} to compare clusters with; its columns are: {names}"
            raise InputError(msg)
        if there[column].is_nested():
            msg = f"column {column!r} holds lists or structures, which are no groups; choose one of single values"
            raise InputError(msg)


def agreement(frame: Embeddings, docs: NDArray[np.uint32], labels: Labels, columns: Sequence[str]) -> pl.DataFrame:
    """Compare clusters with columns; documents where a column is null do not count for it.

    Parameters
    ----------
    frame
        The documents.
    docs, labels
        Those that count, and their clusters; below 0: none.
    columns
        Columns of the user's.
    """
    if not columns:
        return pl.DataFrame(schema=AGREEMENT)
    table = pl.DataFrame({"doc": docs, "cluster": labels})
    values = frame.scan_documents().select("doc", *dict.fromkeys(columns)).collect()
    table = table.join(values, on="doc", how="left", maintain_order="left")
    return pl.DataFrame([_agrees(table, column) for column in dict.fromkeys(columns)], schema=AGREEMENT)


def _agrees(table: pl.DataFrame, column: str) -> dict[str, object]:
    known = table.filter(pl.col(column).is_not_null())
    inside = known.filter(pl.col("cluster") >= 0)
    row = {"column": column, "values": known[column].n_unique(), "documents": known.height, "clustered": inside.height}
    for ending, part in (("", known), ("_clustered", inside)):
        truth = part[column].rank("dense").to_numpy() if part.height else np.zeros(0)
        row |= dict(zip((f"ari{ending}", f"ami{ending}"), _indices(truth, part["cluster"].to_numpy()), strict=True))
    return row


def _indices(truth: NDArray[np.number], labels: Labels) -> tuple[float | None, float | None]:
    """Adjusted Rand index (Hubert and Arabie 1985), adjusted mutual information (Vinh, Epps and Bailey 2010)."""
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score  # type: ignore[import-untyped]

    if len(labels) < 2:
        return None, None
    return float(adjusted_rand_score(truth, labels)), float(adjusted_mutual_info_score(truth, labels))


def stability(
    profiles: Profiles, labels: Labels, options: Options, subsamples: int
) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """Group subsamples of 80 % of the documents in the same way.

    Parameters
    ----------
    profiles, labels
        All documents and their clusters.
    options
        How they were grouped; the smallest cluster shrinks with the documents.
    subsamples
        How many.

    Returns
    -------
    tuple
        A row for each subsample, and for each cluster the mean Jaccard index with the one most like it (Hennig, C.
        (2007), Cluster-wise assessment of cluster stability).
    """
    from sklearn.metrics import adjusted_rand_score

    size = max(int(SHARE * len(labels)), 2)
    smaller = max(int(SHARE * options.smallest_of(len(labels))), 2)
    rng = np.random.default_rng(options.seed)
    rows, alike = [], np.full((subsamples, int(labels.max(initial=-1)) + 1), np.nan)
    with progress("grouping subsamples", total=subsamples, unit="subsamples") as done:
        for number in range(subsamples):
            taken = np.sort(rng.choice(len(labels), size, replace=False))
            again = replace(
                options,
                smallest=smaller,
                method=options.chosen_method(len(labels)),
                neighbours=options.neighbours_of(size),
                seed=options.seed + 1 + number,
            )
            found = group(profiles.take(taken), again, mapped=False).labels
            ari = float(adjusted_rand_score(labels[taken], found))
            rows.append((number, size, ari, float((found < 0).mean())))
            alike[number] = _most_alike(labels[taken], found, alike.shape[1])
            done(1)
    return pl.DataFrame(rows, schema=STABILITY, orient="row"), _means(alike)


def _most_alike(labels: Labels, found: Labels, clusters: int) -> NDArray[np.float64]:
    """Jaccard index of each cluster with that one of others which is most like it; NaN where it has no document."""
    others = int(found.max(initial=-1)) + 1
    inside = (labels >= 0) & (found >= 0)
    both = np.zeros((clusters, others + 1))
    np.add.at(both, (labels[inside], found[inside]), 1)
    sizes = np.bincount(labels[labels >= 0], minlength=clusters)[:, None]
    theirs = np.bincount(found[found >= 0], minlength=others + 1)[None]
    index = (both / np.maximum(sizes + theirs - both, 1)).max(axis=1)
    return np.asarray(np.where(sizes[:, 0] > 0, index, np.nan))


def _means(alike: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(alike)
    return np.asarray(np.where(known, alike, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan))
