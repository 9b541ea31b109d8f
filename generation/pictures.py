"""Picture intake: whatever file somebody uploads becomes one small, honest JPEG, or a refusal.

Owns: which files are pictures, the limits, and the one form in which a picture is stored and sent.
Units: pixels for sizes, bytes for lengths.
Invariant: what leaves here is an upright 8-bit sRGB JPEG without metadata, at most
`SENT_LONG_SIDE` pixels long and `SENT_BYTES` bytes, never thinner than 1:`SENT_RATIO`.

In: JPEG, PNG, WebP, GIF, AVIF, HEIC and HEIF, told apart by their first bytes; name and type of
the upload are never looked at, and only the decoder of that one format runs. The first frame of
an animation stands for the whole. Of colour descriptions only ICC profiles are interpreted.

Sizes: refused is what no model can see anything in, a side under `MIN_SIDE` or a strip thinner
than 1:`MAX_RATIO`. Other strips are laid on white until they are 1:`SENT_RATIO`. A picture is
enlarged only if its short side is under `SENT_SHORT_SIDE`: vision models cut pictures into patches
of up to 28 pixels and refuse less than one. Other small pictures are sent as they are.

Memory: limits are read from the header, so a refusal decodes nothing. Small JPEG and PNG files are
decoded here. All else goes through a short-lived child with limits on memory and time: large photos
need hundreds of megabytes, headers may lie, and decoders of the newer formats have a history of
memory errors. Measured peaks, two at a time: 15 MB each here; in the child at 50 megapixels JPEG
130 MB (progressive 480), PNG 320, GIF 150, HEIC 440, at 25 megapixels WebP 430, AVIF 370.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import BinaryIO

import pi_heif
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from PIL import AvifImagePlugin, Image, ImageChops, ImageCms, ImageFile, PngImagePlugin
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_PIXELS_OF_FORMAT = {"WEBP": 25_000_000, "AVIF": 25_000_000}
MIN_SIDE = 8
MAX_RATIO = 50

SENT_LONG_SIDE = 2048
SENT_SHORT_SIDE = 32
SENT_RATIO = 8
SENT_BYTES = 7_000_000
# JPEG quality and colour sampling, best first; at the last even pure noise fits.
_QUALITIES = ((92, "4:4:4"), (85, "4:2:0"), (60, "4:2:0"))
_SLOTS = threading.BoundedSemaphore(2)
_HERE_BYTES = 512 * 1024
_HERE_PIXELS = 1_000_000
_CHILD_MEMORY_BYTES = 1024 * 1024 * 1024
_CHILD_CPU_SECONDS = 15
_CHILD_SECONDS = 45
_CHILD_REFUSED = 3

# A real photo has about ten scans; each empty one costs a pass over the whole picture.
_JPEG_SCAN = rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)"
_MAX_JPEG_SCANS = 100
PngImagePlugin.MAX_TEXT_MEMORY = 4 * 1024 * 1024
AvifImagePlugin.DEFAULT_MAX_THREADS = 2

_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": pi_heif.HeifImageFile,
}
_SIGNATURES = {
    rb"\xff\xd8\xff": "JPEG",
    rb"\x89PNG\r\n\x1a\n": "PNG",
    rb"GIF8[79]a": "GIF",
    rb"RIFF....WEBP": "WEBP",
    rb"....ftyp(....)*?avi[fs]": "AVIF",
    rb"....ftyp(....)*?(he[iv][cxms]|mif1|msf1)": "HEIF",
}
_OTHER_KINDS = (
    rb"....(ftyp|JXL |jP  )|\xff\n|II[*+]\0|MM\0|BM|\0\0\x01\0|%(PDF|!PS)|8BPS|P[1-7]\s|DDS |icns"
    rb"|RIFF....AVI |\x1aE\xdf\xa3|(\xef\xbb\xbf)?\s*<(svg|\?xml|!--|!DOCTYPE svg)"
)
_OPAQUE = {"L", "RGB", "CMYK"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SENTENCES = {
    "missing": _("No picture was sent. Add one as a file in the field “image”."),
    "several": _("More than one picture was sent. Send just one in the field “image”."),
    "empty": _("The file is empty. Choose a picture and send it again."),
    "not_an_image": _("This file is not a picture. Choose a JPEG, PNG, WebP, HEIC, GIF or AVIF."),
    "unsupported_format": _(
        "Files of this kind cannot be used. Choose a JPEG, PNG, WebP, HEIC, GIF or AVIF, or save"
        " this one as JPEG or PNG first."
    ),
    "damaged": _("The picture is damaged or incomplete. Open it and save it again as JPEG or PNG."),
    "too_slow": _("The picture took too long to read. Make it smaller, or try again in a moment."),
    "too_small": _(
        "The picture is too small: {width} × {height} pixels. "
        "Choose one with at least {limit} pixels on each side."
    ),
    "too_thin": _(
        "The picture is too thin: {width} × {height} pixels. "
        "Choose one whose long side is at most {limit} times the short side."
    ),
    "too_many_bytes": _("The file is too large: {actual} MB. Make it smaller than {limit} MB."),
    "too_many_pixels": _(
        "The picture is too large: {actual} megapixels. Make it smaller than {limit} megapixels."
    ),
}


class InvalidImage(Exception):
    """The upload cannot become a picture. `code` is for the API, `reason` a stable slug,
    `message` the translated sentence that says what to do, `numbers` those named in it."""

    code = "invalid_image"

    def __init__(self, reason: str, **numbers: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.numbers = numbers

    @property
    def message(self) -> str | Promise:
        return format_lazy(_SENTENCES[self.reason], **self.numbers)


class ImageTooLarge(InvalidImage):
    """`actual` is over `limit`: bytes if `reason` is "too_many_bytes", pixels otherwise."""

    code = "image_too_large"

    def __init__(self, reason: str, *, limit: int, actual: int) -> None:
        super().__init__(reason, limit=limit, actual=actual)
        self.limit = limit
        self.actual = actual

    @property
    def message(self) -> str | Promise:
        unit = 1024 * 1024 if self.reason == "too_many_bytes" else 1_000_000
        # Rounded up, so that it never reads "20 MB. Make it smaller than 20 MB".
        rounded = {"limit": self.limit // unit, "actual": -(-self.actual // unit)}
        return format_lazy(_SENTENCES[self.reason], **rounded)


@dataclass(frozen=True)
class PreparedPicture:
    """A picture ready to be stored and sent: `data` is the JPEG file, `sha256` its hash in hex,
    `width` and `height` are its pixels."""

    data: bytes
    mime_type: str
    width: int
    height: int
    sha256: str


def prepare(*, upload: BinaryIO, size_bytes: int | None = None) -> PreparedPicture:
    """Read `upload` from its start and make it fit to send.

    `size_bytes` is the length the upload claims, so that a huge one is refused unread; a wrong
    claim does no harm. Raises `InvalidImage` for what is not a usable picture and `ImageTooLarge`
    for more than `MAX_BYTES` bytes or `MAX_PIXELS` pixels. Waits while two others are decoded.
    """
    _refuse_bytes(size_bytes or 0)
    with _SLOTS:
        upload.seek(0)
        data = upload.read(MAX_BYTES + 1)
        _refuse_bytes(len(data))
        here = _format_of(data) in {"JPEG", "PNG"} and len(data) <= _HERE_BYTES
        jpeg = _convert(data, decode_up_to_pixels=_HERE_PIXELS) if here else None
        jpeg = jpeg or _convert_in_child(data)
    width, height = JpegImageFile(io.BytesIO(jpeg)).size
    return PreparedPicture(jpeg, "image/jpeg", width, height, hashlib.sha256(jpeg).hexdigest())


def _refuse_bytes(actual: int) -> None:
    if actual > MAX_BYTES:
        raise ImageTooLarge("too_many_bytes", limit=MAX_BYTES, actual=actual)


def _convert_in_child(data: bytes) -> bytes:
    # Little is handed down: the child has no business with the secrets in our environment.
    environment = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    environment["MALLOC_ARENA_MAX"] = "2"
    command = [sys.executable, "-P", __file__]
    try:
        child = subprocess.run(  # noqa: S603 - this very file
            command, input=data, capture_output=True, env=environment, timeout=_CHILD_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidImage("too_slow") from error
    if child.returncode == _CHILD_REFUSED:
        refusal = json.loads(child.stdout)
        kind = ImageTooLarge if refusal["reason"].startswith("too_many") else InvalidImage
        raise kind(refusal["reason"], **refusal["numbers"])
    if child.returncode < 0:
        # Killed by the limit on time, or by a decoder that tripped over the picture.
        raise InvalidImage("damaged")
    if child.returncode > 0:
        raise RuntimeError(child.stderr.decode(errors="replace")[-2000:])
    return child.stdout


def _be_the_child() -> int:
    """Read a picture from standard input, write the JPEG or the refusal, return the exit code."""
    limits = {"RLIMIT_AS": _CHILD_MEMORY_BYTES, "RLIMIT_CPU": _CHILD_CPU_SECONDS, "RLIMIT_CORE": 0}
    for name, limit in limits.items():
        # Not every system enforces every limit, and a stricter one may be in force already.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (limit, limit))
    try:
        jpeg = _convert(sys.stdin.buffer.read(), decode_up_to_pixels=MAX_PIXELS)
    except InvalidImage as refusal:
        json.dump({"reason": refusal.reason, "numbers": refusal.numbers}, sys.stdout)
        return _CHILD_REFUSED
    sys.stdout.buffer.write(jpeg or b"")
    return 0


def _convert(data: bytes, *, decode_up_to_pixels: int) -> bytes | None:
    """The JPEG, or None if the header announces more pixels than may be decoded in this process.

    Raises `InvalidImage` and nothing else.
    """
    try:
        image = _open(data)
        fits = image.width * image.height <= decode_up_to_pixels
        return _encode(_fit(_decode(image))) if fits else None
    except InvalidImage:
        raise
    except Exception as error:
        # Decoders answer hostile files with errors of every class, MemoryError included.
        raise InvalidImage("damaged") from error


def _format_of(data: bytes) -> str:
    if not data:
        raise InvalidImage("empty")
    head = data[:64]
    for signature, name in _SIGNATURES.items():
        if re.match(signature, head, re.DOTALL):
            return name
    other = re.match(_OTHER_KINDS, head, re.DOTALL)
    raise InvalidImage("unsupported_format" if other else "not_an_image")


def _open(data: bytes) -> ImageFile.ImageFile:
    """The picture with its header read and its size checked; no pixel is decoded yet."""
    name = _format_of(data)
    limit = MAX_PIXELS_OF_FORMAT.get(name, MAX_PIXELS)
    try:
        image = _DECODERS[name](io.BytesIO(data))
    except Image.DecompressionBombError as error:
        # Some decoders check for themselves and tell the size in words only.
        actual = int((re.findall(r"\d+", str(error)) or [limit + 1])[0])
        raise ImageTooLarge("too_many_pixels", limit=limit, actual=actual) from error
    width, height = image.size
    if width * height > limit:
        raise ImageTooLarge("too_many_pixels", limit=limit, actual=width * height)
    if min(width, height) < MIN_SIDE:
        raise InvalidImage("too_small", width=width, height=height, limit=MIN_SIDE)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InvalidImage("too_thin", width=width, height=height, limit=MAX_RATIO)
    if name == "JPEG" and len(re.findall(_JPEG_SCAN, data)) > _MAX_JPEG_SCANS:
        raise InvalidImage("damaged")
    return image


def _decode(image: ImageFile.ImageFile) -> Image.Image:
    """Upright RGB, at most twice as long as it will be sent."""
    if isinstance(image, JpegImageFile):
        image.draft(None, _within(image.size, SENT_LONG_SIDE))
    image.load()
    turn = _turn(image)
    profile = image.info.get("icc_profile")
    # The decoder takes every CMYK for inverted, but only the program with this marker inverts.
    upside_down = image.mode == "CMYK" and "adobe" not in image.info
    small = _reduce(image, factor=max(1, max(image.size) // (2 * SENT_LONG_SIDE)))
    if small is not image:
        image.close()
    if upside_down:
        small = ImageChops.invert(small)
    return _to_srgb(small if turn is None else small.transpose(turn), profile)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:
        # A damaged tag is no reason to refuse the picture: it counts as upright.
        return None


def _reduce(image: Image.Image, *, factor: int) -> Image.Image:
    """`image` flattened and `factor` times smaller, band by band: a converted copy of the whole
    would cost up to eight times the memory of a palette picture."""
    if factor == 1 and image.mode in _OPAQUE and "transparency" not in image.info:
        return image
    mode = _flatten(image.crop((0, 0, 1, 1))).mode
    small = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    rows = max(1, 250_000 // (image.width * factor)) * factor
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(_flatten(band).reduce(factor), (0, top // factor))
    return small


def _flatten(image: Image.Image) -> Image.Image:
    """`image` as opaque 8-bit L, RGB or CMYK, on white where one can see through it."""
    if image.mode.startswith("I"):
        image = _sixteen_to_eight_bits(image)
    base = "L" if image.mode in {"1", "L", "LA", "La"} else "RGB"
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new(base, image.size, "white")
        ground.paste(layer.convert(base), mask=layer.getchannel("A"))
        return ground
    return image if image.mode in _OPAQUE else image.convert(base)


def _sixteen_to_eight_bits(image: Image.Image) -> Image.Image:
    # Scaled, because a plain conversion clips everything above 255 to white.
    grey = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if "transparency" in image.info:
        grey.info["transparency"] = image.info["transparency"] >> 8
    return grey


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        converted = profile and ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:
        # A damaged profile, or one for another kind of colours, counts as none.
        converted = None
    return converted or (image if image.mode == "RGB" else image.convert("RGB"))


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` scaled down, never up, until its long side is `longest`."""
    scale = min(1, longest / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def _fit(image: Image.Image) -> Image.Image:
    """Not too long, not too thin and not too small to be sent."""
    if max(image.size) > SENT_LONG_SIDE:
        image = image.resize(_within(image.size, SENT_LONG_SIDE), Image.Resampling.LANCZOS)
    shortest = -(-max(image.size) // SENT_RATIO)
    if min(image.size) < shortest:
        size = max(image.width, shortest), max(image.height, shortest)
        ground = Image.new("RGB", size, "white")
        # On the grid of JPEG's blocks, so that the edges do not blur the strip.
        ground.paste(image, ((size[0] - image.width) // 16 * 8, (size[1] - image.height) // 16 * 8))
        image = ground
    if min(image.size) < SENT_SHORT_SIDE:
        scale = SENT_SHORT_SIDE / min(image.size)
        larger = round(image.width * scale), round(image.height * scale)
        return image.resize(larger, Image.Resampling.BICUBIC)
    return image


def _encode(image: Image.Image) -> bytes:
    # The encoder would write a comment it finds here.
    image.info = {}
    for quality, subsampling in _QUALITIES:
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=quality, subsampling=subsampling)
        if jpeg.tell() <= SENT_BYTES:
            break
    return jpeg.getvalue()


if __name__ == "__main__":
    sys.exit(_be_the_child())
