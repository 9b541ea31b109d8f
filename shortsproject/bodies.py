"""Request bodies that are sent in pieces, without their length (`Transfer-Encoding: chunked`).

Django reads as much of a body as its Content-Length says, so that such a one would seem empty. Here
it is taken in first, on disk if it is large, and handed on with its length. One that is larger than
any request may be is cut off there: its length alone has it refused.
"""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

MEMORY_BYTES = 1024 * 1024
PIECE_BYTES = 256 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Measured:
    """A WSGI application whose requests all have a length. `most_bytes`: the largest body's."""

    def __init__(self, application: Application, *, most_bytes: int) -> None:
        self.application = application
        self.most_bytes = most_bytes

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as the application does."""
        ends = environ.get("wsgi.input_terminated") and environ.get("HTTP_TRANSFER_ENCODING")
        if ends and not environ.get("CONTENT_LENGTH"):
            body: IO[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - read while the answer is sent
                max_size=MEMORY_BYTES
            )
            size = _taken_in(environ["wsgi.input"], into=body, most_bytes=self.most_bytes + 1)
            environ.update({"wsgi.input": body, "CONTENT_LENGTH": str(size)})
        return self.application(environ, start_response)


def _taken_in(sent: IO[bytes], *, into: IO[bytes], most_bytes: int) -> int:
    """How many bytes were copied, up to `most_bytes`; `into` can be read from its start then."""
    left = most_bytes
    while left and (piece := sent.read(min(PIECE_BYTES, left))):
        into.write(piece)
        left -= len(piece)
    into.seek(0)
    return most_bytes - left
