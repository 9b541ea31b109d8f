"""A server that speaks as badly as a test wants: bare sockets, one behaviour for all connections.

A behaviour gets the connection after the request was read whole (unless `reads` is False). Times
are seconds.
"""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Self

Behaviour = Callable[[socket.socket], None]
PATIENCE = 10.0
DRIP = 0.05
JSON = ("Content-Type: application/json",)


class RawServer:
    """Serves `behave` on loopback from `with` to its end; `heads` are the requests seen."""

    def __init__(self, behave: Behaviour, *, reads: bool = True) -> None:
        self.heads: list[bytes] = []
        self._behave = behave
        self._reads = reads
        self._listener = socket.socket()
        if not reads:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        """The address, for GEMINI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def posts(self) -> int:
        """How many POSTs came in."""
        return sum(head.startswith(b"POST ") for head in self.heads)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        try:
            with connection:
                if self._reads:
                    self._read_request(connection)
                self._behave(connection)
        except OSError:
            return

    def _read_request(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        self.heads.append(head)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        missing = int(length[1]) - len(body) if length else 0
        while missing > 0:
            missing -= len(connection.recv(65536))


def answer(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    headers: tuple[str, ...] = (),
    promised: int | None = None,
) -> Behaviour:
    """Answer with this; `promised` bytes in Content-Length, if not as many as there are."""
    length = len(body) if promised is None else promised
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {length}", *headers, "", "")
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


def say(words: bytes) -> Behaviour:
    """Send these bytes, whatever they are, and close."""
    return lambda connection: connection.sendall(words)


def drip(first: bytes, drop: bytes) -> Behaviour:
    """Send `first`, then a drop every now and then, for as long as the other side listens."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(first)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            time.sleep(DRIP)
            connection.sendall(drop)

    return behave


def pour(first: bytes, drop: bytes) -> Behaviour:
    """Send `first`, then drops without a pause."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(drop)

    return behave


def disconnect(connection: socket.socket) -> None:
    """Close without a word."""


def reset(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection: socket.socket) -> None:
    """Say nothing until the other side has gone."""
    connection.recv(1)


def ignore(connection: socket.socket) -> None:
    """Neither read nor write."""
    time.sleep(PATIENCE)


def break_off_upload(connection: socket.socket) -> None:
    """Read a little of the request, then reset."""
    connection.recv(1024)
    reset(connection)
