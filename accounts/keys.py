"""API keys: made with a name and an end, shown once, used, and revoked.

Only the digest of a key is stored. An expired key opens nothing, and stays in the list until its
owner revokes it, so that whoever looks for the reason of a 401 finds it there.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac
from knox.crypto import hash_token

from accounts.models import ApiKey, User

MOST = 20
ENDS_SOON = timedelta(days=7)
NOTED_EVERY = timedelta(minutes=1)


class NoSuchKey(Exception):
    """There is no such key, it has expired, or its owner may not come in."""


class TooManyKeys(Exception):
    """A user has `MOST` keys already."""


class NameTaken(Exception):
    """A user has a key of this name already."""


class State(StrEnum):
    """What a key is good for."""

    WORKS = "works"
    ENDS_SOON = "ends_soon"
    EXPIRED = "expired"


@dataclass(frozen=True)
class KeyLine:
    """A key as its owner sees it. `starts`: its first characters. `expires`: None is never."""

    handle: str
    name: str
    starts: str
    created: datetime
    last_used: datetime | None
    expires: datetime | None
    state: State


def make(*, user: User, name: str, lifetime: timedelta | None) -> str:
    """Store a new key and return it; nobody can read it again. A lifetime of None never ends.

    Raises TooManyKeys and NameTaken.
    """
    with transaction.atomic():
        # Two requests at once must not pass the limit together.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        names = [key.name.casefold() for key in ApiKey.objects.filter(user=user)]
        if name.casefold() in names:
            raise NameTaken
        if len(names) >= MOST:
            raise TooManyKeys
        secret: str
        _, secret = ApiKey.objects.create(user=user, name=name, expiry=lifetime)
    return secret


def use(*, secret: str) -> ApiKey:
    """The working key of this secret, which is noted as used at most once a minute.

    The database's clock decides. Raises NoSuchKey.
    """
    key: ApiKey | None = (
        ApiKey.objects.filter(digest=hash_token(secret), user__is_active=True)
        .filter(Q(expiry__isnull=True) | Q(expiry__gt=Now()))
        .annotate(is_noted=Q(last_used__gt=Now() - NOTED_EVERY))
        .select_related("user")
        .first()
    )
    if key is None:
        raise NoSuchKey
    if not key.is_noted:
        stale = Q(last_used__isnull=True) | Q(last_used__lte=Now() - NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used=Now())
    return key


def lines(*, user: User, at: datetime) -> list[KeyLine]:
    """A user's keys, the newest first."""
    return [
        KeyLine(
            handle=handle_of(key),
            name=key.name,
            starts=key.token_key,
            created=key.created,
            last_used=key.last_used,
            expires=key.expiry,
            state=_state(key.expiry, at=at),
        )
        for key in ApiKey.objects.filter(user=user).order_by("-created")
    ]


def working(*, user: User, at: datetime) -> int:
    """How many keys of a user open something."""
    lasting = Q(expiry__isnull=True) | Q(expiry__gt=at)
    return int(ApiKey.objects.filter(lasting, user=user).count())


def handle_of(key: ApiKey) -> str:
    """A name for a key in addresses that says nothing about its digest."""
    mark = salted_hmac("accounts.admin.ApiKey", key.digest, algorithm="sha256").hexdigest()
    return f"{key.user_id}-{mark[:32]}"


def find(*, handle: str) -> ApiKey:
    """The key of a handle, whoever's it is. Raises NoSuchKey."""
    owner = handle.partition("-")[0]
    known = owner.isdecimal() and len(owner) < 18
    return _of(int(owner) if known else 0, handle)


def owned(*, user: User, handle: str) -> ApiKey:
    """The key of a handle, if it is the user's. Raises NoSuchKey."""
    return _of(user.pk, handle)


def curl(*, secret: str, url: str) -> str:
    """A command for a shell that orders a video with a key."""
    header = shlex.quote(f"Authorization: Bearer {secret}")
    return f"curl -H {header} \\\n     -F image=@photo.jpg {shlex.quote(url)}"


def _state(expiry: datetime | None, *, at: datetime) -> State:
    if expiry is None or expiry > at + ENDS_SOON:
        return State.WORKS
    return State.ENDS_SOON if expiry > at else State.EXPIRED


def _of(user_id: int, handle: str) -> ApiKey:
    key: ApiKey
    for key in ApiKey.objects.filter(user_id=user_id):
        if constant_time_compare(handle_of(key), handle):
            return key
    raise NoSuchKey
