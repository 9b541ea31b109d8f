"""When a step that was surely not taken may be tried again, and when it is given up.

A wait that the provider named holds for every short of that model, through its ModelGate, and is
not counted as a try. A provider that can't be reached is tried with a growing back-off. Waits are
spread by a tenth, so that a thousand shorts which began together do not go on together.
"""

import zlib
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from generation import gates
from generation.models import Short
from generation.providers.outcomes import NotAccepted

log = structlog.get_logger(__name__)

MOST_TRIES = 6
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=2)
DEFAULT_WAIT = timedelta(seconds=20)
DAILY_WAIT = timedelta(hours=1)
SPREAD = 0.1


class GivenUp(Exception):
    """The provider could not be reached in any of the tries."""


def next_try(
    *, short: Short, route: str, model: str, outcome: NotAccepted, at: datetime
) -> tuple[datetime, int]:
    """When to try again, and how many tries count so far. Raises GivenUp."""
    if outcome.kind == "unreachable":
        if short.tries >= MOST_TRIES:
            raise GivenUp
        pause = min(FIRST_PAUSE * 2**short.tries, LONGEST_PAUSE)
        return at + about(pause=pause, short=short), short.tries
    wait = DEFAULT_WAIT
    if outcome.retry_after_seconds is not None:
        wait = timedelta(seconds=max(outcome.retry_after_seconds, 1.0))
    reason = ""
    if outcome.kind == "daily_limit":
        wait = max(wait, DAILY_WAIT)
        reason = f"daily limit: {outcome.detail}"
        log.error("the provider's daily limit is used up", model=model, detail=outcome.detail)
    gates.wait(route=route, model=model, until=at + wait, reason=reason)
    until = no_sooner(until=at + wait, at=at, short_id=short.pk, attempt=short.attempt)
    return until, max(short.tries - 1, 0)


def about(*, pause: timedelta, short: Short) -> timedelta:
    """A pause of our own, a tenth longer or shorter; the same for the same attempt of a short."""
    return pause * (1 + SPREAD * (2 * _share(short_id=short.pk, attempt=short.attempt) - 1))


def no_sooner(*, until: datetime, at: datetime, short_id: UUID, attempt: int = 0) -> datetime:
    """The end of a wait that the provider named, or up to a tenth of the wait later."""
    return until + (until - at) * SPREAD * _share(short_id=short_id, attempt=attempt)


def _share(*, short_id: UUID, attempt: int) -> float:
    """From 0 up to 1, spread evenly, and the same each time."""
    return zlib.crc32(f"{short_id}:{attempt}".encode()) / 2**32
