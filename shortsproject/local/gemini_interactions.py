"""Omni on the wire of the stand-in: what an interaction asks for, and what it answers.

As with the real service there is no dry run: an interaction without any input makes a whole clip
and reports it. Usage is counted in tokens: 5,792 for a second of video at 720p. Lengths are whole
seconds, written `"8s"`. Nothing here keeps state.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shortsproject.local.gemini_wire import (
    VIDEO_MIME_TYPES,
    RefusedError,
    Render,
    check_model,
    get,
    nothing_shown,
    picture_of,
)
from shortsproject.local.video import ORIENTATIONS, Shape

LONGEST_SECONDS = {"gemini-omni-1.1-flash": 10, "gemini-omni-1.2-flash": 15}
SHORTEST_SECONDS = 3
USUAL_SECONDS = 10
TOKENS_PER_SECOND = {"360p": 1_931, "720p": 5_792, "1080p": 8_688, "4k": 17_376}
PICTURE_TOKENS = 1_120
DELIVERIES = ("inline", "uri")
ADDRESS = "https://generativelanguage.googleapis.com/v1/files/{file}:download?alt=media"
BLOCKED = {
    "code": "safety",
    "message": "The input image or prompt violates the usage guidelines.",
}
FAILED = {"code": "internal", "message": "Internal error. Please try again later."}
BARE_STATUSES = {
    "cancelled": "cancelled",
    "incomplete": "incomplete",
    "budget_exceeded": "budget_exceeded",
    "requires_action": "requires_action",
    "requires_continuation": "requires_continuation",
    "idle": "idle",
    "unknown_status": "under_review",
}
ENDINGS = (
    "filtered",
    "error",
    "step_error",
    "billed_error",
    *BARE_STATUSES,
    "no_usage",
    "no_video",
    "billed_no_video",
    "other_name",
)


@dataclass(frozen=True)
class Asked:
    """An interaction as it was asked for; without `background` the answer waits for the end."""

    model: str
    render: Render
    background: bool
    delivery: str
    input_tokens: int


def read(body: dict[str, Any]) -> Asked:
    """Check an interaction like the service: what it would refuse is refused here too."""
    model = str(get(body, "model", ""))
    check_model(model, tuple(LONGEST_SECONDS))
    pictures, letters = _contents(get(body, "input", []))
    if len(pictures) > 1:
        raise RefusedError(400, "The stand-in takes one picture at most.")
    wanted = _format(get(body, "responseFormat", {}))
    delivery = get(wanted, "delivery", "inline")
    if delivery not in DELIVERIES:
        raise RefusedError(400, f"Unsupported delivery {delivery}: inline or uri.")
    return Asked(
        model=model,
        render=Render(pictures[0] if pictures else nothing_shown().content, _shape(wanted, model)),
        background=get(body, "background", False) is True,
        delivery=delivery,
        input_tokens=PICTURE_TOKENS * len(pictures) + letters // 4,
    )


def _contents(given: Any) -> tuple[list[bytes], int]:
    """The pictures of the input, and the number of letters in its texts."""
    if isinstance(given, str):
        return [], len(given)
    pictures: list[bytes] = []
    letters = 0
    for part in _parts(given):
        kind = get(part, "type")
        if kind == "image":
            mime_type = get(part, "mimeType")
            pictures.append(picture_of(get(part, "data"), mime_type, VIDEO_MIME_TYPES).content)
        elif kind == "text":
            letters += len(str(get(part, "text", "")))
        else:
            raise RefusedError(400, f"Unsupported input of type {kind}.")
    return pictures, letters


def _parts(given: Any) -> list[Any]:
    """Every content of the input, whether it came in steps of the user or bare."""
    several = given if isinstance(given, list) else [given]
    parts: list[Any] = []
    for one in several:
        if get(one, "type") == "user_input":
            inner = get(one, "content", [])
            parts += inner if isinstance(inner, list) else [{"type": "text", "text": inner}]
        else:
            parts.append(one)
    return parts


def _format(given: Any) -> Any:
    several = given if isinstance(given, list) else [given]
    if len(several) != 1 or get(several[0], "type", "video") != "video":
        raise RefusedError(400, "response_format has to be one of type video.")
    return several[0]


def _shape(wanted: Any, model: str) -> Shape:
    duration = str(get(wanted, "duration", f"{USUAL_SECONDS}s"))
    resolution = get(wanted, "resolution", "720p")
    aspect_ratio = get(wanted, "aspectRatio", "16:9")
    longest = LONGEST_SECONDS[model]
    whole = re.fullmatch(r"([0-9]{1,3})s", duration)
    if whole is None or not SHORTEST_SECONDS <= int(whole[1]) <= longest:
        raise RefusedError(
            400, f"Unsupported duration {duration}: {SHORTEST_SECONDS}s to {longest}s."
        )
    if resolution not in TOKENS_PER_SECOND:
        raise RefusedError(400, f"Unsupported resolution {resolution} for {model}.")
    if aspect_ratio not in ORIENTATIONS:
        raise RefusedError(400, f"Unsupported aspect ratio {aspect_ratio}: 16:9 or 9:16.")
    return Shape(int(whole[1]), resolution, aspect_ratio)


def running(name: str, model: str) -> dict[str, Any]:
    """An interaction that has not ended."""
    return {"id": name, "object": "interaction", "status": "in_progress", "model": model}


def ended(name: str, asked: Asked, ending: str, video: Mapping[str, str]) -> dict[str, Any]:
    """An interaction that has ended: with this video, or as one of `ENDINGS` says."""
    whole = running(name, asked.model)
    made = {"type": "model_output", "content": [dict(video)]}
    if ending in BARE_STATUSES:
        return whole | {"status": BARE_STATUSES[ending]}
    if ending == "filtered":
        return whole | {"status": "failed", "errors": [BLOCKED], "usage": usage(asked, seconds=0)}
    if ending == "error":
        return whole | {"status": "failed", "errors": [FAILED]}
    if ending == "billed_error":
        return whole | {"status": "failed", "errors": [FAILED], "usage": usage(asked)}
    if ending == "step_error":
        error = {"code": 13, "message": FAILED["message"]}
        return whole | {"status": "failed", "steps": [{"type": "model_output", "error": error}]}
    whole |= {"status": "completed"}
    if ending == "no_video":
        return whole | {"steps": []}
    if ending == "billed_no_video":
        return whole | {"steps": [], "usage": usage(asked)}
    whole |= {"steps": [made]}
    if ending == "no_usage":
        return whole
    whole |= {"usage": usage(asked)}
    return whole | {"id": f"{name}0"} if ending == "other_name" else whole


def usage(asked: Asked, seconds: int | None = None) -> dict[str, Any]:
    """Tokens reported for `seconds` of video (usually the whole clip) and for the input."""
    shape = asked.render.shape
    made = TOKENS_PER_SECOND[shape.resolution] * (shape.seconds if seconds is None else seconds)
    reported = {
        "total_input_tokens": asked.input_tokens,
        "total_output_tokens": made,
        "total_thought_tokens": 0,
        "total_cached_tokens": 0,
        "total_tokens": asked.input_tokens + made,
    }
    by_modality = [{"modality": "video", "tokens": made}] if made else []
    return reported | {"output_tokens_by_modality": by_modality}
