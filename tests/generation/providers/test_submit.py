"""A submit on both routes: whatever becomes of it, one order is one call, and nothing is believed
that was not said.
"""

import time

import pytest

from generation.providers import routes
from generation.providers.outcomes import Accepted, NotAccepted, Refused, Unclear
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import OPERATION, on

pytestmark = pytest.mark.django_db

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def envelope(code, status, message="why", **more):
    """Google's error body."""
    return {"error": {"code": code, "status": status, "message": message} | more}


def test_a_picture_and_its_prompt_become_a_render(stand_in, submit):
    outcome = submit()

    assert isinstance(outcome, Accepted)
    assert stand_in.counts() == {
        "calls": {"analyse": 0, "submit": 1, "poll": 0, "download": 0},
        "accepted_submits": 1,
    }


@pytest.mark.parametrize(
    ("route", "body"),
    [
        *on(
            routes.ENTERPRISE,
            {"name": f"projects/p-1/locations/us-central1/{OPERATION}"},
            {"name": OPERATION.replace("77", "AbC-9_x")},
        ),
        *on(
            routes.DEVELOPER,
            {"id": "v1_ChdXYZ-9.a", "status": "queued"},
            {"id": "AbC", "status": "in_progress"},
            {"id": "0"},
        ),
    ],
)
def test_a_renders_name_is_kept_as_it_is(stand_in, submit, body):
    stand_in.next("submit", body=body)

    assert submit() == Accepted(body.get("name") or body["id"])


@pytest.mark.parametrize(
    ("route", "body"),
    [
        *on(
            routes.ENTERPRISE,
            {},
            [],
            {"name": ""},
            {"name": None},
            {"name": "models/veo/operations/1"},
            {"name": "operations/1"},
            {"name": f"{OPERATION}/../../secrets"},
            {"name": f"https://elsewhere.example/{OPERATION}"},
            {"name": OPERATION + "7" * 500},
            {"name": OPERATION, "error": {"code": 13, "message": "Internal error."}},
            {"error": {"code": 8, "message": "exhausted"}},
        ),
        *on(
            routes.DEVELOPER,
            {},
            [],
            {"id": ""},
            {"id": None},
            {"id": "../secrets"},
            {"id": "a" * 501},
            {"error": {"code": 8, "message": "exhausted"}},
        ),
    ],
)
def test_a_200_that_names_no_render_is_unclear_but_answered(stand_in, submit, body):
    stand_in.next("submit", body=body)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert stand_in.counts()["accepted_submits"] == stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"name": "publ', b'{"name": 5}', b'"text"', b"5", b"\xff\xfe"]
)
def test_a_200_that_cannot_be_read_is_unclear_but_answered(raw, submit, content):
    server = raw(raw_server.answer(content, headers=raw_server.JSON))

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert server.posts == 1


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.disconnect,
        raw_server.reset,
        raw_server.say(b"\x00\x01 garbage \r\n\r\n"),
        raw_server.say(b"HTTP/1.1 2"),
        raw_server.say(b"HTTP/1.1 200 OK\r\nContent-Length: a few\r\n\r\n"),
    ],
    ids=["disconnect", "reset", "garbage", "cut head", "bad head"],
)
def test_no_answer_after_sending_is_unclear(raw, submit, behave):
    server = raw(behave)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert not outcome.answered
    assert server.posts == 1


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.answer(b'{"name": "', promised=500),
        raw_server.pour(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        raw_server.answer(b"{}", promised=5 * 1024 * 1024),
        raw_server.answer(b"\x1f\x8b\x08", headers=("Content-Encoding: gzip",)),
    ],
    ids=["cut", "endless", "too large", "compressed"],
)
def test_a_200_that_does_not_arrive_whole_is_unclear_but_answered(raw, submit, behave):
    server = raw(behave)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert server.posts == 1


@pytest.mark.parametrize(
    ("behave", "answered"),
    [
        (raw_server.hang, False),
        (raw_server.drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"), False),
        (raw_server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b" "), True),
        (raw_server.drip(CHUNKED, b"1\r\n \r\n"), True),
    ],
    ids=["silence", "dripping head", "dripping body", "dripping chunks"],
)
def test_an_answer_that_takes_too_long_ends_at_the_deadline(raw, submit, behave, answered):
    server = raw(behave)
    begun = time.monotonic()

    outcome = submit(deadline_seconds=1.0)

    assert isinstance(outcome, Unclear)
    assert outcome.answered is answered
    assert time.monotonic() - begun < raw_server.PATIENCE / 2
    assert server.posts == 1


@pytest.mark.parametrize("status", [408, 409, 418, 500, 501, 502, 504])
def test_a_status_that_does_not_refuse_is_unclear(stand_in, submit, status):
    stand_in.next("submit", status=status)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert not outcome.answered
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize("status", [201, 202, 204, 300, 304])
def test_a_status_that_is_not_200_is_unclear(stand_in, submit, status):
    stand_in.next("submit", status=status)

    assert isinstance(submit(), Unclear)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 503])
@pytest.mark.parametrize(
    "body",
    ["<html>from a proxy</html>", {}, "null", {"error": "no"}, {"error": {"code": 999}}, "5"],
)
def test_a_refusal_without_googles_envelope_is_unclear(stand_in, submit, status, body):
    stand_in.next("submit", status=status, body=body)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert not outcome.answered
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (413, "INVALID_ARGUMENT"),
    ],
)
def test_a_refusal_in_googles_envelope_is_for_good(stand_in, submit, status, name):
    stand_in.next("submit", status=status, body=envelope(status, name))

    outcome = submit()

    assert outcome == Refused(status, f"{status} {name}: why")
    assert stand_in.counts()["calls"]["submit"] == 1


def test_a_refusal_may_come_in_a_list_of_one(stand_in, submit):
    stand_in.next("submit", status=403, body=[envelope(403, "PERMISSION_DENIED")])

    assert submit() == Refused(403, "403 PERMISSION_DENIED: why")


def test_a_model_that_is_overloaded_by_its_own_word_was_not_reached(stand_in, submit):
    stand_in.next("submit", status=503)

    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "busy"
    assert stand_in.counts()["calls"]["submit"] == 1


def test_a_reset_during_the_upload_is_unclear(raw, submit):
    raw(raw_server.break_off_upload, reads=False)

    outcome = submit(picture=b"\xff\xd8" * 4_000_000)

    assert isinstance(outcome, Unclear)
    assert not outcome.answered


@pytest.mark.parametrize(
    ("order", "accepted", "answered"),
    [
        ({"cut": "before"}, 0, False),
        ({"cut": "after"}, 1, False),
        ({"cut": "reset"}, 1, False),
        ({"cut": "garbage"}, 1, False),
        ({"cut_at": 5}, 1, True),
        ({"cut": "reset", "cut_at": 5}, 1, True),
        ({"outcome": "empty"}, 1, True),
        ({"outcome": "truncated"}, 1, True),
    ],
)
def test_a_spoilt_answer_is_unclear_whether_or_not_the_call_was_taken(
    stand_in, submit, order, accepted, answered
):
    stand_in.next("submit", **order)

    outcome = submit()

    assert isinstance(outcome, Unclear)
    assert outcome.answered is answered
    assert stand_in.counts()["calls"]["submit"] == 1
    assert stand_in.counts()["accepted_submits"] == accepted


def test_an_answer_after_the_deadline_makes_no_second_render(stand_in, submit):
    stand_in.next("submit", hold=True)

    outcome = submit(deadline_seconds=1.0)
    stand_in.release("submit")

    assert isinstance(outcome, Unclear)
    assert stand_in.counts()["accepted_submits"] == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(stand_in, submit, status):
    with raw_server.RawServer(raw_server.answer(b"{}")) as elsewhere:
        stand_in.next("submit", status=status, body={}, headers={"Location": elsewhere.url})

        outcome = submit()

    assert isinstance(outcome, Unclear)
    assert elsewhere.heads == []
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize("key", ["a-very-secret-word", " a-very-secret-word\n"])
def test_the_detail_shows_neither_key_nor_address(stand_in, settings, submit, key):
    settings.GEMINI_API_KEY = key
    message = "a-very-secret-word and AIzaSyA-1234567890 at https://host.example/?key=abc, key=def"
    stand_in.next("submit", status=400, body=envelope(400, "INVALID_ARGUMENT", message))

    outcome = submit()

    assert isinstance(outcome, Refused)
    assert outcome.detail == "400 INVALID_ARGUMENT: ••• and ••• at ••• •••"
