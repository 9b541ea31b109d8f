"""Where a page of a list ends, handed out so that it is good for one user and one list only."""

from django.core import signing
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import User


def make(*, user: User, of: str, mark: object) -> str:
    """A cursor for the list `of` that name: `mark` tells the last row shown."""
    return _signer(user, of).sign(str(mark))


def read(*, user: User, of: str, cursor: str) -> str:
    """The mark that a cursor was made with. Raises serializers.ValidationError for any other."""
    try:
        return _signer(user, of).unsign(cursor)
    except signing.BadSignature as error:
        message = _("This cursor is none of yours. Start again without one.")
        raise serializers.ValidationError({"cursor": [message]}) from error


def _signer(user: User, of: str) -> signing.Signer:
    return signing.Signer(salt=f"{of}:{user.pk}")
