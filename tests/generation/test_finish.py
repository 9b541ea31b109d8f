"""A video that was made and charged gets to its owner."""

from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone

from accounts.models import User
from generation import files, mp4
from generation.models import Short, State
from generation.pipeline import finish
from metering import receipts
from shortsproject.local.gemini import StandIn
from tests.generation import driving


def disk_full(*args: Any, **kwargs: Any) -> str:
    raise OSError(28, "No space left on device")


@pytest.fixture
def rendered(alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Short:
    """A short that was rendered and charged while the disk was full."""
    short = driving.step(driving.begin(alice))
    with monkeypatch.context() as full:
        full.setattr(FileSystemStorage, "_save", disk_full)
        return driving.until(short, State.RENDERED)


def test_a_full_disk_costs_time_and_not_the_video(rendered: Short) -> None:
    driving.until(rendered, State.SUCCEEDED)

    assert rendered.video_bytes == default_storage.size(rendered.video)
    assert receipts.receipt(job_id=rendered.pk).legs[1].state == "captured"


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
