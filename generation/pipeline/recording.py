"""Write down what a provider answered, even if the database is away for a while.

The answer is paid for, so it is tried again until the claim's lease ends; then the broker keeps it
(`late.py`). Each try is one transaction of its own: the result, its usage event and the new state
together or not at all. An answer that comes too late to move its short leaves what it has cost.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from generation import catalog, states
from generation.models import Short
from generation.pipeline import bell
from generation.providers import outcomes
from generation.providers.outcomes import (
    Accepted,
    Analysed,
    AnalysisBlocked,
    AnalysisOutcome,
    AnalysisUnusable,
    SubmitOutcome,
)
from metering import backlog, queries
from metering import ledger as metering_ledger
from metering.types import OpenHold, Usage

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


def answered(
    *,
    step: str,
    short: Short,
    hold: OpenHold,
    outcome: AnalysisOutcome | SubmitOutcome,
    write: Callable[[], None],
    now: Clock,
) -> bool:
    """Write down the answer to a call that costs money. True if it has moved the short.

    Nothing is raised for a database that is away: the broker keeps the answer of this `step` until
    it is back. What keeps it from being recorded for good is raised, once the log has the answer.
    """
    try:
        if durably(short=short, write=write, now=now):
            return True
        keep_evidence(short=short, hold=hold, outcome=outcome, at=now())
    except (OperationalError, InterfaceError):
        bell.keep(kept=_kept(step=step, short=short, outcome=outcome))
    except Exception as error:
        bell.lose(kept=_kept(step=step, short=short, outcome=outcome), error=error)
        raise
    return False


def _kept(*, step: str, short: Short, outcome: AnalysisOutcome | SubmitOutcome) -> bell.Kept:
    return bell.Kept(short.pk, short.attempt, step, outcomes.to_json(outcome))


def keep_evidence(
    *, short: Short, hold: OpenHold, outcome: AnalysisOutcome | SubmitOutcome, at: datetime
) -> None:
    """An answer has come too late to move its short: store what it has cost, charge nobody.

    A render that nobody waits for is told to staff by the log. Twice is once.
    """
    usage = _spent(short=short, outcome=outcome)
    if usage is not None:
        metering_ledger.record_usage(
            hold=hold, attempt=short.attempt, usage=usage, at=at, billable=False
        )


def _spent(*, short: Short, outcome: AnalysisOutcome | SubmitOutcome) -> Usage | None:
    match outcome:
        case Analysed(usage=usage) | AnalysisUnusable(usage=usage) | AnalysisBlocked(usage=usage):
            return usage
        case Accepted(operation_name=name) if not _is_known(short=short, operation_name=name):
            log.error("a render that nobody waits for", job_id=str(short.pk), operation=name)
            return rendered(short=short, operation_name=name)
    return None


def _is_known(*, short: Short, operation_name: str) -> bool:
    return Short.objects.filter(pk=short.pk, operation_name=operation_name).exists()


def rendered(*, short: Short, operation_name: str, reported: Usage = outcomes.UNREPORTED) -> Usage:
    """What a render of this short uses: the seconds that were ordered, which are charged, and
    whatever else was reported of it."""
    return replace(
        reported,
        seconds=short.seconds,
        resolution=short.resolution,
        provider_id=operation_name.rsplit("/", 1)[-1],
    )


def release_all(*, short: Short, reason: str, at: datetime) -> OpenHold | None:
    """Give back every hold of a short that is still open. The last thing in its transaction.

    An answer about the picture that arrived and could not be read is paid with the estimate,
    however its short ends: that hold becomes due instead, for this attempt, and is returned.
    """
    due = None
    for hold in queries.open_holds(job_id=short.pk):
        if short.unread_answers and hold.line.api_type == catalog.ANALYSIS_API_TYPE:
            metering_ledger.record_usage(hold=hold, attempt=short.attempt, usage=Usage(), at=at)
            due = hold
        else:
            metering_ledger.release(hold=hold, reason=reason, at=at)
    return due


def charge(*, hold: OpenHold, now: Clock) -> None:
    """Charge a hold that the record has just made due; a failure is left to the backlog."""
    backlog.charge_now(hold=hold, at=now())
