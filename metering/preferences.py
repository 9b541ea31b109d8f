"""What a user wants to be told: at which levels, and whether by mail."""

from collections.abc import Iterable

from django.core import signing

from accounts.models import User
from metering import ledger
from metering.models import TokenLedger

LEVELS = (50, 80, 95, 100)
SALT = "metering.preferences.off"


class BadLink(Exception):
    """The link was not made here, or it was changed on its way."""


def levels(*, user: User) -> list[int]:
    """At how many percent of the limit the user is told."""
    found = TokenLedger.objects.filter(user=user).values_list("notice_levels", flat=True).first()
    return list(found or [])


def choose(*, user: User, levels: Iterable[int], mail: bool) -> None:
    """Store a user's choice. Levels that there are not are left out."""
    ledger.set_notice_levels(user=user, levels=[level for level in LEVELS if level in set(levels)])
    User.objects.filter(pk=user.pk).update(mail_notices=mail)


def off_token(*, user: User) -> str:
    """What a link in a mail carries: the right to turn this user's mails off, and nothing else."""
    return signing.dumps(user.pk, salt=SALT)


def owner(*, token: str) -> User:
    """The user whose mails a link turns off. Raises BadLink."""
    try:
        return User.objects.get(pk=signing.loads(token, salt=SALT))
    except (signing.BadSignature, User.DoesNotExist) as error:
        raise BadLink from error


def mails_off(*, token: str) -> None:
    """Send no more mails about used tokens to the owner of a link. Raises BadLink."""
    User.objects.filter(pk=owner(token=token).pk).update(mail_notices=False)
