"""Omni on the developer wire: what the real SDK gets from the stand-in."""

import base64
import io
import json
import urllib.request

import av
import httpx2
import pytest

from .calls import analyse, connect, create, failure, jpeg, see, words


def frame_size(content):
    with av.open(io.BytesIO(content)) as film:
        seconds = film.duration / av.time_base
        return seconds, (film.streams.video[0].width, film.streams.video[0].height)


def test_an_uploaded_picture_becomes_a_video_that_can_be_downloaded(developer, standin):
    prompt = analyse(developer).parsed["video_prompt"]

    ended = see(developer, create(developer, resolution="720p", duration="8s"))

    film = developer.files.download(file=ended.output_video.uri)
    assert prompt
    assert ended.status == "completed"
    assert ended.output_video.uri.startswith("https://generativelanguage.googleapis.com/v1/files/")
    assert frame_size(film) == (pytest.approx(8.0, abs=0.05), (1280, 720))
    assert ended.usage.output_tokens_by_modality[0].tokens == 46_336
    assert ended.usage.total_tokens == ended.usage.total_input_tokens + 46_336
    assert standin.counts()["accepted_submits"] == 1
    assert standin.counts()["calls"]["download"] == 1


def test_an_interaction_in_the_background_is_answered_at_once(developer):
    begun = create(developer)

    assert begun.status == "in_progress"
    assert begun.id.startswith("v1_")
    assert (begun.usage, begun.output_video) == (None, None)


def test_without_the_background_the_answer_waits_for_the_video(developer):
    ended = create(developer, background=False, delivery="inline", aspect_ratio="9:16")

    film = base64.b64decode(ended.output_video.data)
    assert ended.status == "completed"
    assert frame_size(film) == (pytest.approx(3.0, abs=0.05), (360, 640))


def test_an_interaction_can_be_read_by_another_client(developer, standin):
    begun = create(developer)

    with connect(standin, enterprise=False) as other:
        ended = see(other, begun)

    assert (ended.id, ended.status) == (begun.id, "completed")


def test_an_empty_input_is_billed_as_a_whole_clip(developer, standin):
    ended = see(developer, create(developer, given=[], duration=None, resolution="720p"))

    assert ended.output_video.uri
    assert ended.usage.output_tokens_by_modality[0].tokens == 57_920
    assert standin.counts()["accepted_submits"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"duration": "2s"},
        {"duration": "16s"},
        {"duration": "11s", "model": "gemini-omni-1.1-flash"},
        {"duration": "8"},
        {"resolution": "480p"},
        {"aspect_ratio": "1:1"},
        {"given": words(b"no picture")},
        {"given": words() + words()},
    ],
)
def test_an_interaction_that_the_service_would_refuse_is_refused(developer, standin, changes):
    refused = failure(lambda: create(developer, **changes))

    assert refused.status_code == 400
    assert standin.counts()["accepted_submits"] == 0


@pytest.mark.parametrize("model", ["gemini-omni-flash-preview", "veo-3.1-generate-preview"])
def test_a_retired_model_is_not_found(developer, model):
    refused = failure(lambda: create(developer, model=model))

    assert refused.status_code == 404
    assert "is no longer available" in str(refused.body)


def test_a_call_without_a_key_is_refused(standin):
    answer = httpx2.get(f"{standin.url}/v1/files/abc:download?alt=media")

    assert answer.status_code == 401


def test_a_canceled_interaction_ends_without_a_video(developer):
    begun = create(developer)

    canceled = developer.interactions.cancel(begun.id)

    assert canceled.status == "cancelled"
    assert developer.interactions.get(begun.id).output_video is None


def test_a_deleted_interaction_is_not_found_but_its_file_is(developer, standin):
    ended = see(developer, create(developer))

    developer.interactions.delete(ended.id)

    assert failure(developer.interactions.get, ended.id).status_code == 404
    assert developer.files.download(file=ended.output_video.uri)
    assert standin.counts()["calls"]["delete"] == 1


def test_a_file_that_is_not_made_yet_is_not_found(developer, standin):
    standin.next("poll", body={"id": "{operation_name}", "status": "completed", "x": "{uri}"})
    begun = create(developer, duration="15s", resolution="720p")
    request = urllib.request.Request(
        f"{standin.url}/v1/interactions/{begun.id}", headers={"x-goog-api-key": "local"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        address = json.load(answer)["x"]

    assert failure(lambda: developer.files.download(file=address)).code == 404


def test_the_sent_interaction_can_be_looked_at(developer, standin):
    create(developer, given=words(jpeg("teal")))

    call = standin.requests[0]
    assert (call.kind, call.path) == ("submit", "/v1/interactions")
    assert call.model == "gemini-omni-1.2-flash"
    assert call.body["response_format"]["duration"] == "3s"
