"""One exchange with an OpenAI-compatible endpoint: what is sent, what may come back, and what is wrong with it."""

from __future__ import annotations

import email.utils
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from saedata.endpoint import Prompt

LARGEST_REPLY = 1 << 20
"""Bytes; a longer reply is not read to its end."""

LONGEST_WAIT = 120.0
"""Seconds; no server can make us wait longer with Retry-After."""

_MESSAGE = 200
_NOT_OK = {
    401: "it does not accept the key",
    403: "it does not allow this",
    404: "it knows no such address or model",
}


class FailedError(Exception):
    """A prompt gets no answer, and asking again would not help."""


class FatalError(FailedError):
    """No prompt will get an answer from this endpoint."""


class CutError(FailedError):
    """The answer was longer than it was allowed to be."""


class UnsupportedError(FailedError):
    """The endpoint does not take a parameter; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"it does not take the parameter {name}")
        self.name = name


class TransientError(FailedError):
    """Asking again may help, after `after` seconds if the server said so."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Completion:
    """A whole answer; `text` is None where the model was cut off."""

    text: str | None
    prompt_tokens: int
    completion_tokens: int


def body(prompt: Prompt, model: str, *, max_tokens: int, unsupported: frozenset[str]) -> bytes:
    """Request for a chat completion, without the parameters that the endpoint does not take."""
    turns = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    values: dict[str, Any] = {"model": model, "messages": turns, "stream": False}
    values |= {"temperature": 0.0, "max_tokens": max_tokens}
    if "max_tokens" in unsupported:  # newer models of OpenAI
        values["max_completion_tokens"] = values["max_tokens"]
    return orjson.dumps({name: value for name, value in values.items() if name not in unsupported})


def exchange(
    client: httpx.Client, url: str, content: bytes, *, key: str | None, timeout: float, hide: Callable[[str], str]
) -> Completion:
    """Send one request and read the answer.

    Parameters
    ----------
    client, url
        Where to.
    content
        What `body` made.
    key
        Goes into one header and nowhere else.
    timeout
        Seconds for the whole reply, however slowly it drips.
    hide
        Makes a text of the server fit to be shown.

    Raises
    ------
    FailedError
        One of its kinds says what to do next.
    """
    import httpx

    # One connection for one answer: what a broken server sends too much can never be taken for the next answer.
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    until = time.monotonic() + timeout
    try:
        with client.stream("POST", url, content=content, headers=headers) as response:
            raw = _bounded(response, until)
            if response.status_code != 200:
                raise _refusal(response.status_code, response.headers.get("retry-after"), hide(_said(raw)))
    except httpx.TimeoutException:
        msg = "it took too long"
        raise TransientError(msg) from None
    except httpx.TransportError as error:
        msg = f"the connection failed ({type(error).__name__})"
        raise TransientError(msg) from None
    return read_completion(raw)


def read_completion(raw: bytes) -> Completion:
    """Read a reply of status 200, checking everything that is used.

    Raises
    ------
    TransientError
        It is not JSON, or holds no answer.
    """
    try:
        reply: Any = orjson.loads(raw)
        choice = reply["choices"][0]
        text = choice["message"]["content"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        msg = "its reply is broken"
        raise TransientError(msg) from None
    cut = choice.get("finish_reason") == "length"
    if not cut and (not isinstance(text, str) or not text.strip()):
        msg = "its reply holds no answer"
        raise TransientError(msg)
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Completion(
        None if cut else text, _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    )


def _bounded(response: httpx.Response, until: float) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        msg = "its reply is compressed, which was not asked for"
        raise TransientError(msg)
    parts, size = [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > LARGEST_REPLY:
            msg = f"its reply is larger than {LARGEST_REPLY:,} bytes"
            raise FailedError(msg)
        if time.monotonic() > until:
            msg = "it took too long"
            raise TransientError(msg)
        parts.append(part)
    return b"".join(parts)


def _refusal(status: int, retry_after: str | None, said: str) -> FailedError:
    """What a status means for the prompt, and for all others."""
    told = f" ({said})" if said else ""
    if status in {408, 409, 425, 429} or status >= 500:
        return TransientError(f"it answered with status {status}{told}", _seconds(retry_after))
    if status in _NOT_OK:
        return FatalError(f"{_NOT_OK[status]}: status {status}{told}")
    if status == 400:
        for name in ("max_tokens", "temperature"):
            if name in said and "support" in said.lower():
                return UnsupportedError(name)
    if 300 <= status < 400:
        return FatalError(f"it points elsewhere with status {status}; give that address as the base URL")
    return FailedError(f"it answered with status {status}{told}")


def _said(raw: bytes) -> str:
    """The server's own words about an error."""
    try:
        error = orjson.loads(raw)["error"]
        words = error["message"] if isinstance(error, dict) else error
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return ""
    return words if isinstance(words, str) else ""


def shown(text: str) -> str:
    """A stranger's words on one short line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MESSAGE else line[:_MESSAGE] + "…"


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header says, a number or a date; None where it says nothing usable."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else 0


def spellings(key: str) -> list[str]:
    """Ways in which a server could give a key back."""
    from urllib.parse import quote

    return sorted({key, json.dumps(key)[1:-1], quote(key, safe="")}, key=len, reverse=True)
