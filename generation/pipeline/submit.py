"""Hand the picture and its prompt to the video model: the one call that must never be made twice.

Owns: analyzed → submitting → rendering, and the wait in line before it (`turns.py`). Units: none
are charged here; the hold stays.
Invariant: a submit is repeated only if the provider surely did not take the one before. No clear
answer, or a lease that ran out during the call, is `submit_unknown`: the hold stays, its place in
flight is freed, and only evidence or staff decide.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models.functions import Now

from generation import catalog, gates, states
from generation.models import Short, State
from generation.pipeline import claims, poll, recording, remove, waiting
from generation.providers import gateway
from generation.providers.outcomes import (
    Accepted,
    NotAccepted,
    Refused,
    SubmitOutcome,
    Unclear,
)
from metering import ledger, queries
from metering.types import OpenHold

DEADLINE_SECONDS = 60.0
LEASE = timedelta(seconds=90)


def run(*, short_id: UUID, now: recording.Clock) -> bool:
    """Submit one short. True if its next step may be taken at once."""
    due = Short.objects.filter(pk=short_id, next_attempt_at__lte=Now())
    video = catalog.find(due.values_list("model", flat=True).first() or "")
    if video is None:
        return False
    try:
        short, hold = claims.paid(
            short_id=short_id,
            sources=(State.ANALYZED,),
            working=State.SUBMITTING,
            lease=LEASE,
            at=now(),
            leg=(video.api_type, video.route, video.name),
        )
    except states.NotClaimable:
        return False
    outcome = _ask(short=short, hold=hold, route=video.route, now=now)
    recording.answered(
        step=State.SUBMITTING,
        short=short,
        hold=hold,
        outcome=outcome,
        write=lambda: _record(short=short, hold=hold, outcome=outcome, at=now()),
        now=now,
    )
    return False


def _ask(*, short: Short, hold: OpenHold, route: str, now: recording.Clock) -> SubmitOutcome:
    picture = claims.picture(short=short, deadline_seconds=DEADLINE_SECONDS, now=now)
    if isinstance(picture, NotAccepted):
        return picture
    return gateway.of(route).submit(
        hold=hold,
        picture=picture,
        mime_type="image/jpeg",
        prompt=short.video_prompt,
        aspect_ratio=short.aspect_ratio,
        deadline_seconds=DEADLINE_SECONDS,
    )


def _record(*, short: Short, hold: OpenHold, outcome: SubmitOutcome, at: datetime) -> None:
    """The answer first, then what the owner asked for meanwhile."""
    record(short=short, hold=hold, outcome=outcome, at=at)
    remove.carry_out(short=short, at=at)


def expire(*, short_id: UUID, now: recording.Clock) -> bool:
    """A lease that ran out during a submit means unknown, unless its answer comes soon: the render
    may be under way."""
    if states.leave_time(short_id=short_id, state=State.SUBMITTING, at=now()):
        return False

    def write() -> None:
        short = (
            Short.objects.select_for_update(no_key=True)
            .filter(lease_until__isnull=True, next_attempt_at__lte=Now())
            .filter(pk=short_id, state=State.SUBMITTING)
            .first()
        )
        if short is None:
            raise states.Superseded(str(short_id))
        hold = queries.open_hold(job_id=short.pk, api_type=catalog.api_type_of(short.model))
        _unknown(short=short, hold=hold, detail="the worker died during the submit", at=now())
        remove.carry_out(short=short, at=now())

    recording.durably(short=Short(pk=short_id), write=write, now=now)
    return False


def record(*, short: Short, hold: OpenHold, outcome: SubmitOutcome, at: datetime) -> None:
    """Write down how the submit ended. Raises states.Superseded for a late one."""
    video = catalog.find(short.model)
    route = video.route if video else ""
    match outcome:
        case Accepted(operation_name=name):
            states.record(
                short=short,
                source=(State.SUBMITTING, State.SUBMIT_UNKNOWN),
                target=State.RENDERING,
                at=at,
                operation_name=name,
                submitted_at=at,
                next_attempt_at=at + waiting.about(pause=poll.FIRST_PAUSE, short=short),
                end_detail="",
            )
            gates.note_accepted(route=route, model=short.model)
            ledger.park(hold=hold, at=at, parked=False)
        case Unclear(detail=detail):
            _unknown(short=short, hold=hold, detail=detail, at=at)
        case NotAccepted():
            _not_accepted(short=short, route=route, outcome=outcome, at=at)
        case Refused(status=status, detail=detail, model_gone=model_gone):
            if model_gone:
                gates.note_refused(
                    route=route, model=short.model, detail=detail, at=at, for_sure=not status
                )
            _end(short=short, code="provider_refused", detail=detail, at=at, submitted_at=at)


def _unknown(*, short: Short, hold: OpenHold | None, detail: str, at: datetime) -> None:
    states.record(
        short=short,
        source=State.SUBMITTING,
        target=State.SUBMIT_UNKNOWN,
        at=at,
        submitted_at=at,
        end_detail=detail[:500],
    )
    if hold is not None:
        ledger.park(hold=hold, at=at)


def _not_accepted(*, short: Short, route: str, outcome: NotAccepted, at: datetime) -> None:
    try:
        until, tries = waiting.next_try(
            short=short, route=route, model=short.model, outcome=outcome, at=at
        )
    except waiting.GivenUp:
        _end(short=short, code="provider_unreachable", detail=outcome.detail, at=at)
        return
    states.record(
        short=short,
        source=State.SUBMITTING,
        target=State.ANALYZED,
        at=at,
        tries=tries,
        next_attempt_at=until if outcome.kind == "unreachable" else None,
        end_detail=outcome.detail,
    )


def _end(*, short: Short, code: str, detail: str, at: datetime, **changes: datetime) -> None:
    states.record(
        short=short,
        source=(State.SUBMITTING, State.SUBMIT_UNKNOWN),
        target=State.FAILED,
        at=at,
        end_code=code,
        end_detail=detail[:500],
        **changes,
    )
    recording.release_all(short=short, reason=code, at=at)
