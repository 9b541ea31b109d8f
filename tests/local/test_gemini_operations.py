"""Veo as the developer API had it: an operation is asked for by its address, its video is a file.

The SDK still asks in this way, but begins no such render any more: that is done over plain HTTP.
"""

import base64
import re
import time

import httpx2
import pytest
from google.genai import types

from shortsproject.local.gemini_renders import ERROR, FILTERED

from .calls import MODEL, finish, jpeg

KEY = {"x-goog-api-key": "local"}
VIDEO = re.compile(r"https://[a-z.]+/v1/files/[a-z0-9]+:download\?alt=media")


def begin(standin, model=MODEL, colour=None):
    """The answer to a submit of four seconds."""
    data = base64.b64encode(jpeg(colour)).decode()
    image = {"bytesBase64Encoded": data, "mimeType": "image/jpeg"}
    order = {
        "instances": [{"prompt": "A slow pan", "image": image}],
        "parameters": {"durationSeconds": 4},
    }
    address = f"{standin.url}/v1beta/models/{model}:predictLongRunning"
    return httpx2.post(address, json=order, headers=KEY, timeout=10)


def ask(standin, name):
    return httpx2.get(f"{standin.url}/v1beta/{name}", headers=KEY, timeout=10)


def end(standin, name):
    """The last answer about a render."""
    deadline = time.monotonic() + 30
    while "done" not in (said := ask(standin, name).json()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return said


def test_a_render_becomes_a_file_that_the_sdk_can_fetch(developer, standin):
    name = begin(standin).json()["name"]

    ended = finish(developer, types.GenerateVideosOperation(name=name))

    video = ended.response.generated_videos[0].video
    assert name.startswith(f"models/{MODEL}/operations/")
    assert VIDEO.fullmatch(video.uri)
    assert developer.files.download(file=video)[4:8] == b"ftyp"
    assert standin.counts()["calls"]["poll"] > 0
    assert standin.counts()["calls"]["download"] == 1


def test_a_render_that_goes_on_has_nothing_but_its_name(standin):
    name = begin(standin, colour="plum").json()["name"]

    asked = ask(standin, name)

    assert asked.json() == {"name": name}
    assert int(asked.headers["content-length"]) == len(asked.content)


@pytest.mark.parametrize(
    ("outcome", "response"),
    [
        ("filtered", FILTERED),
        ("no_video", {"generatedSamples": []}),
        ("blank_video", {"generatedSamples": [{}]}),
    ],
)
def test_a_render_without_a_video_says_so_in_its_own_form(standin, outcome, response):
    standin.next("submit", outcome=outcome)
    name = begin(standin).json()["name"]

    ended = end(standin, name)

    assert ended == {"name": name, "done": True, "response": {"generateVideoResponse": response}}


def test_a_failed_render_has_an_error_and_no_response(standin):
    standin.next("submit", outcome="error")
    name = begin(standin).json()["name"]

    ended = end(standin, name)

    assert ended == {"name": name, "done": True, "error": ERROR}


def test_a_model_that_is_retired_there_is_no_longer_available(standin):
    refused = begin(standin, model="veo-3.1-fast-generate-preview")

    assert refused.status_code == 404
    assert "is no longer available" in refused.json()["error"]["message"]
    assert standin.counts()["accepted_submits"] == 0


def test_an_operation_that_never_was_is_not_found(standin):
    refused = ask(standin, f"models/{MODEL}/operations/never")

    assert refused.status_code == 404
    assert refused.json()["error"]["status"] == "NOT_FOUND"
