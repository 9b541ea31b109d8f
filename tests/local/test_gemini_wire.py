"""The stand-in's wire as anybody may speak it: addresses, spellings, the form of its answers."""

import base64

import httpx2
import pytest
from google.genai import types

from .calls import MODEL, jpeg

KEY = {"x-goog-api-key": "local"}
PUBLISHED = "publishers/google/models"
PLACED = f"projects/p1/locations/us-central1/{PUBLISHED}"
STANDARD = base64.b64encode(jpeg()).decode()
URL_SAFE = base64.urlsafe_b64encode(jpeg()).decode()


def post(standin, path, body, headers=KEY):
    return httpx2.post(f"{standin.url}{path}", json=body, headers=headers, timeout=10)


def question(inline):
    parts = [inline, {"text": "Wish: rain"}]
    return {"contents": [{"role": "user", "parts": parts}]}


def order(**image):
    return {"instances": [{"prompt": "A slow pan", "image": image}], "parameters": {}}


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1beta1"])
@pytest.mark.parametrize("resource", ["models", PUBLISHED, PLACED])
def test_every_version_and_every_path_of_a_model_is_known(standin, version, resource):
    usual = {"bytesBase64Encoded": STANDARD, "mimeType": "image/jpeg"}
    picture = {"inlineData": {"mimeType": "image/jpeg", "data": STANDARD}}
    model = f"/{version}/{resource}/{MODEL}"

    analysed = post(
        standin, f"/{version}/{resource}/gemini-3.8-flash:generateContent", question(picture)
    )
    begun = post(standin, f"{model}:predictLongRunning", order(**usual)).json()["name"]
    asked = post(standin, f"{model}:fetchPredictOperation", {"operationName": begun})

    assert analysed.json()["usageMetadata"]["totalTokenCount"] > 0
    assert begun.startswith(f"{resource}/{MODEL}/operations/")
    assert asked.json()["name"] == begun


@pytest.mark.parametrize("data", [STANDARD, URL_SAFE, URL_SAFE.rstrip("=")])
@pytest.mark.parametrize(
    ("inline", "mime_type"), [("inlineData", "mimeType"), ("inline_data", "mime_type")]
)
def test_both_spellings_and_both_alphabets_are_read(standin, inline, mime_type, data):
    picture = {inline: {mime_type: "image/jpeg", "data": data}}

    answer = post(standin, "/v1/models/gemini-3.8-flash:generateContent", question(picture)).json()

    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_an_answer_is_plain_json_with_its_length_and_without_done_while_it_renders(standin):
    image = {"bytesBase64Encoded": STANDARD, "mimeType": "image/jpeg"}
    model = f"/v1beta1/{PUBLISHED}/{MODEL}"
    begun = post(standin, f"{model}:predictLongRunning", order(**image))

    asked = post(standin, f"{model}:fetchPredictOperation", {"operationName": begun.json()["name"]})

    assert (begun.status_code, asked.status_code) == (200, 200)
    assert asked.headers["content-type"].startswith("application/json")
    assert int(asked.headers["content-length"]) == len(asked.content)
    assert set(begun.json()) == set(asked.json()) == {"name"}


def test_words_alone_are_read_and_make_a_video_too(client):
    model = client.models

    counted = model.count_tokens(model="gemini-3.8-flash", contents="A calm morning")
    answer = model.generate_content(model="gemini-3.8-flash", contents="A calm morning")
    source = types.GenerateVideosSource(prompt="A calm morning")
    begun = model.generate_videos(model=MODEL, source=source)

    assert answer.text
    assert answer.usage_metadata.prompt_token_count == counted.total_tokens < 100
    assert begun.name


def test_a_submit_of_nothing_is_refused(standin):
    instances = {"instances": [{}], "parameters": {}}

    refused = post(standin, f"/v1beta1/{PUBLISHED}/{MODEL}:predictLongRunning", instances)

    assert refused.status_code == 400
    assert standin.counts()["accepted_submits"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (KEY, 400),
        ({"Authorization": "Bearer ya29.x"}, 400),
        ({}, 401),
        ({"x-goog-api-key": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic bG9jYWw="}, 401),
    ],
)
def test_a_key_or_a_token_is_a_login(standin, headers, status):
    refused = post(standin, f"/v1/models/{MODEL}:predictLongRunning", {}, headers)

    assert refused.status_code == status
    assert refused.json()["error"]["code"] == status


@pytest.mark.parametrize(
    "path", ["/v2/interactions", "/v1/models/x:predict", "/v1/files/ABC:download", "/"]
)
def test_what_is_not_there_is_not_found_in_googles_envelope(standin, path):
    refused = post(standin, path, {})

    assert refused.status_code == 404
    assert refused.json()["error"]["status"] == "NOT_FOUND"


def test_a_method_that_nobody_serves_is_refused_in_googles_envelope(standin):
    refused = httpx2.put(f"{standin.url}/v1/files/abc", headers=KEY)

    assert refused.status_code == 501
    assert refused.json()["error"]["status"] == "UNIMPLEMENTED"
