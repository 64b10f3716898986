"""Asking a language model step by step: nothing twice, again after an answer that cannot be used, all of it counted."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from saedata.endpoint import Prompt
from saedata.labels.answerfile import AnswerFile
from saedata.labels.journal import Journal
from saedata.labels.prompts import AnswerError
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from saedata.endpoint import LanguageModel, Reply
    from saedata.frame import Embeddings

log = logging.getLogger("saedata")

TRIES = 2
"""How often something is asked, when the answers cannot be used."""

_AGAIN = "An earlier answer could not be used: {reason}. Answer with exactly one JSON object of the form asked for."

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")


@dataclass
class Step:
    """What one step of a run took.

    Attributes
    ----------
    prompts
        Asked now.
    known
        Answered by an earlier run, whose answers are kept; these cost nothing now.
    unusable
        Answers that could not be used.
    failed
        Prompts that got no answer.
    prompt_tokens, completion_tokens
        As the model counted them.
    """

    prompts: int = 0
    known: int = 0
    unusable: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass
class Asking:
    """The state of a run.

    Attributes
    ----------
    model
        Who answers.
    answers
        Answers by the key of their prompt, those of earlier runs included.
    keep
        Called with every new answer before anything else is done with it.
    steps
        What each step took.
    unanswered
        Prompts that got no answer at all, by key.
    errors
        Why there is no usable answer.
    strays
        Replies to nothing that was asked, or to what was answered already: ignored.
    """

    model: LanguageModel
    answers: dict[str, str]
    keep: Callable[[Reply], None]
    steps: dict[str, Step] = field(default_factory=dict)
    unanswered: dict[str, Prompt] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    strays: int = 0

    def settle(self, step: str, prompts: Mapping[K, Prompt], read: Callable[[K, str], T]) -> dict[K, T]:
        """Ask, and ask again where the answer cannot be used.

        Parameters
        ----------
        step
            What the questions are for.
        prompts
            Questions; equal ones are asked once.
        read
            Makes of an answer what is wanted of it; raises `AnswerError` where that is impossible.

        Returns
        -------
        dict
            What was read, for those questions that got a usable answer.
        """
        counted = self.steps.setdefault(step, Step())
        found: dict[K, T] = {}
        left = dict(prompts)
        for _ in range(TRIES):
            self._ask(step, {prompt.key: prompt for prompt in left.values()}, counted)
            following: dict[K, Prompt] = {}
            unusable: set[str] = set()
            for name, prompt in left.items():
                if prompt.key not in self.answers:
                    continue
                try:
                    found[name] = read(name, self.answers[prompt.key])
                except AnswerError as error:
                    unusable.add(prompt.key)
                    self.errors[f"the answer cannot be used: {error}"] += 1
                    following[name] = again(prompt, str(error))
            counted.unusable += len(unusable)
            left = following
        return found

    def _ask(self, step: str, wanted: dict[str, Prompt], counted: Step) -> None:
        open_ = {key: prompt for key, prompt in wanted.items() if key not in self.answers}
        counted.known += len(wanted) - len(open_)
        counted.prompts += len(open_)
        if not open_:
            return
        with progress(step, total=len(open_), unit="prompts") as done:
            for reply in self.model.ask(list(open_.values())):
                self._take(reply, open_, counted)
                done(1)
        counted.failed += len(open_)
        self.unanswered |= open_

    def _take(self, reply: Reply, open_: dict[str, Prompt], counted: Step) -> None:
        """Note a reply, if it answers something that was asked."""
        if reply.key not in open_:
            self.strays += 1
            return
        counted.prompt_tokens += reply.prompt_tokens
        counted.completion_tokens += reply.completion_tokens
        if reply.text is None:
            self.errors[reply.error or "no answer"] += 1
            return
        self.keep(reply)
        self.answers[reply.key] = reply.text
        del open_[reply.key]


def keyed(prompt: Prompt) -> Prompt:
    """The prompt with a key that says all of what is asked, after the step it belongs to."""
    content = hashlib.sha256("\0".join([prompt.system, prompt.user]).encode()).hexdigest()
    return replace(prompt, key=f"{prompt.key.partition('-')[0]}-{content[:32]}")


def again(prompt: Prompt, reason: str) -> Prompt:
    """Ask the same once more, after an answer that could not be used."""
    return keyed(replace(prompt, user=f"{prompt.user}\n\n{_AGAIN.format(reason=reason)}"))


@contextlib.contextmanager
def asking(model: LanguageModel, frame: Embeddings, journal: str | Path | None) -> Iterator[Asking]:
    """Begin a run that keeps every answer on disk as it comes, and knows those of earlier runs.

    Parameters
    ----------
    model
        Who answers; the answers of an `AnswerFile` are in that file, and are not kept once more.
    frame
        Whose encoder the journal is for.
    journal
        The file; None: one in the cache.
    """
    if isinstance(model, AnswerFile):
        yield Asking(model, {}, lambda _reply: None)
        model.tell()
        return
    encoder = hashlib.sha256(f"{frame.encoder.sae_sha256} {frame.encoder.reader_sha256}".encode()).hexdigest()
    with Journal(Path(journal) if journal is not None else _place(encoder), encoder=encoder, model=model.name) as book:
        yield Asking(model, book.answers, book.add)


def _place(encoder: str) -> Path:
    from saedata.folders import cache_folder

    return cache_folder() / "hypotheses" / f"{encoder[:24]}.jsonl"
