"""A real HTTP server on this machine that answers like an OpenAI-compatible endpoint, or misbehaves as told."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts: list[Act] = []  # what to do with the next requests; then `usual`
        self.usual: Act = answer()
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.busy = self.busiest = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: object) -> None:
        """Dropped connections are meant."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(self.body | {"path": self.path})
            self.server.keys.append(self.headers.get("Authorization"))
            act = self.server.acts.pop(0) if self.server.acts else self.server.usual
            self.server.busy += 1
            self.server.busiest = max(self.server.busiest, self.server.busy)
        try:
            act(self)
        finally:
            with self.server.lock:
                self.server.busy -= 1

    @property
    def user(self) -> str:
        return self.body["messages"][1]["content"]

    def send(self, raw: bytes, *, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


def completion(text: str | None, *, finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], "usage": usage}).encode()


def answer(say: Callable[[str], str] = lambda user: f"said {user}") -> Act:
    return lambda handler: handler.send(completion(say(handler.user)))


def refuse(status: int, message: str = "not now", **headers: str) -> Act:
    return lambda handler: handler.send(json.dumps({"error": {"message": message}}).encode(), status=status, **headers)


def raw(content: bytes, **options: Any) -> Act:
    return lambda handler: handler.send(content, **options)


def drop(handler: Handler) -> None:
    """Hang up without a word."""
    handler.connection.close()


def half(handler: Handler) -> None:
    """Promise a whole answer, send a part of it, hang up."""
    whole = completion("a label that is not whole")
    handler.send(whole[: len(whole) // 2], length=len(whole))
    handler.close_connection = True


def stray(handler: Handler) -> None:
    """Answer, and then answer something that nobody asked."""
    handler.send(completion(f"said {handler.user}"))
    with contextlib.suppress(OSError):
        handler.send(completion("an answer for nobody"))


def slow(seconds: float) -> Act:
    def act(handler: Handler) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            handler.send(completion("too late"))

    return act


def drip(handler: Handler) -> None:
    """Send a byte at a time, each well before a time-out."""
    handler.send(b"", length=10_000)
    with contextlib.suppress(OSError):
        for _ in range(400):
            handler.wfile.write(b" ")
            time.sleep(0.05)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
