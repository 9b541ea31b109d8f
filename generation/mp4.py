"""Tell a whole MP4 from a broken one without decoding it, and without reading its media.

Source: ISO/IEC 14496-12 (boxes: a 32-bit size and a four-letter type, nested). Sizes are bytes.
"""

import os
import struct
from collections.abc import Iterator
from typing import IO

HEADER_BYTES = 8
# Far more than a video of seconds has side by side; a box takes eight bytes at least.
MOST_BOXES = 10_000


class Broken(Exception):
    """The file is no whole MP4."""


def check(video: IO[bytes]) -> int:
    """The size of a whole MP4: type first, an index with a duration, media, nothing cut off.

    Raises Broken. Afterwards the file stands at its beginning.
    """
    total = video.seek(0, os.SEEK_END)
    boxes = list(_boxes(video, start=0, end=total))
    video.seek(0)
    kinds = [kind for kind, _start, _end in boxes]
    if not kinds or kinds[0] != b"ftyp":
        raise Broken("does not begin as an MP4")
    for needed in (b"moov", b"mdat"):
        if needed not in kinds:
            raise Broken(f"has no {needed.decode()} box")
    _check_duration(video, *next(box[1:] for box in boxes if box[0] == b"moov"))
    video.seek(0)
    return total


def _check_duration(video: IO[bytes], start: int, end: int) -> None:
    """Raise Broken for an index without a time; a fragmented film has its time in its fragments."""
    inner = {kind: (first, last) for kind, first, last in _boxes(video, start=start, end=end)}
    if b"mvex" in inner:
        return
    if b"mvhd" not in inner:
        raise Broken("has no duration")
    video.seek(inner[b"mvhd"][0])
    header = video.read(min(inner[b"mvhd"][1] - inner[b"mvhd"][0], 32))
    layout = ">20xIQ" if header[:1] == b"\x01" else ">12xII"
    if len(header) < struct.calcsize(layout):
        raise Broken("has no duration")
    timescale, duration = struct.unpack_from(layout, header)
    if not (timescale and duration):
        raise Broken("has no duration")


def _boxes(video: IO[bytes], *, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two positions: type, and where their content begins and ends."""
    position = start
    for _ in range(MOST_BOXES):
        if position >= end:
            return
        video.seek(position)
        head = video.read(min(2 * HEADER_BYTES, end - position))
        size, kind, content = _head(head, left=end - position)
        if position + size > end:
            raise Broken(f"cut off: {end} of {position + size} bytes")
        yield kind, position + content, position + size
        position += size
    if position < end:
        raise Broken(f"has more than {MOST_BOXES} boxes")


def _head(head: bytes, *, left: int) -> tuple[int, bytes, int]:
    """Size and type of the box that begins so, and the size of its header."""
    if len(head) < HEADER_BYTES:
        raise Broken("cut off inside a box header")
    size, kind = struct.unpack_from(">I4s", head)
    content = HEADER_BYTES
    if size == 1:
        content = 2 * HEADER_BYTES
        if len(head) < content:
            raise Broken("cut off inside a box header")
        (size,) = struct.unpack_from(">Q", head, HEADER_BYTES)
    elif size == 0:
        size = left
    if size < content:
        raise Broken("a box is smaller than its header")
    return size, kind, content
