"""An answer that came while the database was away, brought back by the broker.

Owns: no state of its own; it makes the moves of the step that the answer belongs to.
Invariant: the provider is asked nothing. The answer is recorded, and charged, as if it had come
now, on condition that its attempt is still the newest; else only what it has cost is stored.
"""

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError, transaction

from generation import catalog, states
from generation.models import Short, State
from generation.pipeline import analyse, bell, recording, remove, submit
from generation.providers import outcomes
from metering import queries
from metering.types import OpenHold

log = structlog.get_logger(__name__)

RECORD: dict[str, Callable[..., None]] = {
    State.ANALYZING: analyse.record,
    State.SUBMITTING: submit.record,
}


def run(*, kept: bell.Kept, now: recording.Clock) -> None:
    """Record a kept answer, or let the broker keep it on while the database is away.

    What keeps it from being recorded for good is raised, once the log has the answer.
    """
    try:
        hold = _record(kept=kept, now=now)
    except (OperationalError, InterfaceError):
        bell.keep(kept=kept)
    except Exception as error:
        bell.lose(kept=kept, error=error)
        raise
    else:
        recording.charge(hold=hold, now=now)
        bell.ring_now(short_id=kept.short_id)


def _record(*, kept: bell.Kept, now: recording.Clock) -> OpenHold:
    short = Short.objects.get(pk=kept.short_id)
    short.attempt = kept.attempt
    hold = _hold(short=short, step=kept.step)
    outcome = outcomes.from_json(kept.answer)
    try:
        with transaction.atomic(durable=True):
            RECORD[kept.step](short=short, hold=hold, outcome=outcome, at=now())
            remove.carry_out(short=short, at=now())
    except states.Superseded:
        log.warning("a late answer changes nothing", job_id=str(short.pk), answer=kept.answer)
        recording.keep_evidence(short=short, hold=hold, outcome=outcome, at=now())
    return hold


def _hold(*, short: Short, step: str) -> OpenHold:
    is_analysis = step == State.ANALYZING
    api_type = catalog.ANALYSIS_API_TYPE if is_analysis else catalog.api_type_of(short.model)
    hold = queries.latest_hold(job_id=short.pk, api_type=api_type)
    if hold is None:
        raise LookupError(f"{short.pk} has no hold for {step}.")
    return hold
