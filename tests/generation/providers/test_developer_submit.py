import base64

import pytest
from django.db import transaction

from generation.providers import developer
from generation.providers.outcomes import (
    Accepted,
    Analysed,
    AnalysisBlocked,
    NotAccepted,
    Refused,
    Unclear,
)
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import OMNI_MODEL, hold

pytestmark = pytest.mark.django_db


def envelope(code, status, message="why", **more):
    """Google's error body."""
    return {"error": {"code": code, "status": status, "message": message} | more}


def test_a_picture_and_its_prompt_become_an_interaction(stand_in, omni_submit, picture):
    line = hold(OMNI_MODEL, seconds=5, resolution="1080p")

    outcome = omni_submit(hold=line, aspect_ratio="9:16", prompt="A slow pan")

    assert isinstance(outcome, Accepted)
    body = stand_in.requests[0].body
    (asked,) = body.pop("input")
    assert asked["content"][0]["mime_type"] == "image/jpeg"
    assert base64.b64decode(asked["content"][0]["data"]) == picture
    assert asked["content"][1] == {"type": "text", "text": "A slow pan"}
    assert body == {
        "model": OMNI_MODEL, "background": True, "store": True,
        "generation_config": {"video_config": {"task": "image_to_video"}},
        "response_format": {"type": "video", "aspect_ratio": "9:16", "resolution": "1080p",
                            "duration": "5s", "delivery": "uri"},
    }  # fmt: skip
    assert stand_in.counts()["accepted_submits"] == 1


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, envelope(400, "INVALID_ARGUMENT"), Refused(400, "400 INVALID_ARGUMENT: why")),
        (
            400,
            envelope(400, "INVALID_ARGUMENT", "Unsupported duration 11s"),
            Refused(400, "400 INVALID_ARGUMENT: Unsupported duration 11s", model_gone=True),
        ),
        (401, envelope(401, "UNAUTHENTICATED"), Refused(401, "401 UNAUTHENTICATED: why")),
        (403, envelope(403, "PERMISSION_DENIED"), Refused(403, "403 PERMISSION_DENIED: why")),
        (
            404,
            envelope(404, "NOT_FOUND", "It is no longer available"),
            Refused(404, "404 NOT_FOUND: It is no longer available", model_gone=True),
        ),
        (413, envelope(413, "INVALID_ARGUMENT"), Refused(413, "413 INVALID_ARGUMENT: why")),
        (
            429,
            envelope(429, "RESOURCE_EXHAUSTED", "Please retry in 34.5s."),
            NotAccepted("429 RESOURCE_EXHAUSTED: Please retry in 34.5s.", "busy", 34.5),
        ),
        (503, envelope(503, "UNAVAILABLE"), NotAccepted("503 UNAVAILABLE: why", "busy")),
    ],
)
def test_a_refusal_is_one_request_and_means_the_same_as_on_the_other_route(
    stand_in, omni_submit, status, body, outcome
):
    stand_in.next("submit", status=status, body=body)

    assert omni_submit() == outcome
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, envelope(500, "INTERNAL")),
        (502, envelope(502, "UNAVAILABLE")),
        (504, envelope(504, "DEADLINE_EXCEEDED")),
        (408, envelope(408, "DEADLINE_EXCEEDED")),
        (409, envelope(409, "ABORTED")),
        (201, {"id": "v1_abc"}),
        (400, "<html>"),
        (429, {}),
        (503, "busy"),
        (503, {"error": {"code": "unavailable"}}),
    ],
)
def test_an_answer_that_proves_no_refusal_is_unclear_and_not_repeated(
    stand_in, omni_submit, status, body
):
    stand_in.next("submit", status=status, body=body)

    assert isinstance(omni_submit(), Unclear | Accepted)
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(stand_in, omni_submit, status):
    with raw_server.RawServer(raw_server.answer(b"{}")) as elsewhere:
        stand_in.next("submit", status=status, body={}, headers={"Location": elsewhere.url})

        outcome = omni_submit()

    assert isinstance(outcome, Unclear)
    assert elsewhere.heads == []
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    "body", [{}, [], {"id": ""}, {"id": None}, {"id": "../secrets"}, {"id": "a" * 501}]
)
def test_a_200_that_names_no_interaction_is_unclear_but_answered(stand_in, omni_submit, body):
    stand_in.next("submit", body=body)

    outcome = omni_submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"id": "v1_', b'"text"', b"\xff\xfe"])
def test_a_200_that_cannot_be_read_is_unclear_but_answered(raw, omni_submit, content):
    server = raw(raw_server.answer(content))

    outcome = omni_submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert server.posts == 1


@pytest.mark.parametrize(
    ("behave", "answered"),
    [
        (raw_server.disconnect, False),
        (raw_server.reset, False),
        (raw_server.say(b"\x00\x01 garbage \r\n\r\n"), False),
        (raw_server.answer(b'{"id": "', promised=500), True),
        (raw_server.answer(b"{}", promised=5 * 1024 * 1024), True),
        (raw_server.answer(b"\x1f\x8b\x08", headers=("Content-Encoding: gzip",)), True),
    ],
    ids=["disconnect", "reset", "garbage", "cut", "too large", "compressed"],
)
def test_a_broken_answer_is_unclear_and_not_repeated(raw, omni_submit, behave, answered):
    server = raw(behave)

    outcome = omni_submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered is answered
    assert server.posts == 1


@pytest.mark.parametrize(
    "behave",
    [raw_server.hang, raw_server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b" ")],
    ids=["silence", "dripping"],
)
def test_the_deadline_ends_a_submit_and_it_is_not_repeated(raw, omni_submit, behave):
    server = raw(behave)

    outcome = omni_submit(deadline_seconds=0.8)

    assert isinstance(outcome, Unclear)
    assert server.posts == 1


def test_nobody_listening_is_surely_not_accepted(settings, omni_submit):
    settings.GEMINI_BASE_URL = "http://127.0.0.1:9"

    outcome = omni_submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"


def test_without_a_key_nothing_is_sent(omni_submit):
    assert omni_submit() == Refused(0, "GEMINI_API_KEY is not set.")


def test_the_key_and_addresses_are_in_no_outcome(stand_in, settings, omni_submit):
    settings.GEMINI_API_KEY = "AQ.not-like-googles"
    words = "key AQ.not-like-googles at https://generativelanguage.googleapis.com/v1"
    stand_in.next("submit", status=400, body=envelope(400, "INVALID_ARGUMENT", words))

    outcome = omni_submit()

    assert "not-like" not in repr(outcome)
    assert "://" not in repr(outcome)


@pytest.mark.django_db(transaction=True)
def test_a_submit_refuses_to_run_inside_a_transaction(stand_in, omni_submit):
    with transaction.atomic(), pytest.raises(RuntimeError):
        omni_submit()

    assert stand_in.counts()["calls"]["submit"] == 0


def test_a_submit_without_a_hold_cannot_be_written():
    with pytest.raises(TypeError):
        developer.submit(picture=b"", mime_type="", prompt="", aspect_ratio="", deadline_seconds=1)


def test_a_picture_is_analysed_here_too(stand_in, omni_analyse):
    outcome = omni_analyse()

    assert isinstance(outcome, Analysed)
    assert stand_in.requests[0].path == "/v1/models/gemini-3.8-flash:generateContent"


def test_a_blocked_picture_is_told_here_too(stand_in, omni_analyse):
    stand_in.next("analyse", outcome="filtered")

    assert isinstance(omni_analyse(), AnalysisBlocked)


@pytest.mark.parametrize(
    ("order", "outcome"),
    [({"status": 404}, Refused), ({"status": 429}, NotAccepted), ({"cut": "before"}, Unclear)],
)
def test_an_analysis_that_fails_is_one_request(stand_in, omni_analyse, order, outcome):
    stand_in.next("analyse", **order)

    assert isinstance(omni_analyse(), outcome)
    assert stand_in.counts()["calls"]["analyse"] == 1
