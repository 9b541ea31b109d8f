"""Shorts that can't go on by themselves: which they are, since when, and that staff hear of them.

Nothing here decides; `pipeline/resolve.py` does, for a person. A short comes here by what is known
of it, and leaves by a decision or by evidence, never by its age alone.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    Min,
    OuterRef,
    Q,
    QuerySet,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from generation.models import PERHAPS_UNSETTLED, Short, State
from metering import notices, queries

UNFETCHED_AFTER = timedelta(hours=1)
BATCH = 500
# How the queue is asked for in the address of the list of shorts.
PARAMETER, ANY = "needs", "any"


class Kind(TextChoices):
    """Why a short needs a person."""

    UNKNOWN = "unknown", _("submit without a clear answer")
    OVERDUE = "overdue", _("render past the life of its result")
    UNFETCHED = "unfetched", _("video that can't be fetched")
    LOST = "lost", _("lost video without a refund")


def is_unknown(short: Short) -> bool:
    """Whether nobody knows if the provider took the job."""
    return short.state == State.SUBMIT_UNKNOWN


def is_over(short: Short) -> bool:
    """Whether a render is asked about no more, because its result would be gone by now."""
    return short.state == State.RENDERING and short.next_attempt_at is None


def with_kind(shorts: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Only shorts that need a person, each with its `kind`, the time `since` then, and what it
    still holds in `held_tokens`."""
    kinds = [When(condition, then=Value(kind.value)) for kind, condition in _conditions(at).items()]
    found: QuerySet[Any] = (
        shorts.filter(state__in=PERHAPS_UNSETTLED)
        .annotate(
            kind=Case(*kinds, output_field=CharField()),
            since=Coalesce("finished_at", "rendered_at", "submitted_at", "created_at"),
            held_tokens=queries.held_tokens(),
        )
        .filter(kind__isnull=False)
    )
    return found


def waiting(*, at: datetime) -> dict[Kind, tuple[int, datetime]]:
    """How many shorts of each kind need a person, and since when the first of them; normally none.
    One query."""
    rows = with_kind(Short.objects.all(), at=at).order_by().values_list("kind")
    grouped = rows.annotate(number=Count("pk"), oldest=Min("since"))
    found = {kind: (number, oldest) for kind, number, oldest in grouped}
    return {kind: found[kind.value] for kind in Kind if kind.value in found}


def counts(*, at: datetime) -> dict[Kind, int]:
    """How many shorts of each kind need a person, in one query; normally 0."""
    found = waiting(at=at)
    return {kind: found[kind][0] if kind in found else 0 for kind in Kind}


def total(*, at: datetime) -> int:
    """How many shorts need a person."""
    return sum(counts(at=at).values())


def queue(kind: Kind | None = None) -> str:
    """The address of the list of them, all or of one kind, without the host."""
    which = ANY if kind is None else kind.value
    return f"{reverse('admin:generation_short_changelist')}?{PARAMETER}={which}"


def tell(*, at: datetime) -> int:
    """Tell staff, once, of shorts that have come to need a person. Returns how many were new."""
    new = with_kind(Short.objects.all(), at=at).exclude(notices.staff_told()).order_by("pk")
    jobs = {pk: Kind(kind) for pk, kind in new.values_list("pk", "kind")[:BATCH]}
    return notices.tell_staff(jobs=jobs, page=queue(), at=at)


def _conditions(at: datetime) -> dict[Kind, Q]:
    charged = Q(queries.has_entry(kind="charge", model=OuterRef("model")))
    refunded = Q(queries.has_entry(kind="refund", model=OuterRef("model")))
    return {
        Kind.UNKNOWN: Q(state=State.SUBMIT_UNKNOWN),
        Kind.OVERDUE: Q(state=State.RENDERING, next_attempt_at__isnull=True),
        Kind.UNFETCHED: Q(state=State.RENDERED, rendered_at__lte=at - UNFETCHED_AFTER),
        Kind.LOST: Q(state=State.LOST) & charged & ~refunded,
    }
