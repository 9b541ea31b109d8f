"""The wire of Gemini and Veo as the stand-in speaks it: routes, requests read, answers written.

Omni's requests and answers are in `gemini_interactions`.

Nothing here keeps state or opens a socket. Keys are read in both spellings (`mimeType`,
`mime_type`) and base64 in both alphabets, because the SDK itself mixes them. What the service would
refuse is a `RefusedError`, which carries Google's error envelope. Lengths of a video are whole
seconds.
"""

import base64
import binascii
import io
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from shortsproject.local.video import ORIENTATIONS, Shape

ANALYSIS_MODELS = ("gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.5-flash-lite")
VIDEO_MODELS = (
    "veo-3.1-generate-001",
    "veo-3.1-fast-generate-001",
    "veo-3.1-lite-generate-001",
)
VIDEO_SECONDS = (4, 6, 8)
VIDEO_RESOLUTIONS = ("720p", "1080p", "4k")
ANALYSIS_MIME_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif")
VIDEO_MIME_TYPES = ("image/jpeg", "image/png", "image/webp")
PICTURE_BYTES = 20 * 1024 * 1024

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    411: "INVALID_ARGUMENT",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MESSAGES = {
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission.",
    404: "Requested entity was not found.",
    429: "Resource has been exhausted (e.g. check quota).",
    500: "Internal error encountered.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}

VERSION = r"/(?:v1|v1beta|v1beta1)/"
MODEL = (
    r"(?P<resource>(?:(?:projects/[^/]+/locations/[^/]+/)?publishers/google/)?"
    r"models/(?P<model>[^/:]+))"
)
INTERACTION = r"interactions/(?P<interaction>[^/:]+)"
OPERATION = rf"(?P<operation>{MODEL}/operations/[^/:]+)"


class RefusedError(Exception):
    """The service says no: an HTTP status and a message, in Google's envelope."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Route:
    """One kind of call: its method and path, and the name under which it is counted."""

    kind: str
    method: str
    path: re.Pattern[str]


ROUTES = (
    Route("analyse", "POST", re.compile(VERSION + MODEL + ":generateContent")),
    Route("count_tokens", "POST", re.compile(VERSION + MODEL + ":countTokens")),
    Route("submit", "POST", re.compile(VERSION + MODEL + ":predictLongRunning")),
    Route("poll", "POST", re.compile(VERSION + MODEL + ":fetchPredictOperation")),
    Route("poll", "GET", re.compile(VERSION + OPERATION)),
    Route("submit", "POST", re.compile(VERSION + "interactions")),
    Route("poll", "GET", re.compile(VERSION + INTERACTION)),
    Route("cancel", "POST", re.compile(VERSION + INTERACTION + "/cancel")),
    Route("delete", "DELETE", re.compile(VERSION + INTERACTION)),
    Route("download", "GET", re.compile(VERSION + "files/(?P<file>[a-z0-9]+):download")),
)


@dataclass(frozen=True)
class Call:
    """One received call, with the names in its path.

    `resource` is the path of its model, with `projects/…` if it was sent, and empty on the paths of
    interactions and files. `operation` is the name of the one that is asked for by its address.
    """

    kind: str
    path: str
    resource: str
    model: str
    headers: Mapping[str, str]
    body: Any
    operation: str = ""
    interaction: str = ""
    file: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What goes back; the body is followed by `padding` zero bytes.

    `promised` bytes more than sent in Content-Length: a body that breaks off.
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int = 0
    padding: int = 0


@dataclass(frozen=True)
class Picture:
    """A picture out of a request: its bytes as sent, and decoded."""

    content: bytes
    image: Image.Image


@dataclass(frozen=True)
class Render:
    """What a submit asks for."""

    picture: bytes
    shape: Shape


def route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of this path, with the names in it; 404 in the envelope when there is none."""
    for known in ROUTES:
        match = known.path.fullmatch(path)
        if match and known.method == method:
            return known, match.groupdict()
    raise RefusedError(404, f"No such method: {method} {path[:200]}")


def check_key(headers: Mapping[str, str]) -> None:
    """Any key will do, but there has to be one."""
    key = headers.get("x-goog-api-key", "").strip()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if not key and not (scheme.lower() == "bearer" and token.strip()):
        raise RefusedError(401, MESSAGES[401])


def read_json(body: bytes) -> dict[str, Any]:
    """The body as an object."""
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise RefusedError(400, "Invalid JSON payload received.")
    return content


def envelope(code: int, message: str | None = None) -> dict[str, Any]:
    """Google's error body."""
    text = message or MESSAGES.get(code, f"The service answered with status {code}.")
    return {"error": {"code": code, "message": text, "status": STATUS_NAMES.get(code, "UNKNOWN")}}


def json_answer(content: Any, status: int = 200) -> Answer:
    """An answer with this JSON."""
    return Answer(status, json.dumps(content, ensure_ascii=False).encode())


def refusal(refused: RefusedError) -> Answer:
    """The answer to a call that was not accepted."""
    return json_answer(envelope(refused.code, refused.message), refused.code)


def get(content: Any, name: str, default: Any = None) -> Any:
    """A member by its camelCase name, also when it was sent in snake_case."""
    if not isinstance(content, dict):
        return default
    snake = re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), name)
    value = content.get(name, content.get(snake))
    return default if value is None else value


def check_model(model: str, known: tuple[str, ...]) -> None:
    """404 for a model that is retired, or was never there."""
    if model not in known:
        raise RefusedError(
            404,
            f"Publisher model {model} is no longer available. "
            "Please update your code to use a newer model.",
        )


def bytes_of(encoded: Any) -> bytes:
    """Base64 in the standard or the URL-safe alphabet, with or without padding."""
    if not isinstance(encoded, str) or not encoded:
        raise RefusedError(400, "Unable to process input image. The picture has no data.")
    text = encoded.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(400, "Unable to process input image. Base64 decoding failed.") from None


def picture_of(encoded: Any, mime_type: Any, allowed: tuple[str, ...]) -> Picture:
    """Decode a picture as the service does: the label has to be true, and every pixel there."""
    if mime_type not in allowed:
        raise RefusedError(400, f"Unsupported MIME type: {mime_type}")
    content = bytes_of(encoded)
    if len(content) > PICTURE_BYTES:
        raise RefusedError(400, "Unable to process input image. It is larger than 20 MB.")
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error):
        raise RefusedError(400, "Unable to process input image.") from None
    except Image.DecompressionBombError:
        raise RefusedError(400, "Unable to process input image. It has too many pixels.") from None
    if Image.MIME.get(image.format or "") != mime_type:
        raise RefusedError(400, f"Unable to process input image. It is not of type {mime_type}.")
    return Picture(content, image)


def nothing_shown() -> Picture:
    """The picture of somebody who sent none: even grey."""
    content, image = io.BytesIO(), Image.new("RGB", (640, 360), (128, 128, 128))
    image.save(content, "PNG")
    return Picture(content.getvalue(), image)


def analysis_request(body: dict[str, Any]) -> tuple[Picture | None, list[str], list[str]]:
    """The picture, if there is one, the texts of the user, and those of the system instruction."""
    pictures: list[Picture] = []
    texts: list[str] = []
    for part in _parts(get(body, "contents", [])):
        inline = get(part, "inlineData")
        if inline is not None:
            encoded, mime_type = get(inline, "data"), get(inline, "mimeType")
            pictures.append(picture_of(encoded, mime_type, ANALYSIS_MIME_TYPES))
        elif get(part, "fileData") is not None:
            raise RefusedError(400, "The stand-in takes pictures as inlineData only.")
        elif isinstance(get(part, "text"), str):
            texts.append(get(part, "text"))
    if len(pictures) > 1:
        raise RefusedError(400, "The stand-in takes one picture at most.")
    if not pictures and not texts:
        raise RefusedError(400, "GenerateContentRequest.contents: contents is not specified")
    instruction = [
        str(get(part, "text", "")) for part in _parts(get(body, "systemInstruction", {}))
    ]
    return pictures[0] if pictures else None, texts, instruction


def _parts(contents: Any) -> list[Any]:
    several = contents if isinstance(contents, list) else [contents]
    return [part for content in several for part in get(content, "parts", [])]


def render_request(body: dict[str, Any], model: str) -> Render:
    """Check a Veo submit like the service: what it would refuse is refused here too."""
    check_model(model, VIDEO_MODELS)
    instances = get(body, "instances", [])
    if not isinstance(instances, list) or len(instances) != 1:
        raise RefusedError(400, "Exactly one instance is required.")
    image, prompt = get(instances[0], "image"), get(instances[0], "prompt")
    if image is None and not prompt:
        raise RefusedError(400, "Either a prompt or an image is required.")
    picture = nothing_shown() if image is None else _shown(image)
    parameters = get(body, "parameters", {})
    if get(parameters, "sampleCount", 1) != 1:
        raise RefusedError(400, "sampleCount must be 1.")
    if get(parameters, "storageUri") is not None:
        raise RefusedError(400, "The stand-in has no storage; leave storageUri out.")
    return Render(picture.content, _shape(parameters, model))


def _shown(image: Any) -> Picture:
    """The picture of a submit to Veo."""
    if get(image, "gcsUri") is not None:
        raise RefusedError(400, "The stand-in needs the picture inline, as bytesBase64Encoded.")
    encoded, mime_type = get(image, "bytesBase64Encoded"), get(image, "mimeType")
    return picture_of(encoded, mime_type, VIDEO_MIME_TYPES)


def _shape(parameters: Any, model: str) -> Shape:
    seconds = get(parameters, "durationSeconds", 8)
    resolution = get(parameters, "resolution", "720p")
    aspect_ratio = get(parameters, "aspectRatio", "16:9")
    if isinstance(seconds, bool) or seconds not in VIDEO_SECONDS:
        raise RefusedError(400, f"Unsupported output video duration {seconds} seconds: 4, 6 or 8.")
    if resolution not in VIDEO_RESOLUTIONS or (resolution == "4k" and "lite" in model):
        raise RefusedError(400, f"Unsupported output video resolution {resolution} for {model}.")
    if aspect_ratio not in ORIENTATIONS:
        raise RefusedError(400, f"Unsupported aspect ratio {aspect_ratio}: 16:9 or 9:16.")
    return Shape(int(seconds), resolution, aspect_ratio)
