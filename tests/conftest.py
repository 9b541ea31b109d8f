"""People, prices and servers that the tests share, and the proof after every test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from metering import audit
from shortsproject.local.gemini import StandIn
from tests import database, mail_servers, pictures, processes


@pytest.fixture(autouse=True)
def _starts_in_english() -> None:
    """A request in Korean leaves its language behind; the next test must not see it."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def _ledger_is_proved(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that may move tokens the books must be right."""
    uses_database = {"db", "transactional_db"} & set(request.fixturenames) or (
        request.node.get_closest_marker("django_db") is not None
    )
    if uses_database:
        marker = request.node.get_closest_marker("django_db")
        transactional = marker is not None and marker.kwargs.get("transaction", False)
        request.getfixturevalue("transactional_db" if transactional else "db")
    yield
    if uses_database and request.node.get_closest_marker("plants_ledger_errors") is None:
        assert audit.run() == []


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Makes a user by name."""

    def make(name: str, **fields: object) -> User:
        return User.objects.create_user(f"{name}@example.org", "correct horse", **fields)

    return make


@pytest.fixture
def alice(make_user: Callable[..., User]) -> User:
    return make_user("alice")


@pytest.fixture
def bob(make_user: Callable[..., User]) -> User:
    return make_user("bob")


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    return make_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def web(client: Client, alice: User) -> Client:
    """Alice's browser, in which she is logged in."""
    client.force_login(alice)
    return client


@pytest.fixture
def api(db: None) -> Callable[[User], APIClient]:
    """A client that sends a user's API key, as a script would."""

    def client_for(user: User) -> APIClient:
        _, key = ApiKey.objects.create(user=user, name="test")
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    return client_for


@pytest.fixture
def mail_server(settings: Any) -> Iterator[mail_servers.Smtp]:
    """A mail server, as the configured one, of a site that has an address."""
    with mail_servers.smtp() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.SITE_URL = "https://shorts.example.org"
        yield server


@pytest.fixture(scope="session")
def stand_in_server() -> Iterator[StandIn]:
    """One Gemini stand-in for the whole run, on loopback."""
    server = StandIn(port=0, render_seconds=0.1)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def stand_in(stand_in_server: StandIn, settings: Any) -> StandIn:
    """The Gemini stand-in, with its counts at zero, as the configured provider."""
    stand_in_server.reset()
    settings.GEMINI_BASE_URL = stand_in_server.url
    return stand_in_server


@pytest.fixture
def stack(
    transactional_db: None, stand_in: StandIn, settings: Any, tmp_path: Path
) -> Iterator[processes.Stack]:
    """Starts no process by itself; ends those that were started before the database is emptied."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushdb()
    settings.MEDIA_ROOT = tmp_path / "media"
    started = processes.Stack(local_dir=tmp_path, gemini_url=stand_in.url)
    yield started
    started.stop()
    database.disconnect_others()


@pytest.fixture(scope="session")
def photo() -> bytes:
    """An ordinary photograph-like picture, as the bytes of a JPEG file."""
    return pictures.jpeg(width=640, height=360)
