"""Shorts that can't go on by themselves, brought there by the stand-in's misbehaviour."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import finish, poll
from shortsproject.local.gemini import StandIn
from tests.generation import driving

FAST = "veo-3.1-fast-generate-001"


def unknown(user: User, stand_in: StandIn) -> Short:
    """A submit that the provider took, and whose answer was lost."""
    stand_in.next("submit", cut="after")
    short = driving.step(driving.begin(user, seconds=8))
    assert short.state == State.SUBMIT_UNKNOWN
    return short


def name_of(stand_in: StandIn) -> str:
    """The name that the provider gave to the newest render."""
    return list(stand_in._renders._operations)[-1]


def no_such_name() -> str:
    return f"projects/p/locations/l/publishers/google/models/{FAST}/operations/{uuid4()}"


def over(user: User, stand_in: StandIn) -> Short:
    """A render that gave no result as long as the provider keeps one."""
    short = driving.step(driving.begin(user, seconds=8))
    long_ago = timezone.now() - poll.RESULT_LIFE - timedelta(seconds=1)
    Short.objects.filter(pk=short.pk).update(submitted_at=long_ago)
    stand_in.next("poll", status=503)
    short = driving.hurry(short)
    assert (short.state, short.next_attempt_at) == (State.RENDERING, None)
    return short


def unfetched(user: User, monkeypatch: pytest.MonkeyPatch) -> Short:
    """A video that was made and charged, and could not be stored for two hours."""
    short = driving.step(driving.begin(user, seconds=8))
    with monkeypatch.context() as full:
        full.setattr(FileSystemStorage, "_save", _disk_full)
        short = driving.until(short, State.RENDERED)
    Short.objects.filter(pk=short.pk).update(rendered_at=timezone.now() - timedelta(hours=2))
    short.refresh_from_db()
    return short


def lost(user: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Short:
    """A video that was made and charged, and is gone."""
    short = unfetched(user, monkeypatch)
    Short.objects.filter(pk=short.pk).update(rendered_at=timezone.now() - finish.RESULT_LIFE * 2)
    stand_in.next("poll", status=404)
    short = driving.hurry(short)
    assert short.state == State.LOST
    return short


def _disk_full(*args: object, **kwargs: object) -> str:
    raise OSError(28, "No space left on device")
