"""Tell a worker that a short may have something to do.

The bell carries no truth: what is to be done, and when, stands in the row. So a bell that is lost,
or rung twice, changes nothing. A broker that is away is no error here either: the beat rings again.

One message does carry something: an answer that was paid for, while the database is away.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 1
# Shorter than the time that states.leave_time gives such an answer.
LONGEST_WAIT_SECONDS = 30


@dataclass(frozen=True)
class Kept:
    """The answer to one attempt at one step of a short: cleaned text, no picture and no video.

    `tries`: how often it was handed to the broker.
    """

    short_id: UUID
    attempt: int
    step: str
    answer: dict[str, Any]
    tries: int = 0


def ring(*, short_id: UUID) -> None:
    """Ring once the running transaction has committed."""
    transaction.on_commit(lambda: ring_now(short_id=short_id))


def ring_now(*, short_id: UUID) -> None:
    """Ring at once. A broker that can't be reached is logged and otherwise ignored."""
    try:
        current_app.send_task("generation.advance", kwargs={"short_id": str(short_id)})
    except (KombuError, RedisError, OSError) as error:
        log.warning("the bell did not ring", job_id=str(short_id), error=type(error).__name__)


def keep(*, kept: Kept) -> None:
    """Let the broker keep an answer that the database could not take, and bring it back: in a
    second, and later each time."""
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(kept.tries, 10), LONGEST_WAIT_SECONDS)
    told = {**_said(kept), "tries": kept.tries + 1}
    try:
        current_app.send_task("generation.record_answer", kwargs=told, countdown=wait)
    except (KombuError, RedisError, OSError) as error:
        lose(kept=kept, error=error)
    else:
        log.warning("an answer waits for the database", job_id=str(kept.short_id), step=kept.step)


def lose(*, kept: Kept, error: Exception) -> None:
    """An answer can be kept no longer: all that is needed to settle its short by hand is in one
    line of the log."""
    log.error("an answer is lost, settle it by hand", error=type(error).__name__, **_said(kept))


def _said(kept: Kept) -> dict[str, Any]:
    return {
        "short_id": str(kept.short_id),
        "attempt": kept.attempt,
        "step": str(kept.step),
        "answer": kept.answer,
    }
