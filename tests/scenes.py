"""Every page of the site in the states that people meet it in.

Tests that are about all pages (accessibility, weight, language) walk this list. A page that the URL
conf knows and this list does not fails `test_every_page_has_a_scene`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import keys
from accounts.models import User
from generation.models import State
from metering import preferences
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving, lining_up, settling

PASSWORD = "correct horse"


@dataclass(frozen=True)
class World:
    """Who looks, over which session, and who makes the videos."""

    user: User
    client: Client
    stand_in: StandIn


Given = Callable[[World], str]


@dataclass(frozen=True)
class Scene:
    """One look at a page. `given` makes what it shows and returns its path."""

    name: str
    route: str
    given: Given
    logged_in: bool = True
    status: int = 200


def client_of(user: User) -> Client:
    """A session of somebody who has given their password a moment ago, and is not asked again."""
    client = Client()
    client.force_login(user)
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, user, method="password", reauthenticated=True)
    request.session.save()
    return client


def stage(scene: Scene, user: User, stand_in: StandIn) -> tuple[Client, str]:
    """Make what the scene shows. Returns the session to look with, and where."""
    # What was tried before counts against the limits on log-ins and mails.
    cache.clear()
    client = client_of(user) if scene.logged_in else Client()
    path = scene.given(World(user, client, stand_in))
    return client, path


# What the scenes show


def at(name: str, query: str = "", **kwargs: object) -> Given:
    """A page that needs nothing."""
    return lambda world: reverse(name, kwargs=kwargs or None) + query


def short_page(world: World, *, page: str = "short", **order: Any) -> str:
    """A short that has just been ordered."""
    return reverse(page, args=[driving.begin(world.user, **order).pk])


def ready(world: World, *, page: str = "short", **order: Any) -> str:
    short = driving.until(driving.begin(world.user, seconds=8, **order), State.SUCCEEDED)
    return reverse(page, args=[short.pk])


def rendering(world: World) -> str:
    return reverse("short", args=[driving.step(driving.begin(world.user)).pk])


def in_line(world: World) -> str:
    return reverse("short", args=[lining_up.full(world.user).pk])


def filtered(world: World) -> str:
    world.stand_in.next("submit", outcome="filtered")
    short = driving.until(driving.begin(world.user), State.FILTERED)
    return reverse("short", args=[short.pk])


def unknown(world: World) -> str:
    return reverse("short", args=[settling.unknown(world.user, world.stand_in).pk])


def failed(world: World) -> str:
    world.stand_in.next("analyse", outcome="filtered")
    short = driving.until(driving.begin(world.user), State.FAILED)
    return reverse("short", args=[short.pk])


def several_chosen(world: World) -> str:
    chosen = [driving.begin(world.user).pk for _ in range(2)]
    return f"{reverse('shorts_delete')}?{urlencode({'id': chosen}, doseq=True)}"


def some_of_each(world: World) -> str:
    """A history: ready, filtered, and two under way."""
    ready(world)
    filtered(world)
    rendering(world)
    short_page(world)
    return reverse("history")


def studio_in_use(world: World) -> str:
    some_of_each(world)
    return reverse("studio")


def studio_again(world: World) -> str:
    path = ready(world)
    return f"{reverse('studio')}?again={path.rpartition('/')[2]}"


def little_left(world: World) -> str:
    """Enough for a short video, not for the one that is chosen at first."""
    factories.limit(world.user, 1_200, at=timezone.now())
    return reverse("studio")


def nothing_left(world: World) -> str:
    factories.limit(world.user, 0, at=timezone.now())
    return reverse("studio")


def told_of_half(world: World, *, page: str) -> str:
    """A notice at the head of a page."""
    factories.charged(world.user, 5_000, at=timezone.now())
    return reverse(page)


def busy_usage(world: World) -> str:
    factories.charged(world.user, 5_000, at=timezone.now())
    some_of_each(world)
    return reverse("usage")


def some_keys(world: World) -> str:
    keys.make(user=world.user, name="laptop", lifetime=timedelta(days=30))
    keys.make(user=world.user, name="render farm", lifetime=None)
    return reverse("api_keys")


def new_key(world: World) -> str:
    """A key as it is shown once."""
    world.client.post(reverse("api_keys"), {"name": "laptop", "days": "30", "lifetime": "30"})
    return reverse("api_keys")


def revoked_key(world: World) -> str:
    keys.make(user=world.user, name="laptop", lifetime=None)
    (line,) = keys.lines(user=world.user, at=timezone.now())
    return reverse("revoke_api_key", args=[line.handle])


def second_factor(world: World, *, page: str = "mfa_index") -> str:
    TOTP.activate(world.user, generate_totp_secret())
    RecoveryCodes.activate(world.user)
    return reverse(page)


def half_logged_in(world: World) -> str:
    """The password was right, and the second factor is asked for."""
    second_factor(world)
    world.client.post(reverse("account_login"), {"login": world.user.email, "password": PASSWORD})
    return reverse("mfa_authenticate")


def mailed_link(world: World, *, page: str) -> str:
    """The path in the mail that a form sends, and where that leads."""
    world.client.post(reverse(page), {"email": world.user.email, "action_send": ""})
    (found,) = re.findall(r"https?://[^/\s]+(/accounts/\S+)", str(mail.outbox[-1].body))
    answer = world.client.get(found)
    return answer["Location"] if answer.status_code == 302 else found


def no_password_yet(world: World) -> str:
    world.user.set_unusable_password()
    world.user.save()
    world.client.force_login(world.user)
    return reverse("account_set_password")


def mails_off(world: World) -> str:
    return reverse("notices_off", args=[preferences.off_token(user=world.user)])


SCENES = (
    Scene("landing", "studio", at("studio"), logged_in=False),
    Scene("studio of a newcomer", "studio", at("studio")),
    Scene("studio in use", "studio", studio_in_use),
    Scene("studio again", "studio", studio_again),
    Scene("studio, little left", "studio", little_left),
    Scene("studio, nothing left", "studio", nothing_left),
    Scene("short ordered", "short", short_page),
    Scene("short in line", "short", in_line),
    Scene("short rendering", "short", rendering),
    Scene("short ready", "short", ready),
    Scene("short ready, tall", "short", partial(ready, aspect_ratio="9:16")),
    Scene("short filtered", "short", filtered),
    Scene("short failed", "short", failed),
    Scene("short unknown", "short", unknown),
    Scene("delete a short", "short_delete", partial(ready, page="short_delete")),
    Scene("delete several shorts", "shorts_delete", several_chosen),
    Scene("history, empty", "history", at("history")),
    Scene("history", "history", some_of_each),
    Scene("usage, empty", "usage", at("usage")),
    Scene("usage", "usage", busy_usage),
    Scene("account", "account", at("account")),
    Scene("account with a notice", "account", partial(told_of_half, page="account")),
    Scene("keys, none", "api_keys", at("api_keys")),
    Scene("keys", "api_keys", some_keys),
    Scene("key shown once", "api_keys", new_key),
    Scene("revoke a key", "revoke_api_key", revoked_key),
    Scene("preferences", "preferences", at("preferences")),
    Scene("notices", "notices", at("notices")),
    Scene("notices off", "notices_off", mails_off, logged_in=False),
    Scene("sessions", "usersessions_list", at("usersessions_list")),
    Scene("close the account", "close_account", at("close_account")),
    Scene("e-mail", "account_email", at("account_email")),
    Scene("confirm the e-mail", "account_confirm_email",
          partial(mailed_link, page="account_email")),
    Scene("confirmation sent", "account_email_verification_sent",
          at("account_email_verification_sent"), logged_in=False),
    Scene("password", "account_change_password", at("account_change_password")),
    Scene("set a password", "account_set_password", no_password_yet),
    Scene("reauthenticate", "account_reauthenticate", at("account_reauthenticate")),
    Scene("log in", "account_login", at("account_login"), logged_in=False),
    Scene("log out", "account_logout", at("account_logout")),
    Scene("sign up", "account_signup", at("account_signup"), logged_in=False),
    Scene("closed account", "account_inactive", at("account_inactive"), logged_in=False),
    Scene("forgotten password", "account_reset_password", at("account_reset_password"),
          logged_in=False),
    Scene("reset mailed", "account_reset_password_done", at("account_reset_password_done"),
          logged_in=False),
    Scene("new password", "account_reset_password_from_key",
          partial(mailed_link, page="account_reset_password"), logged_in=False),
    Scene("new password set", "account_reset_password_from_key_done",
          at("account_reset_password_from_key_done"), logged_in=False),
    Scene("no second factor", "mfa_index", at("mfa_index")),
    Scene("second factor", "mfa_index", second_factor),
    Scene("second factor asked", "mfa_authenticate", half_logged_in, logged_in=False),
    Scene("second factor asked again", "mfa_reauthenticate",
          partial(second_factor, page="mfa_reauthenticate")),
    Scene("set up a second factor", "mfa_activate_totp", at("mfa_activate_totp")),
    Scene("remove the second factor", "mfa_deactivate_totp",
          partial(second_factor, page="mfa_deactivate_totp")),
    Scene("recovery codes", "mfa_view_recovery_codes",
          partial(second_factor, page="mfa_view_recovery_codes")),
    Scene("new recovery codes", "mfa_generate_recovery_codes",
          partial(second_factor, page="mfa_generate_recovery_codes")),
    Scene("no such page", "", lambda world: "/nothing-here", status=404),
)  # fmt: skip

# Addresses that no person looks at: acts by POST, files, parts of pages, and what machines read.
NO_PAGES = {
    "short_cancel", "short_progress", "short_thumbnail", "shorts_running", "studio_prices",
    "set_language", "notice_seen", "mfa_download_recovery_codes", "account_confirm_login_code",
}  # fmt: skip
ELSEWHERE = ("admin", "api/", "^api", "healthz", "metrics", "robots.txt", ".well-known/")


def routes() -> set[str]:
    """The names of all addresses of the site outside the admin and the API."""
    # Some address is there twice, first without a name, as a guard before the other.
    names = dict(_walk(get_resolver(), ""))
    return {name or route for route, name in names.items()}


def _walk(resolver: URLResolver, before: str) -> Iterator[tuple[str, str | None]]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if route.startswith(ELSEWHERE):
            continue
        if isinstance(one, URLResolver):
            yield from _walk(one, route)
        else:
            yield route, one.name
