"""The only writer of the ledger.

Units: tokens are integers, dollars are Decimal, times are aware datetimes given as `at`.

Verbs: **hold** sets tokens aside for all legs of a job, or refuses; **record_usage** stores what a
provider reported and makes the hold due; **charge** turns a due hold into one entry and gives the
rest back; **release** gives an open hold back whole; **park** keeps a hold but frees its place in
flight; **track_token_usage** charges what could not be held before. Staff's are **set_limit**,
**set_period**, **refund**, **grant**, **adjust**, **suspend**, **write_off** and **resolve**.

Invariant: per user and period, `used` is the sum of the entries and `held` the sum of the live
holds. `available = limit + granted − used − held` is what a new hold may take.

Each verb is one call of one database function (`migrations/000*.sql`), which locks
the user's TokenLedger row first: a statement can't be half done, and nobody decides on figures that
another transaction is about to change. Doing a verb twice with one key is doing it once, and gives
the first result; a key that stands for another act is a KeyConflict.

A hold is given as the value that a provider call takes, or as its row; `at` left out is now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError
from django.db.models import F
from psycopg.types.json import Jsonb

from accounts.models import User
from metering import calls, instants, periods, quotes, rates
from metering.models import Hold, LedgerEntry, TokenLedger
from metering.types import Charge, Held, LegRequest, OpenHold, PricedUsage, Quote, Usage

log = structlog.get_logger(__name__)


class MeteringUnavailable(Exception):
    """The ledger can't be asked, so nothing may start and nothing was taken."""

    code = "metering_unavailable"


class AccountSuspended(Exception):
    """Staff have suspended the account: no new holds."""

    code = "account_suspended"


class TokenLimitExceeded(Exception):
    """The job does not fit into what the user may still use. Carries the figures of that instant.

    All in tokens; `resets_at` is None for a lifetime limit, `at` is that instant.
    """

    code = "token_limit_exceeded"

    def __init__(self, *, estimated: int, row: dict[str, Any], at: datetime) -> None:
        self.at = at
        self.estimated_tokens = estimated
        self.limit_tokens: int = row["token_limit"]
        self.granted_tokens: int = row["granted"]
        self.held_tokens: int = row["held"]
        self.remaining_tokens: int = self.limit_tokens + self.granted_tokens - row["used"]
        self.resets_at = periods.resets_at(kind=row["period"], start=row["period_start"], at=at)
        super().__init__(f"{estimated} tokens do not fit into {self.remaining_tokens}.")


class TooManyInFlight(Exception):
    """As many jobs of the user are under way as may be. Carries both counts."""

    code = "too_many_in_flight"

    def __init__(self, *, row: dict[str, Any]) -> None:
        self.in_flight: int = row["in_flight"]
        self.max_in_flight: int = row["max_in_flight"]
        super().__init__(f"{self.in_flight} jobs are in flight.")


class NotReleasable(Exception):
    """The hold is due or closed: what was spent is charged, never given back by a release."""


class NotDue(Exception):
    """There is nothing to charge: the hold is open, released or written off."""


class Refused(Exception):
    """A staff act that can't be done.

    `outcome` says why: `no_reason`, `not_positive`, `zero`, `not_a_charge`, `too_much`,
    `below_zero`, or the state of the hold. `most_tokens` is how much could be.
    """

    def __init__(self, *, outcome: str, most_tokens: int | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.most_tokens = most_tokens


KeyConflict = calls.KeyConflict


def open_ledger(*, user: User, at: datetime) -> None:
    """Make the ledger of a new user, with the default limit, period and places in flight."""
    day = periods.local_day(at=at)
    period = TokenLedger.Period.MONTH
    TokenLedger.objects.create(
        user=user,
        token_limit=settings.DEFAULT_TOKEN_LIMIT,
        max_in_flight=settings.DEFAULT_MAX_IN_FLIGHT,
        period=period,
        period_start=periods.first_day(kind=period, day=day) or day,
    )


@instants.now_unless_given
def hold(*, user: User, job_id: UUID, quote: Quote, key: str, at: datetime) -> Held:
    """Set tokens aside for all legs of a job, or for none.

    Returns the holds, in the order of the quote's lines. With a key that was used for this job
    before: the first holds, at the price they were frozen with.

    Raises AccountSuspended, TokenLimitExceeded, TooManyInFlight (asked in this order; nothing is
    written), KeyConflict, and MeteringUnavailable if the database can't be asked.
    """
    legs = Jsonb([line.to_json() for line in quote.lines])
    try:
        row = calls.one(
            "metering_hold_v1(%s, %s, %s, %s, %s, %s)",
            (user.pk, job_id, key, legs, periods.local_day(at=at), at),
        )
    except IntegrityError:
        raise
    except (DatabaseError, InterfaceError) as error:
        log.error("a hold could not be made", job_id=str(job_id), error=str(error))
        raise MeteringUnavailable("The ledger can't be asked.") from error
    match row["outcome"]:
        case "suspended":
            raise AccountSuspended("The account is suspended.")
        case "over_limit":
            raise TokenLimitExceeded(estimated=quote.tokens, row=row, at=at)
        case "in_flight":
            raise TooManyInFlight(row=row)
        case "key_conflict":
            raise KeyConflict(key)
        case "repeated":
            first = Hold.objects.filter(pk__in=row["hold_ids"]).order_by("leg")
            return Held((hold.to_open_hold() for hold in first), _remaining(row))
    holds = (
        OpenHold(id=hold_id, user_id=user.pk, job_id=job_id, amount=line.tokens, line=line)
        for hold_id, line in zip(row["hold_ids"], quote.lines, strict=True)
    )
    return Held(holds, _remaining(row))


@instants.now_unless_given
def record_usage(
    *, hold: OpenHold | Hold, attempt: int, usage: Usage, at: datetime, billable: bool = True
) -> PricedUsage:
    """Store what the provider reported for one attempt, priced as frozen in the hold.

    The hold becomes due if it is open and the event billable; evidence that comes after the hold
    was closed is stored and charges nothing. Belongs into the transaction that moves the job.
    """
    frozen = hold.to_open_hold() if isinstance(hold, Hold) else hold
    priced = rates.price(line=frozen.line, usage=usage)
    event = calls.event(usage=usage, priced=priced, billable=billable)
    calls.one(
        "metering_record_usage_v1(%s, %s, jsonb_populate_record(NULL::metering_usageevent, %s),"
        " %s, %s)",
        (hold.id, attempt, event, periods.local_day(at=at), at),
    )
    return priced


@instants.now_unless_given
def charge(*, hold: OpenHold | Hold, at: datetime) -> Charge:
    """Charge a due hold from its billable event; what is left of the hold is given back.

    A hold that was charged before gives its first charge back, with `repeated` set. The full actual
    is charged, also above the hold. Raises NotDue.
    """
    row = calls.one("metering_charge_v1(%s, %s, %s)", (hold.id, periods.local_day(at=at), at))
    if row["outcome"] not in ("charged", "repeated"):
        raise NotDue(f"Hold {hold.id} is {row['outcome']}.")
    return _charge(row)


@instants.now_unless_given
def release(*, hold: OpenHold | Hold, reason: str, at: datetime) -> None:
    """Give an open hold back whole; twice is once. Raises NotReleasable if it is due or charged.

    The last statement of the transaction that moves the job.
    """
    row = calls.one(
        "metering_release_v1(%s, %s, %s, %s)",
        (hold.id, reason[:200], periods.local_day(at=at), at),
    )
    if row["outcome"] not in ("released", "repeated"):
        raise NotReleasable(f"Hold {hold.id} is {row['outcome']}.")


@instants.now_unless_given
def park(*, hold: OpenHold | Hold, at: datetime, parked: bool = True) -> None:
    """Keep the tokens of a live hold and free its place in flight; `parked=False` takes it back."""
    calls.one("metering_park_v1(%s, %s, %s)", (hold.id, parked, periods.local_day(at=at)))


@instants.now_unless_given
def track_token_usage(
    *, user: User, api_type: str, usage: Usage, key: str, at: datetime, model: str | None = None
) -> Charge:
    """Charge a spending that could not be held before: event and entry in one call.

    `model` may be left out where only one is priced for the API type. Raises rates.UnpricedModel,
    ValueError for a model that is not named or a length that is missing where time is billed, and
    KeyConflict for a key of another user, of another API type, or of another kind of entry.
    """
    model = model or rates.only_model(api_type=api_type, at=at)
    leg = LegRequest(
        api_type=api_type, model=model, seconds=usage.seconds, resolution=usage.resolution
    )
    (line,) = quotes.quote(legs=[leg], at=at).lines
    priced = rates.price(line=line, usage=usage)
    event = calls.event(usage=usage, priced=priced, billable=True)
    event.obj.update(api_type=api_type, model=model)
    row = calls.one(
        "metering_track_v1(%s, %s, jsonb_populate_record(NULL::metering_usageevent, %s), %s, %s)",
        (user.pk, key, event, periods.local_day(at=at), at),
    )
    calls.check_first(row, key=key, api_type=api_type)
    return _charge(row)


@instants.now_unless_given
def set_limit(  # noqa: PLR0913 - the design names each of them
    *,
    user: User,
    tokens: int | None,
    actor: User | None,
    reason: str,
    key: str,
    at: datetime,
    max_in_flight: int | None = None,
) -> int:
    """Set a user's tokens per period (None = unlimited), and jobs in flight (None = unchanged).

    Returns the id of the entry that records it. Raises KeyConflict for a key of another user or
    kind of entry.
    """
    call = "metering_set_limit_v1(%s, %s, %s, %s, %s, %s, %s, %s)"
    what = (user.pk, tokens, max_in_flight)
    return _staff(call, what, actor=actor, reason=reason, key=key, at=at)


@instants.now_unless_given
def refund(
    *, entry: LedgerEntry | Charge | int, tokens: int, actor: User | None, reason: str, key: str,
    at: datetime,
) -> int:  # fmt: skip
    """Give back part or all of a charge, to the period of that charge. Returns the entry's id.

    `entry` is the charge, or its id. Raises Refused if it is no charge, if less is left to refund,
    or if `used` would fall below 0.
    """
    charge_id = entry if isinstance(entry, int) else entry.id
    _check_given(tokens)
    call = "metering_refund_v1(%s, %s, %s, %s, %s, %s, %s)"
    return _staff(
        call, (charge_id, tokens), actor=actor, reason=reason, key=key, at=at,
        reverses=charge_id, tokens=-tokens,
    )  # fmt: skip


@instants.now_unless_given
def grant(
    *, user: User, tokens: int, actor: User | None, reason: str, key: str, at: datetime
) -> int:
    """Give a user extra tokens for the current period. Returns the entry's id."""
    _check_given(tokens)
    call = "metering_grant_v1(%s, %s, %s, %s, %s, %s, %s)"
    return _staff(
        call, (user.pk, tokens), actor=actor, reason=reason, key=key, at=at, limit_delta=tokens
    )


@instants.now_unless_given
def adjust(
    *, user: User, tokens: int, actor: User | None, reason: str, key: str, at: datetime
) -> int:
    """Correct what a user has used this period, up or down. Returns the entry's id.

    Raises Refused if `used` would fall below 0.
    """
    if tokens == 0:
        raise Refused(outcome="zero")
    call = "metering_adjust_v1(%s, %s, %s, %s, %s, %s, %s)"
    return _staff(
        call, (user.pk, tokens), actor=actor, reason=reason, key=key, at=at, tokens=tokens
    )


@instants.now_unless_given
def suspend(
    *, user: User, actor: User | None, reason: str, key: str, at: datetime, suspended: bool = True
) -> int:
    """Stop a user's new holds, or allow them again; nothing else. Returns the entry's id."""
    call = "metering_suspend_v1(%s, %s, %s, %s, %s, %s, %s)"
    return _staff(call, (user.pk, suspended), actor=actor, reason=reason, key=key, at=at)


@instants.now_unless_given
def write_off(
    *, hold: OpenHold | Hold, actor: User | None, reason: str, key: str, at: datetime
) -> int:
    """Close a due hold that can't be charged and give its tokens back. Returns the entry's id.

    Raises Refused if the hold is not due.
    """
    call = "metering_write_off_v1(%s, %s, %s, %s, %s, %s)"
    return _staff(call, (hold.id,), actor=actor, reason=reason, key=key, at=at, hold=hold.id)


@instants.now_unless_given
def resolve(
    *, hold: OpenHold | Hold, actor: User | None, reason: str, key: str, at: datetime
) -> int:
    """Keep what staff decided about a leg whose outcome nobody could learn. Returns the entry's id.

    Moves no tokens; what follows for the hold belongs into the same transaction. Raises KeyConflict
    for a key of another hold or kind of entry.
    """
    call = "metering_resolve_v1(%s, %s, %s, %s, %s, %s)"
    return _staff(call, (hold.id,), actor=actor, reason=reason, key=key, at=at)


@instants.now_unless_given
def set_period(
    *, user: User, period: str, actor: User | None, reason: str, key: str, at: datetime
) -> int:
    """Count a user's tokens by `month`, `week`, `day` or `lifetime`. Returns the entry's id.

    A shorter period starts at once with nothing used, a longer one at its next boundary.
    """
    call = "metering_set_period_v1(%s, %s, %s, %s, %s, %s, %s)"
    return _staff(call, (user.pk, period), actor=actor, reason=reason, key=key, at=at)


def set_notice_levels(*, user: User, levels: Sequence[int]) -> None:
    """At how many percent of the limit charges leave a notice. One column, no counter."""
    TokenLedger.objects.filter(user=user).update(notice_levels=list(levels))


def defer_charge(*, hold: OpenHold, error: str, charge_after: datetime) -> None:
    """Note that a charge failed, and when it may be tried again. Moves no tokens."""
    Hold.objects.filter(pk=hold.id, state=Hold.State.DUE).update(
        charge_attempts=F("charge_attempts") + 1,
        charge_error=error[:500],
        charge_after=charge_after,
    )


def _staff(
    call: str, what: tuple[Any, ...], *, actor: User | None, reason: str, key: str, at: datetime,
    **act: Any,
) -> int:  # fmt: skip
    """One staff verb: the id of its entry, whose columns say `act`. Raises KeyConflict, Refused."""
    if not reason.strip():
        raise Refused(outcome="no_reason")
    who = actor.pk if actor else None
    row = calls.one(call, (*what, who, reason[:500], key, periods.local_day(at=at), at))
    calls.check_first(row, key=key, **act)
    if row["outcome"] not in ("done", "set", "repeated"):
        raise Refused(outcome=row["outcome"], most_tokens=row.get("limit_tokens"))
    return int(row["entry_id"])


def _check_given(tokens: int) -> None:
    if tokens <= 0:
        raise Refused(outcome="not_positive")


def _charge(row: dict[str, Any]) -> Charge:
    return Charge(
        id=row["entry_id"],
        tokens=row["tokens"],
        usd=row["usd"],
        remaining_tokens=_remaining(row),
        repeated=row["outcome"] == "repeated",
    )


def _remaining(row: dict[str, Any]) -> int | None:
    if row["token_limit"] is None:
        return None
    return int(row["token_limit"] + row["granted"] - row["used"])
