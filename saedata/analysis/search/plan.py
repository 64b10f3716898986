"""From a query to features with weights: what is to be computed for every document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.search.characteristic import characteristic, learned
from saedata.analysis.search.query import And, Not, Or, Phrase, Query, phrases, syntax_error, unwanted
from saedata.concepts import LEAST, PER_PHRASE, SCHEMA, choose_features
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings

NOT_FEATURES = 5
"""A document has what NOT excludes where one of so many features nearest to the phrase is on."""

LEARNED_FEATURES = 300
"""Features that are learned from documents; more of them change nothing."""

MOST_PHRASES = 64
"""Phrases in a query, at most."""

PLAN_SCHEMA: dict[str, pl.DataType] = SCHEMA | {"weight": pl.Float64(), "wanted": pl.Boolean()}


@dataclass(frozen=True, eq=False)
class Leaf:
    """Features whose weighted sum is one score.

    Parameters
    ----------
    features
        Their numbers.
    weights
        float64, summing to 1.
    """

    features: NDArray[np.uint32]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gate:
    """Features of which none may be on."""

    features: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Combined:
    """Parts of which a document has all (geometric mean of the scores), or any (largest score)."""

    parts: tuple[Node, ...]
    needs_all: bool


Node = Leaf | Gate | Combined


@dataclass(frozen=True, eq=False)
class Plan:
    """What a query asks of documents.

    Parameters
    ----------
    scored
        Scores that are added up, each of the same weight.
    gates
        Every document must pass these.
    table
        The features that were chosen.
    """

    scored: tuple[Node, ...]
    gates: tuple[Node, ...]
    table: pl.DataFrame


@dataclass(frozen=True)
class Choice:
    """How features are chosen and weighed; see `saedata.analysis.search.search`."""

    without: Sequence[str] = ()
    kinds: Sequence[str] = ()
    per_phrase: int = PER_PHRASE
    temperature: float = 0.2
    least: float = LEAST
    model: LanguageModel | None = None

    def check(self) -> None:
        """Refuse options out of range before any work is done."""
        if not self.temperature > 0:
            msg = f"temperature is {self.temperature}; it must be above 0"
            raise InputError(msg)
        if self.per_phrase < 1:
            msg = f"per_phrase is {self.per_phrase}; at least one feature must be chosen for a phrase"
            raise InputError(msg)

    def words(self, embeddings: Embeddings, text: str | Sequence[str], count: int | None = None) -> pl.DataFrame:
        """Features for a phrase."""
        return choose_features(
            embeddings,
            text,
            without=self.without,
            kinds=self.kinds,
            per_phrase=count or self.per_phrase,
            least=self.least,
            model=self.model,
        )

    def weights(self, count: int) -> NDArray[np.float64]:
        """Weights of features by rank, summing to 1: exp(-(rank / count) / temperature)."""
        weights = np.exp(-np.arange(count) / count / self.temperature)
        return np.asarray(weights / weights.sum())


@dataclass(eq=False)
class _Planner:
    """Chooses the features of each phrase."""

    embeddings: Embeddings
    choice: Choice
    text: str
    tables: list[pl.DataFrame] = field(default_factory=list)

    def node(self, query: Query) -> Node:
        """Read part of a query; what stands under a NOT becomes a gate."""
        if isinstance(query, Phrase):
            return self._leaf(self.choice.words(self.embeddings, query.text))
        if isinstance(query, Not):
            return self._negated(query.part)
        parts = tuple(self.node(part) for part in query.parts)
        if isinstance(query, And):
            return Combined(parts, needs_all=True)
        self._check_alternatives(query, parts)
        return Combined(parts, needs_all=False)

    def numbered(self, features: Sequence[int]) -> Leaf:
        """Features by number, each of the same weight."""
        return self._leaf(choose_features(self.embeddings, features=features), equal=True)

    def kinds(self) -> Leaf:
        """All features of some kinds, each of the same weight."""
        return self._leaf(choose_features(self.embeddings, kinds=self.choice.kinds), equal=True)

    def alike(self, docs: NDArray[np.uint32]) -> Leaf:
        """The features that set documents apart from the others."""
        return self._leaf(characteristic(self.embeddings, docs, self.choice.per_phrase, self.choice.kinds))

    def _leaf(self, table: pl.DataFrame, *, equal: bool = False) -> Leaf:
        weights = np.full(table.height, 1 / table.height) if equal else self.choice.weights(table.height)
        self._note(table, weights, wanted=True)
        return Leaf(table["feature"].to_numpy(), weights)

    def _negated(self, query: Query) -> Node:
        if isinstance(query, Phrase):
            table = self.choice.words(self.embeddings, query.text, NOT_FEATURES)
            self._note(table, np.zeros(table.height), wanted=False)
            return Gate(table["feature"].to_numpy())
        if isinstance(query, Not):
            return self.node(query.part)
        parts = tuple(self.node(Not(part, _place(part))) for part in query.parts)
        if isinstance(query, And):
            self._check_alternatives(Or(query.parts, _place(query)), parts)
        return Combined(parts, needs_all=isinstance(query, Or))

    def _check_alternatives(self, query: Or, parts: tuple[Node, ...]) -> None:
        if len({is_gate(part) for part in parts}) > 1:
            reason = 'NOT takes documents away and ranks none, so it cannot be one side of OR; use "..." AND NOT "..."'
            raise syntax_error(self.text, query.position, reason)

    def _note(self, table: pl.DataFrame, weights: NDArray[np.float64], *, wanted: bool) -> None:
        self.tables.append(table.with_columns(weight=pl.Series(weights, dtype=pl.Float64), wanted=pl.lit(wanted)))


def make_plan(
    embeddings: Embeddings,
    query: Query | None,
    text: str,
    *,
    like: NDArray[np.uint32],
    features: Sequence[int],
    choice: Choice,
) -> Plan:
    """Choose the features for everything that is asked.

    Raises
    ------
    InputError
        See `saedata.analysis.search.search`.
    """
    planner = _Planner(embeddings, choice, text)
    nodes: list[Node] = []
    if query is not None:
        check_size(query, text)
        nodes.append(planner.node(query))
    if len(like):
        nodes.append(planner.alike(like))
    if len(features):
        nodes.append(planner.numbered(features))
    if choice.kinds and not nodes:
        nodes.append(planner.kinds())
    scored = tuple(node for node in nodes if not is_gate(node))
    if query is not None and not scored:
        position = unwanted(query)[0].position
        raise syntax_error(text, position, "everything is excluded and nothing is looked for; add a phrase without NOT")
    return Plan(scored, tuple(node for node in nodes if is_gate(node)), pl.concat(planner.tables))


def learned_plan(embeddings: Embeddings, docs: NDArray[np.uint32], kinds: Sequence[str]) -> Plan | None:
    """Ask for documents like some that were found; None where nothing sets those apart."""
    table = learned(embeddings, docs, LEARNED_FEATURES, kinds) if len(docs) else None
    if table is None or table.is_empty():
        return None
    leaf = Leaf(table["feature"].to_numpy(), table["weight"].to_numpy())
    return Plan((leaf,), (), table.with_columns(wanted=pl.lit(value=True)))


def required_gates(embeddings: Embeddings, query: Query | None, text: str, choice: Choice) -> tuple[Node, ...]:
    """Find what a query excludes altogether, for rankings that know no features."""
    planner = _Planner(embeddings, choice, text)
    return tuple(planner.node(part) for part in _excluded(query))


def _excluded(query: Query | None) -> list[Not]:
    if isinstance(query, And):
        return [part for one in query.parts for part in _excluded(one)]
    return [query] if isinstance(query, Not) and not phrases(query) else []


def check_size(query: Query, text: str) -> None:
    """Refuse a query that would take as long as a thousand of them."""
    every = sorted([*phrases(query), *unwanted(query)], key=lambda phrase: phrase.position)
    if len(every) > MOST_PHRASES:
        reason = f"here begins phrase {MOST_PHRASES + 1}, and {MOST_PHRASES} are the most; ask in several searches"
        raise syntax_error(text, every[MOST_PHRASES].position, reason)


def is_gate(node: Node) -> bool:
    """Whether a part of a plan lets documents pass and gives no score."""
    if isinstance(node, Combined):
        return all(is_gate(part) for part in node.parts)
    return isinstance(node, Gate)


def _place(query: Query) -> int:
    while isinstance(query, And | Or):
        query = query.parts[0]
    return query.position
