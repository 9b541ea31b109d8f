"""How renders end when the stand-in is told so, on Omni's wire and on Veo's."""

import pytest
from google.genai import errors

from .calls import create, failure, finish, jpeg, poll, see, submit, words

BARE = {
    "cancelled": "cancelled",
    "incomplete": "incomplete",
    "budget_exceeded": "budget_exceeded",
    "requires_action": "requires_action",
    "unknown_status": "under_review",
}


# Omni


@pytest.mark.parametrize(("outcome", "status"), BARE.items())
def test_an_interaction_ends_with_that_status_and_nothing_else(developer, standin, outcome, status):
    standin.next("submit", outcome=outcome)

    ended = see(developer, create(developer))

    assert (ended.status, ended.usage, ended.output_video) == (status, None, None)
    assert standin.counts()["accepted_submits"] == 1


@pytest.mark.parametrize(
    ("outcome", "code", "made"),
    [("filtered", "safety", 0), ("error", "internal", None), ("billed_error", "internal", 5_793)],
)
def test_a_failed_interaction_says_why_and_what_was_used(developer, standin, outcome, code, made):
    standin.next("submit", outcome=outcome)

    ended = see(developer, create(developer))

    assert ended.status == "failed"
    assert ended.errors[0].code == code
    assert (ended.usage and ended.usage.total_output_tokens) == made


def test_an_interaction_can_fail_in_its_steps(developer, standin):
    standin.next("submit", outcome="step_error")

    ended = see(developer, create(developer))

    assert (ended.status, ended.errors) == ("failed", None)
    assert ended.steps[0].error.code == 13


@pytest.mark.parametrize(("outcome", "made"), [("no_video", None), ("billed_no_video", 5_793)])
def test_an_interaction_can_complete_without_a_video(developer, standin, outcome, made):
    standin.next("submit", outcome=outcome)

    ended = see(developer, create(developer))

    assert (ended.status, ended.output_video) == ("completed", None)
    assert (ended.usage and ended.usage.total_output_tokens) == made


def test_a_video_can_come_without_usage(developer, standin):
    standin.next("submit", outcome="no_usage")

    ended = see(developer, create(developer))

    assert ended.output_video.uri
    assert ended.usage is None


def test_a_poll_can_speak_of_another_interaction(developer, standin):
    begun = create(developer)
    standin.next("poll", outcome="other_name")

    asked = developer.interactions.get(begun.id)

    assert asked.output_video.uri
    assert asked.id != begun.id


def test_an_outcome_of_a_poll_is_for_that_answer_only(developer, standin):
    begun = create(developer)
    standin.next("poll", outcome="error")

    asked = developer.interactions.get(begun.id)

    assert asked.status == "failed"
    assert see(developer, begun).status == "completed"


def test_a_poll_that_is_told_to_name_a_file_has_it_there(developer, standin):
    begun = create(developer, given=words(jpeg("peru")))
    standin.next("poll", outcome="no_usage")

    asked = developer.interactions.get(begun.id)

    assert (asked.status, asked.usage) == ("completed", None)
    assert developer.files.download(file=asked.output_video.uri)[4:8] == b"ftyp"


@pytest.mark.parametrize("outcome", ["empty", "truncated"])
def test_a_submit_without_a_readable_answer_was_taken_all_the_same(developer, standin, outcome):
    standin.next("submit", outcome=outcome)

    begun = failure(create, developer)

    assert "id='v1_" not in repr(begun)
    assert standin.counts()["accepted_submits"] == 1


def test_an_outcome_of_the_other_wire_is_refused(developer, standin):
    standin.next("submit", outcome="blank_video")

    refused = failure(create, developer)

    assert refused.status_code == 400
    assert standin.counts()["accepted_submits"] == 0


# Veo


def test_an_error_can_come_beside_a_video(client, standin):
    standin.next("submit", outcome="error_and_video")

    ended = finish(client, submit(client))

    assert ended.error["code"] == 13


def test_a_filtered_count_can_come_beside_a_video(client, standin):
    standin.next("submit", outcome="filtered_and_video")

    ended = finish(client, submit(client))

    assert ended.response.rai_media_filtered_count == 1
    assert ended.response.generated_videos[0].video.video_bytes


def test_the_service_can_be_exhausted(client, standin):
    standin.next("submit", outcome="exhausted")

    ended = finish(client, submit(client))

    assert ended.error["code"] == 8


def test_a_video_that_never_has_usage_comes_as_usual(client, standin):
    standin.next("submit", outcome="no_usage")

    ended = finish(client, submit(client))

    assert ended.response.generated_videos[0].video.video_bytes


def test_a_poll_can_speak_of_another_operation(client, standin):
    operation = finish(client, submit(client))
    standin.next("poll", outcome="other_name")

    asked = poll(client, operation)

    assert asked.done
    assert asked.name != operation.name


def test_a_render_can_be_done_without_a_video(client, standin):
    standin.next("submit", outcome="no_video")

    ended = finish(client, submit(client))

    assert ended.done
    assert not ended.response.generated_videos


def test_a_video_can_be_there_without_anything_in_it(client, standin):
    standin.next("submit", outcome="blank_video")

    ended = finish(client, submit(client))

    video = ended.response.generated_videos[0].video
    assert video is None or (video.video_bytes, video.uri) == (None, None)


def test_an_outcome_of_omni_is_refused_by_veo(client, standin):
    standin.next("submit", outcome="step_error")

    with pytest.raises(errors.ClientError) as refused:
        submit(client)

    assert refused.value.code == 400
