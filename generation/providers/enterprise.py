"""Veo through the enterprise platform: submit a render, ask for it.

Videos as `gateway.Videos` says. A video comes with the answer that says it is done.
Sources: docs/providers.md.
"""

import io
import re
from collections.abc import Mapping
from typing import Any

import pydantic
from google.genai import models, types

from generation.providers import certainty, clients
from generation.providers.outcomes import (
    Accepted,
    DownloadOutcome,
    Filtered,
    NotDownloaded,
    PollFailed,
    PollOutcome,
    RenderFailed,
    Rendering,
    SubmitOutcome,
    Unclear,
    VideoReady,
)
from generation.providers.shot import Shot

VIDEO_BYTES = 0
OPERATION_CHARACTERS = 500
INVALID_ARGUMENT = 3

_OPERATION = re.compile(
    r"(?:projects/[\w.:-]+/locations/[\w-]+/)?"
    r"(?P<own>publishers/google/models/[\w.-]+/operations/[\w.-]+)"
)


def can_submit() -> bool:
    """Whether the SDK still has the call that begins a render."""
    return hasattr(models.Models, "generate_videos")


def submit(*, shot: Shot) -> SubmitOutcome:
    """Begin a render, as the shot and its quote line say."""
    line = shot.hold.line
    operation = clients.enterprise().models.generate_videos(
        model=line.model,
        source=types.GenerateVideosSource(
            prompt=shot.prompt,
            image=types.Image(image_bytes=shot.picture, mime_type=shot.mime_type),
        ),
        config=types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=line.seconds,
            aspect_ratio=shot.aspect_ratio,
            resolution=line.resolution,
            person_generation="allow_adult",
            generate_audio=True,
            http_options=clients.options(),
        ),
    )
    return _read_submit(operation)


def poll(*, operation_name: str) -> PollOutcome:
    """Ask once how a render is doing; when it is done, its video comes with the answer."""
    if not _OPERATION.fullmatch(operation_name):
        return PollFailed("the stored name is not one of an operation", alarming=True)
    try:
        operation = clients.enterprise().operations.get(
            types.GenerateVideosOperation.model_validate({"name": operation_name}),
            config=types.GetOperationConfig(http_options=clients.options()),
        )
    except pydantic.ValidationError as error:
        if not _is_about_video(error):
            raise
        return RenderFailed(None, "the video came in a form that cannot be decoded")
    return _read_operation(operation, operation_name)


def download(*, file_id: str, target: io.BufferedIOBase) -> DownloadOutcome:
    """Nothing is ever fetched by its id here: the video comes with the answer."""
    return NotDownloaded("this route has no files")


def _read_submit(operation: types.GenerateVideosOperation) -> SubmitOutcome:
    name = operation.name or ""
    if operation.error is not None:
        return Unclear(_error_words(operation.error), answered=True)
    if len(name) > OPERATION_CHARACTERS or not _OPERATION.fullmatch(name):
        return Unclear("the answer names no operation", answered=True)
    return Accepted(name)


def _read_operation(operation: types.GenerateVideosOperation, asked: str) -> PollOutcome:
    """A video wins over whatever stands beside it: it was made, and will be billed."""
    if operation.name and _own(operation.name) != _own(asked):
        return PollFailed("the answer is about another operation", alarming=True)
    if not operation.done:
        if operation.name and operation.error is None:
            return Rendering()
        return PollFailed("the answer does not say how the render is doing")
    response = operation.response or types.GenerateVideosResponse()
    videos = [one.video for one in response.generated_videos or [] if one.video]
    video = next((one.video_bytes for one in videos if one.video_bytes), None)
    if video is not None:
        return VideoReady(video)
    reasons = certainty.reasons(response.rai_media_filtered_reasons or [])
    if (response.rai_media_filtered_count or 0) >= 1 or reasons:
        return Filtered(reasons)
    if operation.error is not None:
        return _read_error(operation.error)
    if any(one.uri for one in videos):
        return RenderFailed(None, "the video was delivered elsewhere")
    return RenderFailed(None, "the render is done without a video")


def _read_error(error: Mapping[str, Any]) -> PollOutcome:
    code, words = error.get("code"), _error_words(error)
    if code == INVALID_ARGUMENT and certainty.speaks_of_safety(words):
        return Filtered(certainty.reasons([str(error.get("message", ""))]))
    return RenderFailed(code if isinstance(code, int) else None, words)


def _error_words(error: Mapping[str, Any]) -> str:
    return certainty.detail(f"{error.get('code', '')} {error.get('message', 'no message')}")


def _own(name: str) -> str:
    """The name without its project, which the platform may write as a number."""
    found = _OPERATION.fullmatch(name)
    return found["own"] if found else name


def _is_about_video(error: pydantic.ValidationError) -> bool:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return any({"video_bytes", "videoBytes"} & set(one["loc"]) for one in found)
