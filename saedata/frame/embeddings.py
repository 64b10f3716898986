"""`Embeddings`: the documents of one or several frames, their features, and views on them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import FrameError, MismatchError
from saedata.frame import matrix, top
from saedata.frame.atlas import to_atlas
from saedata.frame.compare import COMPARABLE, encoder_differences
from saedata.frame.disk import reading
from saedata.frame.duplicates import unique_documents
from saedata.frame.features import matching, statistics
from saedata.frame.highlight import Html, mark
from saedata.frame.layout import LABEL_SCHEMA
from saedata.frame.lookup import cell
from saedata.frame.reencode import reads_chats, token_activations
from saedata.frame.stored import open_stored
from saedata.frame.view import Part, View, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.corpus import Conversation
    from saedata.encoders import LoadedEncoder
    from saedata.frame.manifest import EncoderInfo, Manifest
    from saedata.frame.view import Postings, ShardView


class Embeddings:
    """Sparse embeddings of a corpus. Immutable; nothing is read before it is asked for.

    Made by `open_frame`, or from another one by `filter`, `select` and `concat`, which copy no data.

    Parameters
    ----------
    view
        The documents and features.
    name
        Short name, for people.

    Attributes
    ----------
    name
        Short name, for people.
    view
        The documents and features, for code that reads the frames' files itself.
    """

    def __init__(self, view: View, *, name: str) -> None:
        self.view = view
        self.name = name

    def __repr__(self) -> str:
        return f"Embeddings({self.name!r}, {self.n_documents} documents, {self.n_features} features)"

    @property
    def path(self) -> Path | None:
        """The frame's folder; None after `concat`."""
        return self.view.parts[0].frame.layout.root if len(self.view.parts) == 1 else None

    @property
    def manifest(self) -> Manifest:
        """What the frame was made from (after `concat`: the first frame)."""
        return self.view.parts[0].frame.manifest

    @property
    def encoder(self) -> EncoderInfo:
        """The encoder that all documents share."""
        return self.view.encoder

    @property
    def threshold(self) -> float:
        """A feature is on in a document where its value is above this."""
        return self.encoder.threshold

    @property
    def n_documents(self) -> int:
        """Number of documents in this view."""
        return self.view.n_documents

    @property
    def n_features(self) -> int:
        """Number of features of the encoder; `select` does not change it, so that no number changes."""
        return self.encoder.d_sae

    @property
    def extent(self) -> int:
        """One more than the largest document number there can be; `filter` does not change it."""
        return self.view.extent

    @property
    def is_whole(self) -> bool:
        """Whether this is one frame with nothing left out."""
        return self.view.is_whole

    @property
    def doc_numbers(self) -> NDArray[np.uint32]:
        """Numbers of the documents in this view, ascending (uint32 [n_documents])."""
        docs = self.view.docs
        return np.arange(self.extent, dtype=np.uint32) if docs is None else docs.copy()

    @cached_property
    def documents(self) -> pl.DataFrame:
        """The documents with their texts and the user's columns, by document number."""
        with reading(self._where):
            return self.scan_documents().collect()

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row for each (selected) feature: label, tokens, and its statistics in this view.

        Columns: ``feature``, ``label``, ``kind``, ``label_source``, ``label_score``, ``tokens``,
        ``documents`` (where it is on), ``density`` (their share), and of the values where it is on ``mean``,
        ``max`` and ``q90``.
        """
        stored = self.view.parts[0].frame.features
        if self.view.is_whole:
            return stored
        table = stored.select(list(LABEL_SCHEMA)).hstack(statistics(self.view))
        return table if self.view.chosen is None else table[self.view.chosen]

    def scan_documents(self) -> pl.LazyFrame:
        """Read `documents` lazily."""
        return self.view.scan_documents()

    def scan(self) -> pl.LazyFrame:
        """Read the activations lazily.

        Returns
        -------
        polars.LazyFrame
            ``doc``, ``feature``, ``value`` and the character span ``start``, ``stop`` of the token where the
            value was reached; sorted by (doc, feature).
        """
        return self.view.scan_activations()

    def shards(self) -> Iterator[ShardView]:
        """Go through the shards with a document of this view, so that memory does not grow with the corpus."""
        return self.view.shards()

    def postings(self, feature: int, *, threshold: float | None = None) -> Postings:
        """Look up where one feature is on, in the index by feature.

        Parameters
        ----------
        feature
            Its number.
        threshold
            What a value must exceed; None: the encoder's threshold.

        Returns
        -------
        tuple of numpy.ndarray
            Numbers of the documents, ascending, and the values there.

        Raises
        ------
        FrameError
            The feature does not exist or is not selected.
        """
        self.view.check_features([feature], self.name)
        above = self.threshold if threshold is None else threshold
        return self.view.postings(feature, mask=self.view.mask, above=above)

    def to_csr(self) -> csr_matrix:
        """Gather the activations in a SciPy matrix.

        Returns
        -------
        scipy.sparse.csr_matrix
            float32 [n_documents, n_features]; row i is the i-th document of `documents`, column f is feature
            number f.
        """
        return matrix.to_csr(self.view)

    def documents_on(
        self, *, threshold: float | None = None, docs: NDArray[np.integer] | None = None
    ) -> NDArray[np.int64]:
        """Count the documents in which each feature is on.

        Parameters
        ----------
        threshold
            What a value must exceed; None: the encoder's threshold.
        docs
            Numbers of the documents to count in (each counts once); None: all.

        Returns
        -------
        numpy.ndarray
            int64 [n_features].

        Raises
        ------
        FrameError
            `docs` holds something that is not the number of a document.
        """
        return matrix.documents_on(self.view, threshold=threshold, docs=docs)

    def unique_documents(self) -> NDArray[np.uint32]:
        """Find the documents that remain when every text is kept once.

        Returns
        -------
        numpy.ndarray
            Their numbers, ascending: of equal texts the first; null and ``""`` are one text.
        """
        return unique_documents(self.view)

    def top_documents(
        self,
        feature: int | Sequence[int],
        n: int = 10,
        *,
        docs: NDArray[np.integer] | None = None,
        threshold: float | None = None,
    ) -> pl.DataFrame:
        """Find the documents in which features are strongest.

        Parameters
        ----------
        feature
            One feature or several; several cost one reading, not one each.
        n
            Documents for each feature, at most.
        docs
            Numbers of the documents to look in; None: all.
        threshold
            What a value must exceed; None: the encoder's threshold.

        Returns
        -------
        polars.DataFrame
            ``feature``, ``rank`` (from 1), ``doc``, ``value``, ``start`` and ``stop`` (the span of the
            strongest token), ``text``, and the user's columns (one called like these gets ``_document``
            appended); features in the order given, strongest first, equal values by document number.

        Raises
        ------
        FrameError
            A feature does not exist or is not selected.
        """
        features = [feature] if isinstance(feature, int | np.integer) else list(feature)
        return top.top_documents(self.view, self.strongest(features, n, docs=docs, threshold=threshold))

    def strongest(
        self,
        features: Sequence[int],
        n: int = 10,
        *,
        docs: NDArray[np.integer] | None = None,
        threshold: float | None = None,
    ) -> pl.DataFrame:
        """Find the numbers alone of the documents of `top_documents`, which takes no reading of spans and texts.

        Returns
        -------
        polars.DataFrame
            ``feature``, ``rank`` (from 1), ``doc``, ``value``; in the order of `top_documents`.
        """
        self.view.check_features(features, self.name)
        return top.strongest_of(self.view, features, n, mask=self.view.narrowed(docs), threshold=threshold)

    def passages(self, features: Sequence[int], docs: Sequence[int]) -> pl.DataFrame:
        """Look up features in documents, pair by pair; each shard that is needed is read once.

        Parameters
        ----------
        features, docs
            Equally many numbers: feature and document of each pair.

        Returns
        -------
        polars.DataFrame
            In this order ``feature``, ``doc``, ``value``, ``start``, ``stop`` (null where it has no value), ``text``.

        Raises
        ------
        FrameError
            A feature does not exist or is not selected, or a document is not in this view.
        """
        self.view.check_features(features, self.name)
        return top.passages(self.view, features, docs)

    def filter(self, expr: pl.Expr) -> Embeddings:
        """Keep the documents for which an expression over `documents` is true; their numbers stay the same.

        Parameters
        ----------
        expr
            For example ``pl.col("model") == "a"``.

        Raises
        ------
        FrameError
            The expression does not fit the columns.
        """
        try:
            docs = self.scan_documents().filter(expr).select("doc").collect()["doc"].sort().to_numpy()
        except (pl.exceptions.PolarsError, OSError) as error:
            columns = ", ".join(self.scan_documents().collect_schema())
            msg = f"cannot filter {self.name}: {' '.join(str(error).split())}; its columns are {columns}"
            raise FrameError(msg) from error
        return Embeddings(View(self.view.parts, docs, self.view.chosen), name=self.name)

    def select(self, features: Sequence[int] | NDArray[np.integer] | pl.Expr) -> Embeddings:
        """Keep only some features; their numbers stay the same.

        Parameters
        ----------
        features
            Their numbers, or an expression over `features`, e.g. ``pl.col("density") < 0.5``.

        Raises
        ------
        FrameError
            A feature does not exist, or the expression does not fit the columns.
        """
        given = matching(self.features, features) if isinstance(features, pl.Expr) else features
        numbers = np.asarray(given).tolist()
        self.view.check_features(numbers, self.name)
        chosen = np.unique(np.asarray(numbers, dtype=np.uint32))
        return Embeddings(View(self.view.parts, self.view.docs, chosen), name=self.name)

    @staticmethod
    def concat(items: Iterable[Embeddings], *, name: str | None = None) -> Embeddings:
        """Put frames of one encoder behind each other.

        Document numbers of the second and later ones move up by the number of documents of the frames before
        them. Labels and tokens of features come from the first.

        Parameters
        ----------
        items
            One or more; all with the same features selected.
        name
            Short name; None: the names joined by ``+``.

        Raises
        ------
        MismatchError
            They are of different encoders, or have different features selected.
        FrameError
            There is none, or they have more documents than can be numbered.
        """
        frames = list(items)
        if not frames:
            msg = "nothing to put together: concat needs at least one frame"
            raise FrameError(msg)
        for other in frames[1:]:
            frames[0].check_comparable(other)
        view = joined([frame.view for frame in frames])
        return Embeddings(view, name=name or " + ".join(frame.name for frame in frames))

    def check_comparable(self, other: Embeddings) -> None:
        """Refuse frames whose numbers do not mean the same.

        Parameters
        ----------
        other
            The frame to compare with.

        Raises
        ------
        MismatchError
            Weights, layer, hook, threshold, pooling or precision differ; says which.
        """
        words = (f"in {self.name}", f"in {other.name}")
        if found := encoder_differences(self.encoder, other.encoder, only=COMPARABLE, words=words):
            msg = (
                f"{self.name} and {other.name} cannot be compared: {'; '.join(found)}; "
                "embed both with the same encoder and precision"
            )
            raise MismatchError(msg)

    def to_pandas(self) -> pd.DataFrame:
        """Give `documents` as a pandas DataFrame."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            msg = "to_pandas needs pandas; install it with `pip install pandas`"
            raise FrameError(msg) from None
        return self.documents.to_pandas()

    def to_atlas(self, n: int = 20) -> pl.DataFrame:
        """Give each document the list of its strongest features, for Embedding Atlas and the like.

        Parameters
        ----------
        n
            Features for each document, at most.

        Returns
        -------
        polars.DataFrame
            `documents` with a column ``features``: a list of structs ``feature`` (its name), ``source`` (the
            encoder) and ``index`` (its number), strongest first.
        """
        return to_atlas(self.view, self.features, n=n)

    def tokens(self, doc: int, *, encoder: LoadedEncoder | None = None) -> pl.DataFrame:
        """Encode one document again, to see every token's features.

        Parameters
        ----------
        doc
            Number of the document.
        encoder
            The encoder, if it is loaded already; None: it is found by its name.

        Returns
        -------
        polars.DataFrame
            ``token``, ``start``, ``stop``, ``feature``, ``value``: one row where a feature is on at a token.

        Raises
        ------
        FrameError
            There is no such document in this view.
        EncoderError
            The encoder is not available here, or has other weights than the frame was made with.
        """
        table = token_activations(self.encoder, self._document(doc), encoder)
        if self.view.chosen is not None:
            table = table.filter(pl.col("feature").is_in(self.view.chosen.tolist()))
        return table

    def highlight(self, doc: int, feature: int, *, encoder: LoadedEncoder | None = None) -> Html:
        """Mark the tokens of a document on which a feature is on.

        Parameters
        ----------
        doc
            Number of the document.
        feature
            Number of the feature.
        encoder
            The encoder, if it is loaded already; None: it is found by its name.

        Returns
        -------
        Html
            The escaped text with ``<mark>`` around each such token; notebooks show it rendered.

        Raises
        ------
        FrameError
            There is no such document or feature in this view.
        EncoderError
            The encoder is not available here, or has other weights than the frame was made with.
        """
        self.view.check_features([feature], self.name)
        limit = pl.lit(self.threshold, pl.Float32)
        on = self.tokens(doc, encoder=encoder).filter(pl.col("feature") == feature, pl.col("value") > limit)
        return mark(self._text(doc), on.select("start", "stop", "value").iter_rows())

    @property
    def _where(self) -> Path:
        return self.path or Path(self.name)

    def _document(self, doc: int) -> str | Conversation:
        """A document as the reader got it: a conversation, where it was read in a chat template."""
        from saedata.corpus.chat import TURNS, Conversation

        if not reads_chats(self.encoder) or TURNS not in dict(self.manifest.columns):
            return self._text(doc)
        line = cell(self.view, doc, TURNS, name=self.name)
        return "" if line is None else Conversation.from_json(line)

    def _text(self, doc: int) -> str:
        return cell(self.view, doc, "text", name=self.name) or ""


def open_frame(path: str | Path, *, name: str | None = None) -> Embeddings:
    """Open a finished frame; takes milliseconds, nothing but the manifest is read.

    Parameters
    ----------
    path
        Its folder.
    name
        Short name, for people; None: the folder's name without ``.sae``.

    Raises
    ------
    FrameError
        There is no frame, it is unfinished or damaged, or of another version.
    """
    folder = Path(path)
    frame = open_stored(folder)
    return Embeddings(View((Part(frame, 0),)), name=name or folder.resolve().name.removesuffix(".sae"))
