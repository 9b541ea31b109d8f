import base64
import time

import pytest

from generation.providers.outcomes import (
    Filtered,
    PollFailed,
    RenderFailed,
    Rendering,
    VideoReady,
)
from shortsproject.local.gemini_renders import FILTERED_REASON
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import OPERATION

pytestmark = pytest.mark.django_db

VIDEO = b"\x00\x00\x00\x18ftypmp42 and more"
SAMPLE = {"bytesBase64Encoded": base64.b64encode(VIDEO).decode(), "mimeType": "video/mp4"}
GUIDELINES = "The prompt violates our usage guidelines. Support codes: 42237218"


def done(response=None, **more):
    """A finished operation; the stand-in fills in its name."""
    content = {"name": "{operation_name}", "done": True} | more
    return content if response is None else content | {"response": response}


def test_a_render_goes_on_and_then_its_video_is_there(stand_in, operation_name, veo_poll):
    first = veo_poll(operation_name)
    stand_in.next("poll", body=done({"raiMediaFilteredCount": 0, "videos": [SAMPLE]}))

    second = veo_poll(operation_name)

    assert first == Rendering()
    assert second == VideoReady(VIDEO)
    assert stand_in.counts()["calls"]["poll"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"name": "{operation_name}"},
        {"name": "{operation_name}", "done": False},
        {"name": "{operation_name}", "done": None, "metadata": {"@type": "any"}},
    ],
)
def test_what_is_not_done_is_still_rendering(stand_in, operation_name, veo_poll, body):
    stand_in.next("poll", body=body)

    assert veo_poll(operation_name) == Rendering()


@pytest.mark.parametrize(
    "body",
    [
        done({"videos": [SAMPLE]}),
        done({"videos": [{}, SAMPLE]}),
        done({"videos": [SAMPLE]}, error={"code": 13, "message": "Internal error."}),
        done({"videos": [SAMPLE], "raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["x"]}),
        {"done": True, "response": {"videos": [SAMPLE]}},
    ],
    ids=["alone", "second", "beside an error", "beside a filtered one", "without a name"],
)
def test_a_video_wins_over_whatever_stands_beside_it(stand_in, operation_name, veo_poll, body):
    stand_in.next("poll", body=body)

    assert veo_poll(operation_name) == VideoReady(VIDEO)


@pytest.mark.parametrize(
    "body",
    [
        done(),
        done({}),
        done({"videos": []}),
        done({"videos": [{}]}),
        done({"videos": [None]}),
        done({"videos": [{"mimeType": "video/mp4"}]}),
        done({"videos": [{"bytesBase64Encoded": ""}]}),
        done({"raiMediaFilteredCount": 0}),
        done({"generateVideoResponse": {"generatedSamples": [{"video": {}}]}}),
    ],
)
def test_done_with_nothing_is_a_failed_render(stand_in, operation_name, veo_poll, body):
    stand_in.next("poll", body=body)

    assert veo_poll(operation_name) == RenderFailed(None, "the render is done without a video")


@pytest.mark.parametrize("encoded", ["%%%", "AAAAA", "é"])
def test_a_video_that_cannot_be_decoded_is_a_failed_render(
    stand_in, operation_name, veo_poll, encoded
):
    stand_in.next("poll", body=done({"videos": [{"bytesBase64Encoded": encoded}]}))

    outcome = veo_poll(operation_name)

    assert outcome == RenderFailed(None, "the video came in a form that cannot be decoded")


def test_a_video_in_a_bucket_is_a_failed_render(stand_in, operation_name, veo_poll):
    stand_in.next("poll", body=done({"videos": [{"gcsUri": "gs://bucket/video.mp4"}]}))

    assert veo_poll(operation_name) == RenderFailed(None, "the video was delivered elsewhere")


def test_an_error_in_the_operation_is_a_failed_render(stand_in, operation_name, veo_poll):
    stand_in.next("poll", outcome="error")

    outcome = veo_poll(operation_name)

    assert outcome == RenderFailed(13, "13 Internal error. Please try again later.")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"code": 8, "message": "exhausted"}, RenderFailed(8, "8 exhausted")),
        ({"code": 3, "message": "bad argument"}, RenderFailed(3, "3 bad argument")),
        ({"code": "3", "message": GUIDELINES}, RenderFailed(None, f"3 {GUIDELINES}")),
        ({"code": 13}, RenderFailed(13, "13 no message")),
        ({"message": "an error without a code"}, RenderFailed(None, "an error without a code")),
        ({"code": 14, "message": "unavailable"}, RenderFailed(14, "14 unavailable")),
        ({}, RenderFailed(None, "no message")),
        ({"code": 3, "message": GUIDELINES}, Filtered((GUIDELINES,))),
    ],
)
def test_the_code_of_an_error_is_kept_and_a_refused_prompt_is_filtered(
    stand_in, operation_name, veo_poll, error, outcome
):
    stand_in.next("poll", body=done(error=error))

    assert veo_poll(operation_name) == outcome


def test_a_filtered_render_says_why(stand_in, operation_name, veo_poll):
    stand_in.next("poll", outcome="filtered")

    assert veo_poll(operation_name) == Filtered((FILTERED_REASON,))


@pytest.mark.parametrize(
    ("response", "reasons"),
    [
        ({"raiMediaFilteredCount": 1}, ()),
        ({"raiMediaFilteredReasons": ["no faces"]}, ("no faces",)),
        ({"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["a\x00 \n b"]}, ("a b",)),
        (
            {"raiMediaFilteredCount": 9, "raiMediaFilteredReasons": ["r" * 999] * 9},
            ("r" * 300,) * 5,
        ),
        (
            {"raiMediaFilteredReasons": ["see https://host.example/x?key=1"]},
            ("see •••",),
        ),
    ],
)
def test_reasons_are_cleaned_and_bounded(stand_in, operation_name, veo_poll, response, reasons):
    stand_in.next("poll", body=done(response))

    assert veo_poll(operation_name) == Filtered(reasons)


@pytest.mark.parametrize(
    "body",
    [
        {"name": OPERATION, "done": True, "response": {"videos": [SAMPLE]}},
        {"name": OPERATION},
        {"name": "something else", "done": True},
    ],
)
def test_an_answer_about_another_operation_is_not_believed(
    stand_in, operation_name, veo_poll, body
):
    stand_in.next("poll", body=body)

    outcome = veo_poll(operation_name)

    assert outcome == PollFailed("the answer is about another operation", alarming=True)


def test_the_project_of_a_name_may_be_written_as_its_number(raw, veo_poll):
    raw(
        raw_server.answer(
            b'{"name": "projects/12345/locations/us-central1/%s"}' % OPERATION.encode()
        )
    )

    outcome = veo_poll(f"projects/my-project/locations/us-central1/{OPERATION}")

    assert outcome == Rendering()


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
        b'{"name": "%s", "done": "perhaps"}' % OPERATION.encode(),
        b'{"name": "%s", "error": {"code": 13}}' % OPERATION.encode(),
        b'{"name": "%s", "done": true, "error": "no"}' % OPERATION.encode(),
        b'{"error": {"code": 13, "message": "gateway"}}',
        b'{"name": "publ',
        b"\xff\xfe",
    ],
)
def test_a_200_that_says_nothing_changes_nothing(raw, veo_poll, content):
    server = raw(raw_server.answer(content))

    outcome = veo_poll()

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming
    assert server.posts == 1


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


def test_an_answer_that_breaks_off_changes_nothing(stand_in, render, poll):
    stand_in.next("poll", outcome="truncated")

    assert isinstance(poll(render), PollFailed)


def test_a_redirect_is_not_followed(raw, stand_in, veo_poll):
    location = f"Location: {stand_in.url}/v1beta1/{OPERATION}"
    server = raw(raw_server.answer(status="302 Found", headers=(location,)))

    outcome = veo_poll()

    assert isinstance(outcome, PollFailed)
    assert server.posts == 1
    assert stand_in.requests == []


@pytest.mark.parametrize(
    "name", ["", "operations/1", "../../v1/secrets", f"{OPERATION}/..", f"{OPERATION}?a=b"]
)
def test_a_stored_name_of_a_strange_shape_is_never_asked_for(stand_in, veo_poll, name):
    outcome = veo_poll(name)

    assert outcome == PollFailed("the stored name is not one of an operation", alarming=True)
    assert stand_in.requests == []


def test_without_a_route_the_question_fails_and_staff_should_look(veo_poll):
    outcome = veo_poll()

    assert isinstance(outcome, PollFailed)
    assert outcome.alarming
    assert "GOOGLE_CLOUD_PROJECT" in outcome.detail
