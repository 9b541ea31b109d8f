"""What a submit to Omni is on the wire."""

import base64

import pytest

from generation.providers.outcomes import Accepted
from tests.generation.providers.conftest import OMNI_MODEL, hold, omni

pytestmark = [pytest.mark.django_db, omni]


def test_a_picture_and_its_prompt_become_an_interaction(stand_in, submit, picture):
    line = hold(OMNI_MODEL, seconds=5, resolution="1080p")

    outcome = submit(hold=line, aspect_ratio="9:16", prompt="A slow pan")

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


def test_a_render_that_wants_to_be_continued_is_not_submitted_again(stand_in, submit):
    body = {"id": "v1_a", "status": "requires_continuation", "continuation_token": "YWJj"}
    stand_in.next("submit", body=body)

    assert submit() == Accepted("v1_a")
    assert stand_in.counts()["calls"]["submit"] == 1
