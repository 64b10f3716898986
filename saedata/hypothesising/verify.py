"""Have hypotheses judged on documents, blind to the side."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.hypothesising.prompts import judging, read_judgements
from saedata.hypothesising.verdicts import NO, UNANSWERED, UNSURE, YES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.endpoint import Prompt
    from saedata.frame import Embeddings
    from saedata.hypothesising.asking import Asking
    from saedata.hypothesising.prompts import Claim
    from saedata.hypothesising.sides import Comparison

    Key = tuple[int, int, int, int]  # comparison, side, place of the document, first statement

log = logging.getLogger("saedata")

TOGETHER = 10
"""Statements about one document in one prompt."""

STEP = "verify"
_CODES = {"yes": YES, "no": NO, "unsure": UNSURE}
_CHARACTERS_PER_TOKEN = 4
_TOKENS_EACH = 6  # of an answer, for a statement


def verify(
    frames: Sequence[Embeddings],
    drawn: Sequence[Comparison],
    claims: Mapping[str | None, Sequence[Claim]],
    run: Asking,
    *,
    characters: int,
    seed: int,
    prices: tuple[float, float] | None,
) -> dict[tuple[str | None, int], NDArray[np.int8]]:
    """Ask about every document drawn whether the hypotheses of its comparison are true of it.

    Which documents count was settled before anything is asked; an answer belongs to one of them.

    Returns
    -------
    dict
        By group and side int8 [hypotheses, documents] of `verdicts.YES` and so on.
    """
    texts = _texts(frames, drawn)
    orders: dict[Key, list[int]] = {}
    prompts: dict[Key, Prompt] = {}
    cut = 0
    for key, text in _questions(drawn, claims, texts):
        own = claims[drawn[key[0]].group]
        orders[key] = _order(range(key[3], min(key[3] + TOGETHER, len(own))), text, seed)
        prompts[key] = judging(own, text, order=orders[key], characters=characters)
        cut += key[3] == 0 and len(text) > characters
    if cut:
        log.warning("of %s documents only the first %s characters are judged", f"{cut:,}", f"{characters:,}")
    if prompts:
        _announce(prompts, orders, run, prices)
    keys = list(prompts)
    mixed = {keys[at]: prompts[keys[at]] for at in np.random.default_rng(seed).permutation(len(keys)).tolist()}
    answers = run.settle(STEP, mixed, lambda key, said: read_judgements(said, orders[key]))
    return _collected(drawn, claims, answers)


def _texts(frames: Sequence[Embeddings], drawn: Sequence[Comparison]) -> list[dict[int, str]]:
    """Texts of the documents drawn, by number, for each frame."""
    texts = []
    for at, frame in enumerate(frames):
        docs = {doc for one in drawn for side in one.sides if side.frame == at for doc in side.docs.tolist()}
        wanted = frame.scan_documents().filter(pl.col("doc").is_in(sorted(docs)))
        texts.append(dict(wanted.select("doc", pl.col("text").fill_null("")).collect().iter_rows()))
    return texts


def _questions(
    drawn: Sequence[Comparison], claims: Mapping[str | None, Sequence[Claim]], texts: Sequence[Mapping[int, str]]
) -> Iterator[tuple[Key, str]]:
    for number, one in enumerate(drawn):
        for first in range(0, len(claims[one.group]), TOGETHER):
            for at, side in enumerate(one.sides):
                yield from (
                    ((number, at, place, first), texts[side.frame][doc]) for place, doc in enumerate(side.docs.tolist())
                )


def _order(chunk: range, text: str, seed: int) -> list[int]:
    """Another order of the statements for every text, so that no place is preferred; equal texts have the same."""
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return [chunk[at] for at in np.random.default_rng([seed, digest]).permutation(len(chunk)).tolist()]


def _collected(
    drawn: Sequence[Comparison],
    claims: Mapping[str | None, Sequence[Claim]],
    answers: Mapping[Key, Mapping[int, str]],
) -> dict[tuple[str | None, int], NDArray[np.int8]]:
    codes = {
        (number, at): np.full((len(claims[one.group]), len(side.docs)), UNANSWERED, dtype=np.int8)
        for number, one in enumerate(drawn)
        for at, side in enumerate(one.sides)
    }
    for (number, at, place, _), judgements in answers.items():
        for statement, said in judgements.items():
            codes[number, at][statement, place] = _CODES[said]
    return {(drawn[number].group, at): own for (number, at), own in codes.items()}


def _announce(
    prompts: Mapping[Key, Prompt], orders: Mapping[Key, list[int]], run: Asking, prices: tuple[float, float] | None
) -> None:
    """Say what the judging will take, before anything is asked."""
    from saedata.labels.explain import Estimate

    new = {prompt.key: (prompt, key) for key, prompt in prompts.items() if prompt.key not in run.answers}
    asked = sum(len(one.system) + len(one.user) for one, _ in new.values()) // _CHARACTERS_PER_TOKEN
    answered = sum(_TOKENS_EACH * len(orders[key]) for _, key in new.values())
    price = None if prices is None else (prices[0] * asked + prices[1] * answered) / 1e6
    log.info("verifying on documents: %s", Estimate(len(new), asked, answered, price))
