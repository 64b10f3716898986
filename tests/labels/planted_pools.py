"""Pools of windows made by hand, and language models that are none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from saedata.endpoint import Prompt, Reply
from saedata.labels.windows import WindowPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

SAD, GLAD = "rain falls on the grey harbour number {}", "everyone laughs at the party number {}"


def pool_of(texts: Sequence[str], on: Sequence[Mapping[int, float]]) -> WindowPool:
    """Feature f is on, on the first word, in the windows that on[f] names, with those values."""
    rows = [(f, w, value) for f, windows in enumerate(on) for w, value in sorted(windows.items())]
    feature, window, value = (np.array([row[k] for row in rows]) for k in range(3))
    stop = [len(texts[w].split()[0]) for _, w, _ in rows]
    return WindowPool(
        texts=list(texts),
        document=np.arange(len(texts), dtype=np.int32),
        tokens=np.array([len(text.split()) for text in texts], dtype=np.int32),
        threshold=0.0,
        offsets=np.concatenate([[0], np.bincount(feature.astype(int), minlength=len(on)).cumsum()]),
        window=window.astype(np.int32),
        start=np.zeros(len(rows), dtype=np.int32),
        stop=np.array(stop, dtype=np.int32),
        value=value.astype(np.float32),
    )


def two_sided(each: int = 60) -> WindowPool:
    """Feature 0 is on in the first half (sad windows), feature 1 in the second (glad ones)."""
    texts = [SAD.format(i) for i in range(each)] + [GLAD.format(i) for i in range(each)]
    return pool_of(texts, [{i: 1.0 + i for i in range(each)}, {i: 1.0 + i for i in range(each, 2 * each)}])


def by_mood(texts: Sequence[str]) -> np.ndarray:
    """Sad texts point one way, glad ones the other, anything else nowhere."""
    return np.array([[("grey" in text) * 2.0, ("laughs" in text) * 3.0] for text in texts], dtype=np.float32)


class Model:
    """Answers by calling a function with the prompt and its excerpts."""

    name = "stand-in"

    def __init__(self, answer: Callable[[Prompt, list[str]], str | None]) -> None:
        self.answer, self.prompts = answer, list[Prompt]()

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        self.prompts = list(prompts)
        for prompt in reversed(self.prompts):
            text = self.answer(prompt, re.findall(r"^\d+\. (.*)$", prompt.user, re.MULTILINE))
            yield Reply(prompt.key, text, None if text else "no answer")
