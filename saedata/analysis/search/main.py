"""Search: documents that have a property, by features, dense vectors and words."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.search.fusion import DEPTH, checked_weights, fused, rankings_of
from saedata.analysis.search.hits import with_texts
from saedata.analysis.search.plan import PLAN_SCHEMA, Choice, Plan, check_size, learned_plan, make_plan, required_gates
from saedata.analysis.search.query import Phrase, Query, parse, phrases, unwanted
from saedata.analysis.search.scores import best_by_features, passing
from saedata.analysis.search.texts import best_by_vectors, best_by_words
from saedata.analysis.search.where import where
from saedata.concepts import LEAST, PER_PHRASE, NoFeatureError
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.search.scores import Ranking
    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings


ROUNDS = 2
"""How often features are learned from documents: the second time from those that the learned features find."""


@dataclass(frozen=True, eq=False)
class _Asked:
    """A question, read and checked."""

    embeddings: Embeddings
    methods: tuple[str, ...]
    given: Mapping[str, float] | None
    feedback: int
    text: str
    query: Query | None
    like: NDArray[np.uint32]
    features: Sequence[int]
    choice: Choice
    above: float

    def weights(self, *, learned: bool = False) -> dict[str, float]:
        """What each ranking counts, also where the features were learned from documents."""
        return checked_weights(self.given, self.methods, learned=learned)

    @property
    def words(self) -> str:
        """What dense vectors and BM25 go by: the phrases that documents should have."""
        if isinstance(self.query, Phrase):
            return self.query.text
        return "; ".join(phrase.text for phrase in phrases(self.query))


def search(
    embeddings: Embeddings,
    query: str = "",
    *,
    method: str = "fusion",
    weights: Mapping[str, float] | None = None,
    feedback: int = 0,
    like: int | Sequence[int] = (),
    features: int | Sequence[int] = (),
    without: str | Sequence[str] = (),
    kinds: str | Sequence[str] = (),
    filter: pl.Expr | str | Sequence[str] | None = None,  # noqa: A002
    limit: int = 20,
    per_phrase: int = PER_PHRASE,
    temperature: float = 0.2,
    least: float = LEAST,
    threshold: float | None = None,
    model: LanguageModel | None = None,
    explain: bool = True,
) -> pl.DataFrame:
    """Find the documents that have a property.

    Parameters
    ----------
    embeddings
        The corpus. What a ranking needs beyond it (dense vectors, counts of words) is made the first time, kept in
        the frame's folder, and extended when documents were appended.
    query
        A phrase, or phrases joined by ``AND``, ``OR``, ``NOT`` and parentheses, e.g. ``"hedging" AND NOT "code"``.
    method
        "sae" (features), "dense" (sentence embeddings), "bm25" (words), several of them joined by "+", or "fusion"
        for all three.
    weights
        What each ranking counts where several are fused, above 0; those not named count what they do by default:
        ``{"sae": 0.3, "dense": 1, "bm25": 0.1}``, which suits phrases that describe a property. Where the very words
        matter, give "bm25" more.
    feedback
        Documents of a first search, the best ones, from which it is learned which features matter: those are then
        looked for instead of the features of the words, and twice in a row. 0: none; 100 is a good number where many
        documents are wanted and the corpus has twenty times as many. The learned features count 3 in a fusion if
        `weights` does not say otherwise.
    like
        Numbers of documents: more like these. They are not found themselves.
    features
        Numbers of features: documents where they are strong.
    without
        Phrases: features nearer to one of them are left out of the choice.
    kinds
        Only features of these kinds, e.g. ("style", "tone"); with no query all of them.
    filter
        Only documents for which this is true: an expression over the documents' columns, or conditions such as
        "model=a" and "stars>=3".
    limit
        Documents to return, at most.
    per_phrase
        Features chosen for each phrase.
    temperature
        How fast the weights of the features fall with their rank; above 0.
    least
        Cosine that the label nearest to a phrase must reach; see `saedata.concepts.choose_features`.
    threshold
        What an activation must exceed to count as on; None: the encoder's threshold.
    model
        A language model that widens phrases and judges features; None: neither.
    explain
        Whether to name the features that speak for each document; without, ``features`` is empty.

    Returns
    -------
    polars.DataFrame
        Best first: ``doc``, ``score`` (with one method its own; else the fused one), ``text``, ``features`` (a list
        of structs ``feature``, ``label``, ``value``, ``start``, ``stop`` of its strongest token, ``weight``; what
        adds most first, at most ten), ``rank_sae``, ``rank_dense``, ``rank_bm25`` (1 is best; null where the document
        is not among the first 1,000 there, or the method was not asked for), and the user's columns (one called like
        these gets ``_document`` appended).

    Raises
    ------
    InputError
        Nothing is asked, the query cannot be read (points at the character), a phrase is far from every label (the
        nearest are suggested), or an option, column, feature or document does not exist.

    Notes
    -----
    Features are chosen and weighed as by Jiang, N. et al. (2025), arXiv:2512.10092: the `per_phrase` features nearest
    to the phrase by the cosine of label embeddings; with r the rank of a feature among k, its weight is
    exp(-(r / k) / T), and a document's score the weighted mean of its activations, each divided by the feature's 0.9
    quantile where it is on. Here only activations above the threshold count.

    Of ``a AND b`` the score is the geometric mean of the two, so a document needs both; of ``a OR b`` the larger one.
    NOT gives no score: it takes away every document in which one of the five features nearest to the phrase is on,
    whatever the method. Dense vectors and words rank by the phrases under no NOT, taken together. `query`, `like` and
    `features` given together add their scores.

    Rankings are fused by the sum of weight / (60 + rank) (Cormack, G. V., Clarke, C. L. A. and Buettcher, S. (2009),
    Reciprocal rank fusion outperforms Condorcet and individual rank learning methods, SIGIR; there with equal weights,
    which did worse here than dense vectors alone).

    Features are learned by pseudo-relevance feedback (Rocchio, J. (1971), Relevance feedback in information retrieval,
    in The SMART retrieval system): a feature's weight is the mean of its activation / q90 over the documents found
    minus that over the corpus, where it is above 0, times log(documents / documents where it is on); the 300 of most
    weight are taken. Of the query, AND and OR then count in the first search only, and NOT in all.
    """
    choice = _choice(without, kinds, per_phrase, temperature, least, model)
    asked = _asked(embeddings, query, method, like, features, choice, threshold, weights, feedback)
    if limit < 1:
        msg = f"limit is {limit}; at least one document must be asked for"
        raise InputError(msg)
    plan = _plan(asked) if "sae" in asked.methods else None
    ranked, table = _ranked(asked, plan, _allowed(asked, filter), limit)
    return with_texts(embeddings, ranked, table if explain else table.clear(), asked.above)


def query_features(
    embeddings: Embeddings,
    query: str = "",
    *,
    like: int | Sequence[int] = (),
    features: int | Sequence[int] = (),
    without: str | Sequence[str] = (),
    kinds: str | Sequence[str] = (),
    per_phrase: int = PER_PHRASE,
    temperature: float = 0.2,
    least: float = LEAST,
    model: LanguageModel | None = None,
) -> pl.DataFrame:
    """Tell which features `search` chooses for a query.

    Parameters
    ----------
    embeddings, query, like, features, without, kinds, per_phrase, temperature, least, model
        As for `search`.

    Returns
    -------
    polars.DataFrame
        As `saedata.concepts.choose_features`, phrase by phrase, with ``weight`` (they sum to 1 in each phrase) and
        ``wanted``: false for what NOT takes away, which has no weight.

    Raises
    ------
    InputError
        As `search`.
    """
    choice = _choice(without, kinds, per_phrase, temperature, least, model)
    asked = _asked(embeddings, query, "sae", like, features, choice)
    return _made(asked).table


def _choice(
    without: str | Sequence[str],
    kinds: str | Sequence[str],
    per_phrase: int,
    temperature: float,
    least: float,
    model: LanguageModel | None,
) -> Choice:
    choice = Choice(_several(without), _several(kinds), per_phrase, temperature, least, model)
    choice.check()
    return choice


def _asked(
    embeddings: Embeddings,
    query: str,
    method: str,
    like: int | Sequence[int],
    features: int | Sequence[int],
    choice: Choice,
    threshold: float | None = None,
    weights: Mapping[str, float] | None = None,
    feedback: int = 0,
) -> _Asked:
    methods = rankings_of(method)
    checked_weights(weights, methods)
    _check_feedback(feedback, methods)
    if not embeddings.n_documents:
        msg = f"{embeddings.name} has no documents, so there is nothing to search in"
        raise InputError(msg)
    read = parse(query)
    if read is not None:
        check_size(read, query)
    docs = _documents(embeddings, like)
    numbers = [features] if isinstance(features, int | np.integer) else list(features)
    above = embeddings.threshold if threshold is None else threshold
    asked = _Asked(embeddings, methods, weights, feedback, query, read, docs, numbers, choice, above)
    _check_asked(asked)
    return asked


def _documents(embeddings: Embeddings, like: int | Sequence[int]) -> NDArray[np.uint32]:
    numbers = [like] if isinstance(like, int | np.integer) else list(like)
    extent = embeddings.view.extent
    for number in numbers:
        if not isinstance(number, int | np.integer) or not 0 <= number < extent:
            msg = f"there is no document {number!r} to be like; {embeddings.name} numbers them from 0 to {extent - 1}"
            raise InputError(msg)
    return np.unique(np.array(numbers, dtype=np.uint32))


def _check_asked(asked: _Asked) -> None:
    """Refuse a search for nothing."""
    if asked.query is not None or len(asked.like):
        return
    if "sae" not in asked.methods:
        msg = f"{' and '.join(asked.methods)} rank by words: give a query or documents to be like"
        raise InputError(msg)
    if not (len(asked.features) or asked.choice.kinds):
        msg = "nothing is asked: give a query, documents to be like, feature numbers, or kinds"
        raise InputError(msg)


def _check_feedback(feedback: int, methods: tuple[str, ...]) -> None:
    msg = ""
    if feedback < 0:
        msg = f"feedback is {feedback}; it must be 0 or more documents"
    elif feedback and "sae" not in methods:
        msg = f"features are learned from documents, but {' and '.join(methods)} rank without features; add sae"
    if msg:
        raise InputError(msg)


def _several(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _made(asked: _Asked) -> Plan:
    return make_plan(
        asked.embeddings,
        asked.query,
        asked.text,
        like=asked.like,
        features=asked.features,
        choice=asked.choice,
    )


def _plan(asked: _Asked) -> Plan | None:
    """Choose the features; where others rank too, words that choose none are left to them, with a warning."""
    try:
        return _made(asked)
    except NoFeatureError as error:
        if len(asked.methods) == 1 or unwanted(asked.query):
            raise
        others = [one for one in asked.methods if one != "sae"]
        first = " at first" if asked.feedback else ""
        said = f"only {' and '.join(others)} {'rank' if len(others) > 1 else 'ranks'} the documents{first}"
        warnings.warn(f"{said}, as {error}", UserWarning, stacklevel=3)
        return None


def _allowed(asked: _Asked, condition: pl.Expr | str | Sequence[str] | None) -> NDArray[np.bool_] | None:
    """Flag the documents that can be found, bool [extent]; None: all."""
    chosen = asked.embeddings
    if condition is not None:
        if not isinstance(condition, pl.Expr):
            condition = where(_several(condition), chosen.scan_documents().collect_schema())
        chosen = chosen.filter(condition)
    mask = chosen.view.mask
    if len(asked.like):
        mask = np.ones(chosen.view.extent, np.bool_) if mask is None else mask.copy()
        mask[asked.like] = False
    return mask


def _ranked(
    asked: _Asked, plan: Plan | None, allowed: NDArray[np.bool_] | None, limit: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rank by every method and fuse the rankings; also gives the features that ranked."""
    embeddings = asked.embeddings
    depth = limit if len(asked.methods) == 1 else max(limit, DEPTH)
    depth = max(depth, asked.feedback)
    found: dict[str, Ranking] = {}
    if plan is not None:
        found["sae"] = best_by_features(embeddings, plan, depth, allowed, above=asked.above)
    others = [name for name in asked.methods if name != "sae"]
    passed = allowed
    if others or asked.feedback:
        gates = required_gates(embeddings, asked.query, asked.text, asked.choice)
        passed = passing(embeddings, gates, allowed, above=asked.above)
    if asked.query is not None or len(asked.like):
        for name in others:
            rank = best_by_vectors if name == "dense" else best_by_words
            found[name] = rank(embeddings, asked.words, asked.like, depth, passed)
    table = plan.table if plan is not None else pl.DataFrame(schema=PLAN_SCHEMA)
    weights = asked.weights()
    for _ in range(ROUNDS if asked.feedback else 0):
        first = fused(found, weights, asked.feedback)["doc"].to_numpy()
        again = learned_plan(embeddings, first, asked.choice.kinds)
        if again is None:
            break
        table, weights = again.table, asked.weights(learned=True)
        found["sae"] = best_by_features(embeddings, again, depth, passed, above=asked.above)
    return fused(found, weights, limit), table
