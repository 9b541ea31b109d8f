"""Mails about an account: links that were asked for, and changes, in case it was somebody else.

django-allauth decides when a mail is sent and names its kind; the words and the layout are ours. A
mail about a change says where it came from and what to do about it, and opens nothing by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import devices, mails

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    """What one kind of mail says. `link`: under which name its address comes along."""

    title: Any
    said: tuple[Any, ...]
    button: Any = ""
    link: str = ""


SOMEBODY_ELSE = _(
    "If it was not you, somebody else has come into your account: choose a new password at once,"
    " and look through your log-ins and API keys."
)
NEW_PASSWORD: dict[str, Any] = {"button": _("Choose a new password"), "link": "reset"}
# Without the address, or beside somebody else's second factor, a new password opens nothing.
ASK_STAFF = _(
    "If it was not you, somebody else has come into your account: contact our staff at once."
)

CONFIRM = Letter(
    _("Please confirm your e-mail address"),
    (
        _("Somebody, probably you, has given this address for an account at Shorts."),
        _("If it was not you, do nothing: without the link the address is not confirmed."),
    ),
    button=_("Confirm the address"),
    link="activate_url",
)
PASSWORD_CHANGED = Letter(
    _("Your password was changed"),
    (_("All other browsers are logged out. API keys go on working."), SOMEBODY_ELSE),
    **NEW_PASSWORD,
)
LETTERS = {
    "account/email/email_confirmation": CONFIRM,
    "account/email/email_confirmation_signup": CONFIRM,
    "account/email/password_reset_key": Letter(
        _("Choose a new password"),
        (
            _("Somebody, probably you, has asked for a new password. The link works once."),
            _("If it was not you, do nothing: your password stays as it is."),
        ),
        button=_("Choose a new password"),
        link="password_reset_url",
    ),
    "account/email/unknown_account": Letter(
        _("There is no account with this address"),
        (
            _("Somebody, probably you, has asked for a new password, but no account has this"
              " address. Perhaps you signed up with another one."),
            _("If it was not you, do nothing."),
        ),
    ),
    "account/email/password_changed": PASSWORD_CHANGED,
    "account/email/password_reset": PASSWORD_CHANGED,
    "account/email/password_set": Letter(
        _("A password was chosen for your account"),
        (_("The account opens with it from now on."), SOMEBODY_ELSE),
        **NEW_PASSWORD,
    ),
    "account/email/email_changed": Letter(
        _("Your e-mail address was changed"),
        (
            _("You log in with %(to_email)s from now on, and our mails go there. This address"
              " no longer belongs to the account."),
            ASK_STAFF,
        ),
    ),
    "account/email/email_deleted": Letter(
        _("Your e-mail address stays as it was"),
        (_("%(deleted_email)s was to be your new address, and no longer is."), SOMEBODY_ELSE),
        **NEW_PASSWORD,
    ),
    "mfa/email/totp_activated": Letter(
        _("The second factor is on"),
        (
            _("When you log in, a code of your app is asked for besides the password."),
            ASK_STAFF,
        ),
    ),
    "mfa/email/totp_deactivated": Letter(
        _("The second factor is off"),
        (
            _("The password alone opens the account now. The recovery codes are gone, too."),
            SOMEBODY_ELSE,
        ),
        **NEW_PASSWORD,
    ),
    "mfa/email/recovery_codes_generated": Letter(
        _("New recovery codes were made"),
        (_("The old ones no longer work."), SOMEBODY_ELSE),
        **NEW_PASSWORD,
    ),
    "email_changed_by_staff": Letter(
        _("Your e-mail address was changed"),
        (
            _("Our staff have changed it: you log in with %(to_email)s from now on, and our mails"
              " go there. This address no longer belongs to the account."),
            _("If you have not asked for it, contact our staff at once."),
        ),
    ),
    "password_changed_by_staff": Letter(
        _("Your password was changed"),
        (
            _("Our staff have changed it, and all browsers are logged out. API keys go on"
              " working."),
            _("If you have not asked for it, contact our staff at once."),
        ),
        **NEW_PASSWORD,
    ),
    "second_factor_removed": Letter(
        _("The second factor is off"),
        (
            _("Our staff have removed it, as was asked for, and have logged you out everywhere. The"
              " password alone opens the account now."),
            ASK_STAFF,
        ),
    ),
}  # fmt: skip
# Of these the mail is all that was asked for.
NOTHING_WITHOUT = ("account/email/password_reset_key", "account/email/unknown_account")


def send(*, kind: str, shown: Mapping[str, Any], reader: mails.Reader) -> None:
    """Send the mail of a kind. Raises OSError, and logs it, where the mail server is away."""
    try:
        _drafted(letter=LETTERS[kind], shown=shown, reader=reader).send()
    except OSError as error:
        log.error("a mail could not be sent", error=f"{type(error).__name__}: {error}")
        raise


def _drafted(
    *, letter: Letter, shown: Mapping[str, Any], reader: mails.Reader
) -> EmailMultiAlternatives:
    """`shown`: what came along with it, of which no secret but the letter's own link is used."""
    known = {**shown, "reset": f"{settings.SITE_URL}{reverse('account_reset_password')}"}
    with mails.words_of(reader):
        said = {
            "title": letter.title,
            "said": [text % known for text in letter.said],
            "button": letter.button,
            "url": known.get(letter.link, ""),
            "at": shown.get("timestamp"),
            "browser": devices.named(shown.get("user_agent", "")),
            "ip": shown.get("ip", ""),
        }
        return mails.to_reader(template="letter", shown=said, reader=reader)
