"""Gemini and Veo through the enterprise platform: analyse a picture, submit a render, ask for it.

A route is a module with these three functions; each makes one HTTP call, with a total deadline in
seconds, and returns an outcome instead of raising. What costs money takes the open hold that pays
for it, and refuses to run inside a database transaction, which a slow provider would keep open.
Sources: docs/providers.md.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import pydantic
from django.db import transaction
from google.genai import types

from generation.providers import certainty, cleaning, clients
from generation.providers.outcomes import (
    Accepted,
    Analysed,
    AnalysisBlocked,
    AnalysisOutcome,
    AnalysisUnusable,
    Filtered,
    PollFailed,
    PollOutcome,
    RenderFailed,
    Rendering,
    SubmitOutcome,
    Unclear,
    VideoReady,
)
from metering.types import OpenHold, Usage

ANSWER_BYTES = 4 * 1024 * 1024
VIDEO_ANSWER_BYTES = 200 * 1024 * 1024
MOST_OUTPUT_TOKENS = 1000
ASKED_PROMPT_CHARACTERS = 900
PROMPT_CHARACTERS = 1500
LEAST_PROMPT_CHARACTERS = 8
SHORT_TEXT_CHARACTERS = 300
WISH_CHARACTERS = 2000
PROVIDER_ID_CHARACTERS = 300
OPERATION_CHARACTERS = 500
MOST_REASONS = 5
MOST_COUNT = 2**53
INVALID_ARGUMENT = 3

_SYSTEM, _USER = (
    Template(part.strip())
    for part in Path(__file__)
    .with_name("analysis_prompt.txt")
    .read_text(encoding="utf-8")
    .split("=== user ===")
)
_FIELDS = ("seen", "camera_move", "video_prompt", "warning")
_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in _FIELDS},
    "required": list(_FIELDS),
}
_BLOCKING = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
        "JAILBREAK",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
    }
)
_WHOLE = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})
# A phrase that comes six times in a row; shorter texts than the bound are searched whole.
_LOOP = re.compile(r"(.{3,80}?)\1{5}", re.DOTALL)
_LOOP_CHARACTERS = 4000
_OPERATION = re.compile(
    r"(?:projects/[\w.:-]+/locations/[\w-]+/)?"
    r"(?P<own>publishers/google/models/[\w.-]+/operations/[\w.-]+)"
)
_GUIDELINES = re.compile(r"guideline|violat|safety|responsible|support codes", re.IGNORECASE)


def analyse(
    *,
    hold: OpenHold,
    picture: bytes,
    mime_type: str,
    wish: str,
    aspect_ratio: str,
    deadline_seconds: float,
) -> AnalysisOutcome:
    """Have the hold's model look at the picture and write the prompt for the video."""
    _refuse_transaction()
    with clients.call(deadline_seconds=deadline_seconds, most_bytes=ANSWER_BYTES) as call:
        try:
            answer = clients.enterprise().models.generate_content(
                model=hold.line.model,
                contents=types.Content(
                    role="user",
                    parts=[
                        types.Part.from_bytes(data=picture, mime_type=mime_type),
                        types.Part.from_text(text=_USER.substitute(wish=_quoted(wish))),
                    ],
                ),
                config=_analysis_config(aspect_ratio),
            )
            return _read_analysis(answer)
        except Exception as error:
            return certainty.of_spending(error, call)


def submit(
    *,
    hold: OpenHold,
    picture: bytes,
    mime_type: str,
    prompt: str,
    aspect_ratio: str,
    deadline_seconds: float,
) -> SubmitOutcome:
    """Begin a render of the picture, as long and as fine as the hold's quote line says."""
    _refuse_transaction()
    with clients.call(deadline_seconds=deadline_seconds, most_bytes=ANSWER_BYTES) as call:
        try:
            operation = clients.enterprise().models.generate_videos(
                model=hold.line.model,
                source=types.GenerateVideosSource(
                    prompt=prompt,
                    image=types.Image(image_bytes=picture, mime_type=mime_type),
                ),
                config=types.GenerateVideosConfig(
                    number_of_videos=1,
                    duration_seconds=hold.line.seconds,
                    aspect_ratio=aspect_ratio,
                    resolution=hold.line.resolution,
                    person_generation="allow_adult",
                    generate_audio=True,
                    http_options=clients.options(),
                ),
            )
            return _read_submit(operation)
        except Exception as error:
            return certainty.of_spending(error, call)


def poll(*, operation_name: str, deadline_seconds: float) -> PollOutcome:
    """Ask once how a render is doing; when it is done, its video comes with the answer."""
    if not _OPERATION.fullmatch(operation_name):
        return PollFailed("the stored name is not one of an operation", alarming=True)
    with clients.call(deadline_seconds=deadline_seconds, most_bytes=VIDEO_ANSWER_BYTES) as call:
        try:
            operation = clients.enterprise().operations.get(
                types.GenerateVideosOperation.model_validate({"name": operation_name}),
                config=types.GetOperationConfig(http_options=clients.options()),
            )
            return _read_operation(operation, operation_name)
        except pydantic.ValidationError as error:
            if call.status == 200 and _is_about_video(error):
                return RenderFailed(None, "the video came in a form that cannot be decoded")
            return certainty.of_poll(error, call)
        except Exception as error:
            return certainty.of_poll(error, call)


def _quoted(wish: str) -> str:
    """The wish on one line, without the mark that would end its quotation."""
    return cleaning.clean(wish, most=WISH_CHARACTERS, one_line=True).replace('"', "'")


def _refuse_transaction() -> None:
    """RuntimeError inside a transaction; the one that wraps a test case does not count."""
    with transaction.atomic(durable=True):
        pass


def _analysis_config(aspect_ratio: str) -> types.GenerateContentConfig:
    """Shaped so that an ordinary analysis fits its estimate of 500 tokens."""
    return types.GenerateContentConfig(
        system_instruction=_SYSTEM.substitute(
            aspect_ratio=aspect_ratio, most_characters=ASKED_PROMPT_CHARACTERS
        ),
        response_mime_type="application/json",
        response_json_schema=_SCHEMA,
        max_output_tokens=MOST_OUTPUT_TOKENS,
        media_resolution=types.MediaResolution.MEDIA_RESOLUTION_LOW,
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
        # Both would make more calls out of one.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=clients.options(),
    )


def _read_analysis(answer: types.GenerateContentResponse) -> AnalysisOutcome:
    usage = _usage(answer)
    candidate = answer.candidates[0] if answer.candidates else None
    finish = _name(candidate.finish_reason) if candidate else ""
    blocked = _block_reason(answer) or (finish if finish in _BLOCKING else "")
    if blocked:
        reported = usage != Usage(provider_id=usage.provider_id)
        return AnalysisBlocked(certainty.detail(blocked), usage if reported else None)
    if finish not in _WHOLE:
        return AnalysisUnusable(certainty.detail(f"the answer ended with {finish}"), usage)
    fields = _fields(_text(candidate))
    prompt = _field(fields, "video_prompt", PROMPT_CHARACTERS)
    if len(prompt) < LEAST_PROMPT_CHARACTERS:
        return AnalysisUnusable("the answer holds no usable video prompt", usage)
    return Analysed(
        video_prompt=prompt,
        seen=_field(fields, "seen", SHORT_TEXT_CHARACTERS),
        camera_move=_field(fields, "camera_move", SHORT_TEXT_CHARACTERS),
        warning=_field(fields, "warning", SHORT_TEXT_CHARACTERS),
        usage=usage,
    )


def _block_reason(answer: types.GenerateContentResponse) -> str:
    feedback = answer.prompt_feedback
    reason = _name(feedback.block_reason) if feedback else ""
    if feedback is None or reason in ("", "BLOCKED_REASON_UNSPECIFIED"):
        return ""
    message = feedback.block_reason_message
    return f"{reason}: {message}" if message else reason


def _name(reason: types.FinishReason | types.BlockedReason | None) -> str:
    return str(reason.value).upper() if reason is not None else ""


def _text(candidate: types.Candidate | None) -> str:
    """What the model said, without its thoughts."""
    parts = candidate.content.parts if candidate and candidate.content else None
    return "".join(part.text or "" for part in parts or [] if not part.thought)


def _fields(text: str) -> Mapping[str, Any]:
    """The members of the JSON object; none when the text is empty, cut or something else."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _field(fields: Mapping[str, Any], name: str, most: int) -> str:
    """One member, cleaned; empty when it is no text, or the same phrase over and over."""
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    text = cleaning.clean(value, most=_LOOP_CHARACTERS, one_line=True)
    return "" if _LOOP.search(text.casefold()) else cleaning.clean(text, most=most)


def _usage(answer: types.GenerateContentResponse) -> Usage:
    """The counts as reported, each None when it was left out or cannot be a count."""
    provider_id = cleaning.clean(answer.response_id or "", most=PROVIDER_ID_CHARACTERS)
    reported = answer.usage_metadata
    if reported is None:
        return Usage(provider_id=provider_id)
    return Usage(
        prompt_tokens=_count(reported.prompt_token_count),
        candidates_tokens=_count(reported.candidates_token_count),
        thoughts_tokens=_count(reported.thoughts_token_count),
        cached_tokens=_count(reported.cached_content_token_count),
        tool_tokens=_count(reported.tool_use_prompt_token_count),
        total_tokens=_count(reported.total_token_count),
        provider_id=provider_id,
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= MOST_COUNT else None


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
    reasons = _reasons(response.rai_media_filtered_reasons or [])
    if (response.rai_media_filtered_count or 0) >= 1 or reasons:
        return Filtered(reasons)
    if operation.error is not None:
        return _read_error(operation.error)
    if any(one.uri for one in videos):
        return RenderFailed(None, "the video was delivered elsewhere")
    return RenderFailed(None, "the render is done without a video")


def _read_error(error: Mapping[str, Any]) -> PollOutcome:
    code, words = error.get("code"), _error_words(error)
    if code == INVALID_ARGUMENT and _GUIDELINES.search(words):
        return Filtered(_reasons([str(error.get("message", ""))]))
    return RenderFailed(code if isinstance(code, int) else None, words)


def _error_words(error: Mapping[str, Any]) -> str:
    return certainty.detail(f"{error.get('code', '')} {error.get('message', 'no message')}")


def _reasons(texts: list[str]) -> tuple[str, ...]:
    cleaned = (certainty.detail(text) for text in texts[:MOST_REASONS])
    return tuple(text for text in cleaned if text)


def _own(name: str) -> str:
    """The name without its project, which the platform may write as a number."""
    found = _OPERATION.fullmatch(name)
    return found["own"] if found else name


def _is_about_video(error: pydantic.ValidationError) -> bool:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return any({"video_bytes", "videoBytes"} & set(one["loc"]) for one in found)
