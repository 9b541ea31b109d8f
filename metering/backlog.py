"""Make up the charges that could not be made at once.

A due hold waits for its charge and can't be given back. Each is tried on its own, with a back-off,
so one bad hold never keeps the others from being charged. The backlog is normally empty.
"""

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min

from metering import ledger, log_lines, queries
from metering.models import Hold
from metering.types import OpenHold

log = structlog.get_logger(__name__)

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
BATCH = 200


def charge_now(*, hold: OpenHold, at: datetime) -> bool:
    """Charge a hold that has just become due, and log it. False if it must wait for the backlog.

    Never raises for a charge that fails: metering does not stop what has already begun.
    """
    try:
        charge = ledger.charge(hold=hold, at=at)
    except ledger.NotDue:
        return True
    except Exception as error:
        _defer(hold=hold, error=error, at=at)
        return False
    if not charge.repeated:
        log.info(
            log_lines.usage(
                api_type=hold.line.api_type,
                tokens=charge.tokens,
                remaining=charge.remaining_tokens,
            ),
            job_id=str(hold.job_id),
            user_id=hold.user_id,
            entry_id=charge.id,
        )
    return True


def charge_due(*, at: datetime) -> int:
    """Try every charge that is waiting and whose time has come. Returns how many were made."""
    return sum(charge_now(hold=hold, at=at) for hold in queries.due_holds(at=at, most=BATCH))


def size() -> int:
    """How many holds wait for their charge."""
    return Hold.objects.filter(state=Hold.State.DUE).count()


def waiting() -> tuple[int, datetime | None]:
    """How many holds wait for their charge, and since when the oldest of them was held."""
    due = Hold.objects.filter(state=Hold.State.DUE)
    found = due.aggregate(number=Count("pk"), oldest=Min("created_at"))
    return found["number"], found["oldest"]


def _defer(*, hold: OpenHold, error: Exception, at: datetime) -> None:
    log.error(
        "a charge failed and will be made up",
        job_id=str(hold.job_id),
        hold_id=hold.id,
        error=f"{type(error).__name__}: {error}",
    )
    tries = Hold.objects.filter(pk=hold.id).values_list("charge_attempts", flat=True)
    try:
        wait = min(FIRST_WAIT * 2 ** min(tries.get(), 20), LONGEST_WAIT)
        ledger.defer_charge(hold=hold, error=str(error), charge_after=at + wait)
    except (DatabaseError, InterfaceError):
        log.error("the database is away, the charge stays due", hold_id=hold.id)
