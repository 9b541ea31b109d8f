"""A person decides what nothing else can: an unknown submit, a render whose result is gone, a lost
video.

Owns: submit_unknown → rendering or failed, and rendering → failed where its result's life is over.
Units: tokens. Nothing is charged here; a refund is the ledger's.
Invariant: each decision has a reason and an actor, and is an entry of kind `resolution` in the
transaction that moves the short. The short's row is locked first, so that evidence which comes at
the same instant wins or finds the decision made, and a form that is sent twice is one decision. A
render is gone on with only if the provider itself answers for it. Lock order: Short, TokenLedger.
"""

import re
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation import catalog, states, unsettled
from generation.models import Short, State
from generation.pipeline import bell, poll, recording
from generation.providers import gateway
from generation.providers.outcomes import PollFailed
from metering import ledger, queries, staff
from metering.types import OpenHold

END_CODE = "rejected_by_staff"
# Far longer than any provider answers for an operation.
LONGEST_KNOWN = timedelta(days=60)
_OF_MODEL = re.compile(r"(?:^|/)models/([^/]+)/")


class NotWaiting(staff.Refused):
    """The short does not wait for this decision, or not any more."""

    message = _("This short has moved on meanwhile, so there is nothing to decide.")


class OperationTaken(staff.Refused):
    """Another short is that render."""

    message = _("Another short is rendered by this operation.")


class OperationOfAnotherModel(staff.Refused):
    """The name belongs to a model that the short was not ordered from."""

    message = _("This operation is one of another model than the short's.")


class NotConfirmed(staff.Refused):
    """The provider did not answer for this operation. `message` says what it said."""

    def __init__(self, *, detail: str) -> None:
        text: str | Promise = _("The provider does not confirm this operation: %(detail)s")
        super().__init__(text % {"detail": detail})


class NotCharged(staff.Refused):
    """There is no charge yet, or none any more, that could be refunded."""

    message = _("The video of this short is not charged, so there is nothing to refund.")


def resume(
    *,
    short_id: UUID,
    operation_name: str,
    actor: User,
    reason: str,
    at: datetime,
    key: UUID | None = None,
) -> int:
    """Go on with the render of this name, which the provider is asked about first. Returns the id
    of the entry.

    The hold takes its place in flight again. Raises staff.ReasonMissing, NotWaiting,
    OperationOfAnotherModel, OperationTaken and NotConfirmed.
    """
    if not reason.strip():
        raise staff.ReasonMissing
    before = staff.resolved(key=key)
    if before is not None:
        return before
    name = operation_name.strip()
    _check_name(short_id=short_id, name=name, at=at)
    route = gateway.of(catalog.route_of(Short.objects.get(pk=short_id).model))
    outcome = route.poll(operation_name=name, deadline_seconds=poll.DEADLINE_SECONDS)
    if isinstance(outcome, PollFailed):
        raise NotConfirmed(detail=outcome.detail)
    with transaction.atomic(durable=True):
        short = _locked(short_id)
        before = staff.resolved(key=key)
        if before is not None:
            return before
        _lock_name(name)
        _check_name(short_id=short_id, name=name, at=at)
        states.record(
            short=short,
            source=State.SUBMIT_UNKNOWN,
            target=State.RENDERING,
            at=at,
            operation_name=name,
            end_detail="",
        )
        hold = _video_hold(short)
        entry_id = staff.resolve(hold=hold, actor=actor, reason=reason, at=at, key=key)
        ledger.park(hold=hold, at=at, parked=False)
        bell.ring(short_id=short_id)
    return entry_id


def release(
    *, short_id: UUID, actor: User, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """End an unknown submit, or a render whose result's life is over, and give back what it holds.
    Returns the id of the entry. Raises staff.ReasonMissing and NotWaiting."""
    with transaction.atomic(durable=True):
        short = _locked(short_id)
        before = staff.resolved(key=key)
        if before is not None:
            return before
        if not (unsettled.is_unknown(short) or unsettled.is_over(short)):
            raise NotWaiting
        states.record(
            short=short,
            source=short.state,
            target=State.FAILED,
            at=at,
            end_code=END_CODE,
            end_detail=reason.strip()[:500],
        )
        hold = _video_hold(short)
        entry_id = staff.resolve(hold=hold, actor=actor, reason=reason, at=at, key=key)
        recording.release_all(short=short, reason=END_CODE, at=at)
    return entry_id


def ask_again(
    *, short_id: UUID, actor: User, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Ask the provider once more, now, about a render whose result's life is over. Returns the id
    of the entry. Raises staff.ReasonMissing and NotWaiting."""
    with transaction.atomic(durable=True):
        short = _locked(short_id)
        before = staff.resolved(key=key)
        if before is not None:
            return before
        if not unsettled.is_over(short):
            raise NotWaiting
        states.record(short=short, source=State.RENDERING, target=State.RENDERING, at=at)
        hold = _video_hold(short)
        entry_id = staff.resolve(hold=hold, actor=actor, reason=reason, at=at, key=key)
        bell.ring(short_id=short_id)
    return entry_id


def refund(
    *, short_id: UUID, actor: User, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Give back what is left of the charge for a lost video. Returns the id of the refund.

    Raises staff.ReasonMissing, NotWaiting, NotCharged, and staff.Refused where nothing is left.
    """
    short = Short.objects.get(pk=short_id)
    if short.state != State.LOST:
        raise NotWaiting
    charge = queries.charge_of(job_id=short_id, model=short.model)
    if charge is None:
        raise NotCharged
    left = queries.refundable(entry=charge, at=at).left_tokens
    # Nothing left: the ledger knows whether this very form gave it back, or refuses.
    return staff.refund(
        entry_id=charge.pk, tokens=left or charge.tokens, actor=actor, reason=reason, at=at, key=key
    )


def _locked(short_id: UUID) -> Short:
    return Short.objects.select_for_update(no_key=True).get(pk=short_id)


def _video_hold(short: Short) -> OpenHold:
    hold = queries.latest_hold(job_id=short.pk, api_type=catalog.api_type_of(short.model))
    if hold is None:
        raise NotWaiting
    return hold


def _check_name(*, short_id: UUID, name: str, at: datetime) -> None:
    """Raise NotWaiting, OperationOfAnotherModel or OperationTaken."""
    short = Short.objects.get(pk=short_id)
    if not unsettled.is_unknown(short):
        raise NotWaiting
    model = _OF_MODEL.search(name)
    if model is not None and model[1] != short.model:
        raise OperationOfAnotherModel
    # A provider writes one operation with its project's name or number, so its own id decides.
    same = Q(operation_name=name) | Q(operation_name__endswith=f"/{name.rsplit('/', 1)[-1]}")
    rendered = Short.objects.filter(
        model__in=[model.name for model in catalog.MODELS], submitted_at__gt=at - LONGEST_KNOWN
    )
    if rendered.filter(same).exclude(pk=short_id).exists():
        raise OperationTaken


def _lock_name(name: str) -> None:
    """Until this transaction ends nobody else gives a short this operation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name.rsplit("/", 1)[-1]]
        )
