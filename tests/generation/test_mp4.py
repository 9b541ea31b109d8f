"""A whole MP4 is told from a broken one without a decoder."""

import io
import struct

import pytest

from generation import mp4


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def index(*, timescale: int = 1000, duration: int = 4000) -> bytes:
    return box(b"moov", box(b"mvhd", struct.pack(">12xII", timescale, duration)))


WHOLE = box(b"ftyp", b"isom") + index() + box(b"mdat", bytes(50))
LONG_INDEX = box(b"moov", box(b"mvhd", struct.pack(">B19xIQ", 1, 1000, 4000)))
IN_FRAGMENTS = box(b"moov", box(b"mvhd", bytes(20)) + box(b"mvex"))
LARGE = struct.pack(">I4sQ", 1, b"mdat", 16 + 10) + bytes(10)
TO_THE_END = struct.pack(">I4s", 0, b"mdat") + bytes(10)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        box(b"ftyp") + box(b"free") + index() + LARGE,
        box(b"ftyp") + index() + TO_THE_END,
        box(b"ftyp") + LONG_INDEX + box(b"mdat"),
        box(b"ftyp") + IN_FRAGMENTS + box(b"mdat"),
        WHOLE + box(b"free") * (mp4.MOST_BOXES - 3),
    ],
)
def test_a_whole_file_passes(data: bytes) -> None:
    video = io.BytesIO(data)

    assert mp4.check(video) == len(data)
    assert video.tell() == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "begin"),
        (b"<html>sorry</html>", "cut off|begin"),
        (WHOLE[:-1], "cut off"),
        (WHOLE + b"\x00\x00", "cut off"),
        (box(b"ftyp") + index(), "no mdat"),
        (box(b"ftyp") + box(b"moov") + box(b"mdat"), "no duration"),
        (box(b"ftyp") + box(b"moov", box(b"mvhd", b"\1")) + box(b"mdat"), "no duration"),
        (box(b"ftyp") + index(duration=0) + box(b"mdat"), "no duration"),
        (box(b"ftyp") + index(timescale=0) + box(b"mdat"), "no duration"),
        (box(b"ftyp") + box(b"moov", b"mvhd") + box(b"mdat"), "cut off"),
        (box(b"ftyp") + box(b"mdat"), "no moov"),
        (box(b"moov") + box(b"ftyp") + box(b"mdat"), "begin"),
        (struct.pack(">I4s", 4, b"ftyp"), "smaller"),
        (WHOLE + box(b"free") * mp4.MOST_BOXES, "more than"),
        (box(b"ftyp") + struct.pack(">I4sI", 1, b"mdat", 0), "cut off inside a box header"),
        (box(b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 15), "smaller"),
    ],
)
def test_a_broken_file_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(mp4.Broken, match=reason):
        mp4.check(io.BytesIO(data))
