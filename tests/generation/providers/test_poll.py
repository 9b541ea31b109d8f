"""A question about a render on both routes: one that fails is no failed render."""

import time

import pytest

from generation.providers import routes
from generation.providers.outcomes import PollFailed, Rendering, VideoReady
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import OPERATION, ended_poll

pytestmark = pytest.mark.django_db


def test_a_render_goes_on_and_then_its_video_is_there(stand_in, render, poll):
    first = poll(render)

    last = ended_poll(poll, render)

    assert first == Rendering()
    assert isinstance(last, VideoReady)
    assert stand_in.counts()["accepted_submits"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b"<html>",
        b'{"done": false}',
        b'{"status": "completed"}',
        b'{"error": {"code": 13, "message": "gateway"}}',
        b'{"name": "publ',
        b'{"id": "v1_',
        b"\xff\xfe",
    ],
)
def test_a_200_that_says_nothing_changes_nothing(raw, poll, content):
    server = raw(raw_server.answer(content, headers=raw_server.JSON))

    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("status", "alarming"),
    [
        (400, False),
        (401, True),
        (403, True),
        (404, True),
        (408, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
        (504, False),
        (302, False),
        (204, False),
    ],
)
def test_a_failed_question_is_no_failed_render(stand_in, render, poll, status, alarming):
    stand_in.next("poll", status=status)

    outcome = poll(render)

    assert isinstance(outcome, PollFailed)
    assert outcome.alarming is alarming
    assert outcome.retry_after_seconds is None
    assert stand_in.counts()["calls"]["poll"] == 1


@pytest.mark.parametrize(("status", "wait"), [(429, 38.5), (503, 38.5), (500, None)])
def test_a_busy_provider_says_when_to_ask_again(stand_in, render, poll, status, wait):
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38.5s"}
    error = {"code": status, "message": "busy", "details": [delay]}
    stand_in.next("poll", status=status, body={"error": error})

    outcome = poll(render)

    assert isinstance(outcome, PollFailed)
    assert outcome.retry_after_seconds == wait


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.disconnect,
        raw_server.reset,
        raw_server.answer(b'{"name": "', promised=500),
        raw_server.answer(b"{}", promised=201 * 1024 * 1024),
        raw_server.say(b"garbage"),
    ],
    ids=["disconnect", "reset", "cut", "too large", "garbage"],
)
def test_an_answer_that_does_not_arrive_changes_nothing(raw, poll, behave):
    server = raw(behave)

    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "behave",
    [raw_server.hang, raw_server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b" ")],
    ids=["silence", "dripping"],
)
def test_a_question_ends_at_its_deadline(raw, poll, behave):
    server = raw(behave)
    begun = time.monotonic()

    outcome = poll(deadline_seconds=1.0)

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming
    assert time.monotonic() - begun < raw_server.PATIENCE / 2
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "order",
    [
        {"outcome": "truncated"},
        {"cut": "before"},
        {"cut": "after"},
        {"cut": "reset"},
        {"cut": "garbage"},
        {"cut_at": 5},
    ],
)
def test_an_answer_that_breaks_off_changes_nothing(stand_in, render, poll, order):
    stand_in.next("poll", **order)

    broken_off = poll(render)

    assert isinstance(broken_off, PollFailed)
    assert not broken_off.alarming
    assert stand_in.counts()["calls"]["poll"] == 1
    assert isinstance(ended_poll(poll, render), VideoReady)


def test_nobody_listening_changes_nothing(stopped, poll):
    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed_and_the_key_stays(raw, poll, status):
    with raw_server.RawServer(raw_server.answer(b"{}")) as elsewhere:
        server = raw(raw_server.answer(status=status, headers=(f"Location: {elsewhere.url}/x",)))

        outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert len(server.heads) == 1
    assert elsewhere.heads == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "operations/1",
        "../../v1/secrets",
        f"{OPERATION}/..",
        f"{OPERATION}?a=b",
        "v1_abc/cancel",
        "v1_abc?key=1",
    ],
)
def test_a_stored_name_of_a_strange_shape_is_never_asked_for(stand_in, poll, name):
    outcome = poll(name)

    assert isinstance(outcome, PollFailed)
    assert outcome.alarming
    assert stand_in.requests == []


@pytest.mark.parametrize(
    ("route", "missing"),
    [(routes.ENTERPRISE, "GOOGLE_CLOUD_PROJECT"), (routes.DEVELOPER, "GEMINI_API_KEY")],
)
def test_without_a_route_the_question_fails_and_staff_should_look(poll, missing):
    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert outcome.alarming
    assert missing in outcome.detail
