"""The second factor: a code of an app besides the password. Staff may be asked to have one."""

from contextlib import suppress

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts import letters, mails, visits
from accounts.models import User

log = structlog.get_logger(__name__)


def is_wanted(*, user: User) -> bool:
    """Whether the admin opens for this user with a second factor only."""
    return bool(settings.STAFF_SECOND_FACTOR and user.is_staff)


def is_set_up(*, user: User) -> bool:
    """Whether the user is asked for a code when logging in."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
    return bool(codes.exists())


def is_proved(request: HttpRequest, *, user: User) -> bool:
    """Whether a code, or a recovery code, was given in this session."""
    records = get_authentication_records(request, user)
    return any(record["method"] == "mfa" for record in records)


def remove(*, user: User, actor: User | None, reason: str) -> None:
    """Staff, or with no actor the operator, take away the app and codes of who has lost them.

    Whoever holds the lost device is logged out; the password alone opens the account again.
    """
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        visits.end_all(user=user)
    by = actor.pk if actor else None
    log.warning("a second factor was removed", user_id=user.pk, by=by, reason=reason)
    with suppress(OSError):
        letters.send(kind="second_factor_removed", shown={}, reader=mails.reader(user=user))
