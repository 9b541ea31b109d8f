"""How Veo's operations are read: each form of an end has its outcome."""

import base64

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
from tests.generation.providers.conftest import OPERATION, veo

pytestmark = [pytest.mark.django_db, veo]

VIDEO = b"\x00\x00\x00\x18ftypmp42 and more"
SAMPLE = {"bytesBase64Encoded": base64.b64encode(VIDEO).decode(), "mimeType": "video/mp4"}
GUIDELINES = "The prompt violates our usage guidelines. Support codes: 42237218"


def done(response=None, **more):
    """A finished operation; the stand-in fills in its name."""
    content = {"name": "{operation_name}", "done": True} | more
    return content if response is None else content | {"response": response}


def test_a_render_goes_on_and_then_its_video_is_there(stand_in, render, poll):
    first = poll(render)
    stand_in.next("poll", body=done({"raiMediaFilteredCount": 0, "videos": [SAMPLE]}))

    second = poll(render)

    assert first == Rendering()
    assert second == VideoReady(VIDEO)
    assert stand_in.counts()["calls"]["poll"] == 2


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("filtered", Filtered),
        ("error", RenderFailed),
        ("exhausted", RenderFailed),
        ("no_video", RenderFailed),
        ("blank_video", RenderFailed),
        ("empty", RenderFailed),
        ("error_and_video", VideoReady),
        ("filtered_and_video", VideoReady),
        ("other_name", PollFailed),
    ],
)
def test_each_end_of_a_render_has_its_outcome(stand_in, render, poll, ending, outcome):
    stand_in.next("poll", outcome=ending)

    assert isinstance(poll(render), outcome)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "{operation_name}"},
        {"name": "{operation_name}", "done": False},
        {"name": "{operation_name}", "done": None, "metadata": {"@type": "any"}},
    ],
)
def test_what_is_not_done_is_still_rendering(stand_in, render, poll, body):
    stand_in.next("poll", body=body)

    assert poll(render) == Rendering()


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
def test_a_video_wins_over_whatever_stands_beside_it(stand_in, render, poll, body):
    stand_in.next("poll", body=body)

    assert poll(render) == VideoReady(VIDEO)


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
def test_done_with_nothing_is_a_failed_render(stand_in, render, poll, body):
    stand_in.next("poll", body=body)

    assert poll(render) == RenderFailed(None, "the render is done without a video")


@pytest.mark.parametrize("encoded", ["%%%", "AAAAA", "é"])
def test_a_video_that_cannot_be_decoded_is_a_failed_render(stand_in, render, poll, encoded):
    stand_in.next("poll", body=done({"videos": [{"bytesBase64Encoded": encoded}]}))

    outcome = poll(render)

    assert outcome == RenderFailed(None, "the video came in a form that cannot be decoded")


def test_a_video_in_a_bucket_is_a_failed_render(stand_in, render, poll):
    stand_in.next("poll", body=done({"videos": [{"gcsUri": "gs://bucket/video.mp4"}]}))

    assert poll(render) == RenderFailed(None, "the video was delivered elsewhere")


def test_an_error_in_the_operation_is_a_failed_render(stand_in, render, poll):
    stand_in.next("poll", outcome="error")

    outcome = poll(render)

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
    stand_in, render, poll, error, outcome
):
    stand_in.next("poll", body=done(error=error))

    assert poll(render) == outcome


def test_a_filtered_render_says_why(stand_in, render, poll):
    stand_in.next("poll", outcome="filtered")

    assert poll(render) == Filtered((FILTERED_REASON,))


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
def test_reasons_are_cleaned_and_bounded(stand_in, render, poll, response, reasons):
    stand_in.next("poll", body=done(response))

    assert poll(render) == Filtered(reasons)


@pytest.mark.parametrize(
    "body",
    [
        {"name": OPERATION, "done": True, "response": {"videos": [SAMPLE]}},
        {"name": OPERATION},
        {"name": "something else", "done": True},
    ],
)
def test_an_answer_about_another_operation_is_not_believed(stand_in, render, poll, body):
    stand_in.next("poll", body=body)

    outcome = poll(render)

    assert outcome == PollFailed("the answer is about another operation", alarming=True)


def test_the_project_of_a_name_may_be_written_as_its_number(raw, poll):
    raw(
        raw_server.answer(
            b'{"name": "projects/12345/locations/us-central1/%s"}' % OPERATION.encode()
        )
    )

    outcome = poll(f"projects/my-project/locations/us-central1/{OPERATION}")

    assert outcome == Rendering()


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "%s", "done": "perhaps"}' % OPERATION.encode(),
        b'{"name": "%s", "error": {"code": 13}}' % OPERATION.encode(),
        b'{"name": "%s", "done": true, "error": "no"}' % OPERATION.encode(),
    ],
)
def test_an_answer_that_contradicts_itself_changes_nothing(raw, poll, content):
    raw(raw_server.answer(content))

    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert not outcome.alarming
