"""A video that was made and charged gets to its owner."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connections
from django.utils import timezone

from accounts.models import User
from generation import files, mp4
from generation.models import Short, State
from generation.pipeline import finish
from metering import receipts
from shortsproject.local.gemini import StandIn
from tests.generation import driving

VEO, OMNI = "veo-3.1-fast-generate-001", "gemini-omni-1.1-flash"


def disk_full(*args: Any, **kwargs: Any) -> str:
    raise OSError(28, "No space left on device")


class Writers:
    """Stores as ever, slowly, and counts the most that do so at one time."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._save = FileSystemStorage._save
        self._lock = threading.Lock()

    def save(self, name: str, content: Any) -> str:
        self._count(1)
        time.sleep(0.5)
        self._count(-1)
        return str(self._save(default_storage, name, content))

    def _count(self, more: int) -> None:
        with self._lock:
            self._now += more
            self.most = max(self.most, self._now)


def unstored(user: User, monkeypatch: pytest.MonkeyPatch, **order: Any) -> Short:
    """A short that was rendered and charged while the disk was full."""
    short = driving.step(driving.begin(user, **order))
    with monkeypatch.context() as full:
        full.setattr(FileSystemStorage, "_save", disk_full)
        return driving.until(short, State.RENDERED)


def hurry(short: Short) -> str:
    """Take its next step in a thread. Returns the state that it comes to."""
    try:
        return driving.hurry(short).state
    finally:
        connections.close_all()


@pytest.fixture
def rendered(alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Short:
    return unstored(alice, monkeypatch)


def test_a_full_disk_costs_time_and_not_the_video(rendered: Short) -> None:
    driving.until(rendered, State.SUCCEEDED)

    assert rendered.video_bytes == default_storage.size(rendered.video)
    assert receipts.receipt(job_id=rendered.pk).legs[1].state == "captured"


def test_what_a_full_disk_has_cut_short_is_removed(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = FileSystemStorage._save

    def cut_short(storage: FileSystemStorage, name: str, content: Any) -> str:
        save(storage, name, ContentFile(content.read(100)))
        return disk_full()

    short = driving.step(driving.begin(alice))
    monkeypatch.setattr(FileSystemStorage, "_save", cut_short)

    driving.until(short, State.RENDERED)

    assert str(short.pk) not in repr(default_storage.listdir("videos"))


def test_a_video_is_charged_before_it_is_stored(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = FileSystemStorage._save
    legs: list[str] = []

    def look(storage: FileSystemStorage, *file: Any) -> str:
        legs.append(receipts.receipt(job_id=short.pk).legs[1].state)
        return str(save(storage, *file))

    short = driving.step(driving.begin(alice))
    monkeypatch.setattr(FileSystemStorage, "_save", look)

    driving.until(short, State.SUCCEEDED)

    assert legs == ["captured"]


class Killed(BaseException):
    """What ends a worker in the middle of its work."""


@pytest.mark.parametrize(("tries", "minutes"), [(0, 3), (1, 6), (2, 9), (3, 10), (100, 10)])
def test_a_file_that_kills_its_workers_is_left_alone_for_longer_each_time(
    rendered: Short, monkeypatch: pytest.MonkeyPatch, tries: int, minutes: int
) -> None:
    def die(*file: object) -> str:
        raise Killed

    monkeypatch.setattr(FileSystemStorage, "_save", die)
    Short.objects.filter(pk=rendered.pk).update(tries=tries)

    with pytest.raises(Killed):
        driving.hurry(rendered)

    rendered.refresh_from_db()
    wait = rendered.next_attempt_at - timezone.now()
    assert timedelta(minutes=minutes - 1) < wait <= timedelta(minutes=minutes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("model", "most"), [(VEO, 1), (OMNI, 2)])
def test_videos_that_came_whole_into_memory_are_written_one_at_a_time(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, model: str, most: int
) -> None:
    shorts = [unstored(alice, monkeypatch, model=model) for _ in range(2)]
    writers = Writers()
    monkeypatch.setattr(FileSystemStorage, "_save", lambda _storage, *file: writers.save(*file))

    with ThreadPoolExecutor(2) as pool:
        states = set(pool.map(hurry, shorts))

    assert (states, writers.most) == ({State.SUCCEEDED}, most)


def test_the_stored_file_is_a_whole_mp4(alice: User, stand_in: StandIn) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)

    with files.open_file(short.video) as video:
        assert mp4.check(video) == short.video_bytes


def test_a_video_whose_time_is_over_is_lost_and_stays_charged(
    rendered: Short, stand_in: StandIn
) -> None:
    Short.objects.filter(pk=rendered.pk).update(rendered_at=timezone.now() - finish.RESULT_LIFE * 2)
    stand_in.next("poll", status=404)

    driving.hurry(rendered)

    assert (rendered.state, rendered.end_code) == (State.LOST, "lost")
    assert receipts.receipt(job_id=rendered.pk).legs[1].state == "captured"
