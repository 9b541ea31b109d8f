"""The project's Celery app with short leases: `celery -A tests.journeys.hurried worker`.

So that a test need not wait for a minute and a half until the lease of a claim is over.
"""

from datetime import timedelta

from celery import signals

from shortsproject.celery import app

__all__ = ["app"]

LEASE = timedelta(seconds=4)


@signals.worker_process_init.connect
def hurry(**kwargs: object) -> None:
    """Shorten the leases, once Django is set up."""
    from generation.pipeline import analyse, submit

    analyse.LEASE = submit.LEASE = LEASE
