"""Celery tasks of generation: load by id, one pipeline call."""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from generation import audit, gates, unsettled
from generation.pipeline import advance as pipeline_advance
from generation.pipeline import bell, clock, late, leave, orphans, sweep
from metering import checkups


@shared_task(name="generation.advance")
def advance(*, short_id: str, **kwargs: object) -> None:
    """Do what is next for one short."""
    now = clock.of_database(host=timezone.now)
    pipeline_advance.run(short_id=UUID(short_id), now=now)


@shared_task(name="generation.record_answer")
def record_answer(
    *, short_id: str, attempt: int, step: str, answer: dict[str, Any], tries: int, **kwargs: object
) -> None:
    """Record an answer that came while the database was away: the one message with content."""
    kept = bell.Kept(UUID(short_id), attempt, step, answer, tries)
    late.run(kept=kept, now=timezone.now)


@shared_task(name="generation.ring_due", expires=30)
def ring_due(**kwargs: object) -> None:
    """Ring for every short that is due."""
    sweep.ring_due(at=clock.of_database(host=timezone.now)())


@shared_task(name="generation.verify_ledger", time_limit=3600, acks_late=False)
def verify_ledger(**kwargs: object) -> None:
    """Prove the ledger and keep the result."""
    checkups.run(now=timezone.now, extra=audit.INVARIANTS)


@shared_task(name="generation.tell_staff", expires=60)
def tell_staff(**kwargs: object) -> None:
    """Tell staff of shorts that have come to need a person, and of models that have closed."""
    unsettled.tell(at=timezone.now())
    gates.tell(at=timezone.now())


@shared_task(name="generation.go_on_leaving", time_limit=3600, acks_late=False)
def go_on_leaving(**kwargs: object) -> None:
    """Delete what a user who has left still has."""
    leave.go_on(at=timezone.now())


@shared_task(name="generation.remove_orphans", time_limit=3600, acks_late=False)
def remove_orphans(**kwargs: object) -> None:
    """Remove files that no short refers to."""
    orphans.remove(at=timezone.now())
