"""The SDK's client, and the network below it.

One client per process and route, made when it is first needed and never carried over a fork: two
processes that share a connection get each other's answers. Every call has a hard total deadline in
seconds and a limit on the bytes of its answer, both kept here, because the SDK's own timeout counts
each phase and each read anew. Retries are off, here and at each call, redirects are not followed
(the key would go along), and no connection is used twice: one that the other side is just closing
would leave a submit without an answer, and nobody could tell whether it was taken.
Only the look-up of a host's name is out of the deadline's reach.
"""

import contextlib
import os
import socket
import threading
import time
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import google.auth
import google.auth.credentials
import google.auth.exceptions
import google.auth.transport.requests
import httpcore2
import httpx2
from django.db import transaction
from google import genai
from google.genai import types

from generation.providers import routes

CONNECT_SECONDS = 10.0
PIECE_BYTES = 16 * 1024
ENTERPRISE_HOST = "aiplatform.googleapis.com"
ENTERPRISE_CONTINENTS = ("eu", "us")
ENTERPRISE_VERSION = "v1beta1"
DEVELOPER_HOST = "https://generativelanguage.googleapis.com"
DEVELOPER_VERSION = "v1"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# The SDK makes a new enum member of what it does not know and says so with a warning.
warnings.filterwarnings(
    "ignore", message=r".* is not a valid \w+$", category=UserWarning, module=r"google\.genai\."
)


class UnreadableAnswerError(Exception):
    """The answer is longer than the call allows, or compressed although that was not asked for."""


@dataclass
class Call:
    """One call under way. `ends_at`: seconds of the monotonic clock, `most_bytes` of the answer.

    `sent`: at least one byte went out, so the provider may know of the call. `status`: the HTTP
    status, as soon as one arrived.
    """

    ends_at: float
    most_bytes: int
    sent: bool = False
    status: int | None = None

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; 0 or less when it is over."""
        return self.ends_at - time.monotonic()


def refuse_transaction() -> None:
    """RuntimeError inside a transaction, which a slow provider would keep open; the one that wraps
    a test case does not count."""
    with transaction.atomic(durable=True):
        pass


_current: ContextVar[Call] = ContextVar("current provider call")


@contextlib.contextmanager
def call(*, deadline_seconds: float, most_bytes: int) -> Iterator[Call]:
    """Begin a call: all that is sent inside ends within `deadline_seconds`."""
    begun = Call(ends_at=time.monotonic() + deadline_seconds, most_bytes=most_bytes)
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)


def seconds_left() -> float:
    """What is left of the call under way, for a part of the SDK that takes seconds."""
    return _current.get().seconds_left


def options() -> types.HttpOptions:
    """Options of one SDK call: a single attempt, and the time that is left (milliseconds)."""
    milliseconds = max(1, int(seconds_left() * 1000))
    return types.HttpOptions(timeout=milliseconds, retry_options=types.HttpRetryOptions(attempts=1))


@dataclass
class _Made:
    client: genai.Client
    credentials: google.auth.credentials.Credentials | None
    refreshing: threading.Lock = field(default_factory=threading.Lock)


Route = routes.Enterprise | routes.Developer
_made: dict[tuple[int, Route], _Made] = {}
_making = threading.Lock()


def _renew_lock() -> None:
    """A fork while another thread makes a client would leave the child a lock nobody opens."""
    global _making
    _making = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def enterprise() -> genai.Client:
    """The client of this process for the enterprise route, with a token that is fresh.

    Inside `call` only. Raises routes.NotConfiguredError, or GoogleAuthError when Google's
    credentials are missing or cannot be renewed; nothing was sent to the platform then.
    """
    made = _of_this_process(routes.enterprise())
    if made.credentials is not None:
        with made.refreshing:
            if made.credentials.expired or not made.credentials.token:
                made.credentials.refresh(_TokenRequest())  # type: ignore[no-untyped-call]  # google-auth has no types
    return made.client


def developer() -> genai.Client:
    """The client of this process for the developer route. Inside `call` only.

    Raises routes.NotConfiguredError; nothing was sent then.
    """
    return _of_this_process(routes.developer()).client


@contextlib.contextmanager
def open_elsewhere(url: str) -> Iterator[httpx2.Response]:
    """GET this address without any login. Inside `call` only; the body is read by who asked."""
    client = _http_client(base_url=url, is_loopback=False)
    with client, client.stream("GET", url) as response:
        yield response


def _of_this_process(route: Route) -> _Made:
    with _making:
        # What a parent process made stays here unused: to let go of it would close its connection.
        made = _made.get((os.getpid(), route))
        if made is None:
            made = _make(route)
            _made[os.getpid(), route] = made
    return made


def _make(route: Route) -> _Made:
    if isinstance(route, routes.Developer):
        client = genai.Client(
            # Said outright: the environment could turn it into an enterprise client.
            enterprise=False,
            api_key=route.api_key,
            http_options=_options_of(route, DEVELOPER_HOST, DEVELOPER_VERSION),
        )
        return _Made(client, None)
    credentials = None
    if not route.api_key:
        credentials, _ = google.auth.default(scopes=[SCOPE], request=_TokenRequest())
    client = genai.Client(
        enterprise=True,
        api_key=route.api_key or None,
        credentials=credentials,
        project=route.project or None,
        location=route.location or None,
        http_options=_options_of(route, _enterprise_host(route.location), ENTERPRISE_VERSION),
    )
    return _Made(client, credentials)


def _enterprise_host(location: str) -> str:
    """Google's own address for this location."""
    if location == "global":
        return f"https://{ENTERPRISE_HOST}"
    if location in ENTERPRISE_CONTINENTS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-{ENTERPRISE_HOST}"


def _options_of(route: Route, host: str, version: str) -> types.HttpOptions:
    """Of a whole client. `host` is who is called where the route has no address of its own."""
    # Said outright: where no address is given, the SDK takes one of the environment.
    base_url = route.base_url or host
    return types.HttpOptions(
        base_url=base_url,
        api_version=version,
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_client=_http_client(base_url=base_url, is_loopback=route.is_loopback),
    )


def _http_client(*, base_url: str, is_loopback: bool) -> httpx2.Client:
    proxy = None if is_loopback else _proxy(base_url)
    return httpx2.Client(
        transport=Transport(proxy=proxy, trust_env=not is_loopback),
        trust_env=not is_loopback,
        follow_redirects=False,
        # A compressed answer could grow far beyond the limit on its bytes.
        headers={"Accept-Encoding": "identity", "Connection": "close"},
    )


def _proxy(base_url: str) -> str | None:
    """The proxy of the environment, which a transport of one's own would bypass."""
    address = urlsplit(base_url)
    if urllib.request.proxy_bypass(address.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(address.scheme) or proxies.get("all")


class _TokenRequest(google.auth.transport.requests.Request):
    """Google's credentials ask for tokens through this, within the deadline of the call."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: Any = None,
        **more: Any,
    ) -> Any:
        left = _current.get().seconds_left
        if left <= 0:
            raise google.auth.exceptions.TransportError(  # type: ignore[no-untyped-call]  # google-auth has no types
                "no time left to ask for a token"
            )
        timeout = min(left, CONNECT_SECONDS)
        return super().__call__(  # type: ignore[no-untyped-call]  # google-auth has no types
            url, method, body, headers, timeout, **more
        )


class Transport(httpx2.HTTPTransport):
    """HTTP/1.1 over connections that keep the deadline and the limit of the current call."""

    def __init__(self, *, proxy: str | None, trust_env: bool) -> None:
        super().__init__(
            proxy=proxy, trust_env=trust_env, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        # httpx2 has no argument for it; the tests with dripping answers fail if it moves.
        self._pool._network_backend = _Network(self._pool._network_backend)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Raises httpx2's exceptions, or UnreadableAnswerError."""
        current = _current.get()
        left = max(current.seconds_left, 0.001)
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)
        response = super().handle_request(request)
        current.status = response.status_code
        try:
            _check_headers(response.headers, current)
        except UnreadableAnswerError:
            response.close()
            raise
        response.stream = _Limited(response.stream, current)
        return response


def _check_headers(headers: httpx2.Headers, current: Call) -> None:
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise UnreadableAnswerError("the answer is compressed, unasked")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > current.most_bytes:
        raise UnreadableAnswerError(f"the answer has more than {current.most_bytes} bytes")


class _Limited(httpx2.SyncByteStream):
    """The body of an answer, up to the limit of its call."""

    def __init__(self, body: Any, current: Call) -> None:
        self._body = body
        self._call = current

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for piece in self._body:
            read += len(piece)
            if read > self._call.most_bytes:
                raise UnreadableAnswerError(
                    f"the answer has more than {self._call.most_bytes} bytes"
                )
            yield piece

    def close(self) -> None:
        self._body.close()


class _Network(httpcore2.NetworkBackend):
    """Opens connections within the deadline of the current call."""

    def __init__(self, inner: httpcore2.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the addresses of the host one after the other, all within the deadline."""
        failed: Exception = httpcore2.ConnectError("the host has no address")
        for address in _addresses(host, port):
            try:
                left = min(_left(httpcore2.ConnectTimeout), CONNECT_SECONDS)
                opened = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(opened)
        raise failed


class _Stream(httpcore2.NetworkStream):
    """One connection. Each read and write gets no more than what is left of the call."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), PIECE_BYTES):
            left = _left(httpcore2.WriteTimeout)
            _current.get().sent = True
            self._inner.write(bytes(view[start : start + PIECE_BYTES]), left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: type[httpcore2.TimeoutException]) -> float:
    left = _current.get().seconds_left
    if left <= 0:
        raise timeout("the deadline of the call is over")
    return left


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(f"the host was not found: {error.strerror}") from error
    return [str(address[0]) for *_, address in found]
