"""A submit that surely never reached the provider, on both routes: it may be made again."""

import socket
import time

import pytest
from django.db import transaction

from generation.providers import clients, gateway, routes
from generation.providers.outcomes import NotAccepted, Refused
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import on

pytestmark = pytest.mark.django_db


def test_nobody_listening_is_unreachable(stopped, submit):
    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"


def test_a_host_without_an_address_is_unreachable(settings, monkeypatch, submit):
    monkeypatch.setenv("NO_PROXY", "*")
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = "http://no-such-host.invalid", "a-key"

    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"


def test_a_host_that_does_not_take_the_connection_is_unreachable(settings, submit):
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        settings.GEMINI_BASE_URL = f"http://127.0.0.1:{full.getsockname()[1]}"

        outcome = submit(deadline_seconds=1.5)

    assert outcome == NotAccepted("ConnectTimeout: timed out", "unreachable")


def test_tls_that_fails_is_unreachable(raw, settings, submit):
    server = raw(raw_server.say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False)
    settings.GEMINI_BASE_URL = server.url.replace("http://", "https://")

    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"


def test_a_closed_client_was_not_reached(raw, submit):
    server = raw(raw_server.answer(b"{}"))
    with clients.call(deadline_seconds=5, most_bytes=0):
        clients.enterprise()._api_client._httpx_client.close()
        clients.developer()._api_client._httpx_client.close()

    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"
    assert server.heads == []


def test_a_body_that_could_not_be_sent_in_time_was_not_taken(raw, submit):
    raw(raw_server.ignore, reads=False)
    begun = time.monotonic()

    outcome = submit(picture=b"\xff\xd8" * 8_000_000, deadline_seconds=1.0)

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"
    assert time.monotonic() - begun < raw_server.PATIENCE / 2


def test_a_deadline_that_is_over_sends_nothing(stand_in, submit):
    outcome = submit(deadline_seconds=0.0)

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"
    assert stand_in.counts()["calls"]["submit"] == 0


@pytest.mark.parametrize(
    ("route", "changes"),
    [
        *on(routes.ENTERPRISE, {"aspect_ratio": {"not": "a text"}}, {"prompt": 5}, {"picture": 7}),
        *on(routes.DEVELOPER, {"picture": 7}, {"picture": "a text"}),
    ],
)
def test_a_request_that_cannot_be_built_is_refused_unsent(stand_in, submit, changes):
    outcome = submit(**changes)

    assert isinstance(outcome, Refused)
    assert outcome.status == 0
    assert stand_in.counts()["calls"]["submit"] == 0


@pytest.mark.parametrize("key", ["AQ.secret\nsecret", "AQ.secret\x00", "AQ.secrét"])
def test_a_key_that_no_header_can_carry_is_refused_unsent_and_not_shown(
    stand_in, settings, submit, key
):
    settings.GEMINI_API_KEY = key

    outcome = submit()

    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.model_gone) == (0, False)
    assert "secr" not in outcome.detail
    assert stand_in.requests == []


@pytest.mark.parametrize(
    ("route", "missing"),
    [(routes.ENTERPRISE, "GOOGLE_CLOUD_PROJECT"), (routes.DEVELOPER, "GEMINI_API_KEY")],
)
def test_without_a_route_no_request_is_made(submit, missing):
    outcome = submit()

    assert isinstance(outcome, Refused)
    assert outcome.status == 0
    assert missing in outcome.detail


def test_a_submit_refuses_to_run_inside_a_transaction(stand_in, submit):
    with transaction.atomic(), pytest.raises(RuntimeError):
        submit()

    assert stand_in.counts()["calls"]["submit"] == 0


def test_a_submit_cannot_be_made_without_a_hold(stand_in, route):
    asked = {"picture": b"", "mime_type": "", "prompt": "", "aspect_ratio": ""}

    with pytest.raises(TypeError, match="hold"):
        gateway.of(route).submit(**asked, deadline_seconds=1)

    assert stand_in.counts()["calls"]["submit"] == 0
