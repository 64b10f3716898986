"""The endpoint client against a real server that misbehaves: no answer lost, none invented, no key anywhere."""

from __future__ import annotations

import builtins
import datetime
import email.utils
import json
import threading
import time
from typing import Any

import pytest
from endpoint_server import Act, Server, answer, completion, drip, drop, half, raw, refuse, slow, stray

from saedata.endpoint import Prompt, Reply
from saedata.errors import InputError
from saedata.labels import exchange
from saedata.labels.client import Endpoint


def prompts(n: int) -> list[Prompt]:
    return [Prompt(str(i), "system", f"question {i}") for i in range(n)]


def endpoint(server: Server, **options: Any) -> Endpoint:
    return Endpoint(server.url, "a-model", **{"backoff": 0.01, "timeout": 5.0, "concurrency": 3} | options)


def ask(server: Server, n: int = 1, **options: Any) -> dict[str, Reply]:
    replies = list(endpoint(server, **options).ask(prompts(n)))
    assert len(replies) == n
    assert len({reply.key for reply in replies}) == n
    return {reply.key: reply for reply in replies}


def right(replies: dict[str, Reply]) -> bool:
    return all(reply.text == f"said question {key}" for key, reply in replies.items())


def test_every_prompt_is_answered_once_with_its_own_answer_and_tokens_are_counted(server: Server) -> None:
    replies = ask(server, 40)
    assert right(replies)
    assert sum(reply.prompt_tokens for reply in replies.values()) == 400
    assert sum(reply.completion_tokens for reply in replies.values()) == 120
    request = server.requests[0]
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("a-model", 200, 0.0)
    assert [turn["role"] for turn in request["messages"]] == ["system", "user"]


def test_no_more_requests_at_a_time_than_allowed(server: Server) -> None:
    def act(handler: Any) -> None:
        time.sleep(0.05)
        answer()(handler)

    server.usual = act
    assert right(ask(server, 12, concurrency=4))
    assert 2 <= server.busiest <= 4


BROKEN = {
    "429": refuse(429),
    "429 with Retry-After": refuse(429, Retry_After="0"),
    "429 with a broken Retry-After": refuse(429, Retry_After="soon"),
    "429 with a date gone by": refuse(429, Retry_After="Fri, 01 Jan 2021 00:00:00 GMT"),
    "500": refuse(500),
    "503 without a body": raw(b"", status=503),
    "broken JSON": raw(b'{"choices": [{"message": {"content": "ha'),
    "not JSON": raw(b"<html>busy</html>"),
    "JSON of another shape": raw(b'{"choices": []}'),
    "a list": raw(b"[1, 2]"),
    "no text": raw(completion(None)),
    "an empty text": raw(completion("  ")),
    "half an answer": half,
    "a dropped connection": drop,
    "compressed": raw(b"\x1f\x8b", Content_Encoding="gzip"),
}


@pytest.mark.usefixtures("no_key_anywhere")
@pytest.mark.parametrize("name", BROKEN)
def test_what_may_pass_is_tried_again_and_no_label_is_lost_or_invented(server: Server, name: str) -> None:
    server.acts = [BROKEN[name]] * 5
    assert right(ask(server, 6))
    assert len(server.requests) == 11


@pytest.mark.usefixtures("no_key_anywhere")
@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_pass_becomes_an_error(server: Server, name: str) -> None:
    server.usual = BROKEN[name]
    replies = ask(server, 3, retries=2)
    assert all(reply.text is None and reply.error for reply in replies.values())
    assert len(server.requests) == 9


def test_a_slow_reply_and_a_dripping_one_are_given_up(server: Server) -> None:
    server.acts = [slow(0.6), drip]
    since = time.monotonic()
    assert right(ask(server, 2, timeout=0.3))
    assert time.monotonic() - since < 15
    server.usual = slow(0.6)
    assert "took too long" in str(ask(server, timeout=0.2, retries=0)["0"].error)


def test_a_second_answer_on_a_connection_is_nobodys(server: Server) -> None:
    server.usual = stray
    assert right(ask(server, 10, concurrency=1))


def test_the_server_says_how_long_to_wait(server: Server) -> None:
    server.acts = [refuse(429, Retry_After="1")]
    since = time.monotonic()
    assert right(ask(server))
    assert 0.9 < time.monotonic() - since < 10


def test_retry_after_is_a_number_or_a_date_and_bounded() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert 25 < (exchange._seconds(email.utils.format_datetime(soon, usegmt=True)) or 0) <= 30
    assert exchange._seconds("7") == 7
    assert exchange._seconds("999999999") == exchange.LONGEST_WAIT
    assert exchange._seconds("-3") == 0
    for nothing in (None, "", "nan", "inf", "soon"):
        assert exchange._seconds(nothing) is None


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_what_will_never_work_is_asked_only_once(server: Server, status: int) -> None:
    server.usual = refuse(status, "no such thing", Location="http://127.0.0.1:1/")
    replies = ask(server, 30, concurrency=2)
    assert all(reply.text is None and str(status) in str(reply.error) for reply in replies.values())
    assert len(server.requests) <= 2


def test_without_a_key_none_is_sent_and_the_refusal_says_where_it_goes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server.usual = refuse(401)
    assert "no key is set in $OPENAI_API_KEY" in str(ask(server)["0"].error)
    assert server.keys == [None]


def test_an_endpoint_that_never_answers_is_given_up_after_some_prompts(server: Server) -> None:
    server.usual = drop
    replies = ask(server, 200, retries=1, concurrency=2)
    assert all(reply.error for reply in replies.values())
    assert len(server.requests) < 40


def test_one_bad_prompt_does_not_spoil_the_others(server: Server) -> None:
    def act(handler: Any) -> None:
        (refuse(400, "too long") if handler.user.endswith(" 3") else answer())(handler)

    server.usual = act
    replies = ask(server, 20)
    assert "too long" in str(replies.pop("3").error)
    assert right(replies)


@pytest.mark.usefixtures("no_key_anywhere")
def test_a_server_that_gives_the_key_back_does_not_get_it_into_errors_or_answers(server: Server, key: str) -> None:
    server.acts = [refuse(400, f"Incorrect API key provided: {key}."), raw(completion(f"label {key}"))]
    replies = ask(server, 2, concurrency=1, retries=0)
    assert server.keys == [f"Bearer {key}"] * 2
    assert "Incorrect API key provided: [key]" in str(replies["0"].error)
    assert replies["1"].text is None
    for reply in replies.values():
        assert key not in repr(reply)
    assert key not in repr(endpoint(server))
    assert key not in str(vars(endpoint(server)))


def test_a_word_that_stands_for_no_key_may_be_in_an_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "said")
    assert right(ask(server))


def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "abc\r\nX-Evil: 1")
    with pytest.raises(InputError, match=r"the key in \$MY_KEY") as caught:
        list(endpoint(server, key_variable="MY_KEY").ask(prompts(1)))
    assert "abc" not in str(caught.value)
    assert not server.requests


def test_a_key_over_an_open_line_is_told(key: str, caplog: pytest.LogCaptureFixture) -> None:
    far = Endpoint("http://models.example/v1", "m")
    assert far._key() == key
    assert "unencrypted" in caplog.text
    assert key not in caplog.text


@pytest.mark.parametrize("name", ["max_tokens", "temperature"])
def test_a_parameter_that_is_not_supported_is_left_out(server: Server, name: str) -> None:
    def act(handler: Any) -> None:
        bad = refuse(400, f"Unsupported parameter: '{name}' is not supported with this model.")
        (bad if name in handler.body else answer())(handler)

    server.usual = act
    assert right(ask(server, 10))
    assert ("max_completion_tokens" in server.requests[-1]) == (name == "max_tokens")


def test_a_cut_answer_gets_more_room_and_is_never_taken_as_it_is(server: Server) -> None:
    def act(handler: Any) -> None:
        enough = handler.body["max_tokens"] >= 800
        handler.send(completion("whole" if enough else "hal", finish="stop" if enough else "length"))

    server.usual = act
    reply = ask(server)["0"]
    assert (reply.text, reply.completion_tokens) == ("whole", 9)
    server.usual = raw(completion('{"label": "never whole", "kind": "topic"}', finish="length"))
    reply = ask(server)["0"]
    assert reply.text is None
    assert "cut off" in str(reply.error)


def test_a_reply_without_end_is_not_read(server: Server) -> None:
    server.usual = raw(b" " * (exchange.LARGEST_REPLY + 2))
    assert "larger than" in str(ask(server)["0"].error)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, 3])
def test_token_counts_are_not_believed_blindly(usage: object) -> None:
    reply = json.loads(completion("yes")) | {"usage": usage}
    assert exchange.read_completion(json.dumps(reply).encode()).prompt_tokens == 0


def test_prompts_are_read_as_they_are_needed_and_leaving_early_ends_the_threads(server: Server) -> None:
    read = []

    def source() -> Any:
        for prompt in prompts(1000):
            read.append(prompt)
            yield prompt

    replies = endpoint(server, concurrency=2, timeout=1.0).ask(source())
    next(replies)
    replies.close()  # type: ignore[attr-defined]
    assert len(read) < 20
    until = time.monotonic() + 60
    while any(thread.name.startswith("endpoint") for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/v1", "must look like"),
        ("file:///etc/passwd", "must look like"),
        ("host/v1", "must look like"),
        ("http://", "must look like"),
        ("http://host:99999/v1", "must look like"),
        ("https://user:sekrit@host/v1", "no user, password"),
        ("https://host/v1?key=sekrit", "no user, password"),
    ],
)
def test_only_plain_web_addresses_are_asked(url: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        Endpoint(url, "m")
    assert "sekrit" not in str(caught.value)


def test_wrong_options_are_refused() -> None:
    for options in ({"concurrency": 0}, {"timeout": 0}, {"retries": -1}):
        with pytest.raises(InputError, match="concurrency must be"):
            Endpoint("http://localhost/v1", "m", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a name"):
        Endpoint("http://localhost/v1", " ")


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "httpx":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r"pip install 'saedata\[endpoint\]'"):
        Endpoint("http://localhost/v1", "m")


def test_an_endless_list_of_acts_is_mixed_and_everything_arrives(server: Server) -> None:
    mixed: list[Act] = [refuse(429), half, drop, refuse(502), raw(b"{"), stray, answer()]
    server.acts = mixed * 6
    assert right(ask(server, 40, retries=20))
