"""How django-allauth behaves here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import letters, mails, signup
from accounts.models import User

LINK_SENT = "account/messages/email_confirmation_sent.txt"
LINK_NOT_SENT = "account/messages/email_confirmation_not_sent.txt"


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open or closed by the operator's setting, or by staff."""

    error_messages: dict[str, Any] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "E-mail address and password are not correct. Look for a typing mistake, or choose a"
            " new password."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may make an account."""
        return signup.is_open()

    def save_user(
        self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True
    ) -> User:
        """Make the account. Who signs up in another language than the site's own keeps it, because
        mails that are sent later have no browser to ask."""
        language = translation.get_language() or settings.LANGUAGE_CODE
        if language != settings.LANGUAGE_CODE:
            user.language = language
        made: User = super().save_user(request, user, form, commit)
        return made

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address, and make it the log-in; not one that somebody else has meanwhile."""
        if signup.is_taken(email=email_address.email, by_other_than=email_address.user):
            taken = "account/messages/email_confirmation_failed.txt"
            about = {"email": email_address.email}
            self.add_message(request, messages.ERROR, taken, about)
            return False
        return bool(super().confirm_email(request, email_address))

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell of a change at the address of the log-in, also where it is not confirmed yet."""
        known = {**(context or {}), "user": user}
        super().send_notification_mail(template_prefix, user, known, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail in our words.

        What is done stays done if the mail server is away. Raises OSError for a new password, which
        is nothing without its mail.
        """
        reader = mails.reader(
            user=context.get("user"), address=email, otherwise=translation.get_language() or ""
        )
        try:
            letters.send(kind=template_prefix, shown=context, reader=reader)
        except OSError:
            if template_prefix in letters.NOTHING_WITHOUT:
                raise
            self.request.mail_failed = True

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *arguments: Any,
        **options: Any,
    ) -> None:
        """Say what was done; not that a link was sent, where that failed."""
        if message_template == LINK_SENT and getattr(request, "mail_failed", False):
            level, message_template = messages.ERROR, LINK_NOT_SENT
        super().add_message(request, level, message_template, *arguments, **options)


class SecondFactorAdapter(DefaultMFAAdapter):
    """The refusals around the second factor, in our words."""

    error_messages: dict[str, Any] = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": _(
            "While a second factor is on, the address can't be changed. Turn it off first, and on"
            " again afterwards."
        ),
        "incorrect_code": _("This code is not right. Look for the newest one in your app."),
        "unverified_email": _("Please confirm your e-mail address first: a link is in your mail."),
    }
