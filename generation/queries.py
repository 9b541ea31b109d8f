"""Read shorts with what a page or an API answer says of them. Nothing is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from accounts.models import User
from generation import catalog, endings, turns, unsettled
from generation.models import Short, State
from metering import periods, receipts, spending
from metering.receipts import Receipt
from metering.types import Balance

BEFORE_PAID_STEPS = (State.QUEUED, State.ANALYZED)
CHARGED = ("due", "captured")


@dataclass(frozen=True)
class ShortView:
    """A short as its owner sees it at an instant. `place`: where it stands before its model, while
    in line."""

    short: Short
    receipt: Receipt
    at: datetime
    balance: Balance | None = None
    paused: bool = False
    place: turns.Place | None = None

    @property
    def queue_position(self) -> int | None:
        """Its number in line, 1 = next; None while it is in none."""
        return self.place.number if self.place else None

    @property
    def error_code(self) -> str:
        """Why it ended unhappily; empty otherwise."""
        return self.short.end_code

    @property
    def waiting_code(self) -> str:
        """What it waits for, where a person should know; empty otherwise."""
        if self.short.state == State.SUBMIT_UNKNOWN:
            return "submit_unknown"
        if unsettled.is_over(self.short):
            return "render_unsettled"
        if self.short.state == State.RENDERING and self.short.overdue_at:
            return "overdue"
        if self.short.state == State.ANALYZING and self.short.cancel_requested_at:
            return "cancel_requested"
        return "spending_paused" if self.paused else ""

    @property
    def error_message(self) -> str:
        """The sentence for `error_code`, in the active language."""
        if self.error_code == "filtered" and self._video_is_charged:
            return str(endings.FILTERED_AND_BILLED)
        return endings.message(self.error_code)

    @property
    def waiting_message(self) -> str:
        """The sentence for `waiting_code`, in the active language."""
        return endings.message(self.waiting_code)

    @property
    def _video_is_charged(self) -> bool:
        videos = (leg for leg in self.receipt.legs if leg.api_type != catalog.ANALYSIS_API_TYPE)
        return any(leg.state in CHARGED for leg in videos)


def owned(*, user: User, short_id: UUID, deleted_too: bool = False) -> Short:
    """A user's own short. Raises Short.DoesNotExist, also for somebody else's."""
    shorts = Short.objects.filter(user=user)
    if not deleted_too:
        shorts = shorts.filter(deleted_at__isnull=True)
    return shorts.get(pk=short_id)


def view(*, short: Short, at: datetime, balance: Balance | None = None) -> ShortView:
    """A short with its receipt, in two queries, three while it waits, four in line;
    with its owner's balance if given."""
    return replace(views(shorts=[short], at=at)[0], balance=balance)


def views(*, shorts: Sequence[Short], at: datetime) -> list[ShortView]:
    """Shorts with their receipts, in as many queries as one takes."""
    first = [short.analysis_of_id for short in shorts if short.analysis_of_id]
    found = receipts.receipts_of(job_ids=[*(short.pk for short in shorts), *first])
    waiting = {short.pk for short in shorts if short.state in BEFORE_PAID_STEPS}
    paused = bool(waiting) and spending.submits_paused()
    places = turns.places(shorts=shorts, at=at)
    return [
        ShortView(
            short=short,
            receipt=_receipt(short=short, found=found),
            at=at,
            paused=paused and short.pk in waiting,
            place=places.get(short.pk),
        )
        for short in shorts
    ]


def _receipt(*, short: Short, found: Mapping[UUID, Receipt]) -> Receipt:
    """A short's receipt, with the analysis that it took over, which costs nothing again."""
    own = found[short.pk]
    if short.analysis_of_id is None:
        return own
    taken_over = tuple(
        receipts.reused(leg)
        for leg in found[short.analysis_of_id].legs
        if leg.api_type == catalog.ANALYSIS_API_TYPE
    )
    return Receipt(legs=(*taken_over, *own.legs))


def newest(*, user: User, most: int) -> list[Short]:
    """A user's newest shorts."""
    return list(Short.objects.filter(user=user, deleted_at__isnull=True).order_by("-id")[:most])


@dataclass(frozen=True)
class Wanted:
    """Which shorts to list. No state means every state; both days count, and are local days of
    `zone`, the operator's unless given."""

    states: Collection[str] = ()
    first_day: date | None = None
    last_day: date | None = None
    zone: tzinfo | None = None


def listed(
    *,
    user: User,
    wanted: Wanted,
    most: int,
    before: UUID | None = None,
    after: UUID | None = None,
) -> list[Short]:
    """A user's shorts, the newest first: the `most` nearest below the id `before`, or above the id
    `after`, or the newest of all.

    Ids are ordered by time, so that shorts which arrive meanwhile neither shift nor repeat a row.
    """
    rows = Short.objects.filter(user=user, deleted_at__isnull=True)
    if wanted.states:
        rows = rows.filter(state__in=wanted.states)
    if wanted.first_day is not None:
        rows = rows.filter(created_at__gte=_starts_at(day=wanted.first_day, zone=wanted.zone))
    if wanted.last_day is not None:
        following = wanted.last_day + timedelta(days=1)
        rows = rows.filter(created_at__lt=_starts_at(day=following, zone=wanted.zone))
    if after is not None:
        return list(rows.filter(id__gt=after).order_by("id")[:most])[::-1]
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:most])


def among(*, user: User, ids: Collection[UUID]) -> list[Short]:
    """Those of these shorts that are a user's own and not deleted, the newest first."""
    rows = Short.objects.filter(user=user, deleted_at__isnull=True, pk__in=ids)
    return list(rows.order_by("-id"))


def _starts_at(*, day: date, zone: tzinfo | None) -> datetime:
    return datetime.combine(day, time.min, zone) if zone else periods.starts_at(day=day)
