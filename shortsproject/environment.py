"""Reading the environment: every value with its type, an empty one as if it were not set.

What makes no sense raises ImproperlyConfigured, in one sentence that names the variable. It never
repeats an address, which may hold a password.
"""

import os
from collections.abc import Collection
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, Decimal)

YES, NO = environ.Env.BOOLEAN_TRUE_STRINGS, ("0", "false", "off", "no", "n")
POSTGRESQL = "django.db.backends.postgresql"
CONSOLE = "consolemail://"


def text(name: str, default: str = "") -> str:
    """The value without the space around it."""
    # django-environ would take a value that begins with $ for the name of another variable.
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str = "") -> list[str]:
    """What stands between the commas."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def flag(name: str, *, default: bool) -> bool:
    """On or off."""
    given = text(name).lower()
    if given and given not in YES + NO:
        raise ImproperlyConfigured(f"{name} is 1 or 0, not {given!r}.")
    return given in YES if given else default


def number(
    name: str,
    *,
    default: str,
    kind: type[Number],
    least: int = 0,
    most: int = 10**15,
) -> Number:
    """A number from `least` to `most`."""
    given = text(name, default)
    try:
        value = kind(given)
    except (ValueError, ArithmeticError) as error:
        raise ImproperlyConfigured(f"{name} is no number: {given!r}.") from error
    if not (Decimal(value).is_finite() and least <= value <= most):
        raise ImproperlyConfigured(f"{name} is a number from {least} to {most:,}, not {given!r}.")
    return value


def choice(name: str, *, default: str, among: Collection[str]) -> str:
    """One of a few words."""
    given = text(name, default)
    if given not in among:
        raise ImproperlyConfigured(f"{name} is {' or '.join(among)}, not {given!r}.")
    return given


def time_zone(name: str, *, default: str) -> str:
    """The name of a time zone that this machine knows."""
    given = text(name, default)
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"{name} is no time zone: {given!r} (an example: {default})."
        ) from error
    return given


def url(name: str, *, default: str, schemes: Collection[str], example: str) -> str:
    """An address with a host, as it was given."""
    given = text(name, default)
    try:
        parts = urlsplit(given)
        known = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if given and not known:
        raise ImproperlyConfigured(f"{name} is no address like {example}.")
    return given


def web_url(name: str, default: str = "") -> str:
    """Where something answers to HTTP, without the slash at the end."""
    example = "https://host.example.org"
    return url(name, default=default, schemes=("http", "https"), example=example).rstrip("/")


def broker(name: str, default: str) -> str:
    """Where Redis or Valkey is. The path is the number of a database there."""
    example = "redis://:password@host:6379/0"
    given = url(name, default=default, schemes=("redis", "rediss"), example=example)
    database = urlsplit(given).path.strip("/")
    if database and not database.isdigit():
        raise ImproperlyConfigured(f"{name} is no address like {example}.")
    return given


def database(name: str, default: str) -> dict[str, Any]:
    """Django's configuration of the PostgreSQL at this address."""
    unknown = f"{name} is no address like postgresql://user:password@host:5432/name."
    given = text(name, default)
    if not given.startswith(("postgres:", "postgresql:")):
        raise ImproperlyConfigured(unknown)
    try:
        found: dict[str, Any] = environ.Env.db_url_config(given)
    except ValueError:
        raise ImproperlyConfigured(unknown) from None
    if found.get("ENGINE") != POSTGRESQL or not found.get("NAME"):
        raise ImproperlyConfigured(unknown)
    return found


def mail(name: str) -> dict[str, Any]:
    """How mails are sent; into the log if nothing is given."""
    try:
        found: dict[str, Any] = environ.Env.email_url_config(text(name, CONSOLE))
    except (ImproperlyConfigured, ValueError):
        example = "smtp+tls://user:password@host:587"
        raise ImproperlyConfigured(f"{name} is no address like {example}.") from None
    return found
