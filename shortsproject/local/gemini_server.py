"""The socket side of the stand-in: reads calls, writes answers, and breaks connections as told.

An answer leaves in pieces, so that an order can drip it, hold it or cut it in the middle of its
body. Times are seconds.
"""

import itertools
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from shortsproject.local import gemini_wire as wire
from shortsproject.local import video
from shortsproject.local.gemini_script import NothingHeldError, Order, OrderError, Reply, Script

HOST = "127.0.0.1"
LARGEST_BODY = 128 * 1024 * 1024
PIECE_BYTES = 64 * 1024
DRIPS = 20
GARBAGE = b"\x00\x15\x03no HTTP at all\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Served(Protocol):
    """What the server asks of the stand-in behind it."""

    script: Script

    def log(self, line: str, /) -> None:
        """One line for each call."""

    def answer(self, call: wire.Call, size: int) -> Reply:
        """The reply to a call of `size` bytes."""

    def counts(self) -> dict[str, Any]:
        """Calls by kind, and accepted submits."""

    def reset(self) -> None:
        """As just started."""

    def next(self, kind: str, /, **fields: Any) -> None:
        """Take an order."""

    def release(self, kind: str) -> None:
        """Let held calls go."""


def pieces(answer: wire.Answer, order: Order) -> Iterator[bytes]:
    """The body and its padding, split where the order wants something to happen."""
    total = len(answer.body) + answer.padding
    size = max(1, -(-total // DRIPS)) if order.drip_s else PIECE_BYTES
    marks = {mark for mark in (order.hold_at, order.cut_at) if mark is not None and mark < total}
    steps = sorted({*range(0, total, size), *marks, total})
    for start, end in itertools.pairwise(steps):
        known = answer.body[start:end]
        yield known + bytes(end - start - len(known))


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
        try:
            body = self._read_body()
            if path.startswith("/_control/"):
                label, reply = path, Reply(self._control(path, body))
            else:
                label, reply = self._call(path, body)
        except wire.RefusedError as refused:
            label, reply = "refused", Reply(wire.refusal(refused))
        took_ms = round((time.monotonic() - began) * 1000)
        whole = reply.answer if reply.order.cut is None else None
        self.server.standin.log(f"{label} {whole.status if whole else 'cut'} {took_ms} ms")
        self._send(reply)

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

    def _call(self, path: str, body: bytes) -> tuple[str, Reply]:
        route, names = wire.route(self.command, path)
        bare = self.command != "POST" or route.kind == "cancel"
        content = {} if bare else wire.read_json(body)
        call = wire.Call(
            kind=route.kind,
            path=path,
            resource=names.get("resource", ""),
            model=names.get("model") or str(content.get("model", "")),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=content,
            operation=names.get("operation", ""),
            interaction=names.get("interaction", ""),
            file=names.get("file", ""),
            query=dict(parse_qsl(urlsplit(self.path).query)),
        )
        return f"{route.kind} {call.model}".rstrip(), self.server.standin.answer(call, len(body))

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

    def _send(self, reply: Reply) -> None:
        order = reply.order
        silent = order.cut is not None and order.cut_at is None
        if reply.answer is None or silent or not self._write(reply.answer, reply.kind, order):
            self._break_off(order)

    def _break_off(self, order: Order) -> None:
        self.close_connection = True
        if order.cut == "garbage":
            self.wfile.write(GARBAGE)
        elif order.cut == "reset":
            self.wfile.flush()
            self.server.reset_on_close(self.connection)

    def _write(self, answer: wire.Answer, kind: str, order: Order) -> bool:
        """Head and body; False when the answer is to break off in the middle."""
        total = len(answer.body) + answer.padding
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(total + answer.promised))
        for name, value in answer.headers.items():
            self.send_header(name, str(value))
        if answer.promised:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        sent = 0
        for piece in itertools.chain(pieces(answer, order), [b""]):
            if not self._go_on(kind, order, sent, total):
                return False
            self.wfile.write(piece)
            sent += len(piece)
        return True

    def _go_on(self, kind: str, order: Order, sent: int, total: int) -> bool:
        """Between two pieces: wait as ordered; False when this is where the answer ends."""
        script = self.server.standin.script
        if order.drip_s and sent < total:
            self.wfile.flush()
            if not script.wait(order.drip_s / DRIPS):
                return False
        if order.hold_at is not None and sent == min(order.hold_at, total):
            self.wfile.flush()
            if not script.hold(kind):
                return False
        if order.cut_at is not None and sent == min(order.cut_at, total):
            self.wfile.flush()
            return False
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no HTTP call that anybody serves here, in Google's envelope too."""
        self.close_connection = True
        self._send(Reply(wire.json_answer(wire.envelope(code, message), code)))

    def log_message(self, template: str, *values: Any) -> None:
        """Silence the server's own line; ours has neither path nor query."""


class Server(ThreadingHTTPServer):
    """The listening socket, and every connection that is open, so that none outlives a stop."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, address: tuple[str, int], standin: Served) -> None:
        self.standin = standin
        self._open: set[socket.socket] = set()
        self._to_reset: set[socket.socket] = set()
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

    def reset_on_close(self, request: socket.socket) -> None:
        """This connection is to end with a reset instead of an orderly close."""
        with self._lock:
            self._to_reset.add(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
            is_reset = request in self._to_reset
            self._to_reset.discard(request)
        if is_reset:
            # An orderly shutdown first would be seen as the end of the answer, not as a reset.
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.close_request(request)
        else:
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
