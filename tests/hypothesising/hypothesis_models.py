"""Corpora with planted differences, and a language model that is none: it knows properties by a word."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.endpoint import Prompt, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from saedata.frame import Embeddings

WORDS = {"apologises": "sorry", "gives thanks": "thanks", "mentions rain": "rain", "talks of trains": "train"}
"""What a text does, and the word by which the judge knows it."""

DOCUMENT = re.compile(r"=== (\w+) ===\n(.*)\n=== \1 ===", re.DOTALL)
Answer = str | None


def planted(make_frame: Callable[..., Embeddings], n: int = 90, **settings: Any) -> tuple[Embeddings, Embeddings]:
    """Feature 0 is "sorry", far more in `warm`; 1 is "thanks", far more in `cold`; 2 is "rain", as often in both."""
    shares = {"warm": (0.7, 0.1, 0.5), "cold": (0.1, 0.6, 0.5)}
    rng = np.random.default_rng(3)
    frames = []
    for name, share in shares.items():
        on = rng.random((n, 3)) < share
        words = np.array(["sorry", "thanks", "rain"])
        texts = [" ".join(["letter", str(i), name[::-1], *words[row]]) for i, row in enumerate(on)]
        rows = [
            (text, {int(f): 1.0 + f for f in np.flatnonzero(row)} | {3: 1.0})
            for text, row in zip(texts, on, strict=True)
        ]
        user = {"id": list(range(n)), "side": [name] * n, "author": [i // 3 for i in range(n)]}
        frames.append(make_frame(f"{name}.sae", rows, features=5, shard=40, user=user, **settings))
    return frames[0], frames[1]


def claims(*rows: tuple[str, str, list[int]]) -> str:
    entries = [{"property": name, "more_in": side, "features": features} for name, side, features in rows]
    return json.dumps({"hypotheses": entries})


def given(prompt: Prompt) -> list[int]:
    """Features that a prompt shows."""
    return [int(number) for number in re.findall(r"^Feature (\d+):", prompt.user, re.MULTILINE)]


def statements(prompt: Prompt) -> dict[str, str]:
    return dict(re.findall(r"^(\d+)\. The text (.*)$", prompt.user.split("\n\n")[0], re.MULTILINE))


def document(prompt: Prompt) -> str:
    found = DOCUMENT.search(prompt.user)
    assert found is not None
    return found.group(2)


def by_word(prompt: Prompt) -> str:
    """An honest judge."""
    text = document(prompt)
    return json.dumps({n: "yes" if WORDS[name] in text else "no" for n, name in statements(prompt).items()})


class Model:
    """Condenses by one function and judges by another."""

    name = "stand-in"

    def __init__(self, condense: str | Callable[[Prompt], Answer], judge: Callable[[Prompt], Answer] = by_word) -> None:
        self._condense, self._judge = condense, judge
        self.prompts: list[Prompt] = []

    def asked(self, step: str) -> list[Prompt]:
        return [prompt for prompt in self.prompts if prompt.key.startswith(step)]

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        some = list(prompts)
        self.prompts += some
        for prompt in reversed(some):
            text = self.answer(prompt)
            yield Reply(prompt.key, text, None if text is not None else "no answer", 100, 10)

    def answer(self, prompt: Prompt) -> Answer:
        if prompt.key.startswith("verify"):
            return self._judge(prompt)
        return self._condense if isinstance(self._condense, str) else self._condense(prompt)
