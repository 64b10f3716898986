"""Choosing features by words: those whose labels mean what the user says.

Search and clustering share it, so that the same words always choose the same features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.kinds import Kinds
from saedata.label_vectors import LabelVectors, label_embedder, label_vectors, with_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings
    from saedata.frame.view import View
    from saedata.kinds import Find
    from saedata.sentences import Embed

Reading = Literal["property", "axis"]
"""What phrases name: something that texts have (angry), or something in which they differ (tone)."""

PER_PHRASE = 100
"""Features chosen for a phrase, as in the paper."""

LEAST = 0.25
"""Cosine that the nearest label must reach: of 60 phrases that name something, the bundled labels reach 0.27 or more.

Invented words reach 0.3 to 0.5 where features of letters and word pieces are labelled; no threshold tells them apart.
"""

SUGGESTED = 5
"""Labels that a message suggests."""

SCHEMA: dict[str, pl.DataType] = {
    "feature": pl.UInt32(),
    "label": pl.String(),
    "kind": pl.String(),
    "phrase": pl.String(),
    "similarity": pl.Float64(),
    "rank": pl.UInt32(),
}

_LONGEST_SHOWN = 60  # characters of a phrase in a message


def choose_features(
    embeddings: Embeddings,
    about: str | Sequence[str] = (),
    *,
    without: str | Sequence[str] = (),
    features: Sequence[int] = (),
    kinds: str | Sequence[str] = (),
    reading: Reading = "property",
    per_phrase: int = PER_PHRASE,
    least: float = LEAST,
    embed: Embed | None = None,
    model: LanguageModel | None = None,
) -> pl.DataFrame:
    """Choose features by what their labels say, by kind, or by number.

    Parameters
    ----------
    embeddings
        The corpus; features that are on in none of its documents are never chosen by words or kind.
    about
        Phrases, e.g. "tone of voice": the features with the nearest labels are chosen.
    without
        Phrases again: a feature whose label is nearer to one of them than to every phrase of `about` is left out.
    features
        Numbers of features to choose in any case.
    kinds
        Only features of these kinds, e.g. ("style", "tone"); with no phrase all of them.
    reading
        "property": a phrase is what texts have ("angry"), and the nearest labels are chosen. "axis": it is something
        in which texts differ ("sentiment", "tense"), which labels seldom name; then what is said of the feature's
        kind counts as much as its label, and the name of a kind ("style") stands for all features of the kind.
    per_phrase
        Features for each phrase, at most; for the name of a kind there is no bound.
    least
        Cosine, from -1 to 1, that the label nearest to a phrase must reach for the phrase to count as known.
    embed
        Gives unit vectors for texts; None: the bundled sentence encoder.
    model
        A language model that first adds 2 to 10 wordings to each phrase, and afterwards drops the features that
        do not fit and puts the others in order; None: neither is done.

    Returns
    -------
    polars.DataFrame
        ``feature``, ``label`` (the name under which it is shown), ``kind``, ``phrase`` (the nearest one; null where
        the feature was chosen by number or kind), ``similarity`` (its cosine with the label) and ``rank`` (0 is
        first). Each feature once: first those chosen by number, in the order given, then the nearest of each
        phrase, the second nearest of each, and so on, where with "axis" nearness is the sum of the cosines with
        the label and with the meaning of its kind.

    Raises
    ------
    InputError
        Nothing is chosen, a phrase is far from every label (the nearest are suggested), a feature or kind does not
        exist, no feature has a label, or an option is out of range.

    Notes
    -----
    Jiang, N. et al. (2025), Interpretable Embeddings with Sparse Autoencoders (arXiv:2512.10092): the features
    nearest to each key phrase by cosine of label embeddings, 100 for each.
    """
    phrases, minus, of_kinds = _listed(about), _listed(without), _listed(kinds)
    _check(phrases, features, of_kinds, reading, per_phrase=per_phrase, least=least)
    known = _known(embeddings)
    table = known.table
    numbers = _checked_numbers(embeddings, features)
    chosen = [_by_number(numbers)]
    if phrases or of_kinds:
        eligible = _eligible(known.labelled, of_kinds)
        if phrases:
            words = _Words(known, eligible, embed, reading)
            wordings = _wordings(phrases, model)
            found = words.choose(wordings, minus, per_phrase=per_phrase, least=least)
            chosen.append(_judged(found, table, wordings, model))
        else:
            chosen.append(_by_kind(eligible))
    return _finished(pl.concat(chosen), table)


def known_features(embeddings: Embeddings) -> pl.DataFrame:
    """List the features of a view with their names, without counting anything anew.

    Parameters
    ----------
    embeddings
        The corpus.

    Returns
    -------
    polars.DataFrame
        ``feature``, ``name`` (as it is shown), ``label``, ``kind``, and ``on``: whether it is on in any document of
        the frames that the view is on.
    """
    return _known(embeddings).table


def label_embedder_of(embeddings: Embeddings) -> Embed:
    """Embed words as `features_by_words` does; of labels of these features, vectors that are kept are taken."""
    return label_embedder(_known(embeddings).labels, encoder=embeddings.encoder.name)


@dataclass(frozen=True, eq=False)
class _Known:
    """Features of a view, their labels, and the vectors of these, as long as the view is in use."""

    view: View

    @cached_property
    def table(self) -> pl.DataFrame:
        """See `known_features`."""
        tables = [part.frame.features for part in self.view.parts]
        on = np.any([table["documents"].to_numpy() > 0 for table in tables], axis=0)
        names = feature_name_expr().alias("name")
        table = tables[0].select("feature", names, "label", "kind", pl.Series("on", on))
        return table if self.view.chosen is None else table[self.view.chosen]

    @cached_property
    def labelled(self) -> pl.DataFrame:
        """The features that have a label."""
        return with_label(self.table)

    @property
    def labels(self) -> pl.DataFrame:
        """All labels of the frame, whichever features are selected: their vectors are kept together."""
        return with_label(self.view.parts[0].frame.features.select("feature", "label"))

    @cached_property
    def vectors(self) -> LabelVectors:
        """Their labels as the bundled sentence encoder embeds them."""
        return label_vectors(self.labels, encoder=self.view.encoder.name)


_KNOWN: WeakKeyDictionary[Embeddings, _Known] = WeakKeyDictionary()


def _known(embeddings: Embeddings) -> _Known:
    """What is known of the features of a view; read once."""
    if embeddings not in _KNOWN:
        _KNOWN[embeddings] = _Known(embeddings.view)
    return _KNOWN[embeddings]


@dataclass(frozen=True, eq=False)
class _Words:
    """Labels of the features that can be chosen by words."""

    known: _Known
    eligible: pl.DataFrame
    embed: Embed | None
    reading: Reading

    def choose(
        self, wordings: dict[str, list[str]], minus: list[str], *, per_phrase: int, least: float
    ) -> pl.DataFrame:
        """Features nearest to the wordings of each phrase: ``feature``, ``phrase``, ``similarity``, in order."""
        labels = self._vectors()
        flags = np.zeros(self.known.view.encoder.d_sae, np.bool_)
        flags[self.eligible["feature"].to_numpy()] = True
        allowed = flags[labels.features]
        texts = list(dict.fromkeys(text for some in wordings.values() for text in some))
        vectors = self._embedded([*texts, *minus])
        plus, against = vectors[: len(texts)], vectors[len(texts) :]
        nearest = [labels.nearest(vector, max(per_phrase, SUGGESTED), allowed) for vector in plus]
        for phrase, some in wordings.items():
            rows = [texts.index(text) for text in some]
            self._check_known(phrase, [(nearest[row][:SUGGESTED], plus[row]) for row in rows], labels, least)
        finders = self._finders(labels, texts, plus, allowed)
        near = [_near(labels, *finder, (plus, against), int(allowed.sum()), per_phrase) for finder in finders]
        return _in_turn(labels, near, texts, plus)

    def _finders(
        self, labels: LabelVectors, texts: list[str], vectors: NDArray[np.float32], allowed: NDArray[np.bool_]
    ) -> list[tuple[Find, bool]]:
        """For each phrase what finds its features, the nearest first, and whether all that is found is wanted."""
        if self.reading == "property":
            return [(partial(labels.nearest, vector, allowed=allowed), False) for vector in vectors]
        kinds = Kinds.of(labels, self.eligible, self._embedded)
        return [kinds.finder(text, vector) for text, vector in zip(texts, vectors, strict=True)]

    def _vectors(self) -> LabelVectors:
        if self.embed is None:
            return self.known.vectors
        return label_vectors(self.known.labelled, encoder=self.known.view.encoder.name, embed=self.embed)

    def _embedded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.embed is not None:
            return np.asarray(self.embed(texts), dtype=np.float32)
        from saedata.phrases import embed_phrases

        return embed_phrases(texts)

    def _check_known(
        self,
        phrase: str,
        nearest: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
        labels: LabelVectors,
        least: float,
    ) -> None:
        """Refuse a phrase that no label is near, however it is worded."""
        if max(labels.similarity(found[:1], vector[None])[0, 0] for found, vector in nearest) < least:
            numbers = labels.features[nearest[0][0]].tolist()
            named = self.known.table.filter(pl.col("feature").is_in(numbers)).select("feature", "name")
            names = dict(named.iter_rows())
            suggested = "; ".join(f'"{names[number]}"' for number in numbers)
            msg = (
                f'no feature has a label near "{shortened(phrase)}"; the nearest labels are {suggested}: '
                "use their words, choose features by number, or allow a lower similarity"
            )
            raise NoFeatureError(msg)


class NoFeatureError(InputError):
    """Words that choose no feature: far from all labels, or there are no labels."""


def shortened(text: str) -> str:
    """Text as a message can quote it: on one line, and not longer than a line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"


def _near(
    labels: LabelVectors,
    find: Find,
    every: bool,  # noqa: FBT001
    signed: tuple[NDArray[np.float32], NDArray[np.float32]],
    most: int,
    count: int,
) -> NDArray[np.int64]:
    """Of the labels nearest to one phrase those that are not nearer to a minus phrase than to any phrase."""
    plus, against = signed
    count = most if every else count
    looked = count
    found = find(looked)
    while len(against):
        nearer = labels.similarity(found, against).max(axis=1) > labels.similarity(found, plus).max(axis=1)
        if len(found) - nearer.sum() >= count or looked >= most:
            found = found[~nearer]
            break
        looked *= 4
        found = find(looked)
    return found[:count]


def _in_turn(
    labels: LabelVectors, near: list[NDArray[np.int64]], texts: list[str], vectors: NDArray[np.float32]
) -> pl.DataFrame:
    """Give each feature to its nearest phrase, and order them by their place there; equal ones by similarity."""
    positions = np.unique(np.concatenate(near))
    cosines = labels.similarity(positions, vectors)
    best = cosines.argmax(axis=1)
    similarity = cosines[np.arange(len(positions)), best]
    place = np.full(len(positions), np.iinfo(np.int64).max)
    for number, found in enumerate(near):
        mine = np.searchsorted(positions, found)
        own = best[mine] == number
        place[mine[own]] = np.flatnonzero(own)
    order = np.lexsort((positions, -similarity, place))
    columns = {
        "feature": labels.features[positions[order]],
        "phrase": [texts[number] for number in best[order]],
        "similarity": similarity[order],
    }
    return pl.DataFrame(columns, schema={"feature": pl.UInt32, "phrase": pl.String, "similarity": pl.Float64})


def _listed(texts: str | Iterable[str]) -> list[str]:
    """Phrases without white space around them and without repetitions; empty ones are none."""
    given = [texts] if isinstance(texts, str) else list(texts)
    return list(dict.fromkeys(text.strip() for text in given if text.strip()))


def _check(
    phrases: list[str],
    features: Sequence[int],
    kinds: list[str],
    reading: Reading,
    *,
    per_phrase: int,
    least: float,
) -> None:
    if reading not in ("property", "axis"):
        msg = f"reading is {reading!r}; it must be 'property' or 'axis'"
        raise InputError(msg)
    if not (phrases or len(features) or kinds):
        msg = "no feature is chosen: say what it is about in words, name kinds, or give feature numbers"
        raise InputError(msg)
    if per_phrase < 1:
        msg = f"per_phrase is {per_phrase}; at least one feature must be chosen for a phrase"
        raise InputError(msg)
    if not -1 <= least <= 1:
        msg = f"least is {least}; a cosine is from -1 to 1"
        raise InputError(msg)


def _checked_numbers(embeddings: Embeddings, features: Sequence[int]) -> list[int]:
    numbers = list(dict.fromkeys(features))
    embeddings.view.check_features(numbers, embeddings.name)
    return [int(number) for number in numbers]


def _eligible(labelled: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """Features that words or kinds can choose."""
    if labelled.is_empty():
        msg = (
            "no feature has a label, so none can be chosen by words or kind: give feature numbers, or label them first"
        )
        raise NoFeatureError(msg)
    there = labelled["kind"].drop_nulls().unique().sort().to_list()
    if unknown := [kind for kind in kinds if kind not in there]:
        msg = f'there are no features of kind "{shortened(unknown[0])}"; the kinds are {", ".join(there) or "none"}'
        raise InputError(msg)
    eligible = labelled.filter(pl.col("on"))
    if kinds:
        eligible = eligible.filter(pl.col("kind").is_in(kinds))
    if eligible.is_empty():
        what = f"labelled feature of kind {', '.join(kinds)}" if kinds else "labelled feature"
        msg = f"no {what} is on in any document, so none can be chosen"
        raise NoFeatureError(msg)
    return eligible


def _by_number(numbers: list[int]) -> pl.DataFrame:
    return _without_phrase(pl.DataFrame({"feature": numbers}, schema={"feature": pl.UInt32}))


def _by_kind(eligible: pl.DataFrame) -> pl.DataFrame:
    return _without_phrase(eligible.sort("feature").select("feature"))


def _without_phrase(features: pl.DataFrame) -> pl.DataFrame:
    return features.with_columns(phrase=pl.lit(None, pl.String), similarity=pl.lit(None, pl.Float64))


def _wordings(phrases: list[str], model: LanguageModel | None) -> dict[str, list[str]]:
    """Each phrase with the other wordings that a language model thinks of."""
    if model is None:
        return {phrase: [phrase] for phrase in phrases}
    from saedata.concept_prompts import expand

    return expand(phrases, model)


def _judged(
    found: pl.DataFrame, table: pl.DataFrame, wordings: dict[str, list[str]], model: LanguageModel | None
) -> pl.DataFrame:
    """Drop and order what was found as a language model says."""
    if model is None:
        return found
    from saedata.concept_prompts import rerank

    named = found.join(table, on="feature", how="left", maintain_order="left")
    kept = rerank(named, list(wordings), model)
    if not kept:
        msg = f"{model.name} finds that none of the {found.height} nearest features fits; use other words, or no model"
        raise InputError(msg)
    order = pl.DataFrame({"feature": kept}, schema={"feature": pl.UInt32})
    return order.join(found, on="feature", how="left", maintain_order="left")


def _finished(chosen: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    once = chosen.unique("feature", keep="first", maintain_order=True)
    named = once.join(table.select("feature", "name", "kind"), on="feature", how="left", maintain_order="left")
    return named.rename({"name": "label"}).with_row_index("rank").select(list(SCHEMA)).cast(pl.Schema(SCHEMA))
