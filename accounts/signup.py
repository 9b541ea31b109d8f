"""Who may come in: whether sign-up is open, and whether somebody has confirmed an address."""

from datetime import datetime

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from accounts import mails
from accounts.models import SignupSwitch, User

log = structlog.get_logger(__name__)


class ReasonMissing(Exception):
    """Staff switch with a reason only."""


def is_open() -> bool:
    """Whether strangers may make an account: as staff switched it last, else as the setting says.

    Also without a database, because pages that say that it is away ask this too.
    """
    try:
        switched = SignupSwitch.objects.order_by("-id").values_list("is_open", flat=True).first()
    except (DatabaseError, InterfaceError):
        switched = None
    return bool(settings.SIGNUP_OPEN if switched is None else switched)


def switch(*, to: bool | None, actor: User, reason: str, at: datetime) -> SignupSwitch:
    """Staff open or close the sign-up; None leaves it to the setting. Raises ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    row = SignupSwitch.objects.create(
        is_open=to, actor=actor, reason=reason.strip()[:500], switched_at=at
    )
    log.error("sign-up switched by staff", open=is_open(), actor=str(actor), reason=row.reason)
    transaction.on_commit(lambda: _tell_staff(row), robust=True)
    return row


def has_confirmed(*, user: User) -> bool:
    """Whether the user has confirmed the address they log in with."""
    own = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    return bool(own.exists())


def is_taken(*, email: str, by_other_than: User) -> bool:
    """Whether somebody else logs in with this address."""
    others = User.objects.filter(email__iexact=email).exclude(pk=by_other_than.pk)
    return bool(others.exists())


def _tell_staff(row: SignupSwitch) -> None:
    if settings.STAFF_EMAILS:
        mails.to_staff(template="staff_signup", shown={"row": row, "open": is_open()})
