"""From findings to hypotheses: in batches, and where there were several, their hypotheses once more."""

from __future__ import annotations

import logging
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from saedata.analysis.diff import distinct
from saedata.errors import SaedataError
from saedata.hypothesising.evidence import show
from saedata.hypothesising.prompts import condensing, merging, read_claims

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from saedata.endpoint import Prompt
    from saedata.frame import Embeddings
    from saedata.hypothesising.asking import Asking
    from saedata.hypothesising.evidence import Finding
    from saedata.hypothesising.prompts import Claim

    Claims = dict[str | None, list[Claim]]
    Key = tuple[str | None, int]

log = logging.getLogger("saedata")

BATCH = 25
"""Findings in one prompt: with three excerpts of either side about 9 000 tokens."""

STEP = "condense"


def condense(
    frames: Sequence[Embeddings], rows: pl.DataFrame, run: Asking, *, at_most: int, evidence: int
) -> tuple[Claims, dict[str | None, dict[int, list[int]]]]:
    """Ask for hypotheses.

    Parameters
    ----------
    frames
        The target and the others.
    rows
        From `evidence.choose`.
    run
        Who is asked.
    at_most
        Hypotheses of each group.
    evidence
        Excerpts for each finding and side.

    Returns
    -------
    tuple
        Hypotheses by group; and the documents that were shown, by group and place of their frame.

    Raises
    ------
    SaedataError
        A prompt got no answer, or none of the answers can be used.
    """
    places = {name: at for at, name in enumerate(distinct([frame.name for frame in frames]))}
    found: dict[str | None, list[Finding]] = defaultdict(list)
    for one in show(rows, frames[0], lambda name: frames[places.get(name, 0)], evidence=evidence):
        found[one.group].append(one)
    batches = {
        (group, at): list(some[at : at + BATCH]) for group, some in found.items() for at in range(0, len(some), BATCH)
    }
    first = _settle(run, batches, {key: condensing(some, at_most=at_most) for key, some in batches.items()}, at_most)
    _check(run, usable=bool(first))
    claims = {group: [claim for (own, _), some in first.items() if own == group for claim in some] for group in found}
    again = {(group, 0): found[group] for group, some in claims.items() if sum(own == group for own, _ in batches) > 1}
    prompts = {key: merging(claims[key[0]], some, at_most=at_most) for key, some in again.items() if claims[key[0]]}
    merged = _settle(run, again, prompts, at_most)
    _check(run, usable=True)
    if len(merged) < len(prompts):
        log.warning("hypotheses of several batches could not be joined; the first ones of them are taken as they are")
    claims |= {group: some for (group, _), some in merged.items()}
    chosen = {group: some[:at_most] for group, some in claims.items()}
    return chosen, _shown(rows, places, evidence)


def _check(run: Asking, *, usable: bool) -> None:
    """Refuse to go on with a part of the answers: with the others there would be other hypotheses to verify."""
    if usable and not run.steps[STEP].failed:
        return
    reason = run.errors.most_common(1)[0][0] if run.errors else "a prompt got no answer"
    msg = f"no hypothesis could be made: {reason}; what was answered is kept, and the same call asks only for the rest"
    raise SaedataError(msg)


def _settle(
    run: Asking, batches: Mapping[Key, Sequence[Finding]], prompts: Mapping[Key, Prompt], at_most: int
) -> dict[Key, list[Claim]]:
    given = {key: {one.feature for one in some} for key, some in batches.items()}
    refused: list[str] = []

    def read(key: Key, text: str) -> list[Claim]:
        claims, reasons = read_claims(text, given[key], at_most=at_most)
        refused.extend(reasons)
        return claims

    settled = run.settle(STEP, prompts, read)
    for reason in refused:
        log.warning("left out: %s", reason)
    return settled


def _shown(rows: pl.DataFrame, places: Mapping[str, int], evidence: int) -> dict[str | None, dict[int, list[int]]]:
    """Documents that the model has seen."""
    seen: dict[str | None, dict[int, set[int]]] = defaultdict(partial(defaultdict, set))
    columns = ("group", "other_name", "target_evidence", "other_evidence")
    for group, other, mine, theirs in rows.select(columns).iter_rows():
        seen[group][0].update(mine[:evidence])
        seen[group][places.get(other, 0)].update(theirs[:evidence])
    return {group: {at: sorted(docs) for at, docs in own.items()} for group, own in seen.items()}
