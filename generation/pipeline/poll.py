"""Ask once how a render is doing, and decide: still running, done, filtered, failed.

Owns: rendering → rendered, filtered or failed. Units: seconds of video, tokens by frozen tariff.
Invariant: the video becomes due in the transaction that records it as made, before it is fetched. A
poll that fails changes nothing about the render. A late render is never given up by its age: it is
parked and asked about ever more rarely until the provider's result is gone, then it is for staff.
So is one that ended without a video although the provider reports that it made one.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from generation import catalog, gates, states
from generation.models import Short, State
from generation.pipeline import claims, finish, recording, waiting
from generation.providers import gateway
from generation.providers.outcomes import (
    UNREPORTED,
    BilledWithoutVideo,
    Filtered,
    PollFailed,
    PollOutcome,
    RenderFailed,
    Rendering,
    VideoReady,
)
from metering import ledger, log_lines, queries
from metering.types import OpenHold, Usage

log = structlog.get_logger(__name__)

DEADLINE_SECONDS = 45.0
LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
LONGEST_OVERDUE_PAUSE = timedelta(minutes=10)
OVERDUE_AFTER = timedelta(minutes=15)
RESULT_LIFE = timedelta(hours=48)
# A longer wait is about the quota of a day, which keeps no finished video from its owner.
LONGEST_OBEYED_WAIT = timedelta(minutes=2)


def run(*, short_id: UUID, now: recording.Clock) -> bool:
    """Ask about one short's render. True if its next step may be taken at once."""
    if _is_put_off(short_id=short_id, at=now()):
        return False
    try:
        short = claims.free(short_id=short_id, state=State.RENDERING, lease=LEASE)
        hold = _hold(short)
    except states.NotClaimable:
        return False
    outcome = gateway.of(catalog.route_of(short.model)).poll(
        operation_name=short.operation_name, deadline_seconds=DEADLINE_SECONDS
    )
    recorded = recording.durably(
        short=short,
        now=now,
        write=lambda: record(short=short, hold=hold, outcome=outcome, at=now()),
    )
    if recorded and isinstance(outcome, VideoReady):
        _log_cost(short=short, hold=hold)
    if recorded and isinstance(outcome, VideoReady | Filtered):
        recording.charge(hold=hold, now=now)
    if recorded and isinstance(outcome, VideoReady):
        finish.run(short_id=short_id, now=now, ready=outcome)
    return False


def _is_put_off(*, short_id: UUID, at: datetime) -> bool:
    """Whether the provider wants no call for this model yet, whichever call was told so."""
    model = Short.objects.filter(pk=short_id).values_list("model", flat=True).first() or ""
    until = gates.not_before(route=catalog.route_of(model), model=model)
    if until is None or not at < until <= at + LONGEST_OBEYED_WAIT:
        return False
    until = waiting.no_sooner(until=until, at=at, short_id=short_id)
    claims.put_off(short_id=short_id, sources=(State.RENDERING,), until=until)
    return True


def pause(*, age: timedelta) -> timedelta:
    """How long to wait before the next question about a render of this age."""
    longest = LONGEST_OVERDUE_PAUSE if age > OVERDUE_AFTER else LONGEST_PAUSE
    return max(FIRST_PAUSE, min(age / 5, longest))


def record(*, short: Short, hold: OpenHold, outcome: PollOutcome, at: datetime) -> None:
    """Write down what the provider said of the render. Raises states.Superseded for a late one."""
    match outcome:
        case Rendering():
            _go_on(short=short, hold=hold, at=at)
        case PollFailed(detail=detail, alarming=alarming):
            if alarming:
                log.error("polls are refused", job_id=str(short.pk), detail=detail)
            _go_on(short=short, hold=hold, at=at, outcome=outcome)
        case VideoReady(usage=usage):
            states.record(
                short=short,
                source=State.RENDERING,
                target=State.RENDERED,
                at=at,
                rendered_at=at,
                end_detail="",
            )
            used = _usage(short, usage)
            ledger.record_usage(hold=hold, attempt=short.attempt, usage=used, at=at)
        case Filtered(reasons=reasons):
            _end(
                short=short, target=State.FILTERED, code="filtered", detail=" ".join(reasons), at=at
            )
            if hold.line.bills_filtered:
                ledger.record_usage(hold=hold, attempt=short.attempt, usage=_usage(short), at=at)
            recording.release_all(short=short, reason="filtered", at=at)
        case BilledWithoutVideo():
            _unsettled(short=short, hold=hold, outcome=outcome, at=at)
        case RenderFailed(code=code, detail=detail):
            said = detail if code is None else f"{code}: {detail}"
            _end(short=short, target=State.FAILED, code="render_failed", detail=said, at=at)
            recording.release_all(short=short, reason="render_failed", at=at)


def _go_on(
    *, short: Short, hold: OpenHold, at: datetime, outcome: PollFailed | None = None
) -> None:
    age = at - (short.submitted_at or short.created_at)
    wait = pause(age=age)
    if outcome is not None:
        wait = max(wait, min(FIRST_PAUSE * 2 ** min(short.tries, 10), LONGEST_PAUSE))
    until = at + waiting.about(pause=wait, short=short)
    if outcome is not None and outcome.retry_after_seconds:
        until = max(until, _obey(short=short, outcome=outcome, at=at))
    overdue = age > OVERDUE_AFTER
    states.record(
        short=short,
        source=State.RENDERING,
        target=State.RENDERING,
        at=at,
        tries=short.tries if outcome is not None else 0,
        next_attempt_at=None if age > RESULT_LIFE else until,
        overdue_at=(short.overdue_at or at) if overdue else None,
        end_detail=outcome.detail if outcome is not None else "",
    )
    if overdue and short.overdue_at is None:
        log.error("a render is overdue", job_id=str(short.pk))
        ledger.park(hold=hold, at=at)


def _obey(*, short: Short, outcome: PollFailed, at: datetime) -> datetime:
    """The provider named a wait, which holds for its model: when to ask about this short again."""
    asked = at + timedelta(seconds=outcome.retry_after_seconds or 0)
    gates.wait(
        route=catalog.route_of(short.model),
        model=short.model,
        until=asked,
        reason=f"daily limit: {outcome.detail}" if outcome.alarming else "",
    )
    return waiting.no_sooner(until=asked, at=at, short_id=short.pk, attempt=short.attempt)


def _unsettled(*, short: Short, hold: OpenHold, outcome: BilledWithoutVideo, at: datetime) -> None:
    """No video, and evidence that we pay for it: the cost is stored, the tokens wait for staff."""
    said = f"no video, but {outcome.video_tokens} video tokens reported: {outcome.detail}"
    states.record(
        short=short,
        source=State.RENDERING,
        target=State.RENDERING,
        at=at,
        next_attempt_at=None,
        overdue_at=short.overdue_at or at,
        end_detail=said[:500],
    )
    log.error("a render is billed without a video", job_id=str(short.pk), detail=said)
    ledger.record_usage(
        hold=hold,
        attempt=short.attempt,
        usage=_usage(short, outcome.usage),
        at=at,
        billable=False,
    )
    ledger.park(hold=hold, at=at)


def _end(*, short: Short, target: str, code: str, detail: str, at: datetime) -> None:
    states.record(
        short=short,
        source=State.RENDERING,
        target=target,
        at=at,
        end_code=code,
        end_detail=detail[:500],
    )


def _usage(short: Short, reported: Usage = UNREPORTED) -> Usage:
    return recording.rendered(short=short, operation_name=short.operation_name, reported=reported)


def _hold(short: Short) -> OpenHold:
    hold = queries.latest_hold(job_id=short.pk, api_type=catalog.api_type_of(short.model))
    if hold is None:
        raise states.NotClaimable(f"{short.pk} has no video hold.")
    return hold


def _log_cost(*, short: Short, hold: OpenHold) -> None:
    if hold.line.usd is not None:
        log.info(
            log_lines.cost(
                api_type=hold.line.api_type,
                seconds=short.seconds,
                usd=hold.line.usd,
                tokens=hold.line.tokens,
            ),
            job_id=str(short.pk),
            user_id=short.user_id,
        )
