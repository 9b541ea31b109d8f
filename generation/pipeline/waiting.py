"""When a step that was surely not taken may be tried again, and when it is given up.

A wait that the provider named holds for every short of that model, through its ModelGate, and is
not counted as a try. A provider that can't be reached is tried with a growing back-off.
"""

from datetime import datetime, timedelta

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
        return at + pause, short.tries
    wait = DEFAULT_WAIT
    if outcome.retry_after_seconds is not None:
        wait = timedelta(seconds=max(outcome.retry_after_seconds, 1.0))
    if outcome.kind == "daily_limit":
        wait = max(wait, DAILY_WAIT)
        log.error("the provider's daily limit is used up", model=model, detail=outcome.detail)
    gates.wait(route=route, model=model, until=at + wait)
    return at + wait, max(short.tries - 1, 0)
