"""Where a user is logged in, and an end to it.

django-allauth notes each log-in with address and browser; what has ended since is forgotten here.
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from accounts import devices
from accounts.models import User


@dataclass(frozen=True)
class Visit:
    """One browser that is logged in. `since`: when it logged in."""

    id: int
    browser: str
    address: str
    since: datetime
    is_here: bool


def of(*, user: User, here: str | None, at: datetime) -> list[Visit]:
    """Where the user is logged in: this browser first, then the newest.

    `here`: the session key of this browser. Few queries, however many there are.
    """
    noted = list(UserSession.objects.filter(user=user).order_by("-created_at"))
    alive = _alive(user=user, keys=[row.session_key for row in noted], at=at)
    ended = [row.pk for row in noted if row.session_key not in alive]
    if ended:
        UserSession.objects.filter(pk__in=ended).delete()
    visits = [
        Visit(
            id=row.pk,
            browser=devices.named(row.user_agent),
            address=row.ip,
            since=row.created_at,
            is_here=row.session_key == here,
        )
        for row in noted
        if row.session_key in alive
    ]
    return sorted(visits, key=lambda visit: not visit.is_here)


def end(*, user: User, here: str | None, visit_id: int | None) -> None:
    """Log one other browser of the user out, or all others; never this one.

    One that is no longer there is no error.
    """
    others = UserSession.objects.filter(user=user).exclude(session_key=here)
    _end(others if visit_id is None else others.filter(pk=visit_id))


def end_all(*, user: User) -> None:
    """Log the user out everywhere, and forget where it was."""
    _end(UserSession.objects.filter(user=user))


@transaction.atomic
def _end(noted: QuerySet[UserSession]) -> None:
    keys = list(noted.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()


def _alive(*, user: User, keys: list[str], at: datetime) -> set[str]:
    """The sessions that still open something: a new password ends the older ones."""
    stored = Session.objects.filter(session_key__in=keys, expire_date__gt=at)
    good = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    return {row.session_key for row in stored if row.get_decoded().get(HASH_SESSION_KEY) in good}
