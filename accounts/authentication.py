"""API keys in the Authorization header."""

from typing import Any

from django.http import HttpRequest
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from accounts import keys
from accounts.models import User


class ApiKeyAuthentication(TokenAuthentication):
    """Knox reads the header; the key is found by its digest, in one query."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """The user and key. Raises AuthenticationFailed, also for bytes that are no text."""
        try:
            key = keys.use(secret=token.decode("ascii"))
        except (UnicodeDecodeError, keys.NoSuchKey) as error:
            raise AuthenticationFailed("Invalid token.") from error
        return key.user, key


def caller(request: HttpRequest | Request) -> User:
    """The logged-in user of a request. Raises NotAuthenticated for anybody else."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
