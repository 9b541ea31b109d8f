"""The project's Celery app with short leases: `celery -A tests.journeys.hurried worker`.

So that a test need not wait for a minute and a half until the lease of a claim is over.
"""

from datetime import timedelta

from celery import signals

from shortsproject.celery import app

__all__ = ["app"]

LEASE, DEADLINE_SECONDS = timedelta(seconds=6), 5.0


@signals.worker_process_init.connect
def hurry(**kwargs: object) -> None:
    """Shorten the leases, once Django is set up."""
    from generation.pipeline import analyse, submit

    analyse.LEASE = submit.LEASE = LEASE
    analyse.DEADLINE_SECONDS = submit.DEADLINE_SECONDS = DEADLINE_SECONDS
