"""Celery tasks of metering: load by id, one call."""

from celery import shared_task
from django.utils import timezone

from metering import backlog


@shared_task(name="metering.charge_backlog")
def charge_backlog(**kwargs: object) -> None:
    """Charge whatever is due."""
    backlog.charge_due(at=timezone.now())
