"""Which ways to Gemini are configured, read from the settings at each call.

Enterprise: GOOGLE_CLOUD_PROJECT with GOOGLE_CLOUD_LOCATION, logged in with Google's application
default credentials (whether there are any is seen at the first call, because looking for them can
take a network request); or GEMINI_BASE_URL alone, with GEMINI_API_KEY as the login. On loopback a
made-up key will do, and Google's credentials are never sent there.

Developer: GEMINI_API_KEY, at Google's own address or at GEMINI_BASE_URL. Both routes may be
configured together; GEMINI_BASE_URL turns both there.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

ENTERPRISE, DEVELOPER = "enterprise", "developer"
MADE_UP_KEY = "local-stand-in"


class NotConfiguredError(Exception):
    """There is no route to Gemini; the text says what to set."""


@dataclass(frozen=True)
class Enterprise:
    """How to reach the enterprise platform. An empty `base_url` is Google's own address.

    `api_key` empty: Google's application default credentials are the login. `project` and
    `location` are empty when the key alone decides.
    """

    base_url: str
    project: str
    location: str
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the calls stay on this machine."""
        return _is_loopback(self.base_url)


@dataclass(frozen=True)
class Developer:
    """How to reach the developer API. An empty `base_url` is Google's own address."""

    base_url: str
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the calls stay on this machine."""
        return _is_loopback(self.base_url)


def configured() -> frozenset[str]:
    """The names of the routes that can be used."""
    return frozenset(
        name
        for name, route in ((ENTERPRISE, enterprise), (DEVELOPER, developer))
        if _is_set_up(route)
    )


def is_stand_in() -> bool:
    """Whether calls go to an address of this machine, and so to no paid service."""
    return _is_loopback(settings.GEMINI_BASE_URL)


def spends_money() -> bool:
    """Whether a paid service would be asked: a route is configured and leads off this machine."""
    return bool(configured()) and not is_stand_in()


def enterprise() -> Enterprise:
    """The enterprise route. Raises NotConfiguredError when it is not set up."""
    base_url, key = _base_url(), settings.GEMINI_API_KEY
    project, location = settings.GOOGLE_CLOUD_PROJECT, settings.GOOGLE_CLOUD_LOCATION
    loopback_key = (key or MADE_UP_KEY) if _is_loopback(base_url) else ""
    if project:
        if not location:
            raise NotConfiguredError("GOOGLE_CLOUD_PROJECT is set without GOOGLE_CLOUD_LOCATION.")
        return Enterprise(base_url, project, location, loopback_key)
    if not base_url:
        raise NotConfiguredError(
            "No way to Veo is configured: set GOOGLE_CLOUD_PROJECT, or GEMINI_BASE_URL."
        )
    if not (loopback_key or key):
        raise NotConfiguredError("GEMINI_BASE_URL is set without GEMINI_API_KEY.")
    return Enterprise(base_url, "", "", loopback_key or key)


def developer() -> Developer:
    """The developer route. Raises NotConfiguredError when it is not set up."""
    base_url = _base_url()
    key = settings.GEMINI_API_KEY or (MADE_UP_KEY if _is_loopback(base_url) else "")
    if not key:
        raise NotConfiguredError("GEMINI_API_KEY is not set.")
    return Developer(base_url, key)


def _is_set_up(route: Callable[[], Enterprise | Developer]) -> bool:
    try:
        route()
    except NotConfiguredError:
        return False
    return True


def _base_url() -> str:
    base_url = str(settings.GEMINI_BASE_URL).rstrip("/")
    if base_url and not _is_address(base_url):
        raise NotConfiguredError("GEMINI_BASE_URL is no http(s) address.")
    return base_url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_loopback(url: str) -> bool:
    if not _is_address(url):
        return False
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
