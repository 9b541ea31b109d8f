"""Hand a stored file to its owner, whole or in part, without loading it into memory.

Ranges as RFC 9110, section 14: one range gives 206, one that begins beyond the end 416; several
ranges, or a header that makes no sense, give the whole file.
"""

from collections.abc import Iterator
from typing import IO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header, parse_etags, quote_etag
from werkzeug.datastructures import Range
from werkzeug.http import parse_range_header

from generation import files

CHUNK_BYTES = 256 * 1024


def respond(
    *, request: HttpRequest, name: str, content_type: str, file_name: str
) -> HttpResponseBase:
    """The file, or the part of it that the request asks for. Raises FileNotFoundError."""
    stored = files.open_file(name)
    size = files.size(name)
    etag = quote_etag(name)
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
    part = wanted.range_for_length(size) if wanted else None
    if wanted is not None and part is None:
        stored.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    response = StreamingHttpResponse(
        _chunks(stored=stored, start=start, end=end), status=206 if part else 200
    )
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


def _chunks(*, stored: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with stored:
        stored.seek(start)
        left = end - start
        while left > 0 and (chunk := stored.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
