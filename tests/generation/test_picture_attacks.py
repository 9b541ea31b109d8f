"""Files made to deceive: headers that lie, passengers, endless parts; and any file at all."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from generation import pictures
from tests.generation.picture_files import RED, banded, box, chunk, heic, orientation, saved

SECRET = b"http://127.0.0.1:9/secret"
MARKERS = {0xE0, 0xDB, 0xC0, 0xC2, 0xC4, 0xDA}
PLAIN = {kind: saved(banded(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF")}
FILES = PLAIN | {
    "HEIC": heic(banded()),
    "TURNED": saved(banded(), "JPEG", exif=orientation(6)),
    "DEEP": saved(Image.new("I;16", (40, 30)), "PNG"),
    "INKS": saved(Image.new("CMYK", (40, 30)), "JPEG"),
    "LAYER": saved(Image.new("LA", (40, 30)), "PNG"),
}


def outcome(data: bytes) -> pictures.PreparedPicture | str:
    """The prepared picture, or why there is none. Anything else fails the test."""
    try:
        return pictures.prepare(upload=io.BytesIO(data))
    except pictures.InvalidImage as refusal:
        return refusal.reason


def prepared(data: bytes) -> pictures.PreparedPicture:
    found = outcome(data)
    assert isinstance(found, pictures.PreparedPicture)
    return found


def markers(jpeg: bytes) -> set[int]:
    """The kinds of segments before the pixels of a JPEG."""
    found, place = set(), 2
    while 0xDA not in found:
        found.add(jpeg[place + 1])
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return found


def is_honest(picture: pictures.PreparedPicture) -> bool:
    """Whether it is what the module promises of everything that leaves it."""
    image = Image.open(io.BytesIO(picture.data), formats=["JPEG"])
    image.load()
    long, short = max(image.size), min(image.size)
    return (
        (image.mode, image.size) == ("RGB", (picture.width, picture.height))
        and pictures.SENT_SHORT_SIDE <= short <= long <= pictures.SENT_LONG_SIDE
        and long <= pictures.SENT_RATIO * short
        and len(picture.data) <= pictures.SENT_BYTES
        and markers(picture.data) <= MARKERS
    )


def segment(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body


def with_segments(*segments: bytes) -> bytes:
    return PLAIN["JPEG"][:2] + b"".join(segments) + PLAIN["JPEG"][2:]


def with_chunk(kind: bytes, body: bytes) -> bytes:
    return PLAIN["PNG"][:33] + chunk(kind, body) + PLAIN["PNG"][33:]


def resized(data: bytes, size: tuple[int, int], said: tuple[int, int]) -> bytes:
    """A HEIC or AVIF whose header names another size than its pixels have."""
    return data.replace(struct.pack(">II", *size), struct.pack(">II", *said))


def webp_canvas(inner: bytes, width: int, height: int) -> bytes:
    """A WebP whose canvas is said to be this large."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides + inner[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_with_frame(place: int, side: int) -> bytes:
    """A GIF of 10 × 10 whose only frame lies somewhere else, or is larger."""
    frame = b"," + struct.pack("<HHHHB", place, place, side, side, 0) + b"\x02\x01\x44\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0xF0, 0, 0) + bytes(6) + frame


def described() -> dict[str, bytes]:
    """A file of every format with all the private words that it can carry."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8769)[0x927C] = SECRET
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", SECRET.decode(), zip=True)
    words.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    tags: dict[str, Any] = {"exif": exif.tobytes(), "xmp": SECRET}
    return {
        "JPEG": saved(banded(), "JPEG", comment=SECRET, **tags),
        "PNG": saved(banded(), "PNG", pnginfo=words, exif=exif.tobytes()),
        "WEBP": saved(banded(), "WEBP", **tags),
        "GIF": saved(banded(), "GIF", comment=SECRET),
        "AVIF": saved(banded(), "AVIF", **tags),
        "HEIC": heic(banded(), exif=exif.tobytes()),
    }


@pytest.mark.parametrize("kind", described())
def test_nothing_that_a_file_says_about_its_owner_is_left(kind: str) -> None:
    picture = prepared(described()[kind])

    assert b"secret" not in picture.data
    assert markers(picture.data) <= MARKERS
    assert is_honest(picture)


@pytest.mark.parametrize(
    "passenger", [b"PK\3\4", b"%PDF-1.7", b"<script>alert(1)</script>", b"\x89PNG\r\n\x1a\n"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_a_file_that_is_also_something_else_loses_the_rest(kind: str, passenger: bytes) -> None:
    picture = prepared(PLAIN[kind] + passenger + SECRET)

    assert passenger not in picture.data
    assert b"secret" not in picture.data


@pytest.mark.parametrize(
    "head", [b"<script>x</script>", b"PK\3\4", b"#!/bin/sh\n", b"\xef\xbb\xbf", b"\0"]
)
def test_a_picture_behind_something_else_is_no_picture(head: bytes) -> None:
    assert outcome(head + PLAIN["JPEG"]) == "not_an_image"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gif_with_frame(0, 30000), "too_many_pixels"),
        (gif_with_frame(60000, 10), "too_many_pixels"),
        (webp_canvas(PLAIN["WEBP"], 16384, 16384), "too_many_pixels"),
        (webp_canvas(PLAIN["WEBP"], 64, 48), "damaged"),
        (resized(FILES["HEIC"], (160, 90), (60000, 60000)), "too_many_pixels"),
        (resized(FILES["HEIC"], (160, 90), (6000, 6000)), "damaged"),
        (resized(PLAIN["AVIF"], (160, 90), (60000, 60000)), "damaged"),
        (
            PLAIN["PNG"][:33]
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0))
            + PLAIN["PNG"][33:],
            "too_many_pixels",
        ),
    ],
    ids=["frame", "place", "canvas", "small canvas", "heic", "heic, less", "avif", "second header"],
)
def test_a_header_that_lies_about_the_size_is_refused(data: bytes, reason: str) -> None:
    assert outcome(data) == reason


def test_pixels_beyond_what_a_small_header_promised_are_never_read() -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(200_000_000)))

    picture = prepared(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))

    assert (picture.width, picture.height) == (64, 48)


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(80_000_000))),
        with_chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(bytes(80_000_000))),
        PLAIN["PNG"][:-12] + chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(80_000_000))),
        PLAIN["PNG"][:33]
        + 200 * chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(900_000)))
        + PLAIN["PNG"][33:],
    ],
    ids=["profile", "international text", "text at the end", "many small texts"],
)
def test_what_is_packed_beside_the_pixels_is_not_unpacked_whole(data: bytes) -> None:
    assert outcome(data) == "damaged"


@pytest.mark.parametrize(
    "data",
    [
        with_segments(*[segment(0xE1, b"Exif\0\0" + bytes(60_000))] * 100),
        with_segments(*[segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000))] * 100),
        with_segments(*[segment(0xFE, bytes(60_000))] * 100),
        with_segments(*[segment(0xED, b"Photoshop 3.0\x008BIM" + bytes(60_000))] * 100),
    ],
    ids=["EXIF", "profile", "comments", "resources"],
)
def test_megabytes_of_description_do_not_keep_a_photo_out(data: bytes) -> None:
    assert is_honest(prepared(data))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_thousand_frames_only_the_first_is_read(kind: str) -> None:
    others = [Image.new("RGB", (64, 48), (n % 256, n // 256, 0)) for n in range(1000)]
    data = saved(Image.new("RGB", (64, 48), RED), kind, save_all=True, append_images=others)

    picture = prepared(data)

    middle = Image.open(io.BytesIO(picture.data)).getpixel((32, 24))
    assert middle[0] > 240
    assert max(middle[1:]) < 15


@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIC"])
def test_a_file_that_breaks_off_is_refused(kind: str, part: float) -> None:
    data = FILES[kind]

    assert outcome(data[: int(len(data) * part)]) == "damaged"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\x0a" + bytes(40), "unsupported_format"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "unsupported_format"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "unsupported_format"),
        (b"II+\0" + bytes(60), "unsupported_format"),
        (box(b"ftyp", b"crx ", bytes(4)), "unsupported_format"),
        (b"MZ" + bytes(90), "not_an_image"),
    ],
    ids=["jxl", "jxl in a box", "jpeg 2000", "big tiff", "raw", "program"],
)
def test_other_kinds_of_pictures_are_told_from_what_is_none(data: bytes, reason: str) -> None:
    assert outcome(data) == reason


@pytest.mark.parametrize(
    ("size", "expected"),
    [(pictures.MAX_BYTES, "picture"), (pictures.MAX_BYTES + 1, "too_many_bytes")],
)
def test_the_last_byte_that_is_allowed_is_allowed(size: int, expected: str) -> None:
    found = outcome(PLAIN["JPEG"].ljust(size, b"\0"))

    assert (found if isinstance(found, str) else "picture") == expected


CHILD_LIMITS = """
import resource, sys
from generation import pictures
pictures._convert = lambda data, decode_up_to_pixels: bytearray(2 * 1024**3)[:1]
sys.exit(pictures._be_the_child())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are kept the Linux way")
def test_a_decoder_that_wants_gigabytes_does_not_get_them() -> None:
    environment = {"PYTHONPATH": str(Path(pictures.__file__).parents[1])}

    child = subprocess.run(
        [sys.executable, "-c", CHILD_LIMITS], input=b"x", capture_output=True, env=environment
    )

    assert child.returncode != 0
    assert b"MemoryError" in child.stderr


@settings(deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(sorted(FILES)))
def test_any_damaged_file_is_refused_or_becomes_an_honest_jpeg(
    data: st.DataObject, name: str
) -> None:
    file = bytearray(FILES[name])
    start = data.draw(st.integers(0, len(file) - 1))
    file[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))

    found = outcome(bytes(file))

    assert found in pictures._SENTENCES or is_honest(found)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    assert outcome(data) in {"empty", "not_an_image", "unsupported_format", "damaged"}


@settings(deadline=None, max_examples=30)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
    width=st.integers(8, 3000),
    height=st.integers(8, 3000),
)
def test_a_picture_of_any_shape_becomes_an_honest_jpeg(mode: str, width: int, height: int) -> None:
    found = outcome(saved(Image.new(mode, (width, height)), "PNG", compress_level=1))

    too_thin = max(width, height) > pictures.MAX_RATIO * min(width, height)
    assert (found == "too_thin") if too_thin else is_honest(found)
