"""Omni through the developer API: submit a render, ask for it, fetch its file.

Videos as `gateway.Videos` says. A render is an interaction that runs in the background; its id is
all that is needed to ask for it. What an interaction that ended without a video has cost is told by
its usage: reported video tokens are evidence of a bill, their absence of none.
Sources: docs/providers.md.
"""

import base64
import binascii
import io
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from google import genai
from google.genai import types

from generation.providers import certainty, cleaning, clients
from generation.providers.outcomes import (
    Accepted,
    BilledWithoutVideo,
    Downloaded,
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
from metering.types import Usage

VIDEO_BYTES = 500 * 1024 * 1024
FETCHED_PIECE_BYTES = 1024 * 1024

_RUNNING = frozenset({"in_progress", "queued"})
# What waits for something that we never send has ended, as far as a video goes.
_ENDED = frozenset(
    {
        "completed",
        "failed",
        "cancelled",
        "incomplete",
        "budget_exceeded",
        "requires_action",
        "requires_continuation",
    }
)
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,499}", re.ASCII)
_FILE = re.compile(r"(?:https://[^/?#]+/[\w.-]+/)?files/([a-z0-9]{1,100})(?:[:?].*)?", re.ASCII)
_FILE_ID = re.compile(r"[a-z0-9]{1,100}")
_GOOGLES_HOSTS = (".googleapis.com", ".googleusercontent.com")


def can_submit() -> bool:
    """Whether the SDK still has the calls for interactions."""
    return hasattr(genai.Client, "interactions")


def submit(*, shot: Shot) -> SubmitOutcome:
    """Begin a render that runs in the background, as the shot and its quote line say."""
    line = shot.hold.line
    data = base64.b64encode(shot.picture).decode()
    interaction = clients.developer().interactions.create(
        model=line.model,
        background=True,
        store=True,
        input=[
            {"type": "image", "mime_type": shot.mime_type, "data": data},
            {"type": "text", "text": shot.prompt},
        ],
        generation_config={"video_config": {"task": "image_to_video"}},
        response_format={
            "type": "video",
            "aspect_ratio": shot.aspect_ratio,
            "resolution": line.resolution,
            "duration": f"{line.seconds}s",
            "delivery": "uri",
        },
        timeout=clients.seconds_left(),
    )
    return _read_submit(interaction)


def poll(*, operation_name: str) -> PollOutcome:
    """Ask once how a render is doing; when it is done, the answer names its file."""
    if not _ID.fullmatch(operation_name):
        return PollFailed("the stored name is not one of an interaction", alarming=True)
    interaction = clients.developer().interactions.get(
        operation_name, timeout=clients.seconds_left()
    )
    return _read_interaction(interaction, operation_name)


def download(*, file_id: str, target: io.BufferedIOBase) -> DownloadOutcome:
    """Write the file to `target`, piece by piece.

    An answer may send us on to another address: to a host of Google's over https we go without the
    key, and to nobody else.
    """
    if not _FILE_ID.fullmatch(file_id):
        return NotDownloaded("the file has no id that could be asked for")
    try:
        clients.developer().files.download(
            file=f"files/{file_id}",
            destination=target,
            config=types.DownloadFileConfig(http_options=clients.options()),
        )
    except Exception as error:
        address = certainty.redirect(error)
        if not address:
            raise
    else:
        return Downloaded()
    return _fetch_elsewhere(address=address, target=target)


def _fetch_elsewhere(*, address: str, target: io.BufferedIOBase) -> DownloadOutcome:
    if not is_googles(address):
        return NotDownloaded("the file is at an address that we do not go to")
    with clients.open_elsewhere(address) as response:
        if response.status_code != 200:
            return NotDownloaded(f"the file's own address answered {response.status_code}")
        for piece in response.iter_bytes(chunk_size=FETCHED_PIECE_BYTES):
            target.write(piece)
    return Downloaded()


def is_googles(address: str) -> bool:
    """Whether an address is one of Google's over https, where TLS proves who answers."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and port in (None, 443)
    return parts.scheme == "https" and plain and host.endswith(_GOOGLES_HOSTS)


def _read_submit(interaction: Any) -> SubmitOutcome:
    name = getattr(interaction, "id", None)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        return Unclear("the answer names no interaction", answered=True)
    return Accepted(name)


def _read_interaction(interaction: Any, asked: str) -> PollOutcome:
    """A video wins over whatever stands beside it: it was made, and will be billed."""
    name = getattr(interaction, "id", None)
    if not name:
        return PollFailed("the answer does not say how the render is doing")
    if name != asked:
        return PollFailed("the answer is about another interaction", alarming=True)
    status = str(interaction.status or "")
    if status in _RUNNING:
        return Rendering()
    video = interaction.output_video
    ready = _video(video, _usage(interaction.usage)) if video is not None else None
    if ready is not None:
        return ready
    if status not in _ENDED:
        words = certainty.detail(f"the render is {status or 'without a state'}")
        return PollFailed(words, alarming=True)
    if video is not None and (video.uri or video.data):
        return _without_video(interaction, "the video came in a form that cannot be had")
    said = _said(interaction)
    if certainty.speaks_of_safety(" ".join(said)):
        return _without_video(interaction, " ".join(said), Filtered(certainty.reasons(said)))
    return _without_video(interaction, " ".join([status, *said]))


def _video(video: Any, usage: Usage) -> VideoReady | None:
    """The video of an answer; None if it can neither be decoded nor fetched."""
    if video.data:
        try:
            return VideoReady(base64.b64decode(video.data, validate=True), usage=usage)
        except (binascii.Error, ValueError):
            return None
    found = _FILE.fullmatch(video.uri or "")
    return VideoReady(None, found[1], usage) if found else None


def _without_video(
    interaction: Any, words: str, unbilled: PollOutcome | None = None
) -> PollOutcome:
    """An end without a video: `unbilled`, unless video tokens are reported for it."""
    detail = certainty.detail(words)
    tokens = _video_tokens(interaction.usage)
    if tokens:
        return BilledWithoutVideo(tokens, detail, _usage(interaction.usage))
    return unbilled or RenderFailed(None, detail)


def _usage(reported: Any) -> Usage:
    """The counts as reported; those of the video are among the candidates'."""
    if not reported:
        return Usage()
    return Usage(
        prompt_tokens=cleaning.count(reported.total_input_tokens),
        candidates_tokens=cleaning.count(reported.total_output_tokens),
        thoughts_tokens=cleaning.count(reported.total_thought_tokens),
        cached_tokens=cleaning.count(reported.total_cached_tokens),
        tool_tokens=cleaning.count(reported.total_tool_use_tokens),
        total_tokens=cleaning.count(reported.total_tokens),
    )


def _video_tokens(usage: Any) -> int:
    reported = usage.output_tokens_by_modality if usage else None
    counts = [one.tokens for one in reported or [] if str(one.modality).lower() == "video"]
    return sum(count for count in counts if isinstance(count, int) and count > 0)


def _said(interaction: Any) -> Sequence[str]:
    """What the errors of the interaction and of its steps say."""
    steps = [getattr(step, "error", None) for step in interaction.steps or []]
    found = [error for error in [*(interaction.errors or []), *steps] if error is not None]
    return [f"{error.code or ''} {error.message or ''}".strip() for error in found]
