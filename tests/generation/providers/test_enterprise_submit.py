"""What a submit to Veo is on the wire, and what Veo alone refuses."""

import base64

import pytest

from generation.providers.outcomes import Accepted, Refused
from tests.generation.providers.conftest import VIDEO_MODEL, hold, veo

pytestmark = [pytest.mark.django_db, veo]


def test_a_picture_and_its_prompt_become_an_operation(stand_in, submit):
    outcome = submit()

    assert isinstance(outcome, Accepted)
    assert outcome.operation_name.startswith(f"publishers/google/models/{VIDEO_MODEL}/operations/")


def test_the_render_is_as_the_quote_line_says(stand_in, submit, picture):
    line = hold("veo-3.1-lite-generate-001", seconds=4, resolution="1080p")

    submit(hold=line, aspect_ratio="9:16", prompt="A slow pan")

    call = stand_in.requests[0]
    assert call.model == "veo-3.1-lite-generate-001"
    assert call.body["parameters"] == {
        "sampleCount": 1,
        "durationSeconds": 4,
        "aspectRatio": "9:16",
        "resolution": "1080p",
        "personGeneration": "allow_adult",
        "generateAudio": True,
    }
    (instance,) = call.body["instances"]
    assert instance["prompt"] == "A slow pan"
    assert instance["image"]["mimeType"] == "image/jpeg"
    assert base64.b64decode(instance["image"]["bytesBase64Encoded"]) == picture


def test_a_retired_model_is_gone(stand_in, submit):
    outcome = submit(hold=hold("veo-3.0-generate-001", seconds=8, resolution="720p"))

    assert isinstance(outcome, Refused)
    assert outcome.model_gone
    assert "is no longer available" in outcome.detail


@pytest.mark.parametrize(
    ("seconds", "resolution"), [(5, "720p"), (8, "8k")], ids=["length", "resolution"]
)
def test_a_parameter_that_is_no_longer_taken_blames_the_model(
    stand_in, submit, seconds, resolution
):
    outcome = submit(hold=hold(VIDEO_MODEL, seconds=seconds, resolution=resolution))

    assert isinstance(outcome, Refused)
    assert outcome.model_gone
    assert stand_in.counts()["accepted_submits"] == 0
