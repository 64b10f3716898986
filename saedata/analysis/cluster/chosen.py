"""The features that clusters are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.cluster.result import FEATURES
from saedata.concepts import choose_features
from saedata.errors import InputError
from saedata.frame import feature_name_expr
from saedata.hygiene import ALWAYS
from saedata.incidence import Incidence
from saedata.neighbours import read_profiles
from saedata.weights import Weights, feature_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings
    from saedata.neighbours import Profiles, Similarity
    from saedata.sentences import Embed


ClusterWeights = Weights | Literal["near"]

FALL = 0.5
"""How fast the weights "near" fall with the rank of a feature among those of its phrase.

Chosen, with `reading="axis"`, on emotion (tweets), sentiment (SST-2) and tense (sentences of our own), documents that
are in no benchmark: the mean ARI is .24; with equal weights .13, and with the nearest labels alone .13.
"""


@dataclass(frozen=True)
class Wanted:
    """What the user says of features; see `cluster`."""

    about: str | Sequence[str]
    without: str | Sequence[str]
    features: Sequence[int]
    kinds: str | Sequence[str]
    per_phrase: int
    least: float
    embed: Embed | None
    model: LanguageModel | None

    @property
    def everything(self) -> bool:
        """Whether no feature is preferred to others."""
        return not (self.about or len(self.features) or self.kinds)

    def table(self, frame: Embeddings) -> pl.DataFrame:
        """The chosen features, the first first; all of them where none is preferred."""
        if self.everything:
            if self.without:
                msg = "without leaves out some of the features that about chooses; say what the clusters are about"
                raise InputError(msg)
            return _all(frame)
        return choose_features(
            frame,
            self.about,
            without=self.without,
            features=self.features,
            kinds=self.kinds,
            reading="axis",
            per_phrase=self.per_phrase,
            least=self.least,
            embed=self.embed,
            model=self.model,
        )


@dataclass(frozen=True, eq=False)
class Chosen:
    """Features, and the documents that count by them.

    Parameters
    ----------
    table
        See `Clustering.features`.
    incidence
        The documents that count, with all features of the frame.
    profiles
        The same documents with the features used.
    """

    table: pl.DataFrame
    incidence: Incidence
    profiles: Profiles

    @property
    def used(self) -> NDArray[np.int64]:
        """Numbers of the features that clusters are made from, ascending."""
        return np.sort(self.table.filter("used")["feature"].to_numpy()).astype(np.int64)


def choose(
    incidence: Incidence, wanted: Wanted, *, weights: ClusterWeights | None, similarity: Similarity, binary: bool
) -> Chosen:
    """Choose features, leave out those that tell nothing, and read what is compared.

    Parameters
    ----------
    incidence
        The documents that count.
    wanted
        Which features.
    weights, similarity, binary
        How documents are compared.

    Raises
    ------
    InputError
        No feature is chosen, or none of those that are chosen tells documents apart.
    """
    frame, documents = incidence.frame, len(incidence)
    table = wanted.table(frame)
    features = table["feature"].to_numpy()
    on = frame.documents_on(threshold=incidence.threshold, docs=incidence.docs)
    if weights is None:
        weights = "near" if wanted.about else "equal"
    weight = _weights(weights, table, on, documents)
    telling = (on > 0) & (on < ALWAYS * documents - 1e-9) & (weight > 0)
    by_number = np.isin(np.arange(len(on)), np.asarray(wanted.features, dtype=np.int64))
    telling |= by_number & (on > 0) & (weight > 0)  # who names a feature wants it
    table = table.with_columns(pl.Series("density", on[features] / documents), pl.Series("used", telling[features]))
    if not table["used"].any():
        msg = (
            f"none of the {table.height:,} chosen features tells the documents of {frame.name} apart: each is on in "
            f"none of them, or in {100 * ALWAYS:g} % or more; choose others"
        )
        raise InputError(msg)
    chosen = np.zeros(len(on))
    used = features[telling[features]]
    chosen[used] = weight[used]
    narrowed = Incidence(frame.select(used), incidence.docs, threshold=incidence.threshold)
    profiles = read_profiles(narrowed, chosen, similarity=similarity, binary=binary)
    return Chosen(table.select(list(FEATURES)).cast(FEATURES), incidence, profiles)


def _weights(
    weights: ClusterWeights, table: pl.DataFrame, on: NDArray[np.int64], documents: int
) -> NDArray[np.float64]:
    """What each feature counts, float64 [features of the encoder]."""
    if not isinstance(weights, str) or weights != "near":
        return feature_weights(weights, on, documents)
    if table["phrase"].null_count() == table.height:
        msg = "the weights 'near' are for features that about chooses; say what the clusters are about"
        raise InputError(msg)
    kinds = table["kind"].drop_nulls().unique()
    place = pl.col("rank").rank("ordinal").over("phrase").cast(pl.Float64) - 1
    of_phrase = pl.col("phrase").is_not_null() & ~pl.col("phrase").str.to_lowercase().is_in(kinds.implode())
    near = pl.when(of_phrase).then((-place / pl.len().over("phrase") / FALL).exp()).otherwise(1.0)
    weight = np.ones(len(on))
    weight[table["feature"].to_numpy()] = table.select(near)[:, 0].to_numpy()
    return weight


def _all(frame: Embeddings) -> pl.DataFrame:
    nothing: dict[str, Any] = {"phrase": pl.lit(None, pl.String), "similarity": pl.lit(None, pl.Float64)}
    table = frame.features.select("feature", feature_name_expr().alias("label"), "kind").with_columns(**nothing)
    return table.with_row_index("rank")
