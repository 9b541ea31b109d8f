"""How django-allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open or closed by the operator's setting."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may make an account."""
        return bool(settings.SIGNUP_OPEN)
