"""Pytest plugin: the real browser of the tests, and what happens where there is none.

Playwright comes from pytest-playwright: `page`, `context` and `new_context` drive a Chromium of
this machine against `live_server`, whose address is the base of every `goto`. A test that uses
them has a transactional database, and may use Django's ORM between its clicks. Whatever a page says
on the console and whatever it asks of another host fails the test, unless the test expects it.
"""

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Playwright

from shortsproject.local import chromium

if TYPE_CHECKING:
    from accounts.models import User
    from shortsproject.local.gemini import StandIn
    from tests.scenes import Scene

DESK: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 900},
    "locale": "en-US",
    "timezone_id": "Asia/Seoul",
    "reduced_motion": "reduce",
}
HERE = ("localhost", "127.0.0.1")


def pytest_configure() -> None:
    if os.environ.get("REQUIRE_BROWSER") == "1" and not chromium.find():
        raise pytest.UsageError("REQUIRE_BROWSER=1, but there is no Chromium: set CHROMIUM.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if chromium.find():
        return
    dropped = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not chromium.find():
        terminalreporter.write_line("No Chromium (set CHROMIUM): browser tests are deselected.")


@pytest.fixture(scope="session")
def playwright(django_db_setup: None, playwright: Playwright) -> Iterator[Playwright]:
    """One Playwright for the run.

    Its event loop stays in this thread, which Django would take for asynchronous code, and for
    which Django keeps connections of their own.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return chromium.launch_options()


class Complaints:
    """What the pages of a test said on the console, threw, or asked of another host."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """Some complaints belong to the test: those in which this regular expression is found."""
        self._expected.append(pattern)

    def listen(self, context: BrowserContext) -> None:
        context.on("console", lambda said: self.heard.append(f"{said.type}: {said.text}"))
        context.on("weberror", lambda thrown: self.heard.append(f"thrown: {thrown.error}"))
        context.on("request", lambda asked: self._note_foreign(asked.url))

    def _note_foreign(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in HERE:
            self.heard.append(f"asked: {url}")

    def unexpected(self) -> list[str]:
        return [
            text
            for text in self.heard
            if not any(re.search(pattern, text) for pattern in self._expected)
        ]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Everything a browser complained of; what the test did not expect fails it."""
    heard = Complaints()
    yield heard
    assert heard.unexpected() == []


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext],
    complaints: Complaints,
    live_server: Any,
    request: pytest.FixtureRequest,
) -> Callable[..., BrowserContext]:
    """Makes a visitor: at a desk, in English, unless told otherwise by Playwright's options."""
    marks = [mark.kwargs for mark in request.node.iter_markers("browser_context_args")]

    def make(**options: Any) -> BrowserContext:
        wanted = {**DESK, "base_url": live_server.url, **options}
        context = new_context(**{n: v for n, v in wanted.items() if not marks or n not in marks[0]})
        complaints.listen(context)
        return context

    return make


@pytest.fixture
def take_session(context: BrowserContext, live_server: Any) -> Callable[..., None]:
    """Lets a visitor, by default that of `page`, go on with the session of a test client."""

    def take(client: Client, *, visitor: BrowserContext = context) -> None:
        visitor.add_cookies(
            [
                {"name": name, "value": cookie.value, "url": live_server.url}
                for name, cookie in client.cookies.items()
            ]
        )

    return take


@pytest.fixture
def log_in(take_session: Callable[..., None]) -> Callable[..., None]:
    """Lets a visitor, by default that of `page`, begin as somebody who has logged in."""

    def begin(user: "User", **whose: BrowserContext) -> None:
        client = Client()
        client.force_login(user)
        take_session(client, **whose)

    return begin


@pytest.fixture
def begin_scene(
    alice: "User", stand_in: "StandIn", take_session: Callable[..., None], complaints: Complaints
) -> Callable[["Scene"], str]:
    """Lets the visitor of `page` begin a scene of tests/scenes.py; says where to look at it."""
    from tests import scenes

    def begin(scene: "Scene") -> str:
        client, path = scenes.stage(scene, alice, stand_in)
        take_session(client)
        complaints.expect(f"status of {scene.status}")
        return path

    return begin
