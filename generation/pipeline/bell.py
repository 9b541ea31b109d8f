"""Tell a worker that a short may have something to do.

The bell carries no truth: what is to be done, and when, stands in the row. So a bell that is lost,
or rung twice, changes nothing. A broker that is away is no error here either: the beat rings again.
"""

from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def ring(*, short_id: UUID) -> None:
    """Ring once the running transaction has committed."""
    transaction.on_commit(lambda: ring_now(short_id=short_id))


def ring_now(*, short_id: UUID) -> None:
    """Ring at once. A broker that can't be reached is logged and otherwise ignored."""
    try:
        current_app.send_task("generation.advance", kwargs={"short_id": str(short_id)})
    except (KombuError, RedisError, OSError) as error:
        log.warning("the bell did not ring", job_id=str(short_id), error=type(error).__name__)
