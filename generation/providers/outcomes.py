"""Every way a provider call can end, as types. No SDK exception leaves the providers package.

All text in here is cleaned: no NUL, no lone surrogate, bounded length, no key, no provider address.
"""

from dataclasses import asdict, dataclass
from typing import Any

from metering.types import Usage

UNREPORTED = Usage()


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
    """The provider surely did not take the call and never will. `status` is the HTTP status, 0 if
    the SDK or our own settings kept it from being sent.

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
    """The render is done: its video came with the answer, or is to be fetched by its `file_id`.

    `usage`: the tokens that were reported for it, where they were.
    """

    video: bytes | None
    file_id: str = ""
    usage: Usage = UNREPORTED


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
    usage: Usage = UNREPORTED


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

# What a call that costs money can end with; none of it holds a picture or a video.
_PAID = (Analysed, AnalysisBlocked, AnalysisUnusable, Unclear, NotAccepted, Refused, Accepted)
_BY_NAME = {kind.__name__: kind for kind in _PAID}


def to_json(outcome: AnalysisOutcome | SubmitOutcome) -> dict[str, Any]:
    """An analysis' or a submit's outcome in a form that a message can carry."""
    return {"outcome": type(outcome).__name__, **asdict(outcome)}


def from_json(answer: dict[str, Any]) -> AnalysisOutcome | SubmitOutcome:
    """The outcome that `to_json` wrote. KeyError for one that this release does not have."""
    fields = {name: value for name, value in answer.items() if name != "outcome"}
    if fields.get("usage") is not None:
        fields["usage"] = Usage(**fields["usage"])
    return _BY_NAME[answer["outcome"]](**fields)
