"""Tell a whole MP4 from a broken one without decoding it.

Source: ISO/IEC 14496-12 (boxes: a 32-bit size and a four-letter type, nested).
"""

import struct

HEADER_BYTES = 8


class Broken(Exception):
    """The bytes are no whole MP4."""


def check(data: bytes) -> None:
    """Raise Broken unless `data` is a whole MP4: type first, an index, media, nothing cut off."""
    kinds = []
    position = 0
    while position < len(data):
        size, kind = _box(data, position)
        kinds.append(kind)
        position += size
    if position != len(data):
        raise Broken(f"cut off: {len(data)} of {position} bytes")
    if not kinds or kinds[0] != b"ftyp":
        raise Broken("does not begin as an MP4")
    for needed in (b"moov", b"mdat"):
        if needed not in kinds:
            raise Broken(f"has no {needed.decode()} box")


def _box(data: bytes, position: int) -> tuple[int, bytes]:
    if position + HEADER_BYTES > len(data):
        raise Broken("cut off inside a box header")
    size, kind = struct.unpack_from(">I4s", data, position)
    if size == 1:
        if position + 2 * HEADER_BYTES > len(data):
            raise Broken("cut off inside a box header")
        (size,) = struct.unpack_from(">Q", data, position + HEADER_BYTES)
    elif size == 0:
        size = len(data) - position
    if size < HEADER_BYTES:
        raise Broken("a box is smaller than its header")
    return size, kind
