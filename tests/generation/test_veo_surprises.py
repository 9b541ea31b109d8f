"""Field cases FC-09 to FC-13: one submit, polls that fail, odd ends, keys on the way, silence."""

import importlib.util
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation import unsettled
from generation.models import Short, State
from generation.pipeline import analyse, finish, poll, submit
from metering import queries, receipts
from metering.models import LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.generation.providers import raw_server
from tests.generation.providers.raw_server import RawServer

KEY = "AIzaSy-a-very-secret-key-0123456789"
VEO, OMNI = "veo-3.1-fast-generate-001", "gemini-omni-1.1-flash"
GOOD = {"bytesBase64Encoded": "{video}", "mimeType": "video/mp4"}


@pytest.fixture(params=[VEO, OMNI])
def model(request: pytest.FixtureRequest) -> str:
    """A model of each route in turn."""
    return str(request.param)


@pytest.fixture
def rendering(alice: User, stand_in: StandIn) -> Short:
    """A short of 8 seconds whose render was accepted."""
    return driving.step(driving.begin(alice, seconds=8))


def video_leg(short: Short) -> Any:
    return receipts.receipt(job_id=short.pk).legs[1]


def done(response: object = None, **more: Any) -> dict[str, Any]:
    """An operation that is done, as the stand-in is told to answer."""
    body = {"name": "{operation_name}", "done": True, **more}
    return body if response is None else body | {"response": response}


def asked_often(short: Short, *, times: int) -> tuple[set[str], list[timedelta]]:
    """The states that the short was in, and how long it was left alone after each question."""
    states, waits = set(), []
    for _ in range(times):
        driving.hurry(short)
        states.add(short.state)
        waits.append(short.next_attempt_at - timezone.now())
    return states, waits


@pytest.mark.parametrize(
    "order",
    [{"cut": "after"}, {"cut": "reset"}, {"cut": "garbage"}, {"delay_s": 1.5}, {"cut_at": 5}],
    ids=["closed", "reset", "garbage", "too late", "cut"],
)
def test_fc_09_one_order_is_one_submit_whatever_becomes_of_its_answer(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, model: str,
    order: dict[str, Any],
) -> None:  # fmt: skip
    monkeypatch.setattr(submit, "DEADLINE_SECONDS", 1.0)
    stand_in.next("submit", **order)
    short = driving.step(driving.begin(alice, model=model, seconds=8))

    driving.hurry(driving.hurry(short))

    balance = queries.balance(user=alice, at=timezone.now())
    assert short.state == State.SUBMIT_UNKNOWN
    assert stand_in.counts()["calls"]["submit"] == stand_in.counts()["accepted_submits"] == 1
    assert (balance.held_tokens, balance.in_flight) == (1000, 0)
    assert unsettled.counts(at=timezone.now())["unknown"] == 1


def test_fc_09_the_library_that_repeats_by_itself_is_not_installed() -> None:
    assert importlib.util.find_spec("aiohttp") is None


def test_fc_10_a_question_that_fails_is_no_failed_render(
    alice: User, stand_in: StandIn, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    rendering = driving.step(driving.begin(alice, model=model, seconds=8))
    stand_in.next("poll", status=503)
    stand_in.next("poll", cut="before")
    stand_in.next("poll", body="")
    stand_in.next("poll", n=20, status=401)
    stand_in.next("poll", n=3, status=404)

    states, waits = asked_often(rendering, times=26)
    held = queries.balance(user=alice, at=timezone.now()).held_tokens
    driving.until(rendering, State.SUCCEEDED)

    assert (states, held) == ({State.RENDERING}, 1000)
    assert max(waits) > 10 * min(waits)
    assert "polls are refused" in caplog.text
    assert video_leg(rendering).charged_tokens == 1000
    assert LedgerEntry.objects.filter(job_id=rendering.pk, kind="charge").count() == 2


@pytest.mark.parametrize(
    ("body", "state", "charged", "returned"),
    [
        (done(), State.FAILED, 0, 1000),
        (done({"videos": []}), State.FAILED, 0, 1000),
        (done({"videos": [{}]}), State.FAILED, 0, 1000),
        (done({"videos": [{"mimeType": "video/mp4"}]}), State.FAILED, 0, 1000),
        (done({"generateVideoResponse": {"generatedSamples": [{"video": {}}]}}), State.FAILED, 0,
         1000),
        (done({"videos": [GOOD]}, error={"code": 13, "message": "x"}), State.SUCCEEDED, 1000, 0),
        (done({"raiMediaFilteredCount": 1, "videos": [GOOD]}), State.SUCCEEDED, 1000, 0),
        (done({"raiMediaFilteredCount": 1}), State.FILTERED, 0, 1000),
        (done(error={"code": 8, "message": "exhausted"}), State.FAILED, 0, 1000),
        (done(error={"code": 14, "message": "unavailable"}), State.FAILED, 0, 1000),
        ({"name": "publishers/google/models/veo-3.1-fast-generate-001/operations/of-another",
          "done": True, "response": {"videos": [GOOD]}}, State.RENDERING, 0, 0),
    ],
    ids=["a", "b", "c", "d", "other wire", "e", "f", "filtered", "g", "unavailable", "h"],
)  # fmt: skip
def test_fc_11_every_odd_end_is_closed_by_its_rule(
    rendering: Short, stand_in: StandIn, body: Any, state: str, charged: int, returned: int
) -> None:
    stand_in.next("poll", body=body)

    driving.hurry(rendering)

    leg = video_leg(rendering)
    assert rendering.state == state
    assert (leg.charged_tokens, leg.returned_tokens) == (charged, returned)
    assert LedgerEntry.objects.filter(job_id=rendering.pk, kind="charge").count() == 1 + bool(
        charged
    )
    asked = stand_in.counts()["calls"]["poll"]
    driving.hurry(rendering)
    assert stand_in.counts()["calls"]["poll"] == asked + (state == State.RENDERING)


def everything_stored() -> str:
    """Every row of every table, as text."""
    rows = [list(model._base_manager.values()) for model in apps.get_models()]
    return json.dumps(rows, default=str)


def everything_shown(short: Short, script: APIClient, browser: Client) -> str:
    """What the owner of a short can get to see of it."""
    browser.force_login(short.user)
    addresses = [f"/api/shorts/{short.pk}", "/api/shorts", "/api/usage/entries"]
    pages = [f"/shorts/{short.pk}", "/", "/usage"]
    answers = [script.get(one) for one in addresses] + [browser.get(one) for one in pages]
    return "".join(answer.content.decode() for answer in answers)


def test_fc_12_no_key_and_no_provider_address_is_kept_or_shown(
    alice: User, stand_in: StandIn, settings: Any, api: Callable[[User], APIClient],
    client: Client, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    settings.GEMINI_API_KEY = KEY
    leaky = f"see https://provider.example/v1/files/x?key={KEY} with {KEY}"
    error = {"error": {"code": 503, "status": "UNAVAILABLE", "message": leaky}}
    stand_in.next("poll", status=503, body=error)
    stand_in.next("poll", body=done(error={"code": 13, "message": leaky}))
    short = driving.step(driving.begin(alice))
    driving.hurry(driving.hurry(short))

    shown = everything_shown(short, api(alice), client)
    kept = everything_stored() + caplog.text + "".join(str(one.message()) for one in mail.outbox)
    assert short.state == State.FAILED
    assert stand_in.requests[-1].headers["x-goog-api-key"] == KEY
    assert KEY not in kept + shown
    assert "provider.example" not in kept + shown
    assert "key=" not in kept


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    """Another host, which answers whatever it is asked and keeps what it was sent."""
    with RawServer(raw_server.answer(b"film")) as server:
        yield server


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (VEO, "analyse"),
        (VEO, "submit"),
        (VEO, "poll"),
        (OMNI, "analyse"),
        (OMNI, "submit"),
        (OMNI, "poll"),
        (OMNI, "download"),
    ],
)
def test_fc_12_a_redirect_is_followed_nowhere_and_the_key_stays(
    alice: User, stand_in: StandIn, elsewhere: RawServer, model: str, kind: str, status: int
) -> None:
    stand_in.next(kind, status=status, headers={"Location": f"{elsewhere.url}/x"}, body={})
    short = driving.step(driving.begin(alice, model=model))

    driving.until(short, State.SUBMIT_UNKNOWN, State.SUCCEEDED)

    assert elsewhere.heads == []
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest/meta-data", "https://provider.example/x", "/x", ""]
)
def test_fc_12_an_internal_or_foreign_address_is_refused_and_reported(
    alice: User, stand_in: StandIn, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.next("download", status=302, headers={"Location": address}, body={})
    short = driving.step(driving.begin(alice, model=OMNI))

    driving.until(short, State.RENDERED)

    assert "a video could not be stored" in caplog.text
    assert "169.254" not in caplog.text + short.end_detail
    driving.until(short, State.SUCCEEDED)


def test_fc_12_a_video_at_a_foreign_address_is_asked_for_at_the_provider_alone(
    alice: User, stand_in: StandIn, elsewhere: RawServer
) -> None:
    video = {"type": "video", "uri": f"{elsewhere.url.replace('http', 'https')}/v1/files/abc1"}
    steps = [{"type": "model_output", "content": [video]}]
    body = {"id": "{operation_name}", "status": "completed", "steps": steps}
    stand_in.next("poll", body=body)
    short = driving.step(driving.begin(alice, model=OMNI))

    driving.until(short, State.RENDERED)

    assert elsewhere.heads == []
    assert stand_in.requests[-1].path == "/v1/files/abc1:download"


@pytest.mark.parametrize("step", [analyse, submit, poll, finish])
def test_fc_13_every_call_ends_before_its_claim_does(step: Any) -> None:
    assert timedelta(seconds=step.DEADLINE_SECONDS + 10) <= step.LEASE


@pytest.mark.parametrize(
    ("kind", "step", "state"),
    [
        ("analyse", analyse, State.RENDERING),
        ("submit", submit, State.SUBMIT_UNKNOWN),
        ("poll", poll, State.RENDERING),
    ],
)
def test_fc_13_a_call_that_is_never_answered_ends_by_its_own_limit(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, kind: str, step: Any,
    state: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(step, "DEADLINE_SECONDS", 1.0)
    stand_in.next(kind, hold=True)
    begun = timezone.now()

    short = driving.hurry(driving.step(driving.begin(alice)))

    stand_in.release(kind)
    assert timezone.now() - begun < timedelta(seconds=15)
    assert short.state == state
    assert short.lease_until is None
    assert stand_in.counts()["accepted_submits"] <= 1


def test_fc_13_a_download_that_is_never_answered_ends_by_its_own_limit(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "DEADLINE_SECONDS", 1.0)
    stand_in.next("download", hold=True)
    stand_in.next("download", hold_at=1000)
    short = driving.step(driving.begin(alice, model=OMNI))

    silent = driving.until(short, State.RENDERED).lease_until
    broken_off = driving.hurry(short).state

    assert (silent, broken_off, short.video) == (None, State.RENDERED, "")
    stand_in.release("download")
    assert driving.until(short, State.SUCCEEDED).video
    assert stand_in.counts()["calls"]["download"] == 3
