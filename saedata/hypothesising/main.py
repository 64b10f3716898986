"""`hypotheses` itself: choose findings, condense them, draw documents, have them judged, compare."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from saedata.analysis.diff import diff
from saedata.analysis.diff.columns import ALPHA
from saedata.errors import InputError
from saedata.hypothesising.asking import Asking, asking
from saedata.hypothesising.columns import SCHEMA, USAGE_SCHEMA
from saedata.hypothesising.condense import condense
from saedata.hypothesising.evidence import choose
from saedata.hypothesising.sides import Comparison, Drawing, draw
from saedata.hypothesising.verdicts import judged, weigh
from saedata.hypothesising.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings
    from saedata.hypothesising.prompts import Claim

log = logging.getLogger("saedata")


@dataclass(frozen=True)
class Hypotheses:
    """What was found, and what it took.

    Attributes
    ----------
    table
        A row for each hypothesis; see `hypotheses`.
    usage
        A row for each step ("condense", "verify"): ``step``, ``model``, ``prompts`` asked, ``known`` (answered by an
        earlier run), ``failed`` (no answer), ``unusable`` (answers), ``prompt_tokens``, ``completion_tokens`` and
        ``cost`` (null without prices).
    """

    table: pl.DataFrame
    usage: pl.DataFrame


@dataclass(frozen=True)
class _Options:
    """What `hypotheses` was asked for; see there."""

    at_most: int
    alpha: float
    effect: float
    features: int
    evidence: int
    characters: int
    level: float
    prices: tuple[float, float] | None
    drawing: Drawing


def hypotheses(
    target: Embeddings,
    *others: Embeddings,
    model: LanguageModel,
    differences: pl.DataFrame | None = None,
    at_most: int = 10,
    documents: int = 200,
    by: str | None = None,
    pair: str | None = None,
    cluster: str | None = None,
    duplicates: Literal["once", "keep"] = "once",
    threshold: float | None = None,
    level: float = 0.95,
    alpha: float = ALPHA,
    effect: float = 0.03,
    features: int = 100,
    evidence: int = 3,
    characters: int = 6000,
    prices: tuple[float, float] | None = None,
    journal: str | Path | None = None,
    export: str | Path | None = None,
    seed: int = 0,
) -> Hypotheses:
    """Turn the findings of `diff` into hypotheses in plain language, and verify each on documents.

    A language model reads the findings that stand out, with excerpts of both sides, and condenses them. Then it judges
    every hypothesis on documents drawn at random from both sides: one document at a time, in random order, without
    being told which side it is from. What a document says can change the answers about itself, and nothing else.

    Parameters
    ----------
    target, others, by, pair, cluster, duplicates, threshold, level
        As in `diff`. Of a cluster one document of a side is judged.
    model
        Who writes and judges: an `Endpoint`, a `LocalModel`, an `AnswerFile`.
    differences
        What `diff` gave for the same corpora and options, or some of its rows; None: it is called.
    at_most
        Hypotheses, for each group where there is `by`.
    documents
        How many documents of each side to judge (pairs with `pair`), at most. Those that the model saw as evidence are
        taken only where there are too few others; those without a token never.
    alpha
        Findings with q below this are used; a hypothesis is decided where its q is below this.
    effect
        Findings whose shares differ by at least so much are used.
    features
        How many findings to use (of each group), at most; the largest differences first.
    evidence
        Excerpts for each finding and side, at most.
    characters
        How much of a document the judge sees, at most; of a longer one the beginning.
    prices
        Of a million prompt tokens and of a million completion tokens.
    journal
        File that keeps the answers, so that the same call again asks only what is open; default: one in the cache.
    export
        File for the prompts that got no answer (JSON lines of key, system, user, max_tokens).
    seed
        Of the draw and of the order in which documents and statements are shown.

    Returns
    -------
    Hypotheses
        In ``table`` a row for each hypothesis, the largest absolute difference first; with `by` after ``group``:

        - ``hypothesis``: a sentence; ``property``: what the judge was asked of a text; ``more_in``: the side whose
          texts are said to have it more often; ``features``: what it rests on
        - ``target``, ``other``: shares of the documents judged that have the property
        - ``difference`` (target - other) with its interval from ``low`` to ``high``, ``p``, and ``q``: p adjusted
          (Benjamini-Hochberg) over all hypotheses
        - ``verdict``: "confirmed" (q < `alpha`, in the direction of the hypothesis), "refuted" (q < `alpha`, in the
          other direction), "not confirmed", or "not judged" (a side has no answers)
        - ``target_yes``, ``other_yes``, ``target_unsure``, ``other_unsure`` of ``target_documents``,
          ``other_documents``: counts behind the shares, in which "unsure" is no; ``target_unanswered``,
          ``other_unanswered``: documents drawn without a usable answer, which do not count
        - ``other_name``: the side that `other` speaks of
        - ``decided_difference``, ``decided_low``, ``decided_high``: the same without the documents (pairs) where the
          answer is "unsure"

    Raises
    ------
    InputError
        An option is out of range, or `differences` is no result of `diff`.
    SaedataError
        The model did not answer what hypotheses are made of, or not so that it can be used.

    Notes
    -----
    Jiang et al. (2512.10092) condense the 200 largest differences of at least 3 points into at most 10 hypotheses and
    hold those for valid whose verified difference is above 1 point, "unsure" counting as no. Tests and intervals are
    those of `diff`: with several others the target must exceed, or stay below, every one of them; with `pair`, the
    pairs where any other has the property count (for a hypothesis of less: where all of them have it).

    The differences were found in the same corpora, so a verdict tells whether the words fit what was found; whether
    it holds for other texts needs other texts: give `differences` of one half, and the other half as corpora.
    Only the judge's answers enter a verdict, no activation does.
    """
    drawing = Drawing(documents, by, pair, cluster, duplicates == "once", seed)
    options = _Options(at_most, alpha, effect, features, evidence, characters, level, prices, drawing)
    _check(options, target, others)
    if differences is None:
        differences = diff(
            target, *others, by=by, pair=pair, cluster=cluster, duplicates=duplicates, threshold=threshold, level=level,
            evidence=evidence, seed=seed,
        )  # fmt: skip
    rows = choose(differences, alpha=alpha, effect=effect, most=features)
    if rows.is_empty():
        log.warning("no finding has q < %s and a difference of at least %s, so no hypotheses are made", alpha, effect)
        return Hypotheses(_schema(by).to_frame(), USAGE_SCHEMA.to_frame())
    with asking(model, target, journal) as run:
        try:
            table = _found((target, *others), rows, run, options)
        finally:
            if export is not None:
                _export(export, run)
        usage = _usage(run, prices)
        _tell(table, usage, run)
    return Hypotheses(table, usage)


def _check(options: _Options, target: Embeddings, others: Sequence[Embeddings]) -> None:
    least = {"at_most": 1, "features": 1, "characters": 1, "evidence": 0}
    msg = next((f"{name} must be at least {low}" for name, low in least.items() if getattr(options, name) < low), "")
    if options.drawing.documents < 1:
        msg = "documents must be at least 1"
    elif not 0 < options.alpha < 1 or not 0 < options.level < 1 or not 0 <= options.effect <= 1:
        msg = "alpha, level and effect must lie between 0 and 1"
    elif options.prices is not None and min(options.prices) < 0:
        msg = "prices must not be below 0"
    elif (options.drawing.by is None) != bool(others):
        msg = "give other corpora to compare with, or `by` to split this one by a column, and not both"
    if msg:
        raise InputError(msg)
    for other in others:
        target.check_comparable(other)


def _schema(by: str | None) -> pl.Schema:
    return SCHEMA if by is None else pl.Schema({"group": pl.String(), **SCHEMA})


def _found(frames: tuple[Embeddings, ...], rows: pl.DataFrame, run: Asking, options: _Options) -> pl.DataFrame:
    """All steps from the chosen findings on."""
    how = options.drawing
    claims, seen = condense(frames, rows, run, at_most=options.at_most, evidence=options.evidence)
    drawn = draw(frames, list(claims), seen, how)
    _tell_seen(drawn)
    answers = verify(frames, drawn, claims, run, characters=options.characters, seed=how.seed, prices=options.prices)
    found = []
    for comparison in drawn:
        names = [side.name for side in comparison.sides]
        for at, claim in enumerate(claims[comparison.group]):
            codes = [answers[comparison.group, side][at] for side in range(len(names))]
            weighed = weigh(codes, names, more=claim.more, paired=comparison.paired, level=options.level)
            found.append(_said(claim, comparison) | weighed)
    return _table(found, how.by, options.alpha)


def _said(claim: Claim, comparison: Comparison) -> dict[str, Any]:
    target, *others = (side.name for side in comparison.sides)
    more_in = target if claim.more else others[0] if len(others) == 1 else "the others"
    return {
        "group": comparison.group,
        "hypothesis": f"More often in {more_in}: the text {claim.property}",
        "property": claim.property,
        "more_in": more_in,
        "features": list(claim.features),
        "more": claim.more,
    }


def _table(found: list[dict[str, Any]], by: str | None, alpha: float) -> pl.DataFrame:
    types = {"group": pl.String(), **SCHEMA, "more": pl.Boolean()}
    for name in ("q", "verdict"):
        del types[name]
    rows = judged(pl.DataFrame(found, schema=types), alpha=alpha).with_row_index("__place")
    order = [pl.col("__place").min().over("group"), -pl.col("difference").abs(), pl.col("p"), pl.col("__place")]
    schema = _schema(by)
    return rows.sort(order, nulls_last=True).select(list(schema)).cast(schema)


def _usage(run: Asking, prices: tuple[float, float] | None) -> pl.DataFrame:
    rows = []
    for name, step in run.steps.items():
        tokens = (step.prompt_tokens, step.completion_tokens)
        cost = None if prices is None else (prices[0] * tokens[0] + prices[1] * tokens[1]) / 1e6
        rows.append((name, run.model.name, step.prompts, step.known, step.failed, step.unusable, *tokens, cost))
    return pl.DataFrame(rows, schema=USAGE_SCHEMA, orient="row")


def _tell_seen(drawn: Sequence[Comparison]) -> None:
    if again := sum(one.seen for one in drawn):
        msg = "%s documents that gave the idea are judged as well, because there are too few others"
        log.warning(msg, f"{again:,}")


def _tell(table: pl.DataFrame, usage: pl.DataFrame, run: Asking) -> None:
    verdicts: Mapping[str, int] = dict(table["verdict"].value_counts().iter_rows())
    counted = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"
    cost = "" if usage["cost"].null_count() else f", price {usage['cost'].sum():,.2f}"
    log.info(
        "hypotheses: %s; %s prompts asked, %s answered before; %s prompt and %s completion tokens used%s",
        counted,
        *(f"{usage[name].sum():,}" for name in ("prompts", "known", "prompt_tokens", "completion_tokens")),
        cost,
    )
    for reason, times in run.errors.most_common(3):
        log.warning("%s times: %s", f"{times:,}", reason)
    if run.strays:
        log.warning("%s replies to nothing that was asked are left out", f"{run.strays:,}")


def _export(path: str | Path, run: Asking) -> None:
    from saedata.labels.answerfile import export_prompts

    count = export_prompts(path, run.unanswered.values())
    log.info("%s: %s prompts to be answered", path, f"{count:,}")
