import io
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import av
import httpx2
import pytest
from google.genai import errors, types

from shortsproject.local.gemini import StandIn
from shortsproject.local.gemini_script import OrderError

from .calls import MEMBERS, MODEL, analyse, connect, control, failure, finish, jpeg, poll, submit


def test_an_uploaded_picture_becomes_a_playable_video(client, standin):
    prompt = analyse(client).parsed["video_prompt"]

    operation = finish(client, submit(client, duration_seconds=8))

    video = operation.response.generated_videos[0].video
    assert prompt
    assert video.mime_type == "video/mp4"
    with av.open(io.BytesIO(video.video_bytes)) as film:
        assert film.duration / av.time_base == pytest.approx(8.0, abs=0.05)
        assert (film.streams.video[0].width, film.streams.video[0].height) == (1280, 720)
        assert sum(1 for _ in film.decode(video=0)) == 192
    counts = standin.counts()
    assert (
        counts["accepted_submits"] == counts["calls"]["submit"] == counts["calls"]["analyse"] == 1
    )


# Analysis


def test_an_analysis_fills_the_structure_that_was_asked_for(client):
    answer = analyse(client, wish="let it snow")

    assert set(answer.parsed) == set(MEMBERS)
    assert "let it snow" in answer.parsed["video_prompt"]
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP


def test_what_is_seen_depends_on_the_picture(client):
    dark = analyse(client, jpeg("#101030", (360, 640))).parsed
    bright = analyse(client, jpeg("#ffe850")).parsed

    assert "portrait" in dark["seen"]
    assert dark["warning"]
    assert "yellow" in bright["seen"]
    assert bright["warning"] == ""


def test_the_usage_of_an_ordinary_picture_is_near_487_and_adds_up(client):
    usage = analyse(client).usage_metadata

    parts = (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)
    assert 440 <= usage.total_token_count <= 530
    assert usage.total_token_count == sum(parts)
    details = {detail.modality.value: detail.token_count for detail in usage.prompt_tokens_details}
    assert set(details) == {"TEXT", "IMAGE"}
    assert sum(details.values()) == usage.prompt_token_count


def test_the_same_call_costs_the_same_and_another_one_differs(client):
    first = analyse(client).usage_metadata
    again = analyse(client).usage_metadata
    other = analyse(client, jpeg("teal"), "a storm is coming up over the sea").usage_metadata

    assert again == first
    assert other.total_token_count != first.total_token_count


def test_a_picture_costs_more_without_low_media_resolution(client):
    usage = analyse(client, media_resolution=None).usage_metadata

    assert usage.prompt_token_count > 1120


def test_the_output_cap_is_kept(client):
    answer = analyse(client, max_output_tokens=100)

    usage = answer.usage_metadata
    assert usage.candidates_token_count + usage.thoughts_token_count == 100
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.parsed is None


def test_a_schema_in_the_older_spelling_is_filled_too(client):
    schema = types.Schema(type="OBJECT", properties={"video_prompt": types.Schema(type="STRING")})

    answer = analyse(client, response_json_schema=None, response_schema=schema)

    assert json.loads(answer.text)["video_prompt"]


def test_tokens_can_be_counted_before(client):
    part = types.Part.from_bytes(data=jpeg(), mime_type="image/jpeg")

    counted = client.models.count_tokens(model="gemini-3.8-flash", contents=[part, "Wish: rain"])

    assert counted.total_tokens > 1120


def test_a_file_that_is_no_picture_is_refused(client):
    with pytest.raises(errors.ClientError) as refused:
        analyse(client, b"no picture at all")

    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert "Unable to process input image." in refused.value.message


# Video


def test_a_render_is_not_done_before_its_time(client, standin):
    operation = submit(client)

    asked = poll(client, operation)

    assert not asked.done
    assert asked.name == operation.name
    assert operation.name.startswith(f"publishers/google/models/{MODEL}/operations/")
    assert standin.counts()["accepted_submits"] == 1


def test_every_poll_of_a_finished_render_carries_the_video(client):
    operation = finish(client, submit(client, aspect_ratio="9:16"))

    again = poll(client, operation)

    first = operation.response.generated_videos[0].video.video_bytes
    assert again.response.generated_videos[0].video.video_bytes == first
    assert operation.response.rai_media_filtered_count in (0, None)


def test_a_client_with_a_project_gets_names_with_the_project(standin):
    http = types.HttpOptions(base_url=standin.url, timeout=10_000)
    place = {"project": "p1", "location": "us-central1", "http_options": http}

    with connect(standin, **place) as client:
        operation = submit(client)
        asked = poll(client, operation)

    assert operation.name.startswith("projects/p1/locations/us-central1/publishers/google/models/")
    assert asked.name == operation.name


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_seconds": 5},
        {"aspect_ratio": "1:1"},
        {"resolution": "480p"},
        {"mime_type": "image/png"},
        {"picture": b"no picture"},
        {"resolution": "4k", "model": "veo-3.1-lite-generate-001"},
    ],
)
def test_a_submit_that_the_service_would_refuse_is_refused(client, standin, changes):
    with pytest.raises(errors.ClientError) as refused:
        submit(client, **changes)

    assert refused.value.code == 400
    assert standin.counts()["accepted_submits"] == 0


@pytest.mark.parametrize("model", ["veo-3.0-fast-generate-001", "veo-3.1-fast-generate-preview"])
def test_a_retired_video_model_is_not_found(client, model):
    with pytest.raises(errors.ClientError) as refused:
        submit(client, model=model)

    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
    assert "is no longer available" in refused.value.message


def test_a_retired_analysis_model_is_not_found(client):
    with pytest.raises(errors.ClientError, match="is no longer available"):
        analyse(client, model="gemini-2.5-flash")


def test_an_operation_that_never_was_is_not_found(client):
    lost = types.GenerateVideosOperation(name=f"publishers/google/models/{MODEL}/operations/1")

    with pytest.raises(errors.ClientError) as refused:
        client.operations.get(lost)

    assert refused.value.code == 404


def test_a_call_without_a_key_is_refused(standin):
    request = urllib.request.Request(
        f"{standin.url}/v1beta1/publishers/google/models/{MODEL}:predictLongRunning", b"{}"
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)

    with refused.value as answer:
        assert answer.code == 401
        assert json.load(answer)["error"]["status"] == "UNAUTHENTICATED"


def test_what_was_sent_can_be_looked_at(client, standin):
    submit(client, duration_seconds=6)

    call = standin.requests[0]
    assert (call.kind, call.model) == ("submit", MODEL)
    assert call.path.endswith(f"/publishers/google/models/{MODEL}:predictLongRunning")
    assert call.headers["x-goog-api-key"] == "local"
    assert call.body["parameters"]["durationSeconds"] == 6


# Several callers, start and stop


def test_operations_are_still_known_after_a_restart_on_the_same_port():
    standin = StandIn(render_seconds=0).start()
    with connect(standin) as client:
        operation = submit(client)
        standin.stop()
        standin.start()
        found = finish(client, operation)
    standin.stop()

    assert found.response.generated_videos


def test_a_stop_ends_a_call_that_is_held():
    standin = StandIn().start()
    standin.next("analyse", hold=True)
    seen = []
    with connect(standin) as client:
        caller = threading.Thread(target=lambda: seen.append(failure(analyse, client)))
        caller.start()
        standin.wait_held("analyse")
        began = time.monotonic()
        standin.stop()
        caller.join(5)

    assert isinstance(seen[0], httpx2.RemoteProtocolError)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_and_ends_cleanly(number):
    command = [sys.executable, "-m", "shortsproject.local.gemini", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        address = SimpleNamespace(url=line.split()[-1])
        counts = control(address, "counts")
        process.send_signal(number)
        status = process.wait(5)

    assert line.startswith("gemini stand-in ready http://127.0.0.1:")
    assert json.loads(counts.text)["accepted_submits"] == 0
    assert status == 0


def test_a_wrong_order_is_an_error_in_python_too(standin):
    with pytest.raises(OrderError, match="Outcomes of poll"):
        standin.next("poll", outcome="melted")
