"""An account is closed: nobody can come in by it any more, and nothing in it says whose it was.

The row stays, because the ledger's entries refer to it for good.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import visits
from accounts.models import ApiKey, User

# Where the address of a closed account is, which no mail server ever serves.
NOWHERE = "@closed.invalid"
# The rows that are named by the address of a person, and have the person's number.
NAMED_BY_ADDRESS = ("user", "tokenledger")


def close(*, user: User) -> None:
    """Make a user nobody: no address, name or rights, and no password, key or session that works.

    Twice is once. The e-mail address is free for a new account.
    """
    known_as = f"closed-{user.pk}{NOWHERE}"
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        _forget_in_history(person=person, known_as=known_as)
        EmailAddress.objects.filter(user=person).delete()
        ApiKey.objects.filter(user=person).delete()
        Authenticator.objects.filter(user=person).delete()
        visits.end_all(user=person)
        person.groups.clear()
        person.user_permissions.clear()
        person.email = known_as
        person.first_name = person.last_name = person.language = person.time_zone = ""
        person.is_active = person.is_staff = person.is_superuser = False
        person.mail_notices = False
        # Sessions carry a hash of the password, so that this ends those that were not noted, too.
        person.set_unusable_password()
        person.save()


def is_closed(user: User) -> bool:
    """Whether an account was closed."""
    return not user.is_active and user.email.endswith(NOWHERE)


def closed() -> QuerySet[User]:
    """All accounts that were closed."""
    return User.objects.filter(is_active=False, email__endswith=NOWHERE)


def _forget_in_history(*, person: User, known_as: str) -> None:
    """What staff did about a person names nobody: not by the address, nor by an earlier one."""
    theirs = Q(content_type__model__in=NAMED_BY_ADDRESS, object_id=str(person.pk))
    about = LogEntry.objects.filter(theirs | Q(object_repr=person.email))
    about.update(object_repr=known_as)
