"""Every way a provider call can end, as types. No SDK exception leaves the providers package.

All text in here is cleaned: no NUL, no lone surrogate, bounded length, no key, no provider address.
"""

from dataclasses import dataclass

from metering.types import Usage


@dataclass(frozen=True)
class Analysed:
    """The picture was read and a usable video prompt was written."""

    video_prompt: str
    seen: str
    camera_move: str
    warning: str
    usage: Usage


@dataclass(frozen=True)
class AnalysisBlocked:
    """The provider refused to look at the picture or the words. `usage` None: none was reported."""

    reason: str
    usage: Usage | None


@dataclass(frozen=True)
class AnalysisUnusable:
    """An answer arrived and is paid for, but has no usable prompt in it (empty, cut, looping)."""

    detail: str
    usage: Usage


@dataclass(frozen=True)
class Unclear:
    """The provider may have taken the call. `answered`: a 200 arrived but could not be read."""

    detail: str
    answered: bool = False


@dataclass(frozen=True)
class NotAccepted:
    """The provider surely did not take the call.

    `kind`: `unreachable` (it was never reached), `busy` (429 or its own 503) or `daily_limit`.
    `retry_after_seconds`: how long it said to wait, None if it did not say.
    """

    detail: str
    kind: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Refused:
    """The provider surely did not take the call and never will. `status` is the HTTP status.

    `model_gone`: it no longer offers the model or the parameters, so the next job would fail too.
    """

    status: int
    detail: str
    model_gone: bool = False


@dataclass(frozen=True)
class Accepted:
    """A render has begun; it is asked for by this name."""

    operation_name: str


@dataclass(frozen=True)
class Rendering:
    """The render goes on."""


@dataclass(frozen=True)
class VideoReady:
    """The render is done: its video came with the answer, or is to be fetched by its `file_id`."""

    video: bytes | None
    file_id: str = ""


@dataclass(frozen=True)
class Filtered:
    """The render is done and the safety filter kept the video back."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RenderFailed:
    """The render is done without a video."""

    code: int | None
    detail: str


@dataclass(frozen=True)
class BilledWithoutVideo:
    """The render is done without a video, but the provider reports `video_tokens` made for it."""

    video_tokens: int
    detail: str


@dataclass(frozen=True)
class PollFailed:
    """The question could not be answered; the render itself is as it was.

    `alarming`: the key, the address or the name is wrong (401, 403, 404), or the day's quota is
    used up, so staff should look.
    """

    detail: str
    alarming: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Downloaded:
    """The file was written whole, as far as the connection tells."""


@dataclass(frozen=True)
class NotDownloaded:
    """The file did not arrive this time; what was written of it is worth nothing."""

    detail: str


AnalysisOutcome = Analysed | AnalysisBlocked | AnalysisUnusable | Unclear | NotAccepted | Refused
SubmitOutcome = Accepted | Unclear | NotAccepted | Refused
PollOutcome = Rendering | VideoReady | Filtered | RenderFailed | BilledWithoutVideo | PollFailed
DownloadOutcome = Downloaded | NotDownloaded
