"""Claim a step: the short, and for one that spends the open hold that pays for it.

Every path that can spend goes through here, so no provider call is made without an open hold, for a
closed model, before the provider wants to be asked again, before its turn, or while staff have
paused spending.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from generation import catalog, files, gates, states, turns
from generation.models import Short, State
from generation.pipeline import recording, waiting
from generation.providers import gateway
from generation.providers.outcomes import NotAccepted
from metering import backlog, queries, spending
from metering.types import OpenHold

PAUSED_FOR = timedelta(seconds=30)


def paid(
    *,
    short_id: UUID,
    sources: tuple[str, ...],
    working: str,
    lease: timedelta,
    at: datetime,
    leg: tuple[str, str, str],
    **changes: Any,
) -> tuple[Short, OpenHold]:
    """Claim a paid step. `leg` is its API type, route and model.

    Raises states.NotClaimable: not due, taken, put off until the provider wants to be asked, put in
    line, or ended here because its model is closed or its hold is gone.
    """
    api_type, route, model = leg
    claimed = due = None
    with transaction.atomic(durable=True):
        hold = queries.open_hold(job_id=short_id, api_type=api_type)
        end_code = "hold_closed"
        if hold is not None:
            end_code = _why_closed(short_id=short_id, route=route, model=model, at=at)
        if end_code or _may_go_on(
            short_id=short_id, sources=sources, route=route, model=model, at=at
        ):
            claimed = states.claim(
                short_id=short_id, sources=sources, working=working, lease=lease, **changes
            )
        if claimed is not None and end_code:
            states.record(
                short=claimed, source=working, target=State.FAILED, at=at, end_code=end_code
            )
            due = recording.release_all(short=claimed, reason=end_code, at=at)
    if due is not None:
        backlog.charge_now(hold=due, at=at)
    if claimed is None or hold is None or end_code:
        raise states.NotClaimable(str(short_id))
    return claimed, hold


def free(*, short_id: UUID, state: str, lease: timedelta) -> Short:
    """Claim a step that spends nothing and begins and goes on in one state.

    Raises states.NotClaimable. If its worker dies, it is left alone for longer each time.
    """
    with transaction.atomic(durable=True):
        return states.claim(
            short_id=short_id,
            sources=(state,),
            working=state,
            lease=lease,
            next_attempt_at=states.later_each_time(lease=lease),
        )


def picture(*, short: Short, deadline_seconds: float, now: recording.Clock) -> bytes | NotAccepted:
    """The picture of a short that is claimed, for a call of so many seconds.

    Else why the call is not begun: the storage does not hand the picture over, or too little of the
    lease is left. Then nothing was sent for sure, and it is tried again.
    """
    try:
        data = files.read(short.picture)
    except OSError as error:
        return NotAccepted(detail=f"no picture: {error}", kind="unreachable")
    ends_at = now() + timedelta(seconds=deadline_seconds)
    if short.lease_until is None or ends_at > short.lease_until:
        return NotAccepted(detail="too little of the lease was left", kind="unreachable")
    return data


def put_off(*, short_id: UUID, sources: tuple[str, ...], until: datetime) -> None:
    """Leave a step for later, unless somebody has it in hand."""
    Short.objects.filter(
        pk=short_id, state__in=sources, lease_until__isnull=True, next_attempt_at__lt=until
    ).update(next_attempt_at=until, rung_at=None)


def _why_closed(*, short_id: UUID, route: str, model: str, at: datetime) -> str:
    """`model_closed`, or nothing. An analysis is in vain where its video can't be made."""
    video = Short.objects.values_list("model", flat=True).get(pk=short_id)
    try:
        gates.check_open(route=route, models=[model, video])
    except gates.ModelClosed:
        return "model_closed"
    if gateway.of(route).can_submit():
        return ""
    detail = "the SDK has no such call any more"
    gates.note_refused(route=route, model=video, detail=detail, at=at, for_sure=True)
    return "model_closed"


def _may_go_on(
    *, short_id: UUID, sources: tuple[str, ...], route: str, model: str, at: datetime
) -> bool:
    """Whether the provider, staff and the others in line let a short have its step now. If not, the
    short is left for later: a submit in line, an analysis by the clock."""
    video = catalog.find(model)
    if video is not None:
        try:
            turns.take(short_id=short_id, model=video, at=at)
        except turns.NotYet:
            states.wait_in_line(short_id=short_id)
            return False
        return True
    until = gates.not_before(route=route, model=model)
    if until is not None and until > at:
        until = waiting.no_sooner(until=until, at=at, short_id=short_id)
    if spending.submits_paused():
        until = max(until or at, at + PAUSED_FOR)
    if until is None or until <= at:
        return True
    put_off(short_id=short_id, sources=sources, until=until)
    return False
