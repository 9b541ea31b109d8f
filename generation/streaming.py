"""Hand a stored file to its owner, whole or in part, without loading it into memory.

Ranges as RFC 9110, section 14: one range gives 206, one that begins beyond the end 416; several
ranges, or a header that makes no sense, give the whole file.
"""

import errno
from collections.abc import Iterator
from typing import IO

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header, parse_etags, quote_etag
from werkzeug.datastructures import Range
from werkzeug.http import parse_range_header

from generation import files

log = structlog.get_logger(__name__)

CHUNK_BYTES = 1024 * 1024


def respond(
    *, request: HttpRequest, name: str, content_type: str, file_name: str
) -> HttpResponseBase:
    """The file, or the part of it that the request asks for.

    Raises FileNotFoundError, and files.Unavailable while nothing of it can be had.
    """
    stored = files.open_file(name)
    size, etag = files.size(stored), quote_etag(name)
    response = _response(request=request, stored=stored, size=size, etag=etag)
    if response.status_code in (200, 206):
        response.headers["Content-Type"] = content_type
        response.headers["Content-Disposition"] = (
            content_disposition_header(False, file_name) or "inline"
        )
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    response.headers["Vary"] = "Authorization, Cookie"
    return response


def _response(*, request: HttpRequest, stored: IO[bytes], size: int, etag: str) -> HttpResponseBase:
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        stored.close()
        return HttpResponse(status=304)
    wanted = _wanted(request=request, etag=etag)
    part = _part(wanted=wanted, size=size) if wanted else None
    if wanted is not None and part is None:
        stored.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    # Fetched before the answer begins, which can still be another one then.
    upto = start if request.method == "HEAD" else end
    first = _chunk(stored=stored, start=start, end=upto)
    chunks = _chunks(stored=stored, first=first, start=start + len(first), end=upto)
    response = StreamingHttpResponse(chunks, status=206 if part else 200)
    response.headers["Content-Length"] = str(end - start)
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _wanted(*, request: HttpRequest, etag: str) -> Range | None:
    """The one range that is asked for, or None for the whole file."""
    if request.headers.get("If-Range", etag) != etag:
        return None
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    return wanted


def _part(*, wanted: Range, size: int) -> tuple[int, int] | None:
    """Where a range begins and ends in a file; None if it begins beyond the end. The last bytes are
    the whole file where there are no more."""
    start, end = wanted.ranges[0]
    if start < 0:
        start, end = max(0, size + start), None
    stop = size if end is None else min(end, size)
    return (start, stop) if start < stop else None


def _chunks(*, stored: IO[bytes], first: bytes, start: int, end: int) -> Iterator[bytes]:
    """What was read `first`, and the file from `start` up to `end`.

    Raises ConnectionResetError if the storage goes away, or the file: its length was promised, so
    the web server hangs up, quietly, as if the browser had gone. A player asks for the rest itself.
    """
    with stored:
        yield first
        try:
            while chunk := _chunk(stored=stored, start=start, end=end):
                start += len(chunk)
                yield chunk
        except OSError as error:
            log.warning("a file was cut off on its way to its owner", error=str(error))
            raise ConnectionResetError(errno.ECONNRESET, "The file went away") from error


def _chunk(*, stored: IO[bytes], start: int, end: int) -> bytes:
    """The next bytes from `start` on; nothing at the `end`. Raises OSError."""
    return files.piece(stored, start=start, most=max(0, min(CHUNK_BYTES, end - start)))
