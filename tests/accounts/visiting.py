"""What the tests of the account pages share: browsers that log in, and codes of an app."""

import time

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1"


def browser(user: User, *, agent: str = CHROME, code: str = "", seen_from: str = "") -> Client:
    """A browser that has logged in on the log-in page, with a code where one is given.

    `seen_from`: the addresses that proxies on the way have written down.
    """
    client = Client(headers={"user-agent": agent, "x-forwarded-for": seen_from})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    if code:
        client.post("/accounts/2fa/authenticate/", {"code": code})
    return client


def is_logged_in(client: Client) -> bool:
    return bool(client.get("/account").status_code == 200)


def confirmed(user: User) -> EmailAddress:
    """The address of a user who has opened the link."""
    return EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def prove(client: Client) -> None:
    """Give the password once more, as protected pages ask for it."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def code_of(secret: str) -> str:
    """What an app shows at the moment."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def with_app(user: User) -> str:
    """Give a user a second factor; the secret that the app has."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret
