"""The database goes away under a real web server: people are told, and it comes back by itself."""

from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from shortsproject.local import postgres
from tests.processes import Stack, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
KOREAN = {"Accept-Language": "ko"}


@pytest.fixture
def visitor(own_database: Path, stack: Stack) -> tuple[requests.Session, str]:
    """Somebody who has logged in, and the address of the site."""
    alice = get_user_model().objects.create_user("alice@example.org", "correct horse")
    client = Client()
    client.force_login(alice)
    session = requests.Session()
    name = settings.SESSION_COOKIE_NAME
    session.cookies.set(name, client.cookies[name].value)
    stack.environment["DJANGO_SETTINGS_MODULE"] = "tests.undebugged"
    return session, stack.web(workers=1)


def test_pages_say_so_and_come_back(
    visitor: tuple[requests.Session, str], own_database: Path, stack: Stack
) -> None:
    session, site = visitor
    before = session.get(f"{site}/usage").status_code

    postgres.stop(own_database)
    page = session.get(f"{site}/usage", headers=KOREAN)
    sent = session.post(f"{site}/", data={"prompt": "hello"})
    told = session.get(f"{site}/api/usage")
    postgres.start(own_database, durable=False)
    wait_for(lambda: session.get(f"{site}/usage").status_code == 200, what="the page")

    assert (before, page.status_code, sent.status_code, told.status_code) == (200, 503, 503, 503)
    assert "<h1>지금은 정보를 확인할 수 없습니다</h1>" in page.text
    assert page.headers["X-Request-ID"] in page.text
    assert page.headers["X-Request-ID"] in stack.log()
    assert "it may have arrived" in sent.text
    assert told.json()["code"] == "metering_unavailable"
