"""A paid step that is claimed, and whose call can't begin: nothing was sent, so it waits."""

from datetime import timedelta
from types import ModuleType

import pytest
from django.core.files.storage import FileSystemStorage

from accounts.models import User
from generation.models import State
from generation.pipeline import analyse, submit
from metering.models import UsageEvent
from shortsproject.local.gemini import StandIn
from tests.generation import calling_off, driving

pytestmark = pytest.mark.django_db(transaction=True)


def _away(*args: object, **kwargs: object) -> None:
    raise OSError(5, "Input/output error")


def test_while_the_storage_is_away_nothing_is_sent_and_the_short_goes_on_when_it_is_back(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = driving.begin(alice)
    with monkeypatch.context() as storage:
        storage.setattr(FileSystemStorage, "_open", _away)
        waiting = driving.step(short).state, stand_in.counts()["calls"]["analyse"]

    driving.hurry(short)

    assert waiting == (State.QUEUED, 0)
    assert (short.state, UsageEvent.objects.count()) == (State.RENDERING, 1)


def test_a_submit_whose_picture_is_not_handed_over_is_not_unknown(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = calling_off.analysed(alice)
    monkeypatch.setattr(FileSystemStorage, "_open", _away)

    driving.hurry(short)

    assert short.state == State.ANALYZED
    assert short.end_detail == "no picture: OSError: [Errno 5] Input/output error"
    assert stand_in.counts()["calls"]["submit"] == 0


def test_a_short_whose_picture_never_comes_ends_with_its_tokens_given_back(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileSystemStorage, "_open", _away)

    short = driving.until(driving.begin(alice), State.FAILED)

    assert short.end_code == "provider_unreachable"
    assert calling_off.legs(short) == ["released", "released"]


@pytest.mark.parametrize(
    ("step", "kind", "state"),
    [(analyse, "analyse", State.QUEUED), (submit, "submit", State.ANALYZED)],
)
def test_a_call_is_not_begun_with_less_of_the_lease_left_than_it_may_take(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, step: ModuleType, kind: str,
    state: str,
) -> None:  # fmt: skip
    with monkeypatch.context() as slow:
        slow.setattr(step, "LEASE", timedelta(seconds=step.DEADLINE_SECONDS - 1))
        short = driving.step(driving.begin(alice))
        waiting = short.state, stand_in.counts()["calls"][kind]

    driving.hurry(short)

    assert waiting == (state, 0)
    assert short.state == State.RENDERING
