"""Embed a corpus: read it, encode it shard by shard, and keep the result as a sparse frame."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
import polars as pl

from saedata.corpus import Corpus, documents_of, read_corpus
from saedata.encode import default_token_budget, encode
from saedata.encoder_check import check_documents
from saedata.encoder_labels import encoder_labels
from saedata.encoders import Encoder, LoadedEncoder, chosen_encoder, load_encoder
from saedata.errors import FrameError
from saedata.folders import cache_folder
from saedata.frame import CorpusInfo, Embeddings, EncoderInfo, FrameWriter, is_frame, open_frame
from saedata.frame.disk import reading
from saedata.frame.features import checked_labels
from saedata.frame.layout import LABEL_SCHEMA, Layout
from saedata.frame.relabel import merged_labels
from saedata.memory import give_back_memory, in_bytes
from saedata.progress import progress
from saedata.reader import OVERLAP, Device, Hook, Precision, check_conversations

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("saedata")

SHARD_DOCUMENTS = 1024
"""Documents per shard: what is at most lost when a run is interrupted."""

_PROBE_DOCUMENTS = 32
_ROW_BYTES = 40  # a sparse row while its shard is put together
_DISK_BYTES = 8 + 8  # an activation in its shard and in the postings


@dataclass(frozen=True)
class Estimate:
    """What embedding a corpus will take, measured on its first documents.

    Attributes
    ----------
    tokens
        Tokens in the whole corpus.
    disk, memory
        Bytes of the finished frame, and at the peak of the run.
    seconds
        On this machine.
    """

    tokens: int
    disk: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"about {self.tokens:,} tokens, {in_bytes(self.disk)} on disk, "
            f"{in_bytes(self.memory)} of memory, {_duration(self.seconds)}"
        )


def embed(
    corpus: Any,
    *,
    out: str | Path | None = None,
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    text_files: Literal["lines", "files"] = "lines",
    limit: int | None = None,
    encoder: str | Path | Encoder | LoadedEncoder = "minilm",
    reader: str | None = None,
    layer: int | None = None,
    sae: str | Path | None = None,
    hook: Hook = "resid_post",
    add_bos: bool = False,
    skip_first: int = 0,
    norm_limit: float | None = None,
    chat_template: bool = False,
    append: bool = False,
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    memory_check: bool = True,
    shard_documents: int = SHARD_DOCUMENTS,
    token_budget: int | None = None,
) -> Embeddings:
    """Turn every document of a corpus into a sparse, interpretable embedding, kept on disk.

    The same call again goes on where an interrupted one stopped, and returns at once when all is done.

    Parameters
    ----------
    corpus
        A file, folder or glob (or several), "-" for standard input, a polars or pandas frame, a Hugging Face
        dataset, a list of strings, or an existing sparse frame, whose documents are embedded anew.
    out
        Folder of the sparse frame, by habit `name.sae`. Default: a folder in the cache, found again by content.
    text, roles, text_files, limit
        Which text to take; see `saedata.corpus.read_corpus`.
    encoder
        Name, folder, or one that is already loaded.
    reader, layer, sae
        Instead of `encoder`: a reader, the number of its blocks to run, and a folder with an SAE for that layer.
    hook, add_bos, skip_first, norm_limit
        How that reader is read: where in the last block, and which tokens are left out. A named encoder knows.
    chat_template
        Read conversations in the reader's chat template: what it adds and what other roles say is seen by the reader,
        but never pooled. The conversations travel along in a column `turns`.
    append
        Add the documents to a finished frame in `out`.
    device, precision, device_map
        "auto" takes the fastest the machine has; see `saedata.reader.load_reader`.
    memory_check
        Whether to refuse, before anything is fetched or loaded, an encoder that needs more memory than is free.
    shard_documents, token_budget
        Documents per shard and tokens per forward pass: both bound memory. Default budget: by device.

    Raises
    ------
    CorpusError, EncoderError, FrameError
        Before anything is written, if something cannot be used.

    Examples
    --------
    >>> frame = embed(["Sorry, I cannot help with that.", "1. Preheat the oven. 2. Mix."])
    >>> frame.n_documents, frame.n_features
    (2, 4096)
    """
    source = corpus
    if is_frame(corpus):
        source, text = _documents_of(corpus), "text"
    if isinstance(encoder, LoadedEncoder):
        chat_template = encoder.reader.chat is not None
    read = read_corpus(source, text=text, roles=roles, text_files=text_files, limit=limit, turns=chat_template)
    if isinstance(encoder, LoadedEncoder):
        loaded = encoder
    else:
        spec = chosen_encoder(
            encoder,
            reader=reader,
            layer=layer,
            sae=sae,
            hook=hook,
            add_bos=add_bos,
            skip_first=skip_first,
            norm_limit=norm_limit,
        )
        loaded = load_encoder(
            spec,
            device=device,
            precision=precision,
            device_map=device_map,
            chat_template=chat_template,
            memory_check=memory_check,
        )
    check_conversations(read, loaded.reader)
    for warning in read.warnings:
        log.warning(warning)
    token_budget = token_budget or default_token_budget(loaded.reader)
    info = _encoder_info(loaded)
    about = CorpusInfo(read.sha256, read.documents, read.characters, read.text_column)
    options = {
        "shard_documents": shard_documents,
        "token_budget": token_budget,
        "context": loaded.reader.context,
        "overlap": OVERLAP,
    }
    folder = Path(out) if out is not None else _cached(info, about, options)
    name = None if out is not None else read.name
    with FrameWriter.open(
        folder, encoder=info, corpus=about, options=options, columns=read.columns, append=append
    ) as writer:
        if not writer.complete:
            _write_shards(writer, read, loaded, folder, shard_documents, token_budget)
        labels = encoder_labels(loaded.spec, loaded.sae)
        writer.finish(_kept_labels(folder, labels) if append else labels)
    return open_frame(folder, name=name)


def as_embeddings(
    source: Any,
    *,
    encoder: str | Path | Encoder | LoadedEncoder = "minilm",
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    limit: int | None = None,
) -> Embeddings:
    """Open a sparse frame, or embed a corpus into the cache: what every command does with what it is given.

    Parameters
    ----------
    source
        A frame's folder, `Embeddings`, or anything that `embed` takes.
    encoder, text, roles, limit
        Used where `source` still has to be embedded.
    """
    if isinstance(source, Embeddings):
        return source
    if is_frame(source):
        return open_frame(Path(source))
    return embed(source, encoder=encoder, text=text, roles=roles, limit=limit)


def _encoder_info(loaded: LoadedEncoder) -> EncoderInfo:
    labels = loaded.spec.labels
    return EncoderInfo(
        name=loaded.spec.name,
        reader=loaded.reader.name,
        layer=loaded.spec.layer,
        hook=loaded.reader.hook,
        d_in=loaded.sae.d_in,
        d_sae=loaded.sae.d_sae,
        architecture=loaded.sae.title,
        reader_sha256=loaded.reader.sha256,
        sae_sha256=loaded.sae_sha256,
        labels_sha256=hashlib.sha256(labels.read_bytes()).hexdigest() if labels else None,
        threshold=loaded.spec.threshold,
        pooling=loaded.reader.pooling,
        precision=loaded.reader.precision,
    )


def _kept_labels(folder: Path, labels: pl.DataFrame | None) -> pl.DataFrame | None:
    """Labels of a frame that documents were appended to: its own, where it was given others than the encoder's."""
    if not (there := Layout(folder).features).is_file():
        return labels
    with reading(there):
        frame = pl.read_parquet(there, columns=list(LABEL_SCHEMA))
    usual = frame.select("feature").join(
        checked_labels(labels, frame.height), on="feature", how="left", maintain_order="left"
    )
    said = [name for name in LABEL_SCHEMA if name not in ("feature", "tokens")]
    own = frame.join(usual.select("feature", *said), on=["feature", *said], how="anti", nulls_equal=True)
    return merged_labels(usual, own)


def _documents_of(frame: str | Path) -> pl.LazyFrame:
    """Text and the user's columns of an existing frame."""
    made = ("doc", "tokens", "features_on", "variance_unexplained")
    return open_frame(Path(frame)).scan_documents().drop(made)


def _cached(info: EncoderInfo, about: CorpusInfo, options: dict[str, Any]) -> Path:
    key = orjson.dumps([asdict(info), about.sha256, options], option=orjson.OPT_SORT_KEYS)
    return cache_folder() / "frames" / f"{hashlib.sha256(key).hexdigest()[:24]}.sae"


def _write_shards(
    writer: FrameWriter, corpus: Corpus, loaded: LoadedEncoder, folder: Path, shard_documents: int, token_budget: int
) -> None:
    """Encode what is not listed yet; batches never cross shards, so every shard can be made alone."""
    estimate = _estimate(corpus, loaded, token_budget, shard_documents)
    log.info("embedding %s documents of %s: %s", f"{corpus.documents:,}", corpus.name, estimate)
    _check_disk(folder, estimate)
    already = writer.corpus_documents_done
    if not already:
        _warn_of_misfit(corpus, loaded)
    left = estimate.tokens * (1 - already / max(corpus.documents, 1))
    with progress(f"embedding {corpus.name}", total=left, unit="tokens") as done:
        for batch in corpus.batches(shard_documents, skip=already):
            encoded = encode(
                documents_of(batch, turns=loaded.reader.chat is not None),
                loaded.reader,
                loaded.sae,
                threshold=loaded.spec.threshold,
                token_budget=token_budget,
                progress=done,
            )
            first = writer.documents_done
            made = encoded.documents.select("tokens", "features_on", "variance_unexplained")
            number = pl.int_range(first, first + batch.height, dtype=pl.UInt32, eager=True).alias("doc")
            user = [column for column in batch.columns if column != "text"]
            documents = pl.concat([batch.select(number, "text"), made, batch.select(user)], how="horizontal")
            activations = encoded.activations.with_columns(pl.col("doc") + pl.lit(first, dtype=pl.UInt32))
            windowed = int((encoded.documents["windows"] > 1).sum())
            writer.write_shard(documents, activations, windowed=windowed)
            give_back_memory()


def _estimate(corpus: Corpus, loaded: LoadedEncoder, token_budget: int, shard_documents: int) -> Estimate:
    """Encode the first documents and extrapolate by characters."""
    first = next(iter(corpus.batches(_PROBE_DOCUMENTS)))
    texts = documents_of(first, turns=loaded.reader.chat is not None)
    encode(texts[:1], loaded.reader, loaded.sae)  # the first pass pays for set-up
    since = time.perf_counter()
    probe = encode(texts, loaded.reader, loaded.sae, token_budget=token_budget)
    seconds = time.perf_counter() - since
    share = corpus.characters / max(int(first["text"].str.len_chars().sum()), 1)
    rows = probe.activations.height * share
    shard = min(shard_documents / max(corpus.documents, 1), 1.0)
    peak = token_budget * loaded.reader.d_model * 4 * 20 + rows * shard * _ROW_BYTES
    weights = sum(p.nbytes for p in loaded.reader.model.parameters()) + loaded.sae.W_enc.nbytes * 2
    return Estimate(
        tokens=round(int(probe.documents["tokens"].sum()) * share),
        disk=round(rows * _DISK_BYTES + corpus.characters / 2),
        memory=round(peak + weights + 600e6),
        seconds=seconds * share,
    )


def _warn_of_misfit(corpus: Corpus, loaded: LoadedEncoder) -> None:
    """Say on the first documents if the SAE does not seem to belong to the reader, or to know such text."""
    first = documents_of(next(corpus.batches(_PROBE_DOCUMENTS)), turns=loaded.reader.chat is not None)
    if next(loaded.reader.windows(first), None) is None:
        return
    table = check_documents(first, loaded, thorough=False)
    for check, value, expected, verdict in table.filter(pl.col("verdict") != "ok").iter_rows():
        log.warning("does the encoder fit? %s: %s, expected %s: %s", check, value, expected, verdict)


def _check_disk(folder: Path, estimate: Estimate) -> None:
    place = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(place).free
    if estimate.disk > free:
        need = in_bytes(estimate.disk)
        msg = f"{folder} needs about {need}, but only {in_bytes(free)} is free there; choose another --out"
        raise FrameError(msg)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
