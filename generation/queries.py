"""Read shorts with what a page or an API answer says of them. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import User
from generation import endings
from generation.models import Short, State
from metering import receipts, spending
from metering.receipts import Receipt
from metering.types import Balance

USUAL_RENDER = timedelta(seconds=60)
BEFORE_PAID_STEPS = (State.QUEUED, State.ANALYZED)
PERCENT = {
    State.QUEUED: 0,
    State.ANALYZING: 5,
    State.ANALYZED: 20,
    State.SUBMITTING: 25,
    State.SUBMIT_UNKNOWN: 30,
    State.RENDERING: 30,
    State.RENDERED: 95,
    State.SUCCEEDED: 100,
    State.FILTERED: 100,
    State.FAILED: 100,
    State.LOST: 100,
    State.CANCELED: 100,
}


@dataclass(frozen=True)
class ShortView:
    """A short as its owner sees it."""

    short: Short
    receipt: Receipt
    percent: int
    balance: Balance | None = None
    paused: bool = False

    @property
    def error_code(self) -> str:
        """Why it ended unhappily; empty otherwise."""
        return self.short.end_code

    @property
    def waiting_code(self) -> str:
        """What it waits for, where a person should know; empty otherwise."""
        if self.short.state == State.SUBMIT_UNKNOWN:
            return "submit_unknown"
        if self.short.state == State.RENDERING and self.short.overdue_at:
            return "overdue"
        return "spending_paused" if self.paused else ""

    @property
    def error_message(self) -> str:
        """The sentence for `error_code`, in the active language."""
        return endings.message(self.error_code)

    @property
    def waiting_message(self) -> str:
        """The sentence for `waiting_code`, in the active language."""
        return endings.message(self.waiting_code)


def owned(*, user: User, short_id: UUID) -> Short:
    """A user's own short. Raises Short.DoesNotExist, also for somebody else's."""
    return Short.objects.get(pk=short_id, user=user, deleted_at__isnull=True)


def view(*, short: Short, at: datetime, balance: Balance | None = None) -> ShortView:
    """A short with its receipt and progress, in two queries, three while it waits; with its owner's
    balance if given."""
    return ShortView(
        short=short,
        receipt=receipts.receipt(job_id=short.pk),
        percent=percent(short=short, at=at),
        balance=balance,
        paused=short.state in BEFORE_PAID_STEPS and spending.submits_paused(),
    )


def newest(*, user: User, most: int) -> list[Short]:
    """A user's newest shorts."""
    return list(Short.objects.filter(user=user, deleted_at__isnull=True).order_by("-id")[:most])


def percent(*, short: Short, at: datetime) -> int:
    """How far along a short is; a render's part follows the time that one usually takes."""
    base = PERCENT[State(short.state)]
    if short.state != State.RENDERING or short.submitted_at is None:
        return base
    share = min((at - short.submitted_at) / USUAL_RENDER, 1.0)
    return base + int(share * (90 - base))
