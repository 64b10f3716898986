"""What a language model is asked and answers, wherever it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Prompt:
    """One question to a language model.

    Attributes
    ----------
    key
        Whatever names the question; comes back with the reply.
    system, user
        The two turns of the chat.
    max_tokens
        Most tokens of the answer.
    """

    key: str
    system: str
    user: str
    max_tokens: int = 200


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes
    ----------
    key
        Of the prompt.
    text
        The answer; None where there is none, and then `error` says why.
    prompt_tokens, completion_tokens
        As the model counted them; 0 where it did not tell.
    """

    key: str
    text: str | None
    error: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class LanguageModel(Protocol):
    """Anything that answers prompts: an endpoint, a local model, or a stand-in in a test."""

    @property
    def name(self) -> str:
        """Which model it is: stored as the source of what it wrote."""

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        """Answer every prompt exactly once, in any order; a failure is a reply with an error, not an exception."""
