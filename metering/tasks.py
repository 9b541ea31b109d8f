"""Celery tasks of metering: load by id, one call."""

from celery import shared_task
from django.utils import timezone

from metering import backlog, notices


@shared_task(name="metering.charge_backlog")
def charge_backlog(**kwargs: object) -> None:
    """Charge whatever is due."""
    backlog.charge_due(at=timezone.now())


@shared_task(name="metering.send_notices", expires=15)
def send_notices(**kwargs: object) -> None:
    """Mail what users and staff have not been told yet."""
    notices.send_waiting(at=timezone.now())
