"""Makes the clip that the Gemini stand-in hands out: one picture becomes a playable MP4.

The film is H.264 (Main profile, yuv420p, 24 frames per second) with a soft AAC tone, exactly as
long and as large as asked, its index in front so that a browser can start before the last byte. A
slow zoom and pan is done by libav's own filter on one decoded frame: cutting every frame with
Pillow took several times as long. Sizes are pixels, lengths are whole seconds.
"""

import hashlib
import io
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

FRAMES_PER_SECOND = 24
SAMPLES_PER_SECOND = 48_000
SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
ORIENTATIONS = ("16:9", "9:16")
ZOOM = "0.18"
QUALITY = "27"
CACHE_BYTES = 128 * 1024 * 1024


class CancelledError(Exception):
    """The stand-in is ending; the clip was given up between two frames."""


@dataclass(frozen=True)
class Shape:
    """What a clip looks like: seconds, `360p`, `720p`, `1080p` or `4k`, `16:9` or `9:16`."""

    seconds: int
    resolution: str = "720p"
    aspect_ratio: str = "16:9"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        long_side, short_side = SIZES[self.resolution]
        return (long_side, short_side) if self.aspect_ratio == "16:9" else (short_side, long_side)

    @property
    def frames(self) -> int:
        """Number of pictures in the film."""
        return self.seconds * FRAMES_PER_SECOND


def never() -> bool:
    """The answer of somebody who does not want to cancel."""
    return False


def encode(picture: bytes, shape: Shape, cancelled: Callable[[], bool] = never) -> bytes:
    """Encode the picture as an MP4 of that shape; `CancelledError` when told so on the way."""
    still = _still(picture, shape)
    # libav writes the index to the front by reading the finished file again: it needs a real file.
    with tempfile.TemporaryDirectory(prefix="standin-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            _write(film, still, shape, cancelled)
        return path.read_bytes()


class Cache:
    """Keeps encoded clips up to a number of bytes and encodes one at a time."""

    def __init__(
        self, limit_bytes: int = CACHE_BYTES, cancelled: Callable[[], bool] = never
    ) -> None:
        self._limit = limit_bytes
        self._cancelled = cancelled
        self._clips: OrderedDict[tuple[str, Shape], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._encoder = threading.Lock()

    def get(self, picture: bytes, shape: Shape) -> bytes:
        """The clip of this picture, from memory or encoded now (a second or so)."""
        key = (hashlib.sha256(picture).hexdigest(), shape)
        clip = self._look_up(key)
        if clip is not None:
            return clip
        with self._encoder:
            clip = self._look_up(key)
            if clip is None:
                clip = encode(picture, shape, self._cancelled)
                self._store(key, clip)
        return clip

    def _look_up(self, key: tuple[str, Shape]) -> bytes | None:
        with self._lock:
            clip = self._clips.get(key)
            if clip is not None:
                self._clips.move_to_end(key)
            return clip

    def _store(self, key: tuple[str, Shape], clip: bytes) -> None:
        with self._lock:
            self._clips[key] = clip
            while len(self._clips) > 1 and sum(map(len, self._clips.values())) > self._limit:
                self._clips.popitem(last=False)


def _still(picture: bytes, shape: Shape) -> Image.Image:
    """The picture upright, cut to the shape; larger, since the pan moves in whole pixels."""
    width, height = shape.size
    scale = 2 if shape.resolution in ("360p", "720p") else 1
    with Image.open(io.BytesIO(picture)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return ImageOps.fit(upright, (width * scale, height * scale), Image.Resampling.BILINEAR)


def _write(
    film: av.container.OutputContainer,
    still: Image.Image,
    shape: Shape,
    cancelled: Callable[[], bool],
) -> None:
    pictures = film.add_stream("libx264", rate=FRAMES_PER_SECOND)
    pictures.width, pictures.height = shape.size
    pictures.pix_fmt = "yuv420p"
    pictures.options = {"preset": "superfast", "crf": QUALITY, "profile": "main"}
    sound = film.add_stream("aac", rate=SAMPLES_PER_SECOND)
    sound.bit_rate = 64_000
    for frame in _moving(still, shape):
        if cancelled():
            raise CancelledError
        film.mux(pictures.encode(frame))
    film.mux(pictures.encode(None))
    for piece in _tone(shape.seconds):
        film.mux(sound.encode(piece))
    film.mux(sound.encode(None))


def _moving(still: Image.Image, shape: Shape) -> Iterator[VideoFrame]:
    """The frames of the film: closer and closer, and along the longer side of the frame."""
    width, height = shape.size
    count = shape.frames
    along, across = (f"(i{{0}}-i{{0}}/zoom)*on/{count}", "(i{0}-i{0}/zoom)/2")
    across_x, across_y = (along, across) if width > height else (across, along)
    graph = av.filter.Graph()
    source = graph.add(
        "buffer",
        f"video_size={still.width}x{still.height}:pix_fmt=rgb24:pixel_aspect=1/1"
        f":time_base=1/{FRAMES_PER_SECOND}",
    )
    planes = graph.add("format", "pix_fmts=yuv420p")
    pan = graph.add(
        "zoompan",
        f"z=1+{ZOOM}*on/{count}:x={across_x.format('w')}:y={across_y.format('h')}"
        f":d={count}:s={width}x{height}:fps={FRAMES_PER_SECOND}",
    )
    sink = graph.add("buffersink")
    graph.link_nodes(source, planes, pan, sink).configure()
    frame = VideoFrame.from_image(still)  # type: ignore[no-untyped-call]  # PyAV
    frame.pts, frame.time_base = 0, Fraction(1, FRAMES_PER_SECOND)
    graph.push(frame)
    for number in range(count):
        moved = graph.vpull()
        moved.pts, moved.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        moved.pict_type = 0
        yield moved


def _tone(seconds: int) -> Iterator[AudioFrame]:
    """A soft, even tone of exactly that length, in pieces of the size AAC wants (1,024)."""
    graph = av.filter.Graph()
    tone = graph.add(
        "sine", f"frequency=196:sample_rate={SAMPLES_PER_SECOND}:samples_per_frame=1024:d={seconds}"
    )
    soft = graph.add("volume", "0.2")
    planar = graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo")
    sink = graph.add("abuffersink")
    graph.link_nodes(tone, soft, planar, sink).configure()
    left = seconds * SAMPLES_PER_SECOND
    while left > 0:
        piece = graph.pull()
        if isinstance(piece, AudioFrame):
            left -= piece.samples
            yield piece
