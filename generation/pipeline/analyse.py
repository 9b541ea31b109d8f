"""Gemini reads the picture and writes the video prompt; its tokens are charged.

Owns: queued → analyzing → analyzed. Units: tokens, as the provider reports them.
Invariant: every answer that arrived leaves a usage event in the transaction that moves the short,
and one of them at most is charged. An answer that was lost after sending is asked for once more,
because the second spend is small; after that the short ends.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, PositiveIntegerField, Value, When
from django.db.models.functions import Coalesce

from generation import catalog, gates, states
from generation.models import Short, State
from generation.pipeline import cancel, claims, recording, remove, waiting
from generation.providers import gateway
from generation.providers.outcomes import (
    Analysed,
    AnalysisBlocked,
    AnalysisOutcome,
    AnalysisUnusable,
    NotAccepted,
    Refused,
    Unclear,
)
from metering import ledger
from metering.types import OpenHold, Usage

DEADLINE_SECONDS = 60.0
LEASE = timedelta(seconds=90)
MOST_UNCLEAR_ANSWERS = 2
PAUSE_AFTER_UNCLEAR = timedelta(seconds=5)


def run(*, short_id: UUID, now: recording.Clock) -> bool:
    """Analyse one short's picture. True if its next step may be taken at once."""
    try:
        short, hold = claims.paid(
            short_id=short_id,
            sources=(State.QUEUED, State.ANALYZING),
            working=State.ANALYZING,
            lease=LEASE,
            at=now(),
            leg=(catalog.ANALYSIS_API_TYPE, route_of(short_id), catalog.ANALYSIS_MODEL),
            analysis_began_at=Coalesce("analysis_began_at", Value(now())),
            unclear_answers=Case(
                When(state=State.ANALYZING, then=F("unclear_answers") + 1),
                default=F("unclear_answers"),
                output_field=PositiveIntegerField(),
            ),
        )
    except states.NotClaimable:
        return False
    if cancel.is_asked(short):
        _call_off(short=short, hold=hold, now=now)
        return False
    outcome = _ask(short=short, hold=hold, now=now)
    recorded = recording.answered(
        step=State.ANALYZING,
        short=short,
        hold=hold,
        outcome=outcome,
        write=lambda: _record(short=short, hold=hold, outcome=outcome, at=now()),
        now=now,
    )
    if recorded:
        recording.charge(hold=hold, now=now)
    return recorded


def take_over(*, short_id: UUID, now: recording.Clock) -> bool:
    """Ask once more for a short whose worker's lease is over, unless its answer may still come."""
    if states.leave_time(short_id=short_id, state=State.ANALYZING, at=now()):
        return False
    return run(short_id=short_id, now=now)


def _ask(*, short: Short, hold: OpenHold, now: recording.Clock) -> AnalysisOutcome:
    if short.unclear_answers >= MOST_UNCLEAR_ANSWERS:
        short.unclear_answers -= 1
        return Unclear(detail="the worker died during the call, twice")
    picture = claims.picture(short=short, deadline_seconds=DEADLINE_SECONDS, now=now)
    if isinstance(picture, NotAccepted):
        return picture
    return gateway.of(route_of(short.pk)).analyse(
        hold=hold,
        picture=picture,
        mime_type="image/jpeg",
        wish=short.wish,
        aspect_ratio=short.aspect_ratio,
        deadline_seconds=DEADLINE_SECONDS,
    )


def _call_off(*, short: Short, hold: OpenHold, now: recording.Clock) -> None:
    """The owner canceled, and the worker that had the short died: nobody is asked again."""
    recording.durably(short=short, now=now, write=lambda: remove.carry_out(short=short, at=now()))
    recording.charge(hold=hold, now=now)


def _record(*, short: Short, hold: OpenHold, outcome: AnalysisOutcome, at: datetime) -> None:
    """The answer first, and its charge; then what the owner asked for meanwhile."""
    record(short=short, hold=hold, outcome=outcome, at=at)
    remove.carry_out(short=short, at=at)


def route_of(short_id: UUID) -> str:
    """The route that a short's video model is reached by, which its analysis takes too."""
    model = Short.objects.filter(pk=short_id).values_list("model", flat=True).first() or ""
    return catalog.route_of(model)


def record(*, short: Short, hold: OpenHold, outcome: AnalysisOutcome, at: datetime) -> None:
    """Write down how the analysis ended. Raises states.Superseded for a late one."""
    match outcome:
        case Analysed():
            _analysed(short=short, hold=hold, outcome=outcome, at=at)
        case AnalysisUnusable(detail=detail, usage=usage):
            _unusable(short=short, hold=hold, detail=detail, usage=usage, at=at)
        case AnalysisBlocked(reason=reason, usage=usage):
            _end(short=short, code="blocked", detail=reason, at=at)
            if usage is not None:
                ledger.record_usage(hold=hold, attempt=short.attempt, usage=usage, at=at)
            recording.release_all(short=short, reason="blocked", at=at)
        case Unclear():
            _unclear(short=short, hold=hold, outcome=outcome, at=at)
        case NotAccepted():
            _not_accepted(short=short, outcome=outcome, at=at)
        case Refused(status=status, detail=detail, model_gone=model_gone):
            if model_gone:
                gates.note_refused(
                    route=route_of(short.pk), model=hold.line.model, detail=detail, at=at,
                    for_sure=not status,
                )  # fmt: skip
            _end(short=short, code="provider_refused", detail=detail, at=at)
            recording.release_all(short=short, reason="provider_refused", at=at)


def _analysed(*, short: Short, hold: OpenHold, outcome: Analysed, at: datetime) -> None:
    _go_on(
        short=short,
        at=at,
        video_prompt=outcome.video_prompt,
        seen=outcome.seen,
        warning=outcome.warning,
    )
    gates.note_accepted(route=route_of(short.pk), model=hold.line.model)
    ledger.record_usage(hold=hold, attempt=short.attempt, usage=outcome.usage, at=at)


def _unusable(*, short: Short, hold: OpenHold, detail: str, usage: Usage, at: datetime) -> None:
    if short.wish:
        _go_on(short=short, at=at, video_prompt=short.wish, end_detail=detail)
        ledger.record_usage(hold=hold, attempt=short.attempt, usage=usage, at=at)
    else:
        _end(short=short, code="no_prompt", detail=detail, at=at)
        ledger.record_usage(hold=hold, attempt=short.attempt, usage=usage, at=at)
        recording.release_all(short=short, reason="no_prompt", at=at)


def _unclear(*, short: Short, hold: OpenHold, outcome: Unclear, at: datetime) -> None:
    """Ask once more, then end. One unread answer is paid with the estimate, none with nothing."""
    unread = short.unread_answers + outcome.answered
    if short.unclear_answers + 1 < MOST_UNCLEAR_ANSWERS:
        states.record(
            short=short,
            source=State.ANALYZING,
            target=State.QUEUED,
            at=at,
            tries=short.tries,
            unclear_answers=short.unclear_answers + 1,
            unread_answers=unread,
            next_attempt_at=at + PAUSE_AFTER_UNCLEAR,
            end_detail=outcome.detail,
        )
        ledger.record_usage(hold=hold, attempt=short.attempt, usage=Usage(), at=at, billable=False)
        return
    _end(short=short, code="analysis_unreachable", detail=outcome.detail, at=at)
    ledger.record_usage(hold=hold, attempt=short.attempt, usage=Usage(), at=at, billable=unread > 0)
    recording.release_all(short=short, reason="analysis_unreachable", at=at)


def _not_accepted(*, short: Short, outcome: NotAccepted, at: datetime) -> None:
    try:
        until, tries = waiting.next_try(
            short=short,
            route=route_of(short.pk),
            model=catalog.ANALYSIS_MODEL,
            outcome=outcome,
            at=at,
        )
    except waiting.GivenUp:
        _end(short=short, code="provider_unreachable", detail=outcome.detail, at=at)
        recording.release_all(short=short, reason="provider_unreachable", at=at)
        return
    states.record(
        short=short,
        source=State.ANALYZING,
        target=State.QUEUED,
        at=at,
        tries=tries,
        next_attempt_at=until,
        end_detail=outcome.detail,
    )


def _go_on(*, short: Short, at: datetime, **changes: str) -> None:
    states.record(
        short=short, source=State.ANALYZING, target=State.ANALYZED, at=at, analyzed_at=at, **changes
    )


def _end(*, short: Short, code: str, detail: str, at: datetime) -> None:
    states.record(
        short=short,
        source=State.ANALYZING,
        target=State.FAILED,
        at=at,
        end_code=code,
        end_detail=detail[:500],
    )
