"""Colours on their way in: wide profiles, deep channels, print inks, and grounds to see through."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageChops, ImageCms

from generation import pictures
from tests.generation.picture_files import RED, WHITE, chunk, circle, saved

TONE = (200, 120, 60)
# The primaries of two wide spaces as an ICC profile names them, and TONE seen through each.
P3 = {
    b"rXYZ": (0.51512, 0.2412, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.1571, 0.06657, 0.78407),
}
ADOBE = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
IN_SRGB = {"P3": (213, 115, 43), "Adobe": (222, 120, 56)}


def profile(primaries: dict[bytes, tuple[float, ...]]) -> bytes:
    """The sRGB profile with other primaries."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name, values in primaries.items():
        row = data.index(name, 128)
        place = int.from_bytes(data[row + 4 : row + 8], "big") + 8
        data[place : place + 12] = struct.pack(">3i", *(round(65536 * value) for value in values))
    return bytes(data)


def deep_png(colour_type: int, pixel: bytes) -> bytes:
    """A PNG of 64 × 48 with 16 bits a channel, all of one colour."""
    header = struct.pack(">IIBBBBB", 64, 48, 16, colour_type, 0, 0, 0)
    rows = zlib.compress((b"\0" + pixel * 64) * 48)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def ycck(rgb: tuple[int, int, int]) -> bytes:
    """A JPEG in inks as a print shop's program writes it: turned to YCC, inverted, marked so."""
    inverted = ImageChops.invert(Image.new("RGB", (64, 48), rgb)).convert("YCbCr")
    bands = [ImageChops.invert(band) for band in inverted.split()]
    stored = Image.merge("CMYK", [*bands, Image.new("L", (64, 48), 0)])
    data = bytearray(saved(stored, "JPEG", quality=95, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def seen(data: bytes, place: tuple[int, int] | None = None) -> tuple[int, ...]:
    """The colour that is sent for the middle of this file, or for another place."""
    picture = pictures.prepare(upload=io.BytesIO(data))
    image = Image.open(io.BytesIO(picture.data), formats=["JPEG"])
    assert image.mode == "RGB"
    return image.getpixel(place or (image.width // 2, image.height // 2))


def close(one: tuple[int, ...], other: tuple[int, ...], by: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= by


@pytest.mark.parametrize(("space", "name"), [(P3, "P3"), (ADOBE, "Adobe")], ids=["P3", "Adobe"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_wide_colour_space_becomes_srgb(
    kind: str, space: dict[bytes, tuple[float, ...]], name: str
) -> None:
    options = {} if kind == "PNG" else {"quality": 95}

    data = saved(Image.new("RGB", (64, 48), TONE), kind, icc_profile=profile(space), **options)

    assert close(seen(data), IN_SRGB[name])


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (64, 48), TONE).quantize(8),
        Image.new("RGBA", (64, 48), (*TONE, 255)),
    ],
    ids=["palette", "alpha"],
)
def test_palettes_and_layers_are_read_through_their_profile_too(image: Image.Image) -> None:
    assert close(seen(saved(image, "PNG", icc_profile=profile(P3))), IN_SRGB["P3"])


@pytest.mark.parametrize(
    ("image", "icc", "expected"),
    [
        (Image.new("L", (64, 48), 120), profile(P3), (120, 120, 120)),
        (
            Image.new("RGB", (64, 48), TONE),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
            TONE,
        ),
        (Image.new("RGB", (64, 48), TONE), profile(P3)[:200], TONE),
    ],
    ids=["of colours for greys", "of another kind", "cut"],
)
def test_a_profile_that_does_not_fit_counts_as_none(
    image: Image.Image, icc: bytes, expected: tuple[int, ...]
) -> None:
    assert close(seen(saved(image, "PNG", icc_profile=icc)), expected)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (deep_png(0, struct.pack(">H", 0x8080)), (128, 128, 128)),
        (deep_png(2, struct.pack(">3H", 0xC8C8, 0x7878, 0x3C3C)), TONE),
        (deep_png(4, struct.pack(">2H", 0x8080, 0xFFFF)), (128, 128, 128)),
        (deep_png(4, struct.pack(">2H", 0, 0)), WHITE),
        (deep_png(6, struct.pack(">4H", 0xC8C8, 0x7878, 0x3C3C, 0xFFFF)), TONE),
        (deep_png(6, struct.pack(">4H", 0, 0, 0, 0)), WHITE),
    ],
    ids=["grey", "colour", "grey and alpha", "clear grey", "colour and alpha", "clear colour"],
)
def test_sixteen_bits_become_eight_of_the_same_colour(
    data: bytes, expected: tuple[int, ...]
) -> None:
    assert close(seen(data), expected)


def test_red_ink_in_the_other_encoding_is_red() -> None:
    assert close(seen(ycck(RED)), RED)


@pytest.mark.parametrize(
    ("image", "kind", "options"),
    [
        (circle("P", 0, 1), "GIF", {"transparency": 0}),
        (circle("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), "WEBP", {"lossless": True}),
        (circle("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), "AVIF", {"quality": 95}),
    ],
    ids=["GIF", "WebP", "AVIF"],
)
def test_a_drawing_on_a_transparent_ground_stays_visible_in_every_format(
    image: Image.Image, kind: str, options: dict[str, object]
) -> None:
    data = saved(image, kind, **options)

    assert close(seen(data, (1, 1)), WHITE)
    assert close(seen(data), (0, 0, 0), by=30)


def test_half_transparent_ink_is_seen_against_white() -> None:
    data = saved(Image.new("RGBA", (64, 48), (0, 0, 0, 128)), "PNG")

    assert close(seen(data), (127, 127, 127))
