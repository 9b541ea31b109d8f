"""How Omni's interactions are read: each form of an end has its outcome."""

import base64
import json

import pytest

from generation.providers.outcomes import (
    BilledWithoutVideo,
    Filtered,
    PollFailed,
    RenderFailed,
    Rendering,
    VideoReady,
)
from metering.types import Usage
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import INTERACTION, ended_poll, omni

pytestmark = [pytest.mark.django_db, omni]

USAGE = {"output_tokens_by_modality": [{"modality": "video", "tokens": 46_336}]}
UNREACHABLE = RenderFailed(None, "the video came in a form that cannot be had")


def ended(status="completed", **more):
    """An interaction as the developer route answers it."""
    return {"id": INTERACTION, "object": "interaction", "status": status} | more


def made(**video):
    """The steps of an interaction that made this video."""
    content = {"type": "video", "mime_type": "video/mp4"} | video
    return [{"type": "model_output", "content": [content]}]


def test_a_render_is_under_way_and_then_ready(stand_in, render, poll):
    first = poll(render)

    last = ended_poll(poll, render)

    assert first == Rendering()
    assert isinstance(last, VideoReady)
    assert last.video is None
    assert last.file_id.isalnum()


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("filtered", Filtered),
        ("error", RenderFailed),
        ("step_error", RenderFailed),
        ("cancelled", RenderFailed),
        ("incomplete", RenderFailed),
        ("budget_exceeded", RenderFailed),
        ("requires_action", RenderFailed),
        ("requires_continuation", RenderFailed),
        ("idle", PollFailed),
        ("no_video", RenderFailed),
        ("billed_error", BilledWithoutVideo),
        ("billed_no_video", BilledWithoutVideo),
        ("unknown_status", PollFailed),
        ("other_name", PollFailed),
        ("no_usage", VideoReady),
    ],
)
def test_each_end_of_a_render_has_its_outcome(stand_in, render, poll, ending, outcome):
    stand_in.next("poll", outcome=ending)

    assert isinstance(poll(render), outcome)


def test_the_evidence_of_a_bill_is_counted(stand_in, render, poll):
    stand_in.next("poll", outcome="billed_error")

    outcome = poll(render)

    assert isinstance(outcome, BilledWithoutVideo)
    assert outcome.detail == "failed internal Internal error. Please try again later."
    assert outcome.video_tokens == outcome.usage.candidates_tokens == 46_336


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"total_tokens": 0}, Usage(total_tokens=0)),
        ({"total_input_tokens": -1, "total_output_tokens": 2**53 + 1}, Usage()),
        (
            {
                "total_input_tokens": 1, "total_output_tokens": 2, "total_thought_tokens": 3,
                "total_cached_tokens": 4, "total_tool_use_tokens": 5, "total_tokens": 6,
            },
            Usage(1, 2, 3, 4, 5, 6),
        ),
    ],
)  # fmt: skip
def test_tokens_are_handed_on_as_reported(poll, raw, reported, usage):
    body = ended(steps=made(uri="files/abc1"), usage=reported)
    raw(raw_server.answer(json.dumps(body).encode(), headers=raw_server.JSON))

    assert poll() == VideoReady(None, "abc1", usage)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (ended("queued"), Rendering()),
        (ended(steps=made(data=base64.b64encode(b"film").decode())), VideoReady(b"film")),
        (ended(steps=made(uri="files/abc1")), VideoReady(None, "abc1")),
        (ended("failed", steps=made(uri="files/abc1")), VideoReady(None, "abc1")),
        (
            ended(steps=made(uri="https://elsewhere.example/v9/files/xyz987:download?alt=media")),
            VideoReady(None, "xyz987"),
        ),
        (ended(steps=made(uri="https://elsewhere.example/files/abc1")), UNREACHABLE),
        (ended(steps=made(uri="http://127.0.0.1/v1/files/abc1")), UNREACHABLE),
        (ended(steps=made(uri="files/Abc1")), UNREACHABLE),
        (ended(steps=made(uri="files/abC1")), UNREACHABLE),
        (ended(steps=made(uri="files/ab-c1")), UNREACHABLE),
        (ended(steps=made(uri="", data="")), RenderFailed(None, "completed")),
        (ended(steps=made(uri="gs://bucket/abc1")), UNREACHABLE),
        (
            ended(steps=made(data="not base64!"), usage=USAGE),
            BilledWithoutVideo(46_336, "the video came in a form that cannot be had"),
        ),
        (ended(steps=[]), RenderFailed(None, "completed")),
        (ended(steps=[{"type": "model_output"}]), RenderFailed(None, "completed")),
        (
            ended(steps=[{"type": "model_output", "content": []}]),
            RenderFailed(None, "completed"),
        ),
        (
            ended(
                steps=[{"type": "model_output", "content": [{"type": "text", "text": "Sorry."}]}]
            ),
            RenderFailed(None, "completed"),
        ),
        (ended(""), PollFailed("the render is without a state", alarming=True)),
        (ended(None), PollFailed("the render is without a state", alarming=True)),
        (ended("failed"), RenderFailed(None, "failed")),
        (ended("failed", errors=[{"code": 13}]), RenderFailed(None, "failed 13")),
        (ended("failed", errors=[{"message": "no"}]), RenderFailed(None, "failed no")),
        (ended("failed", errors=[{}], steps=[]), RenderFailed(None, "failed")),
        (
            ended(
                "failed", steps=[{"type": "model_output", "error": {"message": "unsafe: safety"}}]
            ),
            Filtered(("unsafe: safety",)),
        ),
        (
            ended("failed", errors=[{"code": "x", "message": "Violates the guidelines"}]),
            Filtered(("x Violates the guidelines",)),
        ),
        (
            ended("failed", errors=[{"code": "safety", "message": "blocked"}], usage=USAGE),
            BilledWithoutVideo(46_336, "safety blocked"),
        ),
    ],
)
def test_an_answer_is_read(poll, raw, body, outcome):
    raw(raw_server.answer(json.dumps(body).encode(), headers=raw_server.JSON))

    assert poll() == outcome
