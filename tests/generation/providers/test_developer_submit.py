import base64

import pytest

from generation.providers import developer
from generation.providers.outcomes import (
    Accepted,
    Analysed,
    Refused,
    Unclear,
)
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import OMNI_MODEL, hold

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("name", ["v1_ChdXYZ-9.a", "AbC", "0"])
def test_an_interactions_id_is_kept_as_it_is(stand_in, omni_submit, name):
    stand_in.next("submit", body={"id": name, "status": "queued"})

    assert omni_submit() == Accepted(name)


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


def test_a_render_that_wants_to_be_continued_is_not_submitted_again(stand_in, omni_submit):
    body = {"id": "v1_a", "status": "requires_continuation", "continuation_token": "YWJj"}
    stand_in.next("submit", body=body)

    assert omni_submit() == Accepted("v1_a")
    assert stand_in.counts()["calls"]["submit"] == 1


def test_without_a_key_nothing_is_sent(omni_submit):
    assert omni_submit() == Refused(0, "GEMINI_API_KEY is not set.")


def test_a_submit_without_a_hold_cannot_be_written():
    with pytest.raises(TypeError):
        developer.submit(picture=b"", mime_type="", prompt="", aspect_ratio="", deadline_seconds=1)


def test_a_picture_is_analysed_here_too(stand_in, omni_analyse):
    outcome = omni_analyse()

    assert isinstance(outcome, Analysed)
    assert stand_in.requests[0].path == "/v1/models/gemini-3.8-flash:generateContent"
