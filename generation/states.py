"""The states of a short, the moves that are allowed, and the only code that makes them.

Owns: `Short.state`, `attempt`, `lease_until`. Every move is one conditional UPDATE whose row count
decides, so two workers can't both make it. A step is **claimed** (a new attempt number and a lease
by the database's clock), then its result is **recorded** on condition that the attempt is still the
newest: the first record wins and a late one changes nothing.

    queued → analyzing → analyzed → submitting → rendering → rendered → succeeded

A lease that ran out while submitting means *unknown*, never *free*.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import (
    Case,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least, Now

from generation.models import FINAL, MOVING, Short, State

ALLOWED: dict[str, frozenset[str]] = {
    State.QUEUED: frozenset({State.ANALYZING, State.CANCELED, State.FAILED}),
    State.ANALYZING: frozenset({State.ANALYZED, State.QUEUED, State.FAILED, State.CANCELED}),
    State.ANALYZED: frozenset({State.SUBMITTING, State.CANCELED, State.FAILED}),
    State.SUBMITTING: frozenset(
        {State.RENDERING, State.ANALYZED, State.FAILED, State.SUBMIT_UNKNOWN}
    ),
    State.SUBMIT_UNKNOWN: frozenset({State.RENDERING, State.FAILED}),
    State.RENDERING: frozenset({State.RENDERED, State.FILTERED, State.FAILED}),
    State.RENDERED: frozenset({State.SUCCEEDED, State.LOST}),
}
# What a short forgets that is deleted.
FORGOTTEN = ("wish", "seen", "video_prompt", "warning", "picture")


# What a short whose worker dies again and again is left alone for, at most.
LONGEST_AFTER_DEATHS = timedelta(minutes=10)
# How long an answer that waits for the database has, once the database is back.
ANSWER_LIFE = timedelta(seconds=45)


class NotClaimable(Exception):
    """The step is not due, somebody else has it, or the short has moved on."""


class Superseded(Exception):
    """A newer attempt exists or the short has moved on: this result changes nothing."""


def claim(
    *,
    short_id: UUID,
    sources: tuple[str, ...],
    working: str,
    lease: timedelta,
    **changes: Any,
) -> Short:
    """Take the next step of a short, if it is due and nobody's lease on it still runs.

    Returns the short with its new attempt number. Raises NotClaimable. Belongs into a transaction.
    """
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=Now())
    due = Q(next_attempt_at__lte=Now())
    taken = Short.objects.filter(free, due, pk=short_id, state__in=sources).update(
        state=working,
        attempt=F("attempt") + 1,
        tries=F("tries") + 1,
        lease_until=Now() + lease,
        rung_at=None,
        **changes,
    )
    if not taken:
        raise NotClaimable(str(short_id))
    return Short.objects.get(pk=short_id)


def later_each_time(*, lease: timedelta) -> Combinable:
    """When a step may be claimed again if its worker dies: the `next_attempt_at` of such a claim.

    The lease, and as much again for each try before, so that a job which kills its workers leaves
    the others in peace.
    """
    wait = ExpressionWrapper((F("tries") + 1) * Value(lease), output_field=DurationField())
    longest = Value(LONGEST_AFTER_DEATHS, output_field=DurationField())
    return Now() + Least(wait, longest)


def leave_time(*, short_id: UUID, state: str, at: datetime) -> bool:
    """The lease of this step is over: leave its answer the time to come, before anybody decides.

    The worker may have died, or may have been kept from recording it. True once for a lease; the
    step is due again after ANSWER_LIFE.
    """
    return bool(
        Short.objects.filter(pk=short_id, state=state, lease_until__lte=Now()).update(
            lease_until=None, next_attempt_at=at + ANSWER_LIFE, rung_at=None
        )
    )


def record(
    *, short: Short, source: str | tuple[str, ...], target: str, at: datetime, **changes: Any
) -> None:
    """Move a short on with the result of its attempt. Raises Superseded, and ValueError for a move
    that the table above does not have. Belongs into a transaction.

    The lease ends. `next_attempt_at` is `at` unless given; a final state gets its `finished_at`,
    and a deleted short forgets in it its owner's words and picture. `tries` starts over unless the
    short stays where it is or the caller says otherwise.
    """
    sources = (source,) if isinstance(source, str) else source
    for state in sources:
        if target != state and target not in ALLOWED.get(state, frozenset()):
            raise ValueError(f"A short can't go from {state} to {target}.")
    values: dict[str, Any] = {
        "state": target,
        "lease_until": None,
        "rung_at": None,
        "next_attempt_at": None if target in (*FINAL, State.SUBMIT_UNKNOWN) else at,
        "finished_at": at if target in FINAL else None,
    }
    if target not in sources:
        values["tries"] = 0
    if target in FINAL:
        values |= {name: _unless_deleted(name) for name in FORGOTTEN}
    moved = Short.objects.filter(pk=short.pk, attempt=short.attempt, state__in=sources).update(
        **{**values, **changes}
    )
    if not moved:
        raise Superseded(str(short.pk))


def _unless_deleted(name: str) -> Case:
    deleted = When(deleted_at__isnull=False, then=Value(""))
    return Case(deleted, default=F(name), output_field=TextField())


def wait_in_line(*, short_id: UUID) -> None:
    """Let a short that was due wait for its turn to be submitted, unless somebody has it in hand.

    It is due no more, and nobody rings for it, until `ring` is told that its turn has come.
    """
    Short.objects.filter(
        pk=short_id,
        state=State.ANALYZED,
        lease_until__isnull=True,
        next_attempt_at__lte=Now(),
    ).update(next_attempt_at=None, rung_at=None)


def ring(
    *, at: datetime, most: int, again_after: timedelta, up_next: Collection[UUID] = ()
) -> list[UUID]:
    """Mark the shorts whose next step is due and was not rung lately, and return their ids.

    Those in line whose turn has come, `up_next`, become due. Skips rows that another beat has
    locked, so two beats do no harm.
    """
    called = Q(pk__in=up_next, state=State.ANALYZED, next_attempt_at__isnull=True)
    due = (
        Short.objects.filter(Q(next_attempt_at__lte=at) | called, state__in=MOVING)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lte=at))
        .filter(Q(rung_at__isnull=True) | Q(rung_at__lte=at - again_after))
        .order_by("next_attempt_at")
        .select_for_update(skip_locked=True)
    )
    with transaction.atomic():
        ids = list(due.values_list("pk", flat=True)[:most])
        Short.objects.filter(pk__in=ids).update(
            rung_at=at, next_attempt_at=Coalesce("next_attempt_at", at)
        )
    return ids
