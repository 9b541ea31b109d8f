"""The stages of a short: where it stands, when each began, how long it took or usually takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation import durations
from generation.estimates import Estimate
from generation.models import Short, State

STAGES: tuple[tuple[tuple[str, ...], Promise], ...] = (
    ((State.QUEUED,), _("The picture is in and waits for its turn")),
    ((State.ANALYZING,), _("Gemini looks at the picture and writes the video prompt")),
    (
        (State.ANALYZED, State.SUBMITTING, State.SUBMIT_UNKNOWN),
        _("Picture and prompt are handed to the video model"),
    ),
    ((State.RENDERING,), _("The video is rendered")),
    ((State.RENDERED,), _("The video is fetched and checked")),
    ((State.SUCCEEDED,), _("The video is ready")),
)
ANALYSIS, HANDED_OVER, RENDERED, FETCHED = 1, 2, 3, 4
TAKEN_OVER = _("What Gemini wrote for an earlier video is taken over")
DONE, NOW, STOPPED, NEXT = "done", "now", "stopped", "next"


@dataclass(frozen=True)
class Stage:
    """One stage. `took` and `usually` are in words, empty where there is nothing to tell."""

    label: str | Promise
    status: str
    began_at: datetime | None = None
    took: str = ""
    usually: str = ""
    untold: bool = False
    late: bool = False


def of(*, short: Short, estimate: Estimate | None, at: datetime) -> list[Stage]:
    """All stages of a short, the first first."""
    here, began = number_of(short), _began(short)
    stages = []
    for number, (_states, label) in enumerate(STAGES):
        status = _status(short=short, number=number, here=here)
        since = began.get(number) if status != NEXT else None
        until = began.get(number + 1) if status == DONE else None
        if status == STOPPED:
            until = short.finished_at
        expected = number == RENDERED and status in (NOW, NEXT) and not _is_odd(short)
        stages.append(
            Stage(
                label=TAKEN_OVER if number == ANALYSIS and short.analysis_of_id else label,
                status=status,
                began_at=since,
                took=durations.exact(until - since) if since and until else "",
                usually=_usually(estimate) if expected else "",
                untold=expected and estimate is None,
                late=expected and _is_late(short=short, estimate=estimate, at=at),
            )
        )
    return stages


def number_of(short: Short) -> int:
    """Which stage a short is at, or was at when it ended; counted from 0."""
    for number, (states, _label) in enumerate(STAGES):
        if short.state in states:
            return number
    if short.state == State.LOST:
        return FETCHED
    if short.operation_name:
        return RENDERED
    if short.video_prompt:
        return HANDED_OVER
    return ANALYSIS if short.attempt else 0


def _began(short: Short) -> Mapping[int, datetime | None]:
    """When each stage began, by its number; None where nobody noted it."""
    taken_over = bool(short.analysis_of_id)
    times = (
        short.created_at,
        None if taken_over else short.analysis_began_at,
        short.created_at if taken_over else short.analyzed_at,
        short.submitted_at,
        short.rendered_at,
        short.finished_at,
    )
    return dict(enumerate(times))


def _status(*, short: Short, number: int, here: int) -> str:
    if number != here:
        return DONE if number < here else NEXT
    if not short.is_final:
        return NOW
    return DONE if short.state == State.SUCCEEDED else STOPPED


def _is_odd(short: Short) -> bool:
    """Whether what usually happens says nothing about this one any more."""
    return short.is_final or bool(short.overdue_at) or short.state == State.SUBMIT_UNKNOWN


def _usually(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return durations.usually(usual=estimate.usual, longest=estimate.longest)


def _is_late(*, short: Short, estimate: Estimate | None, at: datetime) -> bool:
    if short.state != State.RENDERING or estimate is None or short.submitted_at is None:
        return False
    return at - short.submitted_at > estimate.longest
