"""The Gemini stand-in: Gemini and Veo on the wire, on loopback, for nothing.

It speaks what the real SDK sends and reads (enterprise route), takes the time that a render
takes, scaled, and hands out a real MP4 made from the uploaded picture. Over its control endpoint,
which the real service does not have, it can be told to misbehave:

    POST /_control/next     {"kind": "analyse|submit|poll|download", "n": 1, …}     204
        status    answer this status and do not take the call (body: what to say instead of
                  Google's envelope; headers: more of them)
        body      without a status: take the call and answer 200 with this; a text is sent as it
                  is, and {operation_name} and {video} in it are filled in
        delay_s   wait before the answer, after the call was taken
        cut       before: close the connection and do not take it; after: take it, then close
        outcome   filtered, error, empty, no_usage, truncated
        hold      true: keep the answer back, after the call was taken, until it is released
    POST /_control/release  {"kind": "submit"}      204; 409 when nothing is held
    POST /_control/reset                            204; as just started
    GET  /_control/counts                           calls received by kind, submits accepted

Run it with `python -m shortsproject.local.gemini --port 0`, or in a thread of a test with
`StandIn`. It knows nothing of Django. Times are seconds.
"""

import argparse
import json
import os
import re
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from shortsproject.local import gemini_analysis, gemini_renders, video
from shortsproject.local import gemini_wire as wire
from shortsproject.local.gemini_script import (
    NothingHeldError,
    Order,
    OrderError,
    Script,
    check_kind,
    read_order,
)

HOST = "127.0.0.1"
LARGEST_BODY = 128 * 1024 * 1024
BROKEN_OFF = 4096
Log = Callable[[str], None]


def silent(line: str) -> None:
    """The log of a stand-in inside a test."""


class StandIn:
    """One stand-in, served by threads of this process from `start` to `stop`."""

    def __init__(self, port: int = 0, render_seconds: float = 0.2, log: Log = silent) -> None:
        """`port` 0 takes a free one; `render_seconds` is how long 8 seconds of video take."""
        self.port = port
        self.log = log
        self._script = Script()
        self._renders = gemini_renders.Renders(render_seconds)
        self._server: Server | None = None
        self._accept: dict[str, Callable[[wire.Call, Order], wire.Answer]] = {
            "analyse": self._analyse,
            "count_tokens": self._count_tokens,
            "submit": self._submit,
            "poll": self._poll,
        }

    def start(self) -> Self:
        """Listen and serve; after a stop again, on the same port and with its operations."""
        self._server = Server((HOST, self.port), self)
        self.port = self._server.server_address[1]
        self._script.start()
        self._renders.start()
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="gemini stand-in",
            daemon=True,
        ).start()
        return self

    def stop(self) -> None:
        """End at once; calls that wait lose their connection."""
        if self._server is not None:
            self._server.shutdown()
            self._script.stop()
            self._server.close()
            self._renders.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, for `base_url`."""
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> list[wire.Call]:
        """The calls received, oldest first (the last few hundred): kind, path, headers, body."""
        return self._script.calls()

    def counts(self) -> dict[str, Any]:
        """`{"calls": {kind: number}, "accepted_submits": number}`."""
        return self._script.counts()

    def reset(self) -> None:
        """Forget orders, counts, calls and operations; calls that are held are let go."""
        self._script.reset()
        self._renders.clear()

    def next(self, kind: str, /, **fields: Any) -> None:
        """The same as the control endpoint's `next`; `OrderError` when it makes no sense."""
        self._script.add(*read_order({"kind": kind, **fields}))

    def release(self, kind: str) -> None:
        """Let the held calls of this kind have their answers; `NothingHeldError` without any."""
        check_kind(kind)
        self._script.release(kind)

    def wait_held(self, kind: str, timeout: float = 10) -> None:
        """Wait until a call of this kind is held."""
        check_kind(kind)
        self._script.wait_held(kind, timeout)

    def answer(self, call: wire.Call, size: int) -> wire.Answer | None:
        """Answer a call of `size` bytes as told; None: close the connection without an answer."""
        self._script.receive(call, size)
        try:
            wire.check_key(call.headers)
            order = self._script.take(call.kind)
            answer = self._answer_as_told(call, order)
        except wire.RefusedError as refused:
            order, answer = Order(), wire.refusal(refused)
        stays = self._script.keep_back(call.kind, order)
        return answer if stays and order.cut is None else None

    def _answer_as_told(self, call: wire.Call, order: Order) -> wire.Answer | None:
        if order.cut == "before":
            return None
        if order.status is not None:
            content = wire.envelope(order.status) if order.body is None else order.body
            return scripted(content, order.status, order.headers)
        try:
            return self._accept[call.kind](call, order)
        except wire.RefusedError as refused:
            return wire.refusal(refused)

    def _analyse(self, call: wire.Call, order: Order) -> wire.Answer:
        wire.check_model(call.model, wire.ANALYSIS_MODELS)
        if order.outcome == "error":
            wire.analysis_request(call.body)
            raise wire.RefusedError(
                400, "Unable to process input image. Provided image is not valid."
            )
        usual = gemini_analysis.respond(call.body, call.model, order.outcome)
        return usual_or(order, usual, {})

    def _count_tokens(self, call: wire.Call, order: Order) -> wire.Answer:
        wire.check_model(call.model, wire.ANALYSIS_MODELS)
        return wire.json_answer(gemini_analysis.count_tokens(call.body))

    def _submit(self, call: wire.Call, order: Order) -> wire.Answer:
        render = wire.render_request(call.body, call.model)
        ending = order.outcome if order.outcome in ("filtered", "error") else "video"
        operation = self._renders.accept(render, call.resource, ending)
        self._script.count_accepted()
        whole = wire.json_answer({"name": operation.name})
        if order.outcome == "empty":
            return wire.json_answer({})
        if order.outcome == "truncated":
            return wire.Answer(200, whole.body[:-20])
        return usual_or(order, {"name": operation.name}, {"{operation_name}": operation.name})

    def _poll(self, call: wire.Call, order: Order) -> wire.Answer:
        name = wire.get(call.body, "operationName")
        operation = self._renders.find(name)
        if not operation.name.startswith(f"{call.resource}/operations/"):
            raise wire.RefusedError(400, "The operation does not belong to the model of the path.")
        if order.outcome in ("filtered", "error", "empty"):
            return wire.json_answer(gemini_renders.ended(operation.name, order.outcome))
        if order.body is not None:
            filled = {"{operation_name}": operation.name}
            if "{video}" in json.dumps(order.body):
                filled["{video}"] = self._renders.clip_base64(operation)
            return usual_or(order, {}, filled)
        answer = wire.json_answer(self._renders.body(operation))
        if order.outcome == "truncated":
            return wire.Answer(200, answer.body[:-20], promised=BROKEN_OFF)
        return answer


def usual_or(order: Order, usual: Any, filled: dict[str, str]) -> wire.Answer:
    """The usual answer to an accepted call, or the body that was ordered instead."""
    if order.body is None:
        return wire.json_answer(usual)
    answer = scripted(order.body, 200, order.headers)
    body = answer.body
    for mark, value in filled.items():
        body = body.replace(mark.encode(), value.encode())
    return wire.Answer(200, body, answer.content_type, answer.headers)


def scripted(content: Any, status: int, headers: dict[str, str]) -> wire.Answer:
    """An answer out of an order: a text goes out as it is, anything else as JSON."""
    if isinstance(content, str):
        return wire.Answer(status, content.encode(), "text/html; charset=UTF-8", headers)
    # HTTP gives these two no body; one would be read as the start of the next answer.
    body = b"" if status in (204, 304) else json.dumps(content, ensure_ascii=False).encode()
    return wire.Answer(status, body, headers=headers)


class Handler(BaseHTTPRequestHandler):
    """One connection: reads calls, writes answers, keeps the connection unless told to cut it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body leave in one piece: two small writes would cost the caller a delayed TCP ack.
    wbufsize = -1
    server: "Server"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path, began = urlsplit(self.path).path, time.monotonic()
        answer: wire.Answer | None
        try:
            body = self._read_body()
            if path.startswith("/_control/"):
                label, answer = path, self._control(path, body)
            else:
                label, answer = self._call(path, body)
        except wire.RefusedError as refused:
            label, answer = "refused", wire.refusal(refused)
        took_ms = round((time.monotonic() - began) * 1000)
        self.server.standin.log(f"{label} {answer.status if answer else 'cut'} {took_ms} ms")
        if answer is None:
            self.close_connection = True
        else:
            self._write(answer)

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"\d{1,12}", length):
            self.close_connection = True
            raise wire.RefusedError(411, "The stand-in needs a Content-Length.")
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            raise wire.RefusedError(413, "Request payload size exceeds the limit.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError("the caller left in the middle of the body")
        return body

    def _call(self, path: str, body: bytes) -> tuple[str, wire.Answer | None]:
        route, names = wire.route(self.command, path)
        call = wire.Call(
            kind=route.kind,
            path=path,
            resource=names.get("resource", ""),
            model=names.get("model", ""),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=wire.read_json(body),
        )
        return f"{route.kind} {call.model}", self.server.standin.answer(call, len(body))

    def _control(self, path: str, body: bytes) -> wire.Answer:
        standin, asked = self.server.standin, f"{self.command} {path}"
        try:
            if asked == "GET /_control/counts":
                return wire.json_answer(standin.counts())
            if asked == "POST /_control/reset":
                standin.reset()
            elif asked == "POST /_control/next":
                fields = wire.read_json(body)
                standin.next(fields.pop("kind", ""), **fields)
            elif asked == "POST /_control/release":
                standin.release(wire.read_json(body).get("kind", ""))
            else:
                raise wire.RefusedError(404, f"The control endpoint has no {asked}.")
        except (OrderError, NothingHeldError) as error:
            code = 409 if isinstance(error, NothingHeldError) else 400
            return wire.json_answer({"error": {"code": code, "message": str(error)}}, code)
        return wire.Answer(204, b"")

    def _write(self, answer: wire.Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body) + answer.promised))
        for name, value in answer.headers.items():
            self.send_header(name, str(value))
        if answer.promised:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, template: str, *values: Any) -> None:
        """Silence the server's own line; ours has neither path nor query."""


class Server(ThreadingHTTPServer):
    """The listening socket, and every connection that is open, so that none outlives a stop."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, address: tuple[str, int], standin: StandIn) -> None:
        self.standin = standin
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Without the look-up of the host's name that HTTPServer does, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away, or a stop, is no error; anything else is shown."""
        if not isinstance(sys.exception(), OSError | video.CancelledError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Close the listening socket and every connection."""
        self.server_close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="gemini", description="The local Gemini stand-in.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--render-seconds",
        type=float,
        default=os.environ.get("STANDIN_RENDER_SECONDS", "3"),
        help="how long 8 seconds of video take (STANDIN_RENDER_SECONDS, else 3)",
    )
    chosen = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def log(line: str) -> None:
        print(line, flush=True)

    standin = StandIn(chosen.port, chosen.render_seconds, log)
    try:
        standin.start()
    except OSError as error:
        print(f"gemini stand-in: port {chosen.port}: {error.strerror}", file=sys.stderr)
        return 1
    log(f"gemini stand-in ready {standin.url}")
    ended.wait()
    standin.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
