"""A whole MP4 is told from a broken one without a decoder."""

import struct

import pytest

from generation import mp4


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


WHOLE = box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + box(b"mdat", bytes(50))
LARGE = struct.pack(">I4sQ", 1, b"mdat", 16 + 10) + bytes(10)
TO_THE_END = struct.pack(">I4s", 0, b"mdat") + bytes(10)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        box(b"ftyp") + box(b"free") + box(b"moov") + LARGE,
        box(b"ftyp") + box(b"moov") + TO_THE_END,
    ],
)
def test_a_whole_file_passes(data: bytes) -> None:
    mp4.check(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "begin"),
        (b"<html>sorry</html>", "cut off|begin"),
        (WHOLE[:-1], "cut off"),
        (WHOLE + b"\x00\x00", "cut off"),
        (box(b"ftyp") + box(b"moov"), "no mdat"),
        (box(b"ftyp") + box(b"mdat"), "no moov"),
        (box(b"moov") + box(b"ftyp") + box(b"mdat"), "begin"),
        (struct.pack(">I4s", 4, b"ftyp"), "smaller"),
    ],
)
def test_a_broken_file_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(mp4.Broken, match=reason):
        mp4.check(data)
