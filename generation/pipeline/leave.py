"""A user leaves: no new holds, nobody comes in, and every short of theirs is deleted.

Invariant: the account is shut, in one transaction, before its shorts are looked for, so that none
can be begun behind the search. What is with the video model runs on to its charge and keeps no
file. The ledger's rows stay. Doing it again finishes what was broken off, and so does beat, every
hour.
"""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import structlog
from django.db import transaction

from accounts import closing
from accounts.models import User
from generation.models import Short
from generation.pipeline import remove
from metering import staff

log = structlog.get_logger(__name__)


def run(*, user: User, actor: User, reason: str, at: datetime) -> None:
    """Close a user's account. `actor`: the user, or who of the staff does it.

    Raises staff.ReasonMissing.
    """
    with transaction.atomic(durable=True):
        once = uuid5(NAMESPACE_URL, f"leave:{user.pk}")
        staff.suspend(user=user, actor=actor, reason=reason, at=at, key=once)
        closing.close(user=user)
    _delete_all(user=user, at=at)
    log.info("an account was closed", user_id=user.pk, by=actor.pk)


def go_on(*, at: datetime) -> int:
    """Finish what was broken off after an account was shut. Returns for how many accounts."""
    kept = Short.objects.filter(deleted_at__isnull=True).values("user_id")
    broken_off = closing.closed().filter(pk__in=kept)
    for user in broken_off:
        _delete_all(user=user, at=at)
        log.warning("the closing of an account was finished", user_id=user.pk)
    return len(broken_off)


def _delete_all(*, user: User, at: datetime) -> None:
    kept = Short.objects.filter(user=user, deleted_at__isnull=True).order_by("pk")
    for short_id in kept.values_list("pk", flat=True):
        remove.run(short_id=short_id, at=at)
