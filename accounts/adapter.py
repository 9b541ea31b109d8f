"""How django-allauth behaves here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import signup


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open or closed by the operator's setting, or by staff."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may make an account."""
        return signup.is_open()

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address, and make it the log-in; not one that somebody else has meanwhile."""
        if signup.is_taken(email=email_address.email, by_other_than=email_address.user):
            taken = "account/messages/email_confirmation_failed.txt"
            about = {"email": email_address.email}
            self.add_message(request, messages.ERROR, taken, about)
            return False
        return bool(super().confirm_email(request, email_address))


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
