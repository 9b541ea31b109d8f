"""Machines that share nothing but database, broker and object storage."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone

from accounts.models import ApiKey, User
from generation.models import State
from generation.pipeline import finish, orphans
from shortsproject.local.gemini import StandIn
from tests import buckets
from tests.buckets import Bucket
from tests.generation import driving
from tests.journeys.test_killed_worker import assert_paid_once
from tests.processes import Stack, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What ends a worker in the middle of its work."""


class Owner:
    """A program of a short's owner, somewhere else."""

    def __init__(self, *, site: str, user: User) -> None:
        self._site = site
        self._session = requests.Session()
        key = ApiKey.objects.create(user=user, name="test")[1]
        self._session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, path: str, method: str = "GET", **request: Any) -> requests.Response:
        return self._session.request(method, self._site + path, timeout=30, **request)


@pytest.fixture
def owner(stack: Stack, bucket: Bucket, alice: User) -> Owner:
    """Alice's program, and web, worker and beat that keep files in the bucket."""
    stack.environment["STORAGE_URL"] = bucket.url
    stack.worker()
    stack.beat()
    return Owner(site=stack.web(), user=alice)


def die(**given: object) -> None:
    raise Killed


def test_a_video_is_made_played_and_deleted_without_a_disk_of_ours(
    owner: Owner, stack: Stack, bucket: Bucket, photo: bytes, tmp_path: Path
) -> None:
    made = owner.ask("/api/shorts/generate", "POST", files={"image": photo}).json()
    here = f"/api/shorts/{made['id']}"
    wait_for(lambda: owner.ask(here).json()["video_url"], what="the video", most_seconds=60)
    kept = bucket.stored()

    whole = owner.ask(f"{here}/video")
    head = owner.ask(f"{here}/video", "HEAD")
    part = owner.ask(f"{here}/video", headers={"Range": "bytes=4-7"})
    old = owner.ask(f"{here}/video", headers={"Range": "bytes=4-7", "If-Range": '"old"'})
    deleted = owner.ask(here, "DELETE")

    assert [key.split("/")[1] for key in kept] == ["pictures", "videos"]
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(whole.content)}"
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(whole.content)))
    assert (head.headers["ETag"], old.content) == (whole.headers["ETag"], whole.content)
    assert (deleted.status_code, bucket.stored()) == (204, [])
    assert not (tmp_path / "media").exists()
    assert buckets.SECRET not in stack.log()


def test_a_storage_that_is_away_for_a_while_costs_time_and_not_the_video(
    alice: User, bucket: Bucket, stand_in: StandIn, settings: Any
) -> None:
    short = driving.step(driving.begin(alice))
    settings.STORAGES = buckets.storages(settings, buckets.nowhere())
    driving.until(short, State.RENDERED)
    waiting = short.end_detail

    settings.STORAGES = buckets.storages(settings, bucket.url)
    driving.until(short, State.SUCCEEDED)

    assert "Could not connect" in waiting
    assert f"tests/{short.video}" in bucket.stored()
    assert_paid_once(short, stand_in)


def test_what_a_worker_left_that_died_before_it_wrote_the_row_is_removed_in_time(
    alice: User, bucket: Bucket, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = driving.step(driving.begin(alice))
    with monkeypatch.context() as worker:
        worker.setattr(finish, "_succeed", die)
        with pytest.raises(Killed):
            driving.until(short, State.SUCCEEDED)
    left = bucket.stored()
    driving.expire_lease(short)
    driving.until(short, State.SUCCEEDED)

    removed = orphans.remove(at=timezone.now() + timedelta(hours=25))

    kept = [f"tests/{short.picture}", f"tests/{short.video}"]
    assert removed == 1
    assert bucket.stored() == kept
    assert len(set(left) - set(kept)) == 1
