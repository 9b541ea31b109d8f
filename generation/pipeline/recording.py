"""Write down what a provider answered, even if the database is away for a while.

The answer is paid for, so it is tried again until the claim's lease ends. Each try is one
transaction of its own: the result, its usage event and the new state together or not at all.
"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from generation import states
from generation.models import Short
from metering import backlog, queries
from metering import ledger as metering_ledger
from metering.types import OpenHold

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
PAUSE_SECONDS = 1.0


def durably(*, short: Short, write: Callable[[], None], now: Clock) -> bool:
    """Run `write` in a transaction of its own. False if the short has moved on meanwhile.

    Raises OperationalError or InterfaceError if the database stays away until the lease ends.
    """
    while True:
        try:
            with transaction.atomic(durable=True):
                write()
        except states.Superseded:
            log.warning("a late answer changes nothing", job_id=str(short.pk))
            return False
        except (OperationalError, InterfaceError):
            if short.lease_until is None or now() >= short.lease_until:
                raise
            connection.close()
            time.sleep(PAUSE_SECONDS)
        else:
            return True


def release_all(*, short: Short, reason: str, at: datetime) -> None:
    """Give back every hold of a short that is still open. The last thing in its transaction."""
    for hold in queries.open_holds(job_id=short.pk):
        metering_ledger.release(hold=hold, reason=reason, at=at)


def charge(*, hold: OpenHold, now: Clock) -> None:
    """Charge a hold that the record has just made due; a failure is left to the backlog."""
    backlog.charge_now(hold=hold, at=now())
