"""The people of `make screenshots`: who they are, and what they have lived through.

Imported once Django is set up, with mails that stay in this process.
"""

from dataclasses import dataclass
from datetime import timedelta

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import keys
from accounts.models import User
from metering import notices
from shortsproject.local import plights, prepare, showcase, sights
from shortsproject.local.gemini import StandIn


@dataclass(frozen=True)
class Cast:
    """What was made: words for the braces in paths, codes that let staff in, and mails as HTML by
    language and name."""

    words: dict[str, str]
    codes: list[str]
    mails: dict[str, dict[str, str]]


def assemble(*, stand_in: StandIn, languages: tuple[str, ...]) -> Cast:
    """Make all of them."""
    people = {email: _person(email) for email in sights.SIGHTS if email}
    owner, boss = people[sights.OWNER], people[sights.STAFF]
    story = showcase.of_this_month(showcase.STORY)
    shorts = showcase.tell(user=owner, stand_in=stand_in, story=story)
    mails = {language: _mails(language, stand_in=stand_in) for language in languages}
    # The last, because it leaves a model with no room for more.
    shorts |= plights.tell(user=people[sights.UNLUCKY], actor=boss, stand_in=stand_in)
    words = {name: str(short.pk) for name, short in shorts.items()}
    return Cast(
        words={**words, "key": _keys(owner)},
        codes=_second_factor(boss),
        mails=mails,
    )


def _person(email: str, **more: str) -> User:
    is_staff = email == sights.STAFF
    user = User.objects.create_user(
        email, sights.PASSWORD, is_staff=is_staff, is_superuser=is_staff, **more
    )
    prepare.confirm_address(user)
    return user


def _keys(user: User) -> str:
    """Two keys of a user. Returns the handle of one."""
    keys.make(user=user, name="render farm", lifetime=None)
    keys.make(user=user, name="website", lifetime=timedelta(days=90))
    return keys.lines(user=user, at=timezone.now())[0].handle


def _second_factor(user: User) -> list[str]:
    TOTP.activate(user, generate_totp_secret())
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes


def _mails(language: str, *, stand_in: StandIn) -> dict[str, str]:
    """A notice to somebody who has used most of their tokens, and a letter with a link."""
    user = _person(f"{language}@example.org", language=language)
    story = (showcase.Telling(0, "lake", "A slow pan", seconds=4),)
    showcase.tell(user=user, stand_in=stand_in, story=story, limit_tokens=1_100)
    notices.send_waiting(at=timezone.now())
    notice = _html_to(user)
    browser = Client(SERVER_NAME="localhost")
    browser.post(reverse("account_reset_password"), {"email": user.email})
    return dict(zip(sights.MAILS, (notice, _html_to(user)), strict=True))


def _html_to(user: User) -> str:
    """The newest mail to somebody."""
    (newest, *_older) = (one for one in reversed(mail.outbox) if user.email in one.to)
    assert isinstance(newest, mail.EmailMultiAlternatives)
    html, _kind = newest.alternatives[0]
    return str(html)
