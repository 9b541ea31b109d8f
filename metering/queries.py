"""Read facts: balances, live holds, usage by day. Nothing is written and nothing is locked."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from metering import instants, periods
from metering.models import DailyUsage, Hold, LedgerEntry, TokenLedger
from metering.types import Balance, OpenHold, Refundable

LIVE = (Hold.State.OPEN, Hold.State.DUE)


class NoLedger(Exception):
    """The user has no token ledger, which only a damaged database can bring about."""


def ledgers() -> QuerySet[TokenLedger]:
    """All ledgers, each with its jobs `in_flight`, counted as the gate counts them."""
    in_flight = (
        Hold.objects.filter(user=OuterRef("user_id"), state__in=LIVE, parked=False)
        .values("user")
        .annotate(jobs=Count("job_id", distinct=True))
        .values("jobs")
    )
    return TokenLedger.objects.annotate(in_flight=Coalesce(Subquery(in_flight), 0))


@instants.now_unless_given
def balance(*, user: User, at: datetime) -> Balance:
    """One user's figures at an instant, in one query. Raises NoLedger."""
    row: Any = ledgers().filter(user=user).first()
    if row is None:
        raise NoLedger(f"User {user.pk} has no token ledger.")
    return balance_of(ledger=row, in_flight=row.in_flight, at=at)


def balance_of(*, ledger: TokenLedger, in_flight: int, at: datetime) -> Balance:
    """The figures of a ledger row at an instant: a new period starts with nothing used."""
    start = periods.current_start(kind=ledger.period, stored=ledger.period_start, at=at)
    same_period = start == ledger.period_start
    return Balance(
        limit_tokens=ledger.token_limit,
        granted_tokens=ledger.granted if same_period else 0,
        used_tokens=ledger.used if same_period else 0,
        held_tokens=ledger.held if same_period else 0,
        period_kind=ledger.period,
        period_start=start,
        period_starts_at=periods.starts_at(day=start),
        resets_at=periods.resets_at(kind=ledger.period, start=start, at=at),
        in_flight=in_flight,
        max_in_flight=ledger.max_in_flight,
        suspended=ledger.suspended,
    )


def open_hold(*, job_id: UUID, api_type: str) -> OpenHold | None:
    """The open hold of one leg of a job, or None if that leg may not spend."""
    hold = Hold.objects.filter(job_id=job_id, api_type=api_type, state=Hold.State.OPEN).first()
    return hold.to_open_hold() if hold else None


def latest_hold(*, job_id: UUID, api_type: str) -> OpenHold | None:
    """The newest hold of one leg of a job, open or closed."""
    hold = Hold.objects.filter(job_id=job_id, api_type=api_type).order_by("-id").first()
    return hold.to_open_hold() if hold else None


def open_holds(*, job_id: UUID) -> Sequence[OpenHold]:
    """All open holds of a job, in the order of its legs."""
    return [
        hold.to_open_hold()
        for hold in Hold.objects.filter(job_id=job_id, state=Hold.State.OPEN).order_by("leg")
    ]


def due_holds(*, at: datetime, most: int) -> Sequence[OpenHold]:
    """Holds that wait for their charge and may be tried at `at`, the oldest first."""
    due = Hold.objects.filter(Q(charge_after__isnull=True) | Q(charge_after__lte=at))
    return [
        hold.to_open_hold()
        for hold in due.filter(state=Hold.State.DUE).order_by("charge_after", "id")[:most]
    ]


def live_holds(*, user: User, most: int) -> Sequence[Hold]:
    """What is set aside for a user's jobs right now, the newest job first, leg by leg."""
    live = Hold.objects.filter(user=user, state__in=LIVE)
    return list(live.order_by("-created_at", "job_id", "leg")[:most])


def live_jobs(*, job_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these jobs still have a live hold."""
    return set(
        Hold.objects.filter(job_id__in=job_ids, state__in=LIVE).values_list("job_id", flat=True)
    )


def has_hold(*, states: Sequence[str], **which: Any) -> Exists:
    """For a filter on a table whose primary key is a job's id: it has such a hold."""
    return Exists(Hold.objects.filter(job_id=OuterRef("pk"), state__in=states, **which))


def held_tokens() -> Coalesce:
    """For a table whose primary key is a job's id: the tokens that the job still holds."""
    live = Hold.objects.filter(job_id=OuterRef("pk"), state__in=LIVE).values("job_id")
    return Coalesce(Subquery(live.annotate(sum=Sum("amount")).values("sum")), 0)


def has_entry(*, kind: str, **which: Any) -> Exists:
    """For a filter on a table whose primary key is a job's id: its ledger has such an entry."""
    return Exists(LedgerEntry.objects.filter(job_id=OuterRef("pk"), kind=kind, **which))


def entry(*, entry_id: int) -> LedgerEntry:
    """One line of a ledger, with its user."""
    return LedgerEntry.objects.select_related("user").get(pk=entry_id)


def charge_of(*, job_id: UUID, model: str) -> LedgerEntry | None:
    """The charge for a job's use of one model, with its user; None if there is none yet."""
    charges = LedgerEntry.objects.filter(job_id=job_id, model=model, kind=LedgerEntry.Kind.CHARGE)
    return charges.select_related("user").first()


def usage_by_day(*, user: User, since: date, until: date | None = None) -> Sequence[DailyUsage]:
    """The roll-up rows of a user from a local day on, up to another one, the oldest first."""
    rows = DailyUsage.objects.filter(user=user, day__gte=since)
    if until is not None:
        rows = rows.filter(day__lte=until)
    return list(rows.order_by("day", "api_type", "model"))


def spend_usd(*, at: datetime) -> Decimal:
    """What the provider bills for today's charges of all users, and would for all live holds."""
    charged = DailyUsage.objects.filter(day=periods.local_day(at=at)).aggregate(
        total=Sum("cost_usd")
    )["total"]
    expected = Hold.objects.filter(state__in=LIVE).aggregate(total=Sum("cost_usd"))["total"]
    return (charged or Decimal(0)) + (expected or Decimal(0))


def held_now() -> tuple[int, int, datetime | None]:
    """Of all users: the jobs that hold tokens, the tokens that they hold, and the oldest hold."""
    live = Hold.objects.filter(state__in=LIVE)
    found = live.aggregate(
        jobs=Count("job_id", distinct=True), tokens=Sum("amount"), oldest=Min("created_at")
    )
    return found["jobs"], found["tokens"] or 0, found["oldest"]


def live_by_age(*, bands: Mapping[str, Q]) -> Mapping[str, Mapping[str, Any]]:
    """Of the live holds of all users in each band: `jobs`, `tokens`, the `parked` ones among them,
    and the expected `cost_usd`. One query."""
    sums = {
        f"{name}_{what}": aggregate
        for name, band in bands.items()
        for what, aggregate in {
            "jobs": Count("job_id", distinct=True, filter=band),
            "tokens": Coalesce(Sum("amount", filter=band), 0),
            "parked": Coalesce(Sum("amount", filter=band & Q(parked=True)), 0),
            "cost_usd": Coalesce(Sum("cost_usd", filter=band), Decimal(0)),
        }.items()
    }
    found = Hold.objects.filter(state__in=LIVE).aggregate(**sums)
    figures = ("jobs", "tokens", "parked", "cost_usd")
    return {name: {what: found[f"{name}_{what}"] for what in figures} for name in bands}


def refundable(*, entry: LedgerEntry, at: datetime) -> Refundable:
    """How much of a charge may still be refunded; nothing of an entry that is no charge.

    Never more than was used in the charge's period.
    """
    now = balance(user=entry.user, at=at)
    refunded = LedgerEntry.objects.filter(reverses=entry).aggregate(sum=Sum("tokens"))["sum"] or 0
    is_charge = entry.kind == LedgerEntry.Kind.CHARGE
    left = entry.tokens + refunded if is_charge else 0
    closed = entry.period_start != now.period_start
    of_its_period = LedgerEntry.objects.filter(user=entry.user, period_start=entry.period_start)
    used = of_its_period.order_by("-seq").values_list("used_after", flat=True)[0]
    return Refundable(
        charged_tokens=entry.tokens if is_charge else 0,
        left_tokens=min(left, used),
        period_closed=closed,
    )


def entries(
    *, user: User, before_seq: int | None, most: int, period_start: date | None = None
) -> Sequence[LedgerEntry]:
    """A user's entries, of all periods or of one, the newest first, below a number; `most` of them.

    Numbers have no gap and are given under the ledger's lock, so that pages never skip or repeat.
    """
    rows = LedgerEntry.objects.filter(user=user).order_by("-seq")
    if period_start is not None:
        rows = rows.filter(period_start=period_start)
    if before_seq is not None:
        rows = rows.filter(seq__lt=before_seq)
    return list(rows[:most])


def periods_beside(*, user: User, period_start: date) -> tuple[date | None, date | None]:
    """The first days of the periods with entries before and after one. Two steps in an index."""
    starts = LedgerEntry.objects.filter(user=user).values_list("period_start", flat=True)
    before = starts.filter(period_start__lt=period_start).order_by("-period_start", "-seq").first()
    after = starts.filter(period_start__gt=period_start).order_by("period_start", "seq").first()
    return before, after


def entry_periods(*, user: User, at: datetime) -> Sequence[date]:
    """The first days of all periods in which a user has entries and of the current one, newest
    first."""
    known = LedgerEntry.objects.filter(user=user).values_list("period_start", flat=True).distinct()
    return sorted({*known, balance(user=user, at=at).period_start}, reverse=True)
