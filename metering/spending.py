"""The operator's brakes: what all users together may cost in a day, and a pause by staff.

Looked at before the hold, so that nothing starts once the day's budget is spent or staff have
paused spending. What is held already is not touched by the day's limit; a pause by staff also keeps
waiting jobs from their next paid step. Renders that are under way go on in any case.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.conf import settings
from django.db.models import Q

from accounts.models import User
from metering import periods, queries, rates
from metering.models import SpendingBrake
from metering.types import Quote

log = structlog.get_logger(__name__)

DAILY_LIMIT, STAFF = SpendingBrake.Kind.DAILY_LIMIT, SpendingBrake.Kind.STAFF
ASK_AGAIN_AFTER = timedelta(minutes=5)
MICRODOLLAR = Decimal("0.000001")


class SpendingPaused(Exception):
    """The operator's brake is on: nothing was started, nothing was taken.

    `kind` says which one, `reason` why, in the reader's language, and `retry_at` when it is worth
    asking again.
    """

    code = "spending_paused"

    def __init__(self, *, brake: SpendingBrake, at: datetime) -> None:
        super().__init__(f"Spending is paused: {brake.reason}")
        self.kind = brake.kind
        self.reason = str(brake.why)
        self.retry_at = at + ASK_AGAIN_AFTER
        if self.kind == DAILY_LIMIT:
            self.retry_at = periods.starts_at(day=periods.local_day(at=at) + timedelta(days=1))
        self.retry_after_seconds = max((self.retry_at - at) // timedelta(seconds=1), 1)


class ReasonMissing(Exception):
    """Staff pause and resume with a reason only."""


def check(*, quote: Quote, at: datetime) -> None:
    """Let a job pass, or raise SpendingPaused.

    Where the job would exceed `DAILY_SPEND_LIMIT_USD`, the brake is put on for the rest of the day.
    """
    today = _brakes(at=at)
    _refuse(brakes=today, at=at)
    limit = _limit()
    if limit is None or _lifted(today):
        return
    spent = queries.spend_usd(at=at)
    if spent + quote.cost_usd > limit:
        brake = _trip(spent=spent, asked=quote.cost_usd, limit=limit, at=at)
        raise SpendingPaused(brake=brake, at=at)


def paused(*, at: datetime) -> SpendingPaused | None:
    """The refusal that every new job would get now; None while jobs are taken. One query."""
    try:
        _refuse(brakes=_brakes(at=at), at=at)
    except SpendingPaused as refusal:
        return refusal
    return None


def submits_paused() -> bool:
    """Whether staff have paused spending: waiting jobs may not take their next paid step."""
    return SpendingBrake.objects.filter(kind=STAFF, resumed_at__isnull=True).exists()


def pause(*, actor: User, reason: str, at: datetime) -> SpendingBrake:
    """Staff stop new spending until somebody resumes; twice is once. Raises ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    brake, made = SpendingBrake.objects.get_or_create(
        kind=STAFF,
        resumed_at=None,
        defaults={"reason": reason.strip()[:500], "actor": actor, "paused_at": at},
    )
    if made:
        log.error("spending paused by staff", actor=str(actor), reason=reason.strip())
    return brake


def resume(*, actor: User, reason: str, at: datetime) -> list[SpendingBrake]:
    """Take every brake off that is on, and return them. Raises ReasonMissing.

    The day's limit is then not looked at again before the next local day.
    """
    if not reason.strip():
        raise ReasonMissing
    resumed = [
        brake
        for brake in _brakes(at=at)
        if SpendingBrake.objects.filter(pk=brake.pk, resumed_at__isnull=True).update(
            resumed_at=at, resumed_by=actor, resume_reason=reason.strip()[:500]
        )
    ]
    if resumed:
        log.warning("spending resumed by staff", actor=str(actor), reason=reason.strip())
    return resumed


def _brakes(*, at: datetime) -> list[SpendingBrake]:
    """Staff's brake, and those of today's limit, resumed or not."""
    by_staff = Q(kind=STAFF, resumed_at__isnull=True)
    of_today = Q(kind=DAILY_LIMIT, day=periods.local_day(at=at))
    return list(SpendingBrake.objects.filter(by_staff | of_today).order_by("-kind", "id"))


def _refuse(*, brakes: list[SpendingBrake], at: datetime) -> None:
    """Raise SpendingPaused if one of these is on. A raised limit lets go of its brake by itself."""
    limit = _limit()
    for brake in brakes:
        holds = brake.kind == STAFF or (
            limit is not None
            and brake.limit_usd is not None
            and limit <= brake.limit_usd
            and not _lifted(brakes)
        )
        if holds:
            raise SpendingPaused(brake=brake, at=at)


def _lifted(brakes: list[SpendingBrake]) -> bool:
    """Whether staff have set the day's limit aside for today."""
    return any(brake.kind == DAILY_LIMIT and brake.resumed_at for brake in brakes)


def _limit() -> Decimal | None:
    limit: Decimal | None = settings.DAILY_SPEND_LIMIT_USD
    return None if limit is None else limit.quantize(MICRODOLLAR)


def _trip(*, spent: Decimal, asked: Decimal, limit: Decimal, at: datetime) -> SpendingBrake:
    """Put the day's brake on: the first who does so says it to the log."""
    figures = map(rates.usd_text, (spent, asked, limit))
    brake, made = SpendingBrake.objects.get_or_create(
        kind=DAILY_LIMIT,
        day=periods.local_day(at=at),
        limit_usd=limit,
        defaults={"reason": "spent {}, asked {}, limit {}".format(*figures), "paused_at": at},
    )
    if made:
        log.error(
            "daily spend limit reached, new jobs are refused",
            spent_usd=str(spent),
            asked_usd=str(asked),
            limit_usd=str(limit),
        )
    return brake
