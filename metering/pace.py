"""At this pace: the day on which a user's tokens run out, from figures alone."""

from datetime import date, datetime, timedelta

from accounts.models import User
from metering import periods
from metering.types import Balance

SECOND = timedelta(seconds=1)
SHORTEST = timedelta(days=1)
LEAST_PERCENT = 5


def runs_out_on(
    *, used: int, limit: int, since: datetime, resets_at: datetime | None, at: datetime
) -> date | None:
    """The operator's local day on which `limit` is used up if use goes on as it did `since` then.

    None where nothing sensible can be said: less than a day or 5 % of the limit lies behind,
    nothing is left, or the tokens last until the reset.
    """
    behind = at - since
    if behind < SHORTEST or used <= 0 or used * 100 < LEAST_PERCENT * limit or used >= limit:
        return None
    ahead = (behind // SECOND) * (limit - used) // used
    end = at + ahead * SECOND
    return periods.local_day(at=end) if resets_at is None or end < resets_at else None


def of(*, balance: Balance, user: User, at: datetime) -> date | None:
    """The day for a user's figures of now. A period counts from the day the user joined on."""
    if balance.limit_tokens is None:
        return None
    return runs_out_on(
        used=balance.used_tokens,
        limit=balance.limit_tokens + balance.granted_tokens,
        since=max(balance.period_starts_at, user.date_joined),
        resets_at=balance.resets_at,
        at=at,
    )
