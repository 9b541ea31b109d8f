"""What the ledger can't know of itself: that every short's end and its holds agree.

One function per invariant, each one query; `manage.py verify_ledger` reads them in one snapshot
with those of `metering/audit.py`.
"""

from collections.abc import Iterator

from django.db.models import OuterRef, QuerySet

from generation.models import FINAL, Short, State
from metering import queries
from metering.audit import Finding

# A video exists, or existed: it was made due in the transaction that recorded it.
WITH_VIDEO = (State.RENDERED, State.SUCCEEDED, State.LOST)
PAID = ("due", "captured", "written_off")


def ended_shorts_hold_nothing(user_id: int | None = None) -> Iterator[Finding]:
    """A short in a final state has no open hold. A due one only waits for its charge."""
    ended = _shorts(user_id).filter(queries.has_hold(states=["open"]), state__in=FINAL)
    yield from _findings(ended, invariant="open hold", detail="has ended and still holds tokens")


def rendered_shorts_are_paid_for(user_id: int | None = None) -> Iterator[Finding]:
    """A short with a video has a video leg that is charged or due, or that staff wrote off."""
    paid = queries.has_hold(states=PAID, model=OuterRef("model"))
    unpaid = _shorts(user_id).filter(~paid, state__in=WITH_VIDEO)
    yield from _findings(unpaid, invariant="free video", detail="has a video that nobody pays for")


INVARIANTS = (ended_shorts_hold_nothing, rendered_shorts_are_paid_for)


def _shorts(user_id: int | None) -> QuerySet[Short]:
    return Short.objects.all() if user_id is None else Short.objects.filter(user_id=user_id)


def _findings(shorts: QuerySet[Short], *, invariant: str, detail: str) -> Iterator[Finding]:
    for short in shorts.only("user_id", "state").iterator():
        yield Finding(
            invariant=invariant,
            user_id=short.user_id,
            detail=f"short {short.pk} ({short.state}) {detail}",
        )
