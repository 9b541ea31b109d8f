"""Who may come in: whether sign-up is open, and whether somebody has confirmed an address."""

from datetime import datetime

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.db import DatabaseError, InterfaceError, transaction
from django.template.loader import render_to_string
from django.utils import translation

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


def _tell_staff(row: SignupSwitch) -> None:
    if not settings.STAFF_EMAILS:
        return
    with translation.override(settings.LANGUAGE_CODE):
        shown = {"row": row, "open": is_open()}
        subject = render_to_string("mails/staff_signup_subject.txt", shown)
        body = render_to_string("mails/staff_signup.txt", shown)
    mail.send_mail(" ".join(subject.split()), body, None, settings.STAFF_EMAILS)
