"""A frame in which every family of features is one feature, so that each analysis can run on families."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import polars as pl

from saedata.errors import InputError
from saedata.families import SIMILARITY, alike, decoder_of, grouped
from saedata.frame import CorpusInfo, FrameWriter
from saedata.frame.layout import DOCUMENT_SCHEMA, LABEL_SCHEMA
from saedata.frame.manifest import FAMILY_POOLING
from saedata.frame.reencode import check_one_encoder
from saedata.memory import give_back_memory
from saedata.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.encoders import Encoder, LoadedEncoder
    from saedata.frame import Embeddings, EncoderInfo

    Array = NDArray[Any]

MERGED = "merged"
"""`label_source` of a feature that was merged into another."""


def merge_families(
    frame: Embeddings,
    out: str | Path,
    *,
    families: pl.DataFrame | None = None,
    similarity: float = SIMILARITY,
    encoder: str | Path | Encoder | LoadedEncoder | None = None,
) -> Embeddings:
    """Write a frame in which each family is one feature, with the number of its smallest member.

    In a document it has the sum of its members' activations, and the character span of the strongest of them. Labels
    and tokens are those of the densest member that has a label, with how many were merged into it. Everything else
    stays as it is: documents, columns, and the numbers of all other features. The other members are never on.

    A frame of merged families belongs to no encoder: it can be compared with frames in which the same families of the
    same encoder were merged, and with no other; `tokens` and `highlight` refuse. A run that was interrupted goes on
    where it stopped.

    Parameters
    ----------
    frame
        A whole frame; merge first, then filter, select or put together.
    out
        Folder of the new frame.
    families
        ``feature`` and ``family`` (any number that the members share; null: alone), such as `feature_hygiene` gives;
        default: the families of the frame's encoder, which are the same for every frame of it.
    similarity, encoder
        As in `feature_hygiene`; not used where `families` are given.

    Raises
    ------
    InputError
        It is a part of a frame, the families cannot be used, or there is none.
    FrameError
        `out` is another frame or cannot be written.
    EncoderError
        The encoder is not here, has other weights, or families are merged already.
    """
    if not frame.is_whole:
        msg = f"{frame.name} is a part of a frame or several; merge whole frames, then filter, select or concat"
        raise InputError(msg)
    check_one_encoder(frame.encoder)
    if families is None:
        into = _first_members(grouped(alike(decoder_of(frame, encoder), similarity=similarity)))
    else:
        into = _given(families, frame.n_features)
    if not (into != np.arange(len(into))).any():
        msg = f"there is nothing to merge in {frame.name}: each of its features is alone; give a lower similarity"
        raise InputError(msg)
    with FrameWriter.open(
        out,
        encoder=merged_encoder(frame.encoder, into),
        corpus=_corpus(frame),
        options=frame.manifest.options | _about(frame.encoder, into),
        columns=_columns(frame),
    ) as writer:
        if not writer.complete:
            _write_shards(writer, frame, into)
        return writer.finish(_labels(frame.features, into))


def merged_encoder(info: EncoderInfo, into: Array) -> EncoderInfo:
    """Describe the features of a merged frame: of equal hash only where the same families of one encoder were merged.

    Parameters
    ----------
    info
        The encoder of the frame that is merged.
    into
        int64 [features]: the feature that each one becomes.
    """
    moved = np.flatnonzero(into != np.arange(len(into)))
    families = [moved.tolist(), into[moved].tolist()]
    digest = hashlib.sha256(orjson.dumps([info.sae_sha256, families])).hexdigest()
    return dataclasses.replace(info, name=f"{info.name}-families", sae_sha256=digest, pooling=FAMILY_POOLING)


def merged_activations(activations: pl.DataFrame, into: Array) -> pl.DataFrame:
    """Add up the activations of each family in each document.

    Parameters
    ----------
    activations
        ``doc``, ``feature``, ``value``, ``start``, ``stop``.
    into
        int64 [features]: the feature that each one becomes.

    Returns
    -------
    polars.DataFrame
        The same columns, sorted by document and feature; the span is that of the largest value (of equals, the
        earliest).

    Examples
    --------
    >>> schema = {"doc": pl.UInt32, "feature": pl.UInt32, "value": pl.Float32, "start": pl.UInt32, "stop": pl.UInt32}
    >>> two = pl.DataFrame([(0, 1, 0.5, 3, 5), (0, 2, 2.0, 7, 9)], schema=schema, orient="row")
    >>> merged_activations(two, np.array([0, 1, 1])).rows()
    [(0, 1, 2.5, 7, 9)]
    """
    doc, value, start, stop = (activations[name].to_numpy() for name in ("doc", "value", "start", "stop"))
    feature = into[activations["feature"].to_numpy()].astype(np.uint32)
    order = np.lexsort((stop, start, -value, feature, doc))
    doc, feature = doc[order], feature[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (doc[1:] != doc[:-1]) | (feature[1:] != feature[:-1])
    begins = np.flatnonzero(first)
    values = value[order].astype(np.float64)
    sums = np.add.reduceat(values, begins) if len(begins) else values
    return pl.DataFrame(
        {
            "doc": doc[begins],
            "feature": feature[begins],
            "value": sums.astype(np.float32),
            "start": start[order][begins],
            "stop": stop[order][begins],
        }
    )


def _write_shards(writer: FrameWriter, frame: Embeddings, into: Array) -> None:
    """Merge shard by shard; what an interrupted run has done is left out."""
    manifest, above = frame.manifest, pl.lit(frame.threshold, pl.Float32)
    with progress(f"merging {frame.name}", total=manifest.documents, unit="documents") as done:
        for shard in frame.shards():
            if shard.index >= writer.done:
                activations = merged_activations(shard.activations(), into)
                on = activations.filter(pl.col("value") > above).group_by("doc").agg(features_on=pl.len())
                documents = shard.documents()
                counts = documents.select("doc").join(on, on="doc", how="left", maintain_order="left")["features_on"]
                documents = documents.with_columns(features_on=counts.fill_null(0).cast(pl.UInt32))
                writer.write_shard(documents, activations, windowed=manifest.shards[shard.index].windowed)
                give_back_memory()
            done(shard.stop - shard.first)


def _first_members(family: Array) -> NDArray[np.int64]:
    """The feature that each one becomes, from families by their smallest member (-1: alone)."""
    numbers: NDArray[np.int64] = np.where(family >= 0, family, np.arange(len(family)))
    return numbers


def _given(families: pl.DataFrame, d_sae: int) -> NDArray[np.int64]:
    """Check a table of families and read the feature that each one becomes."""
    columns = {name: families.schema.get(name) for name in ("feature", "family")}
    if wrong := [name for name, kind in columns.items() if kind is None or not (kind.is_integer() or kind == pl.Null)]:
        msg = f"the families need a column {wrong[0]!r} of whole numbers, such as feature_hygiene gives"
        raise InputError(msg)
    feature = families["feature"]
    if feature.null_count() or feature.is_duplicated().any() or not feature.is_between(0, d_sae - 1).all():
        msg = f"the families must name each feature from 0 to {d_sae - 1} at most once"
        raise InputError(msg)
    members = families.filter(pl.col("family").is_not_null())
    into = np.arange(d_sae, dtype=np.int64)
    into[members["feature"].to_numpy()] = members.select(pl.col("feature").min().over("family"))["feature"].to_numpy()
    return into


def _corpus(frame: Embeddings) -> CorpusInfo:
    """The frame's corpus; several that were appended become one."""
    corpora = frame.manifest.corpora
    if len(corpora) == 1:
        return corpora[0]
    digest = hashlib.sha256(orjson.dumps([corpus.sha256 for corpus in corpora])).hexdigest()
    documents, characters = (sum(getattr(one, name) for one in corpora) for name in ("documents", "characters"))
    return CorpusInfo(digest, documents, characters, corpora[0].text_column)


def _columns(frame: Embeddings) -> dict[str, pl.DataType]:
    schema = frame.scan_documents().collect_schema()
    return {name: kind for name, kind in schema.items() if name not in DOCUMENT_SCHEMA}


def _about(info: EncoderInfo, into: Array) -> dict[str, Any]:
    """What the manifest says about the merge."""
    sizes = np.bincount(into)
    families = int((sizes > 1).sum())
    return {"families": families, "family_members": int(sizes[sizes > 1].sum()), "merged_from_sae": info.sae_sha256}


def _labels(features: pl.DataFrame, into: Array) -> pl.DataFrame:
    """Labels of a merged frame: a family's are its densest labelled member's; the others say where they went."""
    family = pl.Series("family", into[features["feature"].to_numpy()], dtype=pl.UInt32)
    table = features.with_columns(family, named=pl.col("label").fill_null("").str.strip_chars() != "")
    table = table.with_columns(size=pl.len().over("family"))
    best = table.sort("named", "density", "feature", descending=[True, True, False]).unique(
        "family", keep="first", maintain_order=True
    )
    several = pl.col("size") > 1
    count = pl.format("{} (+{} merged)", pl.col("label").str.strip_chars(), pl.col("size") - 1)
    kept = best.select(
        pl.col("family").alias("feature"),
        label=pl.when(several & pl.col("named")).then(count).otherwise("label"),
        kind="kind",
        label_source="label_source",
        label_score=pl.when(~several).then("label_score"),  # what was scored is one member
        tokens="tokens",
    )
    gone = table.filter(pl.col("feature") != pl.col("family")).select(
        "feature",
        label=pl.format("merged into feature {}", "family"),
        label_source=pl.lit(MERGED),
    )
    return pl.concat([kept, gone], how="diagonal").select(list(LABEL_SCHEMA)).sort("feature")
