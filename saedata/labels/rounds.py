"""Asking for labels: again after an answer that cannot be used, and once more where features got equal labels."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from saedata.labels.prompts import Answer, AnswerError, again, apart, normalised, read_answer
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.endpoint import LanguageModel, Prompt, Reply
    from saedata.labels.tasks import Task

log = logging.getLogger("saedata")

TRIES = 2
"""How often a feature is asked for, when its answers cannot be used."""


@dataclass
class Asking:
    """The state of a run: everything in it follows from the tasks and the answers so far.

    Attributes
    ----------
    model
        Who answers; None: nobody is asked.
    answers
        Answers by the key of their prompt, those of earlier runs included.
    keep
        Called with every new answer before anything else is done with it.
    errors
        Why prompts got no answer, by key.
    strays
        Replies to nothing that was asked, or to what was answered already: ignored.
    prompt_tokens, completion_tokens
        What this run used.
    unanswered
        Prompts that got no answer at all.
    """

    model: LanguageModel | None
    answers: dict[str, str]
    keep: Callable[[Reply], None]
    errors: dict[str, str] = field(default_factory=dict)
    strays: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    asked: int = 0
    unanswered: dict[str, Prompt] = field(default_factory=dict)

    def label(self, tasks: Sequence[Task]) -> dict[int, Answer]:
        """Find a label for every task that has a question."""
        first = {task.feature: task.prompt for task in tasks if task.prompt}
        answers = self.settle(first)
        twins = self.twins(tasks, answers)
        return answers | self.settle(twins, tries=1)

    def settle(self, prompts: dict[int, Prompt], *, tries: int = TRIES) -> dict[int, Answer]:
        """Ask for some features, and again where the answer cannot be used."""
        found: dict[int, Answer] = {}
        left = dict(prompts)
        for _ in range(tries):
            self._ask([prompt for prompt in left.values() if prompt.key not in self.answers])
            following: dict[int, Prompt] = {}
            for feature, prompt in left.items():
                if prompt.key not in self.answers:
                    continue
                try:
                    found[feature] = read_answer(self.answers[prompt.key])
                except AnswerError as error:
                    self.errors[prompt.key] = f"the answer cannot be used: {error}"
                    following[feature] = again(prompt, str(error))
            left = following
        return found

    def twins(self, tasks: Sequence[Task], answers: dict[int, Answer]) -> dict[int, Prompt]:
        """Questions about features that got equal labels: each with windows of the next one of its group."""
        by_feature = {task.feature: task for task in tasks}
        prompts: dict[int, Prompt] = {}
        for group in equal_labels({feature: answer.label for feature, answer in answers.items()}):
            for feature, other in zip(group, [*group[1:], group[0]], strict=True):
                question = by_feature[feature].prompt
                assert question is not None
                prompts[feature] = apart(question, answers[feature].label, by_feature[other].shown)
        return prompts

    def _ask(self, prompts: list[Prompt]) -> None:
        if not prompts:
            return
        open_ = {prompt.key: prompt for prompt in prompts}
        if self.model is not None:
            self.asked += len(prompts)
            with progress("labelling", total=len(prompts), unit="features") as done:
                for reply in self.model.ask(prompts):
                    self._take(reply, open_)
                    done(1)
        self.unanswered |= open_

    def _take(self, reply: Reply, open_: dict[str, Prompt]) -> None:
        """Note a reply, if it answers something that was asked."""
        if reply.key not in open_:
            self.strays += 1
            return
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        if reply.text is None:
            self.errors[reply.key] = reply.error or "no answer"
            return
        self.keep(reply)
        self.answers[reply.key] = reply.text
        del open_[reply.key]


def equal_labels(labels: dict[int, str]) -> list[list[int]]:
    """Groups of features whose labels are equal after normalising.

    Examples
    --------
    >>> equal_labels({1: "Apologies!", 2: "recipes", 5: "apologies"})
    [[1, 5]]
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for feature, label in labels.items():
        groups[normalised(label)].append(feature)
    return [sorted(group) for group in groups.values() if len(group) > 1]
