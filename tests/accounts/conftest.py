"""What the tests of the account pages share: no limits, and a browser of Alice."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts import visiting


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings: Any) -> None:
    """No limits on tries; a code of an app counts for a while, as tests may run slowly."""
    settings.ACCOUNT_RATE_LIMITS = False
    settings.MFA_TOTP_TOLERANCE = 1


@pytest.fixture
def proved(alice: User) -> Client:
    """Alice's browser; she has confirmed her address, and just given her password again."""
    visiting.confirmed(alice)
    client = visiting.browser(alice)
    visiting.prove(client)
    return client
