import json
import threading
import time

import httpx2
import pytest
from google.genai import errors, types

from .calls import analyse, connect, control, failure, finish, poll, submit


def in_background(call, *arguments):
    """Make a call in a thread; returns the thread and the list that gets its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call(*arguments)))
    thread.start()
    return thread, results


def test_counts_start_at_nothing_and_count_every_call(client, standin):
    before = json.loads(control(standin, "counts").text)

    analyse(client)
    poll(client, submit(client))

    nothing = {"analyse": 0, "submit": 0, "poll": 0, "download": 0}
    assert before == {"calls": nothing, "accepted_submits": 0}
    assert json.loads(control(standin, "counts").text) == {
        "calls": {"analyse": 1, "submit": 1, "poll": 1, "download": 0},
        "accepted_submits": 1,
    }


def test_a_reset_forgets_orders_counts_and_operations(client, standin):
    operation = submit(client)
    control(standin, "next", {"kind": "poll", "status": 503})

    answer = control(standin, "reset", {})

    assert answer.status == 204
    assert standin.counts()["accepted_submits"] == 0
    with pytest.raises(errors.ClientError) as refused:
        poll(client, operation)
    assert refused.value.code == 404


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "render"},
        {},
        {"kind": "submit", "n": 0},
        {"kind": "submit", "status": 99},
        {"kind": "submit", "outcome": "melted"},
        {"kind": "submit", "size_bytes": 1},
        {"kind": "submit", "drip_s": True},
        {"kind": "download", "cut_at": -1},
        {"kind": "cancel", "outcome": "error"},
        {"kind": "submit", "cut": "during"},
        {"kind": "submit", "delay_s": -1},
        {"kind": "submit", "delay_s": "1"},
        {"kind": "submit", "status": 503, "outcome": "error"},
        {"kind": "submit", "mood": "bad"},
    ],
)
def test_a_wrong_order_is_answered_with_a_sentence(standin, order):
    answer = control(standin, "next", order)

    assert answer.status == 400
    assert json.loads(answer.text)["error"]["message"].endswith(".")


@pytest.mark.parametrize("kind", ["analyse", "submit", "poll", "download"])
@pytest.mark.parametrize("outcome", ["filtered", "error", "empty", "no_usage", "truncated"])
def test_every_outcome_may_be_ordered_for_every_kind(standin, kind, outcome):
    answer = control(standin, "next", {"kind": kind, "n": 1, "outcome": outcome})

    assert (answer.status, answer.text) == (204, "")


@pytest.mark.parametrize(("status", "kind"), [(429, errors.ClientError), (503, errors.ServerError)])
def test_a_status_refuses_the_call_in_googles_envelope(client, standin, status, kind):
    answer = control(standin, "next", {"kind": "submit", "status": status})

    with pytest.raises(kind) as refused:
        submit(client)

    assert answer.status == 204
    assert refused.value.code == status
    assert refused.value.status in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
    assert standin.counts()["calls"]["submit"] == 1
    assert standin.counts()["accepted_submits"] == 0


def test_a_status_can_bring_its_own_body(client, standin):
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"}
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [delay]}}
    standin.next("analyse", status=429, body=body)

    with pytest.raises(errors.ClientError) as refused:
        analyse(client)

    assert refused.value.details["error"]["details"] == [delay]


def test_a_text_as_body_goes_out_as_it_is(client, standin):
    standin.next("poll", status=502, body="<html>bad gateway</html>")
    operation = submit(client)

    with pytest.raises(errors.ServerError) as refused:
        poll(client, operation)

    assert refused.value.message == "<html>bad gateway</html>"


def test_a_body_without_a_status_is_the_answer_to_an_accepted_call(client, standin):
    reported = {"promptTokenCount": 310, "totalTokenCount": 9000}
    standin.next("analyse", body={"usageMetadata": reported})
    standin.next("submit", body={"name": "{operation_name}", "extra": 1})

    answer = analyse(client)
    operation = finish(client, submit(client))

    assert answer.usage_metadata.total_token_count == 9000
    assert operation.response.generated_videos
    assert standin.counts()["accepted_submits"] == 1


def test_the_status_200_takes_the_call_as_usual(client, standin):
    standin.next("submit", status=200, body={"name": "operations/scripted"})
    standin.next("submit", status=200)

    scripted, usual = submit(client), submit(client)

    assert scripted.name == "operations/scripted"
    assert usual.name
    assert standin.counts()["accepted_submits"] == 2


def test_a_scripted_poll_can_name_the_operation_and_carry_its_video(client, standin):
    operation = submit(client)
    video = {"bytesBase64Encoded": "{video}", "mimeType": "video/mp4"}
    both = {"error": {"code": 13, "message": "x"}, "response": {"videos": [video]}}
    standin.next("poll", body={"name": "{operation_name}", "done": True, **both})

    asked = poll(client, operation)

    assert asked.name == operation.name
    assert asked.error["code"] == 13


def test_an_order_holds_for_the_next_n_calls_in_order_of_arrival(client, standin):
    standin.next("analyse", n=2, status=503)
    standin.next("analyse", status=429)

    codes = [failure(analyse, client).code for _ in range(3)]

    assert codes == [503, 503, 429]
    assert analyse(client).parsed


def test_a_delayed_submit_is_accepted_before_the_delay(standin):
    standin.next("submit", delay_s=5)
    hasty = types.HttpOptions(base_url=standin.url, timeout=300)

    with connect(standin, http_options=hasty) as client, pytest.raises(httpx2.ReadTimeout):
        submit(client)

    assert standin.counts()["accepted_submits"] == 1


def test_a_delay_holds_the_answer_back_for_that_long(client, standin):
    standin.next("analyse", delay_s=0.5)
    began = time.monotonic()

    answer = analyse(client)

    assert answer.parsed
    assert 0.5 <= time.monotonic() - began < 3


def test_a_call_cut_before_is_received_but_not_accepted(client, standin):
    standin.next("submit", cut="before")

    with pytest.raises(httpx2.RemoteProtocolError):
        submit(client)

    assert standin.counts()["calls"]["submit"] == 1
    assert standin.counts()["accepted_submits"] == 0


def test_a_call_cut_after_is_accepted_without_an_answer(client, standin):
    standin.next("submit", cut="after")

    with pytest.raises(httpx2.RemoteProtocolError):
        submit(client)

    assert standin.counts()["calls"]["submit"] == 1
    assert standin.counts()["accepted_submits"] == 1


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_cut_poll_leaves_the_operation_as_it_was(client, standin, cut):
    operation = submit(client)
    standin.next("poll", cut=cut)

    with pytest.raises(httpx2.RemoteProtocolError):
        poll(client, operation)

    assert finish(client, operation).response.generated_videos


def test_a_held_call_gets_its_answer_when_it_is_released(client, standin):
    control(standin, "next", {"kind": "submit", "hold": True})
    caller, results = in_background(submit, client)
    standin.wait_held("submit")
    accepted_while_held, answered_while_held = standin.counts()["accepted_submits"], list(results)

    answer = control(standin, "release", {"kind": "submit"})
    caller.join(5)

    assert answer.status == 204
    assert (accepted_while_held, answered_while_held) == (1, [])
    assert results[0].name


def test_a_release_of_nothing_is_a_conflict(standin):
    assert control(standin, "release", {"kind": "poll"}).status == 409


# Outcomes of the analysis


def test_an_analysis_without_usage(client, standin):
    standin.next("analyse", outcome="no_usage")

    answer = analyse(client)

    assert answer.parsed["video_prompt"]
    assert answer.usage_metadata is None


def test_an_empty_analysis(client, standin):
    standin.next("analyse", outcome="empty")

    answer = analyse(client)

    assert (answer.candidates, answer.usage_metadata) == (None, None)


def test_a_truncated_analysis_breaks_off_in_the_middle_of_the_json(client, standin):
    standin.next("analyse", outcome="truncated")

    answer = analyse(client)

    usage = answer.usage_metadata
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.text.startswith("{")
    assert answer.parsed is None
    assert usage.thoughts_token_count > 900
    assert usage.thoughts_token_count + usage.candidates_token_count <= 1024
    assert usage.total_token_count > usage.prompt_token_count + usage.thoughts_token_count


def test_a_filtered_analysis_reports_prompt_tokens_only(client, standin):
    standin.next("analyse", outcome="filtered")

    answer = analyse(client)

    usage = answer.usage_metadata
    assert answer.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    assert answer.candidates is None
    assert usage.total_token_count == usage.prompt_token_count > 0
    assert usage.candidates_token_count is None


def test_a_failed_analysis(client, standin):
    standin.next("analyse", outcome="error")

    with pytest.raises(errors.ClientError) as refused:
        analyse(client)

    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")


# Outcomes of the submit: what becomes of the operation


def test_a_submit_that_will_be_filtered(client, standin):
    standin.next("submit", outcome="filtered")

    operation = finish(client, submit(client))

    assert operation.response.generated_videos is None
    assert operation.response.rai_media_filtered_count == 1
    assert "You will not be charged" in operation.response.rai_media_filtered_reasons[0]
    assert standin.counts()["accepted_submits"] == 1


def test_a_submit_that_will_fail(client, standin):
    standin.next("submit", outcome="error")

    operation = finish(client, submit(client))

    assert operation.error["code"] == 13
    assert operation.response is None


def test_a_submit_answered_with_nothing_is_accepted_all_the_same(client, standin):
    standin.next("submit", outcome="empty")

    operation = submit(client)

    assert operation.name is None
    assert standin.counts()["accepted_submits"] == 1


def test_a_submit_answered_with_broken_json_is_accepted_all_the_same(client, standin):
    standin.next("submit", outcome="truncated")

    with pytest.raises(json.JSONDecodeError):
        submit(client)

    assert standin.counts()["accepted_submits"] == 1


# Outcomes of a poll: this answer only


def test_a_poll_that_says_filtered(client, standin):
    operation = submit(client)
    standin.next("poll", outcome="filtered")

    asked = poll(client, operation)

    assert asked.done
    assert asked.response.rai_media_filtered_count == 1


def test_a_poll_that_says_failed(client, standin):
    operation = submit(client)
    standin.next("poll", outcome="error")

    asked = poll(client, operation)

    assert asked.done
    assert asked.error["code"] == 13


def test_a_poll_that_says_done_and_nothing_else(client, standin):
    operation = submit(client)
    standin.next("poll", outcome="empty")

    asked = poll(client, operation)

    assert (asked.done, asked.response, asked.error) == (True, None, None)


def test_a_poll_whose_body_breaks_off(client, standin):
    operation = finish(client, submit(client))
    standin.next("poll", outcome="truncated")

    with pytest.raises(httpx2.RemoteProtocolError):
        poll(client, operation)

    assert poll(client, operation).response.generated_videos
