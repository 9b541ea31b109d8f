"""Picture files made by hand: turned, damaged, hostile, or in a format nobody here can write."""

import io
import struct
import zlib
from fractions import Fraction

import av
from PIL import Image, ImageCms, ImageDraw

RED, GREEN, WHITE = (255, 0, 0), (20, 120, 20), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def banded(size: tuple[int, int] = (160, 90)) -> Image.Image:
    """Green, with a red band along the stored top edge."""
    image = Image.new("RGB", size, GREEN)
    image.paste(RED, (0, 0, size[0], size[1] // 4))
    return image


def orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


def circle(mode: str, ground: int | tuple[int, ...], ink: int | tuple[int, ...]) -> Image.Image:
    image = Image.new(mode, (32, 32), ground)
    ImageDraw.Draw(image).ellipse((6, 6, 26, 26), fill=ink)
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png_with_text_bomb() -> bytes:
    plain = saved(banded(), "PNG")
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000)))
    return plain[:33] + bomb + plain[33:]


def gif_header(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x01\x44\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0, 0, 0) + bytes(6) + frame


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24), *parts)


def hevc_units(image: Image.Image) -> list[bytes]:
    """One still of HEVC as its units: three parameter sets, then the slice."""
    codec = av.CodecContext.create("libx265", "w")
    codec.width, codec.height, codec.pix_fmt = *image.size, "yuv420p"
    codec.time_base = codec.framerate = Fraction(1)
    codec.options = {"x265-params": "log-level=none:keyint=1:info=0:crf=8"}
    frame = av.VideoFrame.from_image(image).reformat(format="yuv420p")
    stream = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    return [unit for unit in stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def heic(image: Image.Image, *, quarter_turns: int = 0, exif: bytes = b"Exif\0\0") -> bytes:
    """A HEIC turned by its own box, `quarter_turns` anticlockwise, with an EXIF item beside."""
    *sets, slice_ = hevc_units(image)
    general = next(unit for unit in sets if unit[0] >> 1 == 33).replace(b"\0\0\3", b"\0\0")[3:15]
    config = b"\1" + general + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f" + bytes([len(sets)])
    config += b"".join(struct.pack(">BHH", u[0] >> 1 | 128, 1, len(u)) + u for u in sets)
    size = full_box(b"ispe", struct.pack(">II", *image.size))
    properties = box(b"ipco", box(b"hvcC", config), size, box(b"irot", bytes([quarter_turns])))
    of_picture = full_box(b"ipma", struct.pack(">IHB3B", 1, 1, 3, 0x81, 2, 0x83))
    kinds = [
        full_box(b"infe", struct.pack(">HH4sB", number, 0, kind, 0), version=2)
        for number, kind in ((1, b"hvc1"), (2, b"Exif"))
    ]
    head = [
        full_box(b"hdlr", struct.pack(">I4s13x", 0, b"pict")),
        full_box(b"pitm", struct.pack(">H", 1)),
        full_box(b"iinf", struct.pack(">H", 2), *kinds),
        full_box(b"iref", box(b"cdsc", struct.pack(">HHH", 2, 1, 1))),
        box(b"iprp", properties, of_picture),
    ]
    items = struct.pack(">I", len(slice_)) + slice_, bytes(4) + exif
    kind = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    # The place table is 44 bytes long, and the items follow the header of their own box.
    start = len(kind) + len(full_box(b"meta", *head)) + 44 + 8
    rows = (1, 0, 1, start, len(items[0])), (2, 0, 1, start + len(items[0]), len(items[1]))
    places = b"".join(struct.pack(">HHHII", *row) for row in rows)
    meta = full_box(b"meta", *head, full_box(b"iloc", struct.pack(">BBH", 0x44, 0, 2), places))
    return kind + meta + box(b"mdat", *items)


def profile(swap: bool = False) -> bytes:
    """The sRGB profile; swapped, its red is what others call blue."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    names = (b"rXYZ", b"bXYZ") if swap else (b"rXYZ", b"rXYZ")
    return data.replace(names[0], b"....").replace(names[1], names[0]).replace(b"....", names[1])


def without_adobe_marker(data: bytes) -> bytes:
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]
