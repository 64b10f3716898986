"""Ask a language model behind an OpenAI-compatible endpoint: OpenAI itself, vLLM, Ollama, llama.cpp, many others."""

from __future__ import annotations

import logging
import os
import queue
import threading
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from saedata.endpoint import Prompt, Reply
from saedata.errors import InputError
from saedata.labels.exchange import (
    Completion,
    CutError,
    FailedError,
    FatalError,
    TransientError,
    UnsupportedError,
    body,
    exchange,
    shown,
    spellings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx
    from tenacity import RetryCallState, Retrying

log = logging.getLogger("saedata")

_PATIENCE = 60.0  # longest pause between two attempts, unless the server asks for another
_HOPELESS = 8  # so many prompts in a row failed with all their attempts: the rest is not asked
_LONGEST_ANSWER = 16  # times the tokens allowed at first, for models that think aloud
_SHORTEST_KEY = 8  # what is shorter, "EMPTY" or "none", stands for no key and may stand in an answer
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class Endpoint:
    """A `LanguageModel` behind a URL.

    Parameters
    ----------
    base_url
        Up to, not including, `/chat/completions`: "https://api.openai.com/v1", "http://localhost:11434/v1".
    model
        Name of the model, as the endpoint knows it.
    key_variable
        Environment variable that holds the key; where it is not set no key is sent. The key itself is kept nowhere.
    concurrency
        Requests at a time.
    timeout
        Seconds for one reply.
    retries
        How often a prompt is tried again after 429, 5xx, a time-out, or a broken connection or reply.
    backoff
        Seconds before the first retry; doubled each time, with jitter. Retry-After goes first.

    Raises
    ------
    InputError
        The URL or a number cannot be used, or the extra is not installed.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key_variable: str = "OPENAI_API_KEY",
        concurrency: int = 8,
        timeout: float = 120.0,
        retries: int = 6,
        backoff: float = 1.0,
    ) -> None:
        _check_installed()
        self._url, self._host = _checked_url(base_url)
        self._model = _checked_model(model)
        if concurrency < 1 or timeout <= 0 or retries < 0 or backoff < 0:
            msg = "concurrency must be at least 1, timeout above 0, retries and backoff at least 0"
            raise InputError(msg)
        self._key_variable = key_variable
        self._concurrency, self._timeout, self._retries, self._backoff = concurrency, timeout, retries, backoff
        self._unsupported: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Endpoint({self._model!r} at {self._host})"

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        """Answer every prompt exactly once, in any order; a failure is a reply with an error.

        Parameters
        ----------
        prompts
            Read as they are needed.

        Raises
        ------
        InputError
            The key cannot be sent.
        """
        import httpx

        key = self._key()
        todo: queue.SimpleQueue[Prompt | None] = queue.SimpleQueue()
        done: queue.SimpleQueue[Reply | BaseException] = queue.SimpleQueue()
        source, under_way = iter(prompts), 0
        limits = httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=0)
        run = _Run(self, httpx.Client(timeout=self._timeout, limits=limits, follow_redirects=False), key)
        # Daemons: an interrupted run ends at once instead of waiting for a slow server.
        for _ in range(self._concurrency):
            threading.Thread(target=run.work, args=(todo, done), daemon=True, name="endpoint").start()
        try:
            while True:
                for prompt in islice(source, 2 * self._concurrency - under_way):
                    todo.put(prompt)
                    under_way += 1
                if not under_way:
                    return
                reply = done.get()
                if isinstance(reply, BaseException):
                    raise reply
                under_way -= 1
                yield reply
        finally:
            run.stop.set()
            for _ in range(self._concurrency):
                todo.put(None)

    def _key(self) -> str | None:
        key = os.environ.get(self._key_variable, "").strip()
        if not key:
            return None
        if not all("!" <= c <= "~" for c in key):
            msg = f"the key in ${self._key_variable} holds a character that no key has; set it again"
            raise InputError(msg)
        if self._url.startswith("http://") and urlsplit(self._url).hostname not in _LOCAL:
            log.warning("the key in $%s goes to %s unencrypted", self._key_variable, self._host)
        return key


class _Run:
    """What the threads of one `ask` share."""

    def __init__(self, endpoint: Endpoint, client: httpx.Client, key: str | None) -> None:
        self._endpoint, self._client, self._key = endpoint, client, key
        self._hopeless: str | None = None
        self._failures = 0
        self._at_work, self._lock = endpoint._concurrency, threading.Lock()
        self.stop = threading.Event()

    def work(self, todo: queue.SimpleQueue[Prompt | None], done: queue.SimpleQueue[Reply | BaseException]) -> None:
        """Answer prompts until told to stop; the last thread to leave closes the client, when no other uses it."""
        while (prompt := todo.get()) is not None and not self.stop.is_set():
            try:
                done.put(self._answer(prompt))
            except BaseException as error:  # a mistake of ours belongs into the thread that asked
                done.put(error)
        with self._lock:
            self._at_work -= 1
            if not self._at_work:
                self._client.close()

    def _answer(self, prompt: Prompt) -> Reply:
        if self._hopeless:
            return Reply(prompt.key, None, error=self._hopeless)
        attempts = _Attempts(self, prompt)
        try:
            text = attempts.retrying()(attempts.once)
        except FailedError as error:
            reason = self._noted(error)
            return Reply(prompt.key, None, reason, attempts.prompt_tokens, attempts.completion_tokens)
        self._failures = 0
        return Reply(prompt.key, text, None, attempts.prompt_tokens, attempts.completion_tokens)

    def _noted(self, error: FailedError) -> str:
        """The failure in words; what will not be answered is not asked a thousand times."""
        reason = f"{self._endpoint._host}: {error}"
        if isinstance(error, FatalError) and self._key is None:
            reason += f"; no key is set in ${self._endpoint._key_variable}"
        self._failures += isinstance(error, TransientError)
        if isinstance(error, FatalError) or self._failures >= _HOPELESS:
            self._hopeless = reason
        return reason

    def send(self, prompt: Prompt, max_tokens: int, unsupported: frozenset[str]) -> Completion:
        """One request."""
        endpoint = self._endpoint
        content = body(prompt, endpoint._model, max_tokens=max_tokens, unsupported=unsupported)
        return exchange(self._client, endpoint._url, content, key=self._key, timeout=endpoint._timeout, hide=self._hide)

    def keyless(self, text: str) -> bool:
        """Whether the key does not stand in a text."""
        known = spellings(self._key) if self._key and len(self._key) >= _SHORTEST_KEY else []
        return not any(spelled in text for spelled in known)

    def _hide(self, text: str) -> str:
        """A server's words without the key that it was sent."""
        for spelled in spellings(self._key) if self._key else ():
            text = text.replace(spelled, "[key]")
        return shown(text)


class _Attempts:
    """The attempts at one prompt, and the tokens that they cost together."""

    def __init__(self, run: _Run, prompt: Prompt) -> None:
        self._run, self._prompt, self._max_tokens = run, prompt, prompt.max_tokens
        self.prompt_tokens = self.completion_tokens = 0

    def retrying(self) -> Retrying:
        """Try, wait, try again."""
        import tenacity

        endpoint, stop = self._run._endpoint, self._run.stop
        grow = tenacity.wait_exponential(endpoint._backoff, max=_PATIENCE) + tenacity.wait_random(0, endpoint._backoff)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = error.after if isinstance(error, TransientError) else None
            return float(grow(state)) if told is None else told

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(endpoint._retries + 1) | tenacity.stop_when_event_set(stop),
            wait=pause,
            sleep=tenacity.sleep_using_event(stop),
            retry=tenacity.retry_if_exception_type(TransientError),
            reraise=True,
        )

    def once(self) -> str:
        """Ask; again at once where the endpoint takes fewer parameters, or the answer needs more room."""
        endpoint = self._run._endpoint
        while True:
            unsupported = endpoint._unsupported
            try:
                found = self._run.send(self._prompt, self._max_tokens, unsupported)
            except UnsupportedError as error:
                if error.name in unsupported:
                    raise
                endpoint._unsupported |= {error.name}
                continue
            self.prompt_tokens += found.prompt_tokens
            self.completion_tokens += found.completion_tokens
            if found.text is not None:
                break
            if self._max_tokens >= _LONGEST_ANSWER * self._prompt.max_tokens:
                msg = f"its answer was cut off after {self._max_tokens} tokens"
                raise CutError(msg)
            self._max_tokens *= 2
        if not self._run.keyless(found.text):
            msg = "its answer holds the key that it was sent, and is not kept"
            raise FailedError(msg)
        return found.text


def _check_installed() -> None:
    try:
        import httpx  # noqa: F401
        import tenacity  # noqa: F401
    except ImportError:
        msg = "asking an endpoint needs httpx and tenacity; install them with `pip install 'saedata[endpoint]'`"
        raise InputError(msg) from None


def _checked_url(base_url: str) -> tuple[str, str]:
    """Address of the chat completions, and what of it can be shown: a URL may hold secrets too."""
    try:
        parts = urlsplit(base_url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or not base_url.isprintable():
        msg = "the base URL must look like https://host/v1 or http://localhost:8000/v1"
        raise InputError(msg)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        msg = "the base URL must hold no user, password, query or fragment; put the key in an environment variable"
        raise InputError(msg)
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path}/chat/completions", f"{parts.scheme}://{parts.hostname}{port}"


def _checked_model(model: str) -> str:
    if not model.strip() or not model.isprintable() or len(model) > 200:
        msg = "the model needs a name of at most 200 printable characters"
        raise InputError(msg)
    return model.strip()
