"""Celery tasks of generation: load by id, one pipeline call."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from generation import audit, unsettled
from generation.pipeline import advance as pipeline_advance
from generation.pipeline import orphans, sweep
from metering import checkups


@shared_task(name="generation.advance")
def advance(*, short_id: str, **kwargs: object) -> None:
    """Do what is next for one short."""
    pipeline_advance.run(short_id=UUID(short_id), now=timezone.now)


@shared_task(name="generation.ring_due", expires=30)
def ring_due(**kwargs: object) -> None:
    """Ring for every short that is due."""
    sweep.ring_due(at=timezone.now())


@shared_task(name="generation.verify_ledger", time_limit=3600, acks_late=False)
def verify_ledger(**kwargs: object) -> None:
    """Prove the ledger and keep the result."""
    checkups.run(now=timezone.now, extra=audit.INVARIANTS)


@shared_task(name="generation.tell_staff", expires=60)
def tell_staff(**kwargs: object) -> None:
    """Tell staff of shorts that have come to need a person."""
    unsettled.tell(at=timezone.now())


@shared_task(name="generation.remove_orphans", time_limit=3600, acks_late=False)
def remove_orphans(**kwargs: object) -> None:
    """Remove files that no short refers to."""
    orphans.remove(at=timezone.now())
