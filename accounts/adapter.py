"""How django-allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts import signup


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open or closed by the operator's setting, or by staff."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may make an account."""
        return signup.is_open()
