"""`FrameWriter`: writes a frame shard by shard, and goes on after a crash as if there had been none.

What the manifest lists is complete and on the disk. A file is never changed once it has its name, except the
manifest and the files derived from all shards, which are replaced whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson
import polars as pl

from saedata.errors import FrameError
from saedata.frame import disk
from saedata.frame.duplicates import unique_documents
from saedata.frame.embeddings import Embeddings, open_frame
from saedata.frame.features import build_features
from saedata.frame.layout import ACTIVATION_SCHEMA, DOCUMENT_SCHEMA, Layout, partial
from saedata.frame.lock import lock_folder
from saedata.frame.manifest import CorpusInfo, EncoderInfo, FileInfo, Manifest, Shard
from saedata.frame.postings import build_postings
from saedata.frame.resume import check_place, existing_manifest, leftovers, planned_manifest
from saedata.frame.stored import StoredFrame
from saedata.frame.tables import check_columns, checked_activations, checked_documents
from saedata.frame.view import Part, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class FrameWriter:
    """Writes one frame; made by `FrameWriter.open` and used in a ``with`` statement.

    Nothing is created before the first shard is written.
    """

    def __init__(self, out: Path, plan: Manifest, columns: Mapping[str, pl.DataType]) -> None:
        self._layout = Layout(out)
        self._manifest = plan
        self._columns = dict(columns)
        self._listed: Manifest | None = None  # what is in the folder
        self._lock: int | None = None

    @classmethod
    def open(
        cls,
        out: str | Path,
        *,
        encoder: EncoderInfo,
        corpus: CorpusInfo | Mapping[str, Any],
        options: Mapping[str, Any],
        columns: Mapping[str, pl.DataType],
        append: bool = False,
    ) -> FrameWriter:
        """Begin a frame, or continue one.

        Parameters
        ----------
        out
            The frame's folder; it need not exist.
        encoder
            The encoder of the documents.
        corpus
            ``sha256``, ``documents``, ``characters``, ``text_column``.
        options
            The settings that decide what is written, as plain JSON values.
        columns
            The user's columns and their types, in order.
        append
            Add the corpus to those of a finished frame. Where there is no frame it begins one.

        Raises
        ------
        FrameError
            The folder belongs to another run (says in what it differs) or is not a frame, another process is
            writing it, or it cannot be written. Nothing is changed then.
        """
        check_columns(columns)
        info = corpus if isinstance(corpus, CorpusInfo) else CorpusInfo(**corpus)
        plain = orjson.loads(orjson.dumps(dict(options)))
        kinds = tuple((name, str(kind)) for name, kind in columns.items())
        plan = Manifest(encoder=encoder, corpora=(info,), options=plain, columns=kinds)
        writer = cls(Path(out), plan, columns)
        try:
            writer._continue(append=append)
        except BaseException:
            writer.close()
            raise
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes write the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def done(self) -> int:
        """Shards that are complete."""
        return len(self._manifest.shards)

    @property
    def documents_done(self) -> int:
        """Documents in complete shards; the first of the next shard must have this number."""
        return self._manifest.documents

    @property
    def corpus_documents_done(self) -> int:
        """Those of them that belong to this corpus: skip as many when reading it."""
        return sum(shard.documents for shard in self._manifest.shards if shard.corpus == self._corpus)

    @property
    def complete(self) -> bool:
        """Whether the frame is finished already."""
        return self._manifest.complete

    def write_shard(self, documents: pl.DataFrame, activations: pl.DataFrame, *, windowed: int = 0) -> None:
        """Write the next documents.

        Parameters
        ----------
        documents
            ``doc`` (numbered on from `documents_done`), ``text``, ``tokens``, ``features_on``,
            ``variance_unexplained`` and the user's columns.
        activations
            ``doc``, ``feature``, ``value``, ``start``, ``stop``, sorted by (doc, feature).
        windowed
            How many of the documents were longer than the reader's context.

        Raises
        ------
        FrameError
            The tables are not as they must be, the frame is finished, or the disk is full.
        """
        if self.complete:
            msg = f"{self._layout.root} is finished; use --append to add another corpus"
            raise FrameError(msg)
        first, d_sae = self.documents_done, self._manifest.encoder.d_sae
        documents = checked_documents(documents, columns=self._columns, first=first)
        activations = checked_activations(activations, first=first, documents=documents.height, d_sae=d_sae)
        with self._writing():
            self._begin()
            shard = self._write_files(documents, activations, windowed)
            self._list(dataclasses.replace(self._manifest, shards=(*self._manifest.shards, shard)))

    def finish(self, labels: pl.DataFrame | None = None) -> Embeddings:
        """Build what is derived from all shards, and mark the frame complete.

        Parameters
        ----------
        labels
            ``feature``, and where known ``label``, ``kind``, ``label_source``, ``label_score``, ``tokens``.

        Returns
        -------
        Embeddings
            The finished frame.

        Raises
        ------
        FrameError
            Documents are missing, `labels` cannot be used, or the disk is full.
        """
        if not self.complete:
            self._check_all_there()
            if not self._manifest.shards:  # so that the columns of an empty corpus are known
                none = pl.DataFrame(schema=DOCUMENT_SCHEMA | self._columns)
                self.write_shard(none, pl.DataFrame(schema=ACTIVATION_SCHEMA))
            with self._writing():
                self._begin()
                self._list(self._derive(labels))
        return open_frame(self._layout.root)

    @property
    def _corpus(self) -> int:
        return len(self._manifest.corpora) - 1

    def _continue(self, *, append: bool) -> None:
        """Look at what is in the folder, and lock it, if it exists."""
        out = self._layout.root
        check_place(out)
        if not out.exists():
            return
        self._lock = lock_folder(out)
        self._listed = existing_manifest(out)
        self._manifest = planned_manifest(out, self._listed, self._manifest, append=append)
        with disk.writing(out):
            self._sweep()

    def _begin(self) -> None:
        """Make the folder and its manifest, which claims the folder for this run."""
        root = self._layout.root
        if self._lock is None:
            root.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(root)
            if existing_manifest(root) is not None:
                msg = f"another process has written {root} meanwhile; run the same command again"
                raise FrameError(msg)
        if self._listed != self._manifest:
            self._list(self._manifest)
        self._layout.documents_folder.mkdir(exist_ok=True)
        self._layout.activations_folder.mkdir(exist_ok=True)
        disk.sync(root)

    def _write_files(self, documents: pl.DataFrame, activations: pl.DataFrame, windowed: int) -> Shard:
        index = len(self._manifest.shards)
        texts, values = self._layout.documents(index), self._layout.activations(index)
        disk.write_parquet(texts, documents, row_group_size=disk.DOCUMENT_ROW_GROUP)
        disk.write_parquet(values, activations)
        return Shard(
            index=index,
            corpus=self._corpus,
            documents=documents.height,
            activations=activations.height,
            tokens=int(documents["tokens"].sum()),
            empty=int((documents["text"].fill_null("").str.strip_chars() == "").sum()),
            windowed=windowed,
            documents_bytes=texts.stat().st_size,
            documents_sha256=disk.sha256_file(texts),
            activations_bytes=values.stat().st_size,
            activations_sha256=disk.sha256_file(values),
        )

    def _derive(self, labels: pl.DataFrame | None) -> Manifest:
        layout, manifest = self._layout, self._manifest
        build_postings(layout, shards=len(manifest.shards), d_sae=manifest.encoder.d_sae)
        view = View((Part(StoredFrame(layout, manifest), 0),))
        disk.write_parquet(layout.features, build_features(view, labels))
        files = {name: FileInfo(path.stat().st_size, disk.sha256_file(path)) for name, path in layout.derived().items()}
        duplicates = manifest.documents - len(unique_documents(view))
        return dataclasses.replace(manifest, complete=True, duplicates=duplicates, derived=files)

    def _list(self, manifest: Manifest) -> None:
        """Make a manifest the one that counts."""
        disk.write_file(self._layout.manifest, lambda file: file.write(manifest.to_json()))
        self._manifest = self._listed = manifest

    def _check_all_there(self) -> None:
        expected = self._manifest.corpora[-1].documents
        if self.corpus_documents_done != expected:
            msg = (
                f"{self._layout.root} has {self.corpus_documents_done} of the corpus' {expected} documents; "
                "the corpus changed while it was read: remove the frame and embed it again"
            )
            raise FrameError(msg)

    def _sweep(self) -> None:
        if self._listed is not None:
            disk.remove(leftovers(self._layout, self._listed))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Translate failures of the disk, and give back the space of what could not be finished."""
        try:
            with disk.writing(self._layout.root):
                yield
        except FrameError:
            with contextlib.suppress(OSError, FrameError):
                self._give_up()
            raise

    def _give_up(self) -> None:
        if self._lock is None:
            return
        # The manifest may have got its name before the failure: the disk counts, not the memory.
        listed = existing_manifest(self._layout.root)
        if listed is not None:
            disk.remove(leftovers(self._layout, listed))
        else:  # the folder is ours, but nothing was finished in it
            disk.remove([partial(self._layout.manifest)])
            self.close()
            self._layout.root.rmdir()
