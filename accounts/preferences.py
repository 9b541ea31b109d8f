"""Language and time zone of a user; empty is as the browser, or the operator, says."""

from functools import cache
from zoneinfo import available_timezones

from django.conf import settings

from accounts.models import User

# Names whose meaning depends on the machine, or that have none.
NO_PLACE = {"Factory", "localtime"}


class NoSuchTimeZone(Exception):
    """There is no time zone of this name."""


def choose(*, user: User, language: str, time_zone: str) -> None:
    """Store both, and nothing else of the user."""
    user.language, user.time_zone = language, time_zone
    user.save(update_fields=["language", "time_zone"])


def choose_language(*, user: User, language: str) -> None:
    """Store the language, if it is one of this site; anything else changes nothing."""
    if language in dict(settings.LANGUAGES):
        user.language = language
        user.save(update_fields=["language"])


def time_zone_named(text: str) -> str:
    """The time zone that somebody typed, in its right spelling. Raises NoSuchTimeZone."""
    typed = "_".join(text.split()).casefold()
    if typed not in _spellings():
        raise NoSuchTimeZone(text)
    return _spellings()[typed]


def offered_zones() -> list[str]:
    """Time zones by region and city; any other name that exists is taken too."""
    return sorted(name for name in _spellings().values() if _is_place(name))


@cache
def _spellings() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - NO_PLACE}


def _is_place(name: str) -> bool:
    return name == "UTC" or ("/" in name and not name.startswith(("Etc/", "US/")))
